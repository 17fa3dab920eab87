"""A shard: takes the calls for the entities that live in it, and lives through drains, moves and broken journals.

A call runs in three steps: its entity is loaded, its method runs from beginning to end with nothing in between, and
what came of it leaves when everything that it depends on is on disk (the output gate).
"""

import asyncio
import logging
import os
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from typing import Any, Generic, NamedTuple, TypeVar

from actors.runtime_calls import Moved, Outcome, Request, busy, new_command_id
from actors.runtime_commits import Batch
from actors.runtime_host import Host, ShardConfig
from actors.runtime_live import CommandId, Live
from actors.runtime_outbox import Handler, Outbox
from core.entities import Effect, EntityKind, checked_key
from core.errors import BadInput, BotError, DeadlineExceeded, Fenced
from core.placement import shard_of
from core.streams import stream_of
from core.supervision import Pulse

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")

IN_PROCESS_S = 60.0
_TICK_S = 0.5
_SWEEP_TICKS = 20
_log = logging.getLogger(__name__)


class Turn(NamedTuple):
    """What came of a call, and what has to be on disk before it leaves. `reading` goes on after that."""

    outcome: Outcome
    batch: Batch | None = None
    stream: str = ""
    reading: Callable[[], Awaitable[Outcome]] | None = None

    def at_once(self) -> Outcome | None:
        """The outcome where it may leave now; None where it has to wait."""
        waits = self.batch is not None and not self.batch.whole
        return None if waits or self.reading is not None else self.outcome

    async def gated(self) -> Outcome:
        """The outcome, once it may leave; the reason, where what it depends on did not get to disk."""
        if self.batch is not None:
            await self.batch.wait()
            error = self.batch.error_of(self.stream)
            if error is not None:
                return Outcome(error=error)
        return self.outcome if self.reading is None else await self.reading()


class Shard(Generic[S, C, E]):
    """The entities of one kind whose keys hash to `config.index`. A subclass says what a call does."""

    def __init__(
        self, kind: EntityKind[S, C, E], config: ShardConfig, handlers: Mapping[str, Handler] | None = None
    ) -> None:
        """Open the journal and claim the shard. `handlers` deliver effects, by their target.

        Raises StartupFailed, WriteFailed or JournalUnreadable.
        """
        self._config = config
        self._host: Host[S, C, E] = Host(kind, config)
        self._outbox = Outbox(self._host, self._owns, self._remind, handlers or {})
        self._waiting = 0
        self._served = 0
        self._calls_per_s = 0.0
        self._draining = False
        self._moving = asyncio.Lock()
        self._ticked_at = time.monotonic()
        self._ticking: asyncio.Task[None] | None = None
        self._compacting: asyncio.Task[None] | None = None
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            # In an actor's process it runs already: reminders are due though nobody calls.
            self._start()

    def _knows(self, method: str) -> bool:
        raise NotImplementedError

    def _run(self, live: Live[S, C, E], asked: Request) -> Turn:
        """Run a method to its end."""
        raise NotImplementedError

    # ------------------------------------------------------------ calls
    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Do what is asked, in order; the outcomes leave when what they depend on is on disk."""
        if self._waiting and self._waiting + len(requests) > self._config.mailbox:
            return [Outcome(error=busy(self._host.name, self._waiting, self._calls_per_s))] * len(requests)
        self._start()
        self._waiting += len(requests)
        try:
            failed = await self._host.load({asked.key for asked in requests if self._may_load(asked)})
            turns = [self._take_turn(asked, failed) for asked in requests]
            return [turn.at_once() or await turn.gated() for turn in turns]
        finally:
            self._waiting -= len(requests)
            self._served += len(requests)

    def _may_load(self, asked: Request) -> bool:
        return isinstance(asked.key, str) and asked.key not in self._host.live and self._check(asked) is None

    def _check(self, asked: Request) -> BaseException | None:
        """Why a request is not even begun."""
        if not self._knows(asked.method):
            return BadInput(f"{type(self).__name__} has no method {asked.method}.", "Deploy one release everywhere.")
        try:
            checked_key(asked.key)
        except BadInput as error:
            return error
        if asked.deadline_at < self._config.clock():
            return DeadlineExceeded(self._host.name, "The call arrived after its deadline; try again.")
        return self._elsewhere(asked.key)

    def _elsewhere(self, key: str) -> Fenced | Moved | None:
        """Why an entity is not served here, or not any more."""
        if isinstance(self._host.problem, Fenced):
            return self._host.problem
        return None if self._owns(key) else Moved(self._host.shards)

    def _take_turn(self, asked: Request, failed: Mapping[str, BotError]) -> Turn:
        """Run a method to its end. Nothing else happens meanwhile, and nobody hears of it before it is on disk."""
        error = self._check(asked) or failed.get(asked.key)
        if error is not None:
            return Turn(Outcome(error=error))
        live = self._host.live.get(asked.key)
        if live is None:
            return Turn(Outcome(error=Fenced(self._host.name, "It was reloaded; try again.")))
        live.used_s = self._ticked_at  # one number for all that are used until the next tick
        return self._run(live, asked)

    async def _submit(self, key: str, asked: CommandId, command: C, settles: str = "") -> Any:
        """Decide a command; returns the reply when it is on disk."""
        # Also before it is loaded: what drains, or has given the entity away, loads nothing any more.
        failed = {} if self._elsewhere(key) else await self._host.load((key,))
        error, live = self._elsewhere(key) or failed.get(key), self._host.live.get(key)
        if error is not None or live is None:
            raise error or Fenced(self._host.name, "It was reloaded; try again.")
        reply, write = self._host.decide(live, asked, command, settles)
        if write is not None:
            self._host.write(live, write)
        return (await Turn(Outcome(reply), live.waited(), stream_of(self._host.kind.name, key)).gated()).result()

    async def _remind(self, key: str, effect: Effect) -> None:
        """Deliver a reminder: its command, and that it was done, are one commit, so that it happens once."""
        # A new id each time: that it is done once is the commit's doing, and the same reminder may be set again.
        asked = CommandId(f"{effect.effect_id}@{effect.due_at!r} {new_command_id()}", self._config.clock())
        await self._submit(key, asked, self._host.codec.command(effect.body), effect.effect_id)

    # ------------------------------------------------------------ life
    async def start(self) -> None:
        """Begin to deliver what is due, without waiting for a first call."""
        self._start()

    def pulse(self) -> Pulse:
        """How the shard is. Runs beside the event loop, so that a loop that hangs is seen."""
        host, stalled_s = self._host, time.monotonic() - self._ticked_at
        return Pulse(
            os.getpid(),
            stalled_s if self._ticking else 0.0,
            len(host.live),
            self._waiting,
            self._calls_per_s,
            self._outbox.overdue_s,
            host.shards,
            self._draining,
            isinstance(host.problem, Fenced),
            str(host.problem or self._outbox.problem or ""),
            host.writing_s,
        )

    async def drain(self) -> None:
        """Finish what was begun, put it on disk, and send callers on to where the entities will live."""
        async with self._moving:
            await self._stop_serving()
            await self._host.drained()

    async def adopt(self) -> None:
        """Go on: claim the shard anew, with the placement that the journal holds now. Nothing in memory is trusted."""
        async with self._moving:
            await self._stop_serving()
            await self._host.reclaim()
            self._draining = False
            self._start()
            self._outbox.start()

    async def _stop_serving(self) -> None:
        self._draining = True
        # Whoever goes on delivers what was under way; what this one still wrote of it would cross that.
        await self._outbox.stop()

    async def close(self) -> None:
        """Release everything; for tests and measurements in process."""
        for task in (self._ticking, self._compacting):
            if task:
                task.cancel()
        await self._stop_serving()
        await self._host.close()

    def _owns(self, key: str) -> bool:
        shards = self._host.shards
        if self._draining:
            return False
        return self._config.index == (shard_of(key, shards) if shards > 1 else 0)

    def _start(self) -> None:
        if self._ticking is None:
            loop = asyncio.get_running_loop()
            self._ticked_at = time.monotonic()
            self._ticking = loop.create_task(self._tick())
            # Apart from the ticks: a long compaction is no hanging loop.
            self._compacting = loop.create_task(self._compact())
            if not self._draining:
                self._outbox.start()

    async def _tick(self) -> None:
        ticks = 0
        while True:
            await asyncio.sleep(_TICK_S)
            ticks += 1
            self._ticked_at = time.monotonic()
            self._calls_per_s = 0.7 * self._calls_per_s + 0.3 * self._served / _TICK_S
            self._served = 0
            if ticks % _SWEEP_TICKS == 0:
                self._host.drop_idle()

    async def _compact(self) -> None:
        while True:
            await asyncio.sleep(self._config.compact_s)
            try:
                await self._host.compact()
            except BotError as error:
                _log.warning("%s could not compact its journal, and will try again: %s", self._host.name, error)


def own_request(now: float) -> CommandId:
    """The id of a command that the shard gives itself."""
    return CommandId(new_command_id(), now)
