"""An entity's past: its state after every entry that is kept, and why a decision came out as it did.

The same events give the same state, and the same state, command, time and chance the same decision. So nothing in here
was recorded: it is done again. Where a snapshot is all that is left of the beginning, the past begins with it.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, Literal, NamedTuple, TypeVar

import msgspec

from core.entities import Chance, Decision, EntityKind
from core.entity_codec import Codec, to_json
from core.errors import BadInput, BotError, JournalUnreadable
from core.flat_paths import Change, changes, plain
from core.journal import Entry, Snapshot
from core.moments import utc_text
from core.streams import chance_of, check_history, stream_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

# What `decide` and `evolve` raise where a stream is not of their making: nothing that they were meant to raise.
_UNFIT = (ArithmeticError, AttributeError, LookupError, TypeError, ValueError)


class Moment(NamedTuple):
    """After entry `seq` (0: before the first one), at the time `at` (unix s)."""

    seq: int
    at: float


@dataclass(frozen=True, slots=True)
class Why(Generic[S]):
    """How an entry came about. `before` is the state that it was decided on, None where that is not kept.

    `verdict`: this release decides the same again, differently, or that cannot be told; `because` says so in a
    sentence, and `differences` lists what the decision was and what it is now.
    """

    before: S | None
    verdict: Literal["same", "different", "unknown"]
    because: str
    differences: tuple[Change, ...] = ()


@dataclass(frozen=True, slots=True)
class Altered:
    """A snapshot that is not what its stream's entries give, and in what."""

    seq: int
    differences: tuple[Change, ...]


class Past(Generic[S, C, E]):
    """What is kept of one stream, as `Journal.history` returns it.

    `first` and `last` are the entries after which the oldest and the newest state is known; 0: before any entry.
    Raises JournalUnreadable where the stream has a gap, was written by a newer release, or does not fit its kind.
    """

    def __init__(
        self, kind: EntityKind[S, C, E], key: str, snapshots: Sequence[Snapshot], entries: Sequence[Entry]
    ) -> None:
        check_history(snapshots, entries)
        self.kind, self.key = kind, key
        self.stream = stream_of(kind.name, key)
        self.entries = tuple(entries)
        self._codec = Codec(kind)
        self.snapshots = tuple(snapshots)
        whole = not snapshots or (bool(entries) and entries[0].seq == 1)
        self._base = None if whole else snapshots[0]
        self.first = self._base.seq if self._base else 0
        self.last = max(self.first, entries[-1].seq if entries else 0)

    # ------------------------------------------------------------ when
    def moment(self, when: int | float | None, now: float) -> Moment:
        """The moment that is meant: after an entry (an int), at a time (a float, unix s), or `now` (None).

        Of a moment that an entry's number names, the time is that entry's. Raises BadInput where it is in the future,
        or before what is kept.
        """
        latest = max(now, self.entries[-1].at if self.entries else now)
        if when is None:
            return Moment(self.last, latest)
        if isinstance(when, int):
            return Moment(self._checked(when), self._time_of(when, now))
        if not when <= latest:
            raise BadInput(
                f"{utc_text(when)} is in the future.", f"It is {utc_text(now)}; leave the moment out for now."
            )
        if self._base and when < self._base.at:
            raise self._too_old(f"{self.stream} at {utc_text(when)}")
        after = bisect_right(self.entries, when, key=lambda entry: entry.at)
        return Moment(max(self.first, self.entries[after - 1].seq if after else 0), when)

    def _checked(self, seq: int) -> int:
        if seq > self.last:
            there = f"its last one is {self.last}" if self.last else "it has none"
            raise BadInput(f"{self.stream} has no entry {seq} yet: {there}.", "Name one that is there, or a time.")
        if seq < self.first:
            raise self._too_old(f"{self.stream} at entry {seq}")
        return seq

    def _time_of(self, seq: int, now: float) -> float:
        entry = self.entry(max(seq, 1))
        return entry.at if entry else self._base.at if self._base else now

    def _too_old(self, what: str) -> BadInput:
        assert self._base is not None
        since = f"What is kept begins at {utc_text(self._base.at)}, after entry {self._base.seq}"
        return BadInput(f"{what} cannot be told any more.", f"{since}: name a moment from then on.")

    # ------------------------------------------------------------ what
    def entry(self, seq: int) -> Entry | None:
        """The entry of this number; None where it is not kept."""
        index = seq - self.entries[0].seq if self.entries else -1
        return self.entries[index] if 0 <= index < len(self.entries) else None

    def state(self, seq: int) -> S:
        """The state after entry `seq`, which is at least `first` and at most `last`."""
        base = next((kept for kept in reversed(self.snapshots) if kept.seq <= seq), None)
        state = self._codec.state(base) if base else self.kind.initial(self.key)
        for number in range(base.seq + 1 if base else 1, seq + 1):
            state = self._evolved(state, number)
        return state

    def _evolved(self, state: S, seq: int) -> S:
        entry = self.entry(seq)
        assert entry is not None  # check_history
        try:
            return self.kind.replay(state, self._codec.events(entry))
        except _UNFIT as error:
            problem = f"{self.stream}: the events of entry {seq} do not fit the state before them ({error!r})."
            raise JournalUnreadable(problem, "Run the release that wrote them, or restore the journal.") from error

    def altered(self) -> Iterator[Altered]:
        """The snapshots that differ, in any bit of their JSON, from what all entries before them give."""
        state = self._codec.state(self._base) if self._base else self.kind.initial(self.key)
        kept = {snapshot.seq: snapshot for snapshot in self.snapshots}
        for seq in range(self.first + 1, self.last + 1):
            state = self._evolved(state, seq)
            snapshot, entry = kept.get(seq), self.entry(seq)
            if snapshot and entry:
                then = self._codec.state(snapshot)
                if (to_json(then), snapshot.at) != (to_json(state), entry.at):
                    one, other = {"at": entry.at, "state": plain(state)}, {"at": snapshot.at, "state": plain(then)}
                    yield Altered(seq, tuple(changes(one, other)))

    # ------------------------------------------------------------ why
    def why(self, seq: int) -> Why[S]:
        """Decide the command of entry `seq` again, on the state, at the time and with the chance that it was."""
        entry = self.entry(seq)
        if entry is None:
            return Why(None, "unknown", f"Entry {seq} itself is not kept any more, only the state after it.")
        if seq <= self.first:
            return Why(None, "unknown", f"The state before entry {seq} is not kept any more.")
        before = self.state(seq - 1)
        if not entry.command:
            because = f"{self.kind.name} keeps no commands in the journal, so that what they held can be deleted."
            return Why(before, "unknown", because)
        then = _outcome(entry, to_json(self._codec.events(entry)), entry.reply)
        try:
            command = self.command(entry.command)
        except BadInput as error:
            return Why(before, "unknown", f"This release cannot read the command: {error}")
        try:
            decision = self.kind.decide(before, command, entry.at, chance_of(entry))
            again = _outcome(entry, to_json(decision.events), to_json(decision.reply))
        except (BotError, *_UNFIT) as error:
            told = str(error) if isinstance(error, BotError) else repr(error)
            return Why(before, "different", f"This release refuses the command: {told}")
        if differences := tuple(changes(then, again)):
            return Why(before, "different", "This release decides it differently.", differences)
        return Why(before, "same", "Decided again, it comes to the same events and the same reply.")

    def command(self, text: str) -> C:
        """A command of the kind from JSON. Raises BadInput where it has none such."""
        try:
            return self._codec.command(text)
        except RecursionError as error:
            raise BadInput(
                f"{self.kind.name} has no such command: it is nested too deeply.", "See those that the history shows."
            ) from error

    def ask(self, moment: Moment, command: C) -> Decision[E]:
        """What `command` would come to if it were the next one after `moment`. Nothing is changed.

        Raises BadInput where the kind refuses it as one that makes no sense.
        """
        state = self.state(moment.seq)
        try:
            return self.kind.decide(state, command, moment.at, Chance(self.stream, moment.seq + 1))
        except _UNFIT as error:
            raise BadInput(
                f"{self.kind.name} cannot decide this ({error!r}).", "Check the command's values."
            ) from error


def _outcome(entry: Entry, events: str, reply: str) -> Mapping[str, Any]:
    """Events and reply of `entry`, of JSON, as they are compared: the events in their order."""
    try:
        return {"events": dict(enumerate(msgspec.json.decode(events))), "reply": msgspec.json.decode(reply)}
    except (msgspec.DecodeError, UnicodeError) as error:
        problem = f"{entry.stream}: what entry {entry.seq} replied cannot be read ({error})."
        raise JournalUnreadable(problem, "Restore the journal from a backup.") from error
