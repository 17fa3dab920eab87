"""What the journal keeps, and its port: an append-only stream of entries for each entity, and what stands beside it.

One entry is one command that changed something: its events, its reply and when. `seq` counts a stream's entries from 1
with no gap. Texts are JSON, as `core.entity_codec` writes them. A stream's name is `kind/key`.
"""

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

import msgspec

from core.entities import Effect, Find, Record
from core.errors import BadInput


class Entry(msgspec.Struct, frozen=True, gc=False):
    """One line of a stream. `version` is that of the kind's events; `command` is empty where the kind keeps none."""

    stream: str
    seq: int
    at: float
    command_id: str
    version: int
    command: str
    events: str
    reply: str


class Snapshot(msgspec.Struct, frozen=True, gc=False):
    """A stream's state after its entry `seq`, written at `at`."""

    stream: str
    seq: int
    at: float
    version: int
    state: str


class Write(msgspec.Struct, frozen=True):
    """What one command changes: committed as a whole or not at all. Without an `entry`, only settles effects."""

    stream: str
    entry: Entry | None = None
    records: tuple[Record, ...] = ()
    erased: tuple[str, ...] = ()
    erased_before: float = 0.0
    effects: tuple[Effect, ...] = ()
    settled: tuple[str, ...] = ()
    snapshot: Snapshot | None = None

    def check(self) -> None:
        """Raises BadInput where no journal could keep this: a time that is not finite, or half a character or NUL."""
        entry = self.entry
        if entry and not (self.records or self.erased or self.erased_before or self.effects or self.settled):
            # As nearly always.
            text = self.stream + entry.command_id
            if math.isfinite(entry.at) and text.isascii() and "\0" not in text:
                return
        times = [self.erased_before, entry.at if entry else 0.0]
        texts = [self.stream, entry.command_id if entry else "", *self.erased, *self.settled]
        for record in self.records:
            times.append(record.at)
            texts += (record.record_id, record.kind, record.user, record.channel, record.body)
        for effect in self.effects:
            times.append(effect.due_at)
            texts += (effect.effect_id, effect.target, effect.body)
        if not all(map(math.isfinite, times)):
            raise BadInput(f"A time of {self.stream} is not finite.", "Send finite numbers.")
        _check_text("".join(texts))


def _check_text(text: str) -> None:
    try:
        if not text.isascii():
            text.encode()
    except UnicodeEncodeError as error:
        raise BadInput("A text for the journal holds half a character.", "Send whole characters.") from error
    if "\0" in text:
        raise BadInput("A text for the journal holds the character NUL.", "Send text that can be shown.")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What going on with a stream needs: its newest snapshot, and its entries, ascending, after it or since a time."""

    snapshot: Snapshot | None = None
    entries: tuple[Entry, ...] = ()


@dataclass(frozen=True, slots=True)
class Due:
    """An effect that is to be done now, and whose it is."""

    stream: str
    effect: Effect


@dataclass(frozen=True, slots=True)
class Placement:
    """How many shards a kind's entities are spread over. `epoch` grows with every change; 0: never set."""

    shards: int
    epoch: int = 0


class Step(StrEnum):
    """Named moments of a write, at which a test may end the process."""

    BEFORE_APPEND = "before append"
    BEFORE_COMMIT = "after append, before commit"
    BEFORE_REPLY = "after commit, before reply"
    SNAPSHOT = "during snapshot"
    COMPACTION = "during compaction"


AtStep = Callable[[Step], None]


def no_step(step: Step) -> None:
    """What happens at a step in the product: nothing."""
    del step


class Journal(Protocol):
    """A journal on disk. Calls block; the shell makes them in threads, one `commit` at a time.

    Every call raises Unavailable where the journal does not answer, and those that write WriteFailed where it cannot
    be written: then nothing of that call was written, or (a connection lost in the middle) a load tells.
    """

    def open(self) -> None:
        """Make or upgrade the tables. Raises StartupFailed where they are of a newer version."""
        ...

    def claim(self, shard: str, incarnation: str) -> None:
        """From now on `incarnation` alone may commit for `shard`: older ones are fenced."""
        ...

    def commit(self, shard: str, incarnation: str, writes: Sequence[Write]) -> frozenset[str]:
        """Write all in one transaction, on disk when this returns; returns the streams that lost and were not written.

        A stream loses where an entry of its `seq` is there already (two incarnations); the others of the call are
        written all the same. Raises Fenced where another incarnation has claimed the shard: then nothing was written.
        """
        ...

    def load(self, streams: Collection[str], since: float) -> Mapping[str, Loaded]:
        """Of each stream its newest snapshot, and its entries after that or with `at` >= `since`."""
        ...

    def history(self, stream: str) -> tuple[Sequence[Snapshot], Sequence[Entry]]:
        """All snapshots and entries of a stream that are kept, ascending, for time travel."""
        ...

    def streams(self, prefix: str, limit: int) -> Sequence[str]:
        """The first `limit` streams whose names begin with `prefix`, in the order of their bytes."""
        ...

    def find(self, stream: str, find: Find) -> Sequence[Record]:
        """Records of a stream, newest first."""
        ...

    def due(self, kind: str, now: float, limit: int, skip: int = 0) -> Sequence[Due]:
        """Effects of a kind's entities with `due_at` <= now, oldest first; the first `skip` of them are left out."""
        ...

    def next_due(self, kind: str) -> float | None:
        """When the next effect of a kind is due; None where there is none."""
        ...

    def compact(self, before: float, limit: int) -> int:
        """Delete what only times before `before` need, of at most `limit` streams; returns how many entries went.

        A call deletes a bounded piece, so that commits wait for it but a moment; 0 when nothing is left. The state of
        every moment from `before` on can still be rebuilt, and so can the present one.
        """
        ...

    def scrub(self) -> None:
        """Leave no copy of what was deleted in the files. While it goes on, which is long, nothing can be written.

        A database server does that in its own time.
        """
        ...

    def placement(self, kind: str) -> Placement | None:
        """How a kind is spread; None where nobody has said."""
        ...

    def placed(self, kind: str, shards: int) -> Placement:
        """How a kind is spread: over `shards` where nobody has said before, which fences nobody."""
        ...

    def place(self, kind: str, shards: int) -> Placement:
        """Spread a kind over `shards` from now on; returns the new placement.

        All shards of the kind (named `kind-INDEX`) are fenced in the same transaction: who has not claimed its shard
        again, and so has not seen the new placement, commits nothing more. Raises BadInput below 1 shard.
        """
        ...

    def close(self) -> None: ...
