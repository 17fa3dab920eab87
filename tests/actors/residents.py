"""What the tests of durable actors share: a clock that can be moved on, and calls of an actor by that clock."""

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, TypeVar, cast

from actors.runtime_calls import Request, request
from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig

A = TypeVar("A", bound=EntityActor[Any, Any, Any])

NOON = 1_773_489_600.0  # 2026-03-14 12:00 UTC: far from midnight and from a month's end


class Clock:
    """It goes on from noon of a day in March, and a test may move it on."""

    def __init__(self) -> None:
        self.ahead_s = 0.0
        self._begun_s = time.monotonic()

    def __call__(self) -> float:
        return NOON + time.monotonic() - self._begun_s + self.ahead_s

    def asked(self, method: str, key: str, *args: Any) -> Request:
        """A call of `method` for `key`, issued now."""
        now = self()
        return request(method, key, args, {}, 0.0)._replace(issued_at=now, deadline_at=now + 60.0)


class _Calls:
    """An actor as its callers have it: each call is issued by the test's clock."""

    def __init__(self, actor: EntityActor[Any, Any, Any], clock: Clock) -> None:
        self.perform, self.start, self._clock = actor.perform, actor.start, clock

    def __getattr__(self, method: str) -> Any:
        return partial(self._call, method)

    async def _call(self, method: str, key: str, *args: Any) -> Any:
        (outcome,) = await self.perform((self._clock.asked(method, key, *args),))
        return outcome.result()


@asynccontextmanager
async def running(url: str, clock: Clock, start: Callable[[ShardConfig], A]) -> AsyncIterator[A]:
    """The actor that `start` makes, on the journal at `url`: a second time there, it is as after a restart."""
    actor = start(ShardConfig(url, clock=clock))
    try:
        yield cast(A, _Calls(actor, clock))
    finally:
        await actor.close()
