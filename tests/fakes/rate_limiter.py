"""A rate limiter that can be slow or gone: around the real one, which here keeps nothing on disk."""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from core.rate_limit_messages import Granted, Leased, LimitsKept, Quota, Refused, Returned
from core.token_buckets import Limits

T = TypeVar("T")


class FakeClock:
    """Seconds that pass when a test says so: as a process counts them, and as the time of day."""

    def __init__(self) -> None:
        self.now_s = 1_000.0

    def __call__(self) -> float:
        return self.now_s

    def unix(self) -> float:
        return 1_790_000_000.0 + self.now_s


class FakeRateLimiter:
    """`calls` records what was asked. Calls for a key in `gone` raise that instead; "" stands for every key.

    Those in `lost` raise after they were done. `gate` holds every call back until it is set.
    """

    def __init__(self, clock: FakeClock, tenant: Limits) -> None:
        self.real = RateLimiter(ShardConfig("", clock=clock.unix), tenant, Limits())
        self.calls: list[tuple[str, str]] = []
        self.gone: dict[str, Exception] = {}
        self.lost: dict[str, Exception] = {}
        self.gate = asyncio.Event()
        self.gate.set()

    def count(self, method: str) -> int:
        return sum(called == method for called, _ in self.calls)

    async def _done(self, method: str, key: str, call: Coroutine[Any, Any, T]) -> T:
        self.calls.append((method, key))
        try:
            await self.gate.wait()
            if error := self.gone.get(key) or self.gone.get(""):
                raise error
        except BaseException:
            call.close()
            raise
        reply = await call
        if error := self.lost.get(key) or self.lost.get(""):
            raise error
        return reply

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        return await self._done("take", key, self.real.take(key, user, cost))

    async def lease(
        self, key: str, user: str, tokens: float, at_least: float, ttl_s: float, renews: int = 0, used: float = 0.0
    ) -> Leased | Refused:
        return await self._done("lease", key, self.real.lease(key, user, tokens, at_least, ttl_s, renews, used))

    async def settle(self, key: str, lease_id: int, used: float) -> Returned:
        return await self._done("settle", key, self.real.settle(key, lease_id, used))

    async def set_limits(self, key: str, limits: Limits | None) -> LimitsKept:
        return await self._done("set_limits", key, self.real.set_limits(key, limits))

    async def quota(self, key: str, user: str = "") -> Quota:
        return await self._done("quota", key, self.real.quota(key, user))

    async def close(self) -> None:
        await self.real.close()
