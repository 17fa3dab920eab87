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

import functools
import inspect
import logging
from collections.abc import Callable, Coroutine, Mapping, Sequence
from typing import Any, ClassVar, TypeVar

from actors.runtime_calls import Moved, Outcome, Request, request
from actors.runtime_host import ShardConfig
from actors.runtime_live import CommandId, Live
from actors.runtime_outbox import Handler
from actors.runtime_shard import IN_PROCESS_S, Shard, Turn, own_request
from core.entities import EntityKind, Find, Record
from core.errors import BotError
from core.journal import Write
from core.streams import stream_of

S = TypeVar("S")
C = TypeVar("C")
E = TypeVar("E")
F = TypeVar("F", bound=Callable[..., Coroutine[Any, Any, Any]])

_DECIDED = CommandId("", 0.0)
_log = logging.getLogger(__name__)


def query(method: F) -> F:
    """Mark a method that reads records: it may wait, and changes the entity only by `submit`."""
    method.__query__ = True  # type: ignore[attr-defined]  # read back by EntityActor
    return method


def _gated(name: str, method: Callable[..., Any]) -> Callable[..., Any]:
    @functools.wraps(method)
    async def gated(self: "EntityActor[Any, Any, Any]", key: str, *args: Any, **kwargs: Any) -> Any:
        (outcome,) = await self.perform((request(name, key, args, kwargs, IN_PROCESS_S, self.now),))
        return outcome.result()

    return gated


class EntityActor(Shard[S, C, E]):
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
            if not name.startswith("_") and not hasattr(Shard, name) and inspect.iscoroutinefunction(member)
        }
        cls._methods = {**cls._methods, **found}
        for name, method in found.items():
            setattr(cls, name, _gated(name, method))

    def __init__(self, config: ShardConfig, handlers: Mapping[str, Handler] | None = None) -> None:
        """As for `Shard`."""
        self._turn: tuple[Live[S, C, E], CommandId] | None = None
        self._decided: Write | None = None
        super().__init__(self.kind, config, handlers)

    # ------------------------------------------------------------ what a kind's methods use
    def decide(self, key: str, command: C) -> Any:
        """Decide a command, change the state, and return the reply: once in a call, for the call's own entity."""
        live, asked = self._own(key)
        self._turn = (live, _DECIDED)
        reply, self._decided = self._host.decide(live, asked, command)
        return reply

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
        return await self._submit(key, own_request(self.now()), command)

    async def scrub(self) -> None:
        """Leave no copy of what was deleted on the disk; for methods marked `@query`. It takes long."""
        await self._host.scrub()

    def _own(self, key: str, *, reading: bool = False) -> tuple[Live[S, C, E], CommandId]:
        turn = self._turn
        if turn is None or turn[0].key != key or not (reading or turn[1] is not _DECIDED):
            raise RuntimeError(f"{type(self).__name__}: a call decides once, for the entity {key!r} that it names.")
        return turn

    # ------------------------------------------------------------ running them
    def _knows(self, method: str) -> bool:
        return method in self._methods

    def _run(self, live: Live[S, C, E], asked: Request) -> Turn:
        method = self._methods[asked.method]
        reading, outcome, before = None, Outcome(), live.mark()
        if hasattr(method, "__query__"):
            reading = functools.partial(self._read, method, asked)
        else:
            self._turn = (live, CommandId(asked.command_id, asked.issued_at))
            try:
                outcome = Outcome(_driven(method(self, asked.key, *asked.args, **asked.kwargs)))
            except Exception as error:  # noqa: BLE001 - the outermost edge: what others asked for goes on
                outcome = self._failed(asked, error)
                if not isinstance(error, BotError) and self._decided:
                    # A defect changes nothing; what a method raises on purpose may.
                    live.take_back(before, asked.command_id)
                    self._decided = None
            if self._decided:
                self._host.write(live, self._decided)
            self._turn = self._decided = None
        return Turn(outcome, live.waited(), stream_of(self.kind.name, asked.key), reading)

    async def _read(self, method: Callable[..., Coroutine[Any, Any, Any]], asked: Request) -> Outcome:
        try:
            return Outcome(await method(self, asked.key, *asked.args, **asked.kwargs))
        except Exception as error:  # noqa: BLE001 - the outermost edge: what others asked for goes on
            return self._failed(asked, error)

    def _failed(self, asked: Request, error: Exception) -> Outcome:
        """What a method raised. A defect leaves as text: its own class may not be known where the caller is."""
        if isinstance(error, BotError | Moved):
            return Outcome(error=error)
        name = f"{type(self).__name__}.{asked.method}"
        _log.error("%s has a defect", name, exc_info=error)
        return Outcome(error=RuntimeError(f"{name} has a defect: {error!r}"))


def _driven(method: Coroutine[Any, Any, Any]) -> Any:
    """What a method returns or raises, run to its end at once."""
    try:
        method.send(None)
    except StopIteration as ended:
        return ended.value
    method.close()
    raise RuntimeError("it waits for something, and a method of an entity must not (mark it @query)")
