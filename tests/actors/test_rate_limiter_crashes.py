"""Callers with leases, and a limiter that is replaced under their calls: no window holds more than the limit."""

import asyncio
import random
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, cast

from actors.rate_limiter import RateLimiter
from actors.runtime_calls import Moved
from core.errors import Unavailable
from core.rate_limit_messages import Granted
from core.token_buckets import Limits, Rate
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from tests.actors.clocks import StoodStill
from tests.actors.journals import fresh_url
from tests.actors.residents import Clock, running
from tests.core.rate_limit_oracle import Oracle

GUILD = "tenant:1"
LIMITS = Limits(Rate(50.0, 120.0), Rate(20.0, 60.0))
LIVES, TAKES = 6, 300


class Reference:
    """What callers have of the limiter: whoever is the limiter now, and Unavailable where that one has ended."""

    def __init__(self) -> None:
        self.now: RateLimiter | None = None

    def __getattr__(self, method: str) -> Any:
        async def call(*args: Any) -> Any:
            try:
                return await getattr(self.now, method)(*args)
            except Moved:
                raise Unavailable("RateLimiter-0", "It has ended.") from None

        return call


class World:
    """The clock that all live by, what they spent by it, and how often they took."""

    def __init__(self) -> None:
        self.clock: Clock = StoodStill()
        self.oracle = Oracle(0.0, [(0.0, LIMITS)])
        self.reference = Reference()
        self.takes = 0
        self.callers: list[LeasedLimiter] = []

    async def caller(self, rng: random.Random) -> None:
        """A process that takes at random, and ends now and then: with all it holds, or after giving it back."""
        while True:
            config = LimiterConfig(attempt_s=10.0, idle_s=0.01)
            limiter = LeasedLimiter(cast(RateLimiter, self.reference), config, lambda: self.clock.ahead_s)
            self.callers.append(limiter)
            while rng.random() > 0.02:
                await self.take(limiter, rng.choice(["", "ada", "bo"]), rng.choice([0.5, 1.0, 2.0]))
                if rng.random() < 0.05:
                    self.clock.ahead_s += rng.choice([0.01, 0.1, 0.4])
                await asyncio.sleep(0)
            if rng.random() < 0.5:
                await limiter.close()

    async def take(self, limiter: LeasedLimiter, user: str, cost: float) -> None:
        here = limiter.try_take(GUILD, user, cost)
        if here or isinstance(await limiter.take(GUILD, user, cost), Granted):
            self.oracle.spend(self.clock.ahead_s, user, cost)
        self.takes += 1

    async def goes_on(self) -> None:
        """Until callers have taken some more."""
        until = self.takes + TAKES
        for _ in range(1_000_000):
            if self.takes >= until:
                return
            await asyncio.sleep(0)
        raise AssertionError("the callers stand still")


async def test_no_window_holds_more_than_the_limit_though_callers_and_the_limiter_crash(tmp_path: Path) -> None:
    """By the callers' own clock, between every two moments."""
    world, url = World(), fresh_url("sqlite", tmp_path)
    async with AsyncExitStack() as lives:
        tasks: list[asyncio.Task[None]] = []
        for life in range(LIVES):
            if life % 2:
                # The one before ends, and for a while there is none. Else it lives on, as one that was cut off does.
                await lives.aclose()
                await world.goes_on()
            started = running(url, world.clock, lambda config: RateLimiter(config, LIMITS, Limits()))
            world.reference.now = await lives.enter_async_context(started)
            tasks = tasks or [asyncio.create_task(world.caller(random.Random(seed))) for seed in range(8)]
            await world.goes_on()
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ended), ended
        for caller in world.callers:
            await caller.close()
    spends = world.oracle.spends
    for last in range(1, len(spends) + 1):
        for user in ("", "ada", "bo"):
            Oracle(0.0, world.oracle.limits, spends[:last]).check_windows(user)
    counts = [caller.counts() for caller in world.callers]
    assert sum(count.granted_locally for count in counts) > TAKES / 10
    assert sum(count.granted_after_asking for count in counts) > TAKES / 10
    assert sum(count.degraded for count in counts) > 0
