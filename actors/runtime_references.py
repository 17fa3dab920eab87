"""References to durable entities: typed as the actor's class, routed by key, safe to try again.

    ledger = entity(BudgetLedger, ShardConfig(url), limits)
    await ledger.reserve("guild-1", ...)         # goes to the shard in which guild-1 lives

A call carries an id, so that it is sent again when an actor dies, was moved or replaced: an entity does it once and
answers a repeat with the first reply. What a shard refuses (Busy, a journal that cannot be written) is not sent again,
unless an earlier try may have done it.
"""

import asyncio
import random
from collections import defaultdict
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Concatenate, NamedTuple, ParamSpec, Protocol, TypeVar, cast

from actors.runtime import ActorGone
from actors.runtime_calls import Moved, Outcome, Request, request
from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from actors.runtime_shards import ShardRef
from core.entities import checked_key
from core.errors import BotError, DeadlineExceeded, Fenced, Unavailable
from core.placement import shard_of
from core.retrying import full_jitter_s
from core.supervision import Pulse

P = ParamSpec("P")
T = TypeVar("T", bound=EntityActor[Any, Any, Any])

DEADLINE_S = 15.0
_RETRY_BASE_S = 0.05
_RETRY_CAP_S = 1.0


class ShardLink(Protocol):
    """What a reference and a supervisor need of a shard, wherever it runs."""

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]: ...

    async def pulse(self) -> Pulse: ...

    async def start(self) -> None: ...

    async def drain(self) -> None: ...

    async def adopt(self) -> None: ...

    async def replace(self) -> None:
        """End the process, however it is; another one comes up."""
        ...

    async def retire(self) -> None:
        """End the process for good: nothing lives in this shard any more."""
        ...


class Call(NamedTuple):
    """One of many calls that travel together."""

    method: str
    key: str
    args: tuple[Any, ...] = ()


class EntityRef:
    """Forwards calls to the shards of one kind. Pickles as what it takes to find them.

    Every call ends within `deadline_s` seconds. `shards` is how many there were when anybody last said.
    """

    def __init__(self, name: str, link: Callable[[int], ShardLink], shards: int, deadline_s: float) -> None:
        self.name, self.shards = name, shards
        self._link, self._deadline_s = link, deadline_s
        self._links: dict[int, ShardLink] = {}

    def __reduce__(self) -> tuple[Any, ...]:
        return EntityRef, (self.name, self._link, self.shards, self._deadline_s)

    def __getattr__(self, method: str) -> Callable[..., Awaitable[Any]]:
        if method.startswith("_"):
            raise AttributeError(method)

        async def call(key: str, *args: Any, **kwargs: Any) -> Any:
            asked = request(method, checked_key(key), args, kwargs, self._deadline_s)
            (outcome,) = await self.perform((asked,))
            return outcome.result()

        return call

    def shard(self, index: int) -> ShardLink:
        """The shard `index`, which need not run yet."""
        if index not in self._links:
            self._links[index] = self._link(index)
        return self._links[index]

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """What came of each request, in order. Those with one key are done in order, each once, however often sent."""
        late = Outcome(error=DeadlineExceeded(self.name, _late(self._deadline_s)))
        errand = _Errand(requests, [late] * len(requests))
        try:
            async with asyncio.timeout(self._deadline_s):
                await self._route(errand, range(len(requests)), 0)
        except TimeoutError:
            pass  # what has not come is late
        return errand.outcomes

    async def _route(self, errand: "_Errand", indexes: Iterable[int], attempt: int) -> None:
        """Get the outcomes of these requests from where they belong. No shard waits for another."""
        at_shard: defaultdict[int, list[int]] = defaultdict(list)
        for index in indexes:
            at_shard[shard_of(errand.requests[index].key, self.shards)].append(index)
        await asyncio.gather(*(self._ask(errand, shard, here, attempt) for shard, here in at_shard.items()))

    async def _ask(self, errand: "_Errand", shard: int, indexes: Sequence[int], attempt: int) -> None:
        """Ask one shard, and again, it or another one, for what it did not do."""
        again = []
        arrived = await self._send(shard, [errand.requests[index] for index in indexes])
        for index, outcome in zip(indexes, arrived, strict=True):
            if isinstance(outcome.error, Moved):
                self.shards = outcome.error.shards
            if errand.is_open(index, outcome):
                again.append(index)
            else:
                errand.outcomes[index] = outcome
        if again:
            await asyncio.sleep(_pause_s(attempt))
            await self._route(errand, again, attempt + 1)

    async def _send(self, shard: int, requests: Sequence[Request]) -> Sequence[Outcome]:
        try:
            return await self.shard(shard).perform(requests)
        except BotError as error:
            return [Outcome(error=error)] * len(requests)


@dataclass(slots=True)
class _Errand:
    """Requests on their way, and what came of them. Those in `doubt` may be done: whoever had them did not answer."""

    requests: Sequence[Request]
    outcomes: list[Outcome]
    doubt: set[int] = field(default_factory=set)

    def is_open(self, index: int, outcome: Outcome) -> bool:
        """Whether a request has to be sent again after this."""
        if isinstance(outcome.error, ActorGone):
            self.doubt.add(index)
        # A refusal says that nothing was done, and an earlier try may have done it.
        if isinstance(outcome.error, Unavailable) and not isinstance(outcome.error, DeadlineExceeded):
            return index in self.doubt or isinstance(outcome.error, Fenced)
        return isinstance(outcome.error, Moved)


def _late(deadline_s: float) -> str:
    return f"It had {deadline_s:g} s; try again in a moment."


def _pause_s(attempt: int) -> float:
    return 0.01 + full_jitter_s(attempt, base_s=_RETRY_BASE_S, cap_s=_RETRY_CAP_S, rng=random.Random())


@dataclass(frozen=True, slots=True)
class RayLink:
    """How to find or start any shard of a kind as a Ray actor."""

    cls: type[EntityActor[Any, Any, Any]]
    config: ShardConfig
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    deadline_s: float

    def __call__(self, index: int) -> ShardLink:
        config = replace(self.config, index=index)
        return ShardRef(self.cls, config, (config, *self.args), self.kwargs, self.deadline_s)


def entity(cls: Callable[Concatenate[ShardConfig, P], T], config: ShardConfig, *args: P.args, **kwargs: P.kwargs) -> T:
    """A reference to all entities of a kind, typed as its actor; shards are found or started when first called."""
    actor = cast(type[EntityActor[Any, Any, Any]], cls)
    link = RayLink(actor, config, args, kwargs, DEADLINE_S)
    return cast(T, EntityRef(actor.kind.name, link, config.shards, DEADLINE_S))


async def together(reference: object, calls: Sequence[Call]) -> Sequence[Outcome]:
    """What came of many calls, sent as few messages: one for each shard. Raises BadInput for a key that is none."""
    ref = cast(EntityRef, reference)
    requests = [request(call.method, checked_key(call.key), call.args, {}, DEADLINE_S) for call in calls]
    return await ref.perform(requests)
