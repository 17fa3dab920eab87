"""Holds the entities of one shard: loads one when it is first called, drops it when it is idle, and never lets a reply
out before what it depends on is on disk.

A shard that has crashed starts empty and loads again. What was acknowledged is in the journal; what was not, never
happened.
"""

import asyncio
import logging
import time
import uuid
from collections.abc import Callable, Collection, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from actors.runtime_commits import Batch, GroupCommit
from actors.runtime_journal import SqlJournal
from actors.runtime_live import FUTURE_S, REMEMBER_S, SNAPSHOT_EVERY, CommandId, Live
from actors.runtime_loading import Loader
from core.entities import EntityKind, Find, Record
from core.entity_codec import Codec, to_json
from core.errors import BotError, Fenced
from core.journal import AtStep, Journal, Write, no_step
from core.streams import stream_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")
T = TypeVar("T")

_COMPACTED_AT_ONCE = 50
# After a write that failed: how long new work is refused without trying again.
BREAK_S = 1.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ShardConfig:
    """Where a shard's journal is and how it runs. An empty `journal_url`: nothing is kept, for measurements alone.

    `idle_s`: an entity that nobody called for so long is dropped from memory. `mailbox`: calls beyond so many waiting
    are refused. `keep_s`: how far back time travel goes; older entries are compacted, every `compact_s`. A snapshot is
    written every `snapshot_every` entries of a stream.
    """

    journal_url: str
    index: int = 0
    shards: int = 1
    idle_s: float = 300.0
    mailbox: int = 2_000
    keep_s: float = 30 * 86_400.0
    compact_s: float = 3_600.0
    snapshot_every: int = SNAPSHOT_EVERY
    at_step: AtStep = no_step
    clock: Callable[[], float] = time.time


@dataclass(frozen=True, slots=True)
class EffectWatch:
    """What whoever delivers effects has to know: which (stream, id) entities set or settled, and in which batch.

    `written` is set when an effect may be on disk.
    """

    changed: dict[tuple[str, str], Batch] = field(default_factory=dict)
    written: asyncio.Event = field(default_factory=asyncio.Event)


class Host(Generic[S, C, E]):
    """The entities of one kind in one shard, in one event loop. `shards` is how many there are of the kind."""

    def __init__(self, kind: EntityKind[S, C, E], config: ShardConfig) -> None:
        """Open the journal and claim the shard. Raises StartupFailed, WriteFailed or JournalUnreadable."""
        self.kind, self.codec, self.config = kind, Codec(kind), config
        self.name = f"{kind.name}-{config.index}"
        self.shards = config.shards
        self.journal: Journal | None = None
        self.live: dict[str, Live[S, C, E]] = {}
        self.problem: BotError | None = None
        self._broken_until = 0.0
        self.watches: list[EffectWatch] = []
        self._readers = ThreadPoolExecutor(max_workers=2, thread_name_prefix="read")
        self._commits: GroupCommit | None = None
        if config.journal_url:
            journal = SqlJournal(config.journal_url, config.at_step)
            journal.open()
            incarnation = self._claim(journal)
            self.journal = journal
            self._commits = GroupCommit(journal, self.name, incarnation, self._drop, self._failed, config.at_step)
        self._loader = Loader(kind, self.codec, self.journal, self.live, self.reading, config.clock)

    def _claim(self, journal: Journal) -> str:
        """Fence every older incarnation, and learn where the entities live; returns this incarnation's name."""
        incarnation = uuid.uuid4().hex
        # First: a placement that is made anew fences all shards of the kind.
        journal.placed(self.kind.name, self.config.shards)
        journal.claim(self.name, incarnation)
        # After the claim: a placement that came between them is seen, or has fenced us.
        self.shards = journal.placed(self.kind.name, self.config.shards).shards
        return incarnation

    async def reclaim(self) -> None:
        """Forget what is in memory and go on as a new incarnation."""
        await self.drained()
        journal, commits = self.journal, self._commits
        if journal is not None and commits is not None:
            commits.incarnation = await commits.run(lambda: self._claim(journal))
        self.problem = None

    @property
    def writing_s(self) -> float:
        """For how long the commit under way has been going on, in seconds; 0 where there is none."""
        return self._commits.writing_s if self._commits else 0.0

    # ------------------------------------------------------------ what is in memory
    async def load(self, keys: Iterable[str]) -> dict[str, BotError]:
        """Make these entities resident; returns why, for each that cannot be."""
        return await self._loader.load(keys)

    def drop_idle(self) -> None:
        """Forget entities that nobody has called for `idle_s`, and of the others what is too old to be repeated."""
        idle_since, now = time.monotonic() - self.config.idle_s, self.config.clock()
        for key in [key for key, live in self.live.items() if live.used_s < idle_since and live.waited() is None]:
            del self.live[key]
        for live in self.live.values():
            live.forget_old(now)

    # ------------------------------------------------------------ changing it
    def decide(self, live: Live[S, C, E], asked: CommandId, command: C, settles: str = "") -> tuple[Any, Write | None]:
        """Decide a command now and change the state at once; returns the reply, and what `write` has to be given.

        Nobody may see the reply before `live.waited()` is on disk. `settles` is the reminder that this answers. Raises
        BadInput, Unavailable, or WriteFailed while the journal cannot be written.
        """
        now = live.time(self.config.clock())
        first = live.known(asked, self.codec, now)
        if first is not None:
            return first[0], None
        stream = stream_of(self.kind.name, live.key)
        decision = self.kind.decide(live.state, command, now, live.chance(stream))
        if self._commits is None:
            if decision.writes:
                live.step(self.kind.replay(live.state, decision.events), asked, to_json(decision.reply), now)
        elif decision.writes:
            self._refuse_while_broken()
            every = self.config.snapshot_every
            write = live.apply(self.kind, self.codec, asked, command, decision, now, every)
            return decision.reply, _settling(write, settles)
        return decision.reply, None

    def write(self, live: Live[S, C, E], write: Write) -> None:
        """Put what an entity decided into the next commit."""
        assert self._commits is not None
        batch = live.batch = self._commits.append(write)
        if not (write.settled or write.effects):
            return
        ids = (*write.settled, *(effect.effect_id for effect in write.effects))
        for watch in self.watches:
            watch.changed.update(((write.stream, effect_id), batch) for effect_id in ids)
            if write.effects:
                batch.on_disk(watch.written.set)

    async def put(self, write: Write) -> None:
        """Write what changes no state. Raises why, where it cannot be written."""
        assert self._commits is not None
        batch = self._commits.append(write)
        await batch.wait()
        error = batch.error_of(write.stream)
        if error is not None:
            raise error

    def _refuse_while_broken(self) -> None:
        if isinstance(self.problem, Fenced) or (self.problem and time.monotonic() < self._broken_until):
            raise self.problem.with_traceback(None)  # it is raised often, and would keep each caller's frames
        self.problem = None

    def _drop(self, streams: Collection[str]) -> None:
        """These entities are ahead of the disk: stop them. The next call loads them again."""
        for stream in streams:
            self.live.pop(stream.removeprefix(f"{self.kind.name}/"), None)
        _log.warning("%s dropped %d entities, which were ahead of the journal", self.name, len(streams))

    def _failed(self, error: BotError) -> None:
        """The journal took nothing: refuse new work for a moment, or for good where another incarnation goes on."""
        if not isinstance(self.problem, Fenced):
            self.problem, self._broken_until = error, time.monotonic() + BREAK_S

    # ------------------------------------------------------------ the journal
    async def reading(self, work: Callable[[], T]) -> T:
        """Run a read of the journal in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._readers, work)

    async def find(self, key: str, find: Find) -> Sequence[Record]:
        """Records of an entity, newest first."""
        journal = self.journal
        stream = stream_of(self.kind.name, key)
        return await self.reading(lambda: journal.find(stream, find)) if journal else ()

    async def compact(self) -> None:
        """Delete what time travel was not asked to keep, a bounded piece at a time."""
        # What a repeated command is known by stays, however little is to be kept.
        keep_s = max(self.config.keep_s, REMEMBER_S + FUTURE_S)
        journal, before = self.journal, self.config.clock() - keep_s
        if journal is not None and self._commits is not None:
            while await self._commits.run(lambda: journal.compact(before, _COMPACTED_AT_ONCE)):
                pass

    async def scrub(self) -> None:
        """Leave no copy of what was deleted on the disk."""
        if self.journal is not None and self._commits is not None:
            await self._commits.run(self.journal.scrub)

    async def drained(self) -> None:
        """Until everything is on disk; then forget all that is in memory."""
        await self._loader.ended()
        if self._commits is not None:
            await self._commits.drained()
        self.live.clear()

    async def close(self) -> None:
        """Finish what is being written and release the journal."""
        await self.drained()
        if self._commits is not None:
            self._commits.close()
        self._readers.shutdown()
        if self.journal is not None:
            self.journal.close()


def _settling(write: Write, effect_id: str) -> Write:
    """`write`, which also settles the reminder that it answers, unless it sets the same one anew."""
    if not effect_id or any(effect.effect_id == effect_id for effect in write.effects):
        return write
    return Write(
        write.stream,
        write.entry,
        write.records,
        write.erased,
        write.erased_before,
        write.effects,
        (*write.settled, effect_id),
        write.snapshot,
    )
