"""What the tests of the limiter's callers share: a limiter in process, and callers of it by one clock."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from core.rate_limit_messages import Granted, Refused
from core.token_buckets import Limits, Rate
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from tests.fakes.rate_limiter import FakeClock, FakeRateLimiter

KEY = "tenant:1"
LIMITS = Limits(Rate(10.0, 100.0))
# How long a call may take, in real time: where none hangs, a busy machine is no outage.
PATIENT_S, ATTEMPT_S = 10.0, 0.05


class Callers:
    """A limiter, and the processes that call it. `process` starts one; all are closed in the end."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self.clock = FakeClock()
        self.limiter = FakeRateLimiter(self.clock, limits)
        self.processes: list[LeasedLimiter] = []

    def process(self, config: LimiterConfig | None = None) -> LeasedLimiter:
        process = LeasedLimiter(self.limiter, config or LimiterConfig(attempt_s=PATIENT_S, idle_s=1e9), self.clock)
        self.processes.append(process)
        return process

    async def available(self, key: str = KEY) -> float:
        """What the limiter has left, leased tokens left out."""
        available = (await self.limiter.real.quota(key)).scopes[0].available
        assert available is not None
        return available

    async def leased(self, key: str = KEY) -> float:
        return (await self.limiter.real.quota(key)).scopes[0].leased


@asynccontextmanager
async def calling(limits: Limits = LIMITS) -> AsyncIterator[Callers]:
    callers = Callers(limits)
    try:
        yield callers
    finally:
        callers.limiter.gate.set()
        for process in callers.processes:
            await process.close()
        await callers.limiter.close()


async def warm(process: LeasedLimiter, clock: FakeClock, takes: int = 40, every_s: float = 0.01) -> None:
    """Take so fast that tokens are leased ahead."""
    for _ in range(takes):
        assert isinstance(await process.take(KEY), Granted)
        clock.now_s += every_s
    await idle()


async def idle(turns: int = 20) -> None:
    """Let what goes on beside come to its end."""
    for _ in range(turns):
        await asyncio.sleep(0)


async def drained(process: LeasedLimiter) -> int:
    """Take what is here, until the limiter has to be asked; returns how many that were."""
    taken = 0
    while process.try_take(KEY):
        taken += 1
        await asyncio.sleep(0)
    return taken


def refused(reply: Granted | Refused) -> Refused:
    assert isinstance(reply, Refused)
    return reply
