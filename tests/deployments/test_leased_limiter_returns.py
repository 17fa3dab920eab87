"""Tokens that a process does not use: they go back to the limiter, and nothing is kept of them."""

import asyncio

import pytest

from core.rate_limit_messages import Granted
from core.token_buckets import Limits, Rate
from deployments.limiter_calls import LimiterConfig
from tests.deployments.limiters import KEY, PATIENT_S, calling, idle, refused, warm


async def test_what_lies_idle_is_given_back_and_forgotten() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock)
        assert await callers.leased() > 0
        await process.sweep()
        assert process.counts().held == 1, "it was used a moment ago"
        await process.sweep()
        assert (process.counts().held, await callers.leased()) == (0, 0)
        assert await callers.available() == pytest.approx(100 - 40 + 10 * 0.4, abs=1)


async def test_it_is_given_back_without_anybody_doing_anything() -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=PATIENT_S, idle_s=0.01))
        await warm(process, callers.clock)
        for _ in range(1_000):
            if not (process.counts().held or await callers.leased()):
                return
            await asyncio.sleep(0.01)
        pytest.fail("the tokens were not given back")


async def test_what_a_user_who_slowed_down_does_not_need_goes_back_though_it_goes_on() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock, takes=60, every_s=0.0001)
        assert await callers.leased() > 10
        for _ in range(4):
            callers.clock.now_s += 3
            await process.take(KEY)
            await idle()
        assert await callers.leased() <= 1


async def test_what_is_being_given_back_is_not_spent_meanwhile() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock, takes=60, every_s=0.0001)
        callers.clock.now_s += 6
        callers.limiter.gate.clear()
        assert process.try_take(KEY)
        await idle()
        assert callers.limiter.calls[-1] == ("settle", KEY)
        assert not process.try_take(KEY)


async def test_closing_gives_everything_back() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock, every_s=0.0)
        for user in ("ada", "bo"):
            await process.take(KEY, user)
        callers.limiter.gate.clear()
        closing = asyncio.create_task(process.close())
        callers.limiter.gate.set()
        await closing
        assert (await callers.leased(), await callers.available()) == (0, 100 - 42)
        assert refused(await process.take(KEY)).because.endswith("Nothing is let through meanwhile.")


async def test_leases_in_memory_are_bounded() -> None:
    async with calling(Limits(Rate(1e6, 1e6))) as callers:
        process = callers.process(LimiterConfig(attempt_s=PATIENT_S, max_held=10))
        for n in range(50):
            assert isinstance(await process.take(KEY, f"user{n}"), Granted)
            assert process.counts().held <= 10
