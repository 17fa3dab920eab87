"""One entity in memory: its state, what it remembers of recent commands, and the batch that its last change is in.

Nothing in here waits: between reading a state and changing it nothing else can happen.
"""

from typing import Any, Generic, TypeVar

from actors.runtime_commits import Batch
from actors.runtime_remembered import NOTHING, Remembered, forget, found, remember, without
from core.entities import Chance, Decision, EntityKind
from core.entity_codec import Codec, to_json, to_json_each
from core.errors import BadInput, Unavailable
from core.journal import Entry, Loaded, Snapshot, Write
from core.streams import check_contiguous, stream_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

# How long, and how many, commands are remembered: a repeat within this gets the first reply, an older one is refused.
REMEMBER_S = 600.0
MAX_REMEMBERED = 262_144
# Beyond that the oldest are forgotten so many at once, which costs the same for each.
_FORGOTTEN_AT_ONCE = MAX_REMEMBERED // 8
# How far clocks may differ: of two machines, or of one machine before and after it was set right.
CLOCK_SKEW_S = 2.0
FUTURE_S = 60.0
SNAPSHOT_EVERY = 256

# What a change alters of an entity: its state, the number and time of its last entry, the entries since a snapshot.
Mark = tuple[Any, int, float, int]


class CommandId:
    """Who asked for a change, once: a repeat has the same `command_id`.

    `issued_at` is the asker's clock, unix seconds.
    """

    __slots__ = ("command_id", "issued_at")

    def __init__(self, command_id: str, issued_at: float) -> None:
        self.command_id, self.issued_at = command_id, issued_at


class Live(Generic[S, C, E]):
    """An entity that was loaded. `batch` is the last one that holds a change of it, None once that is on disk."""

    __slots__ = ("_forgotten_at", "_remembered", "_since_snapshot", "at", "batch", "key", "seq", "state", "used_s")

    def __init__(self, key: str, state: S) -> None:
        self.key, self.state = key, state
        self.seq = 0
        self.at = 0.0
        self.used_s = 0.0
        self.batch: Batch | None = None
        self._since_snapshot = 0
        self._forgotten_at = 0.0
        self._remembered: Remembered = NOTHING

    @classmethod
    def load(
        cls, key: str, kind: EntityKind[S, C, E], codec: Codec[S, C, E], loaded: Loaded, since: float
    ) -> "Live[S, C, E]":
        """Rebuild the entity from what was kept since `since` at least.

        Raises JournalUnreadable where its stream has a gap or a form that is not ours.
        """
        check_contiguous(loaded)
        snapshot = loaded.snapshot
        live = cls(key, codec.state(snapshot) if snapshot else kind.initial(key))
        # Should the clock be set back: what was done before is not remembered, and must not be done again.
        live._forgotten_at = since
        if snapshot:
            live.seq, live.at = snapshot.seq, snapshot.at
        for entry in loaded.entries:
            if entry.seq > live.seq:
                live.state = kind.replay(live.state, codec.events(entry))
                live.seq, live.at = entry.seq, entry.at
                live._since_snapshot += 1
            live._remember(entry.command_id, entry.at, entry.reply)
        return live

    def known(self, asked: CommandId, codec: Codec[S, C, E], now: float) -> tuple[Any] | None:
        """The first reply to this command, in a tuple; None where it is new.

        Raises BadInput where that is not known.
        """
        first = found(self._remembered, asked.command_id)
        if first is not None and first[0] >= now - REMEMBER_S - FUTURE_S:
            return (codec.reply_in(first[1], self.key),)
        if asked.issued_at > now + FUTURE_S:
            problem = f"The command for {self.key} was issued {asked.issued_at - now:,.0f} s in the future."
            raise BadInput(problem, "Set the clock of the machine that sends it.")
        if asked.issued_at < max(now - REMEMBER_S, self._forgotten_at + CLOCK_SKEW_S):
            problem = f"The command for {self.key} is {now - asked.issued_at:,.0f} s old: it may be done already."
            raise BadInput(problem, "Look at the present state, then ask anew.")
        return None

    def waited(self) -> Batch | None:
        """The batch that has to be on disk before anybody hears of the entity; None where everything is."""
        if self.batch is not None and self.batch.done:
            self.batch = None
        return self.batch

    def time(self, now: float) -> float:
        """`now`, which never goes back for one entity. Raises Unavailable where the clock was set back."""
        if now < self.at - CLOCK_SKEW_S:
            advice = f"Its last entry is {self.at - now:,.0f} s ahead of this machine's clock: set the clock right."
            raise Unavailable(self.key, advice)
        return max(now, self.at)

    def apply(
        self,
        kind: EntityKind[S, C, E],
        codec: Codec[S, C, E],
        asked: CommandId,
        command: C,
        decision: Decision[E],
        now: float,
        snapshot_every: int,
    ) -> Write:
        """Change the state at once, and return what has to be on disk before anybody is told."""
        stream = stream_of(kind.name, self.key)
        # All texts first: what cannot be written changes nothing.
        reply, events, *kept = _texts(decision, (command,) if kind.keeps_commands else ())
        entry = Entry(
            stream,
            self.seq + 1,
            now,
            asked.command_id,
            kind.version,
            kept[0] if kept else "",
            events,
            reply,
        )
        # The events as they can be read back, so that a replay gives the same state, bit for bit.
        state = kind.replay(self.state, codec.events(entry))
        snapshot = None
        if self._since_snapshot + 1 >= snapshot_every:
            snapshot = Snapshot(stream, entry.seq, now, kind.version, to_json(state))
        write = Write(
            stream,
            entry,
            decision.records,
            decision.erased,
            decision.erased_before,
            decision.effects,
            decision.settled,
            snapshot,
        )
        write.check()
        self.step(state, asked, reply, now)
        if snapshot:
            self._since_snapshot = 0
        return write

    def step(self, state: S, asked: CommandId, reply: str, now: float) -> None:
        """Go on to `state`, and remember what was replied, as JSON text."""
        self.state, self.at = state, now
        self.seq += 1
        self._since_snapshot += 1
        self._remember(asked.command_id, now, reply)

    def mark(self) -> Mark:
        """Where the entity stands, for `take_back`."""
        return self.state, self.seq, self.at, self._since_snapshot

    def take_back(self, mark: Mark, command_id: str) -> None:
        """Undo a change that is in no batch: the entity stands at `mark` again, and the command was never done."""
        self.state, self.seq, self.at, self._since_snapshot = mark
        self._remembered = without(self._remembered, command_id)

    def chance(self, stream: str) -> Chance:
        return Chance(stream, self.seq + 1)

    def forget_old(self, now: float) -> None:
        """Drop what is remembered of commands that are too old to be asked again, or are too many."""
        self.waited()  # a batch that is on disk is forgotten too
        before = now - REMEMBER_S - FUTURE_S
        # A few of mixed age stay as they are: to look at them would cost more than they do.
        if isinstance(self._remembered, dict) or self.at < before:
            self._remembered, last = forget(self._remembered, before, MAX_REMEMBERED)
            self._forgotten_at = max(self._forgotten_at, last)

    def _remember(self, command_id: str, at: float, reply: str) -> None:
        self._remembered = remember(self._remembered, command_id, at, reply)
        if isinstance(self._remembered, dict) and len(self._remembered) > MAX_REMEMBERED + _FORGOTTEN_AT_ONCE:
            self.forget_old(at)


def _texts(decision: Decision[Any], others: tuple[Any, ...]) -> list[str]:
    """The reply, the events, and `others`, as the journal keeps them."""
    told, events = decision.reply, decision.events
    if len(events) == 1 and events[0] is told:
        # What happened is often what the caller is told.
        reply, *rest = to_json_each([told, *others])
        return [reply, f"[{reply}]", *rest]
    return to_json_each([told, events, *others])
