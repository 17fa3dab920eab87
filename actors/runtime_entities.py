"""The actor of durable entities: a plain class whose public methods the shell gates.

    class BudgetLedger(EntityActor[Budget, Command, Event]):
        kind = KIND

        async def reserve(self, key: str, asked: Reserve) -> Reserved | OverBudget:
            reply: Reserved | OverBudget = self.decide(key, asked)
            return reply

A public method belongs to the entity that its first argument names. It runs from its beginning to its end with nothing
in between: an `await` in it is a defect that the shell refuses. What it returns, or raises, leaves when everything that
the entity changed so far is on disk. A method marked `@query` runs after that and may wait, for records.
"""

import asyncio
import functools
import inspect
import os
import time
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, Generic, TypeVar

from actors.runtime_calls import Moved, Outcome, Pulse, Request, request
from actors.runtime_host import Host, ShardConfig
from actors.runtime_live import CommandId, Live
from actors.runtime_outbox import Handler, Outbox
from core.entities import Effect, EntityKind, Find, Record, checked_key
from core.errors import BadInput, BotError, Busy, DeadlineExceeded, Fenced
from core.placement import shard_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")
F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])

_IN_PROCESS_S = 60.0
_TICK_S = 0.5
_SWEEP_TICKS = 20
_COMPACT_TICKS = 7_200
_DECIDED = CommandId("", 0.0)


def query(method: F) -> F:
    """Mark a method that reads records: it may wait, and changes the entity only by `submit`."""
    method.__query__ = True  # type: ignore[attr-defined]  # read back by EntityActor
    return method


def _gated(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def gated(self: "EntityActor[Any, Any, Any]", key: str, *args: Any, **kwargs: Any) -> Any:
        (outcome,) = await self.perform((request(name, key, args, kwargs, _IN_PROCESS_S),))
        return outcome.result()

    return gated


class EntityActor(Generic[S, C, E]):
    """Base of the actors of durable entities. What a method has acknowledged survives `kill -9` at any moment.

    A call that was repeated (the same command id) gets the first reply. Whatever was in memory alone is lost with the
    process, and nobody was told of it.
    """

    kind: ClassVar[EntityKind[Any, Any, Any]]
    _methods: ClassVar[Mapping[str, Callable[..., Coroutine[Any, Any, Any]]]] = {}

    def __init_subclass__(cls, **kwargs: Any) -> None:
        super().__init_subclass__(**kwargs)
        found = {
            name: member
            for name, member in vars(cls).items()
            if not name.startswith("_") and inspect.iscoroutinefunction(member)
        }
        cls._methods = {**cls._methods, **found}
        for name, method in found.items():
            setattr(cls, name, _gated(name, method))

    def __init__(self, config: ShardConfig, handlers: Mapping[str, Handler] | None = None) -> None:
        """Open the journal and claim the shard. `handlers` deliver effects, by their target.

        Raises StartupFailed, WriteFailed or JournalUnreadable.
        """
        self._config = config
        self._host: Host[S, C, E] = Host(self.kind, config)
        self._shards = self._placed()
        self._outbox = Outbox(self._host, self._owns, self._remind, handlers or {})
        self._turn: tuple[Live[S, C, E], CommandId] | None = None
        self._waiting = 0
        self._served = 0
        self._calls_per_s = 0.0
        self._draining = False
        self._ticked_at = time.monotonic()
        self._ticking: asyncio.Task[None] | None = None

    # ------------------------------------------------------------ what a kind's methods use
    def decide(self, key: str, command: C) -> Any:
        """Decide a command, change the state, and return the reply: once in a call, for the call's own entity."""
        live, asked = self._own(key)
        self._turn = (live, _DECIDED)
        return self._host.decide(key, asked, command)

    def state(self, key: str) -> S:
        """The state of the call's own entity."""
        return self._own(key, reading=True)[0].state

    def now(self) -> float:
        """The time, unix seconds."""
        return self._config.clock()

    async def find(self, key: str, find: Find) -> Sequence[Record]:
        """Records of an entity, newest first; for methods marked `@query`."""
        return await self._host.find(key, find)

    async def submit(self, key: str, command: C) -> Any:
        """Decide a command and wait until it is on disk; for methods marked `@query`. Returns the reply."""
        asked = request("", key, (), {}, _IN_PROCESS_S)
        return await self._submit(key, CommandId(asked.command_id, asked.issued_at), command)

    def _own(self, key: str, *, reading: bool = False) -> tuple[Live[S, C, E], CommandId]:
        turn = self._turn
        if turn is None or turn[0].key != key or not (reading or turn[1] is not _DECIDED):
            raise RuntimeError(f"{type(self).__name__}: a call decides once, for the entity {key!r} that it names.")
        return turn

    # ------------------------------------------------------------ calls
    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Do what is asked, in order; each outcome leaves when what it depends on is on disk."""
        refusal = self._refusal(len(requests))
        if refusal is not None:
            return [Outcome(error=refusal)] * len(requests)
        self._start()
        self._waiting += len(requests)
        try:
            failed = await self._host.load({asked.key for asked in requests if self._may_load(asked)})
            turns = [self._take_turn(asked, failed) for asked in requests]
            return [await turn if inspect.isawaitable(turn) else turn for turn in turns]
        finally:
            self._waiting -= len(requests)
            self._served += len(requests)

    def _refusal(self, arriving: int) -> BaseException | None:
        if self._draining:
            return Moved(self._shards)
        if isinstance(self._host.problem, Fenced):
            return self._host.problem
        if self._waiting and self._waiting + arriving > self._config.mailbox:
            return Busy(self._host.name, max(0.05, self._waiting / max(self._calls_per_s, 1.0)))
        return None

    def _may_load(self, asked: Request) -> bool:
        return isinstance(asked.key, str) and asked.key not in self._host.live and self._check(asked) is None

    def _check(self, asked: Request) -> BaseException | None:
        """Why a request is not even begun."""
        if asked.method not in self._methods:
            return BadInput(f"{type(self).__name__} has no method {asked.method}.", "Deploy one release everywhere.")
        try:
            checked_key(asked.key)
        except BadInput as error:
            return error
        if asked.deadline_at < self._config.clock():
            return DeadlineExceeded(self._host.name, "The call arrived after its deadline; try again.")
        if not self._owns(asked.key):
            return Moved(self._shards)
        return None

    def _take_turn(self, asked: Request, failed: Mapping[str, BotError]) -> "Outcome | Coroutine[Any, Any, Outcome]":
        """Run a method to its end. Nothing else happens meanwhile, and nobody hears of it before it is on disk."""
        error = self._check(asked) or failed.get(asked.key)
        if error is not None:
            return Outcome(error=error)
        live = self._host.live.get(asked.key)
        if live is None:
            return Outcome(error=Fenced(self._host.name, "It was reloaded; try again."))
        live.used_s = time.monotonic()
        method = self._methods[asked.method]
        if hasattr(method, "__query__"):
            return self._query(live, method(self, asked.key, *asked.args, **asked.kwargs))
        self._turn = (live, CommandId(asked.command_id, asked.issued_at))
        try:
            outcome = _driven(method(self, asked.key, *asked.args, **asked.kwargs))
        finally:
            self._turn = None
        return self._gate(live, outcome)

    def _gate(self, live: Live[S, C, E], outcome: Outcome) -> "Outcome | Coroutine[Any, Any, Outcome]":
        return outcome if live.batch is None else self._opened(live, outcome)

    async def _opened(self, live: Live[S, C, E], outcome: Outcome) -> Outcome:
        error = await self._host.settled(live)
        return outcome if error is None else Outcome(error=error)

    async def _query(self, live: Live[S, C, E], reading: Coroutine[Any, Any, Any]) -> Outcome:
        error = await self._host.settled(live)
        if error is not None:
            reading.close()
            return Outcome(error=error)
        try:
            return Outcome(await reading)
        except BotError as refused:
            return Outcome(error=refused)

    async def _submit(self, key: str, asked: CommandId, command: C, settles: str = "") -> Any:
        failed = await self._host.load((key,))
        live = self._host.live.get(key)
        if live is None:
            raise failed.get(key) or Fenced(self._host.name, "It was reloaded; try again.")
        reply = self._host.decide(key, asked, command, settles)
        error = await self._host.settled(live)
        if error is not None:
            raise error
        return reply

    async def _remind(self, key: str, effect: Effect) -> None:
        """Deliver a reminder: its command, and that it was done, are one commit, so that it happens once."""
        asked = CommandId(f"{effect.effect_id}@{effect.due_at!r}", self.now())
        await self._submit(key, asked, self._host.codec.command(effect.body), effect.effect_id)

    # ------------------------------------------------------------ life
    async def start(self) -> None:
        """Begin to deliver reminders, without waiting for a first call."""
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
            self._shards,
            str(host.problem or self._outbox.problem or ""),
        )

    async def drain(self) -> None:
        """Finish what was begun, put it on disk, and send callers on to where the entities will live."""
        self._draining = True
        await self._host.drained()

    async def adopt(self) -> None:
        """Take up the placement that the journal holds now."""
        self._shards = self._placed()
        await self._host.drained()
        self._draining = False

    async def close(self) -> None:
        """Release everything; for tests and measurements in process."""
        self._draining = True
        if self._ticking:
            self._ticking.cancel()
        await self._outbox.close()
        await self._host.close()

    def _owns(self, key: str) -> bool:
        return self._shards == 1 or shard_of(key, self._shards) == self._config.index

    def _placed(self) -> int:
        journal, kind = self._host.journal, self.kind.name
        if journal is None:
            return self._config.shards
        return (journal.placement(kind) or journal.place(kind, self._config.shards)).shards

    def _start(self) -> None:
        if self._ticking is None:
            self._ticked_at = time.monotonic()
            self._ticking = asyncio.get_running_loop().create_task(self._tick())
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
            if ticks % _COMPACT_TICKS == 0:
                await self._host.compact()


def _driven(method: Coroutine[Any, Any, Any]) -> Outcome:
    """What a method returns or raises, run to its end at once."""
    try:
        method.send(None)
    except StopIteration as ended:
        return Outcome(ended.value)
    except BotError as error:
        return Outcome(error=error)
    method.close()
    name = getattr(method, "__qualname__", "A method")
    raise RuntimeError(f"{name} waits for something: a method of an entity must not (mark it @query).")
