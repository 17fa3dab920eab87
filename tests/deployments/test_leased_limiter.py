"""Tokens leased to a process: decided here, asked for in good time, given back when idle, never more than granted."""

import asyncio
import logging
import math
import random
from typing import Any

import pytest

from core.errors import BadInput, JournalUnreadable, Unavailable
from core.leases import MAX_PART
from core.rate_limit_messages import Granted
from core.token_buckets import Limits, Rate
from deployments.limiter_calls import LimiterConfig
from tests.core.rate_limit_oracle import Oracle
from tests.deployments.limiters import KEY, PATIENT_S, calling, drained, idle, refused, warm


async def test_who_is_fast_is_decided_here_and_the_limiter_is_asked_now_and_then() -> None:
    async with calling(Limits(Rate(1_000.0, 10_000.0))) as callers:
        process = callers.process()
        for _ in range(2_000):
            if not process.try_take(KEY, "ada"):
                assert await process.take(KEY, "ada") == Granted()
            callers.clock.now_s += 0.001
            await asyncio.sleep(0)
        counts = process.counts()
        assert counts.granted_locally + counts.granted_after_asking == 2_000
        assert counts.asked == callers.limiter.count("lease")
        assert counts.asked < 30


async def test_who_is_slow_has_one_call_for_each_take_and_ties_nothing_up() -> None:
    async with calling() as callers:
        process = callers.process()
        for takes in range(1, 6):
            assert isinstance(await process.take(KEY, "ada"), Granted)
            assert len(callers.limiter.calls) == takes
            assert await callers.leased() <= 1
            callers.clock.now_s += 30
        assert await callers.available() == 100


async def test_a_lease_is_a_part_of_the_burst_at_most() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock, takes=60, every_s=0.0001)
        assert 4 < await callers.leased() <= 100 * MAX_PART


async def test_over_many_processes_users_and_crashes_no_window_holds_more_than_the_limit() -> None:
    rng = random.Random(7)
    limits = Limits(Rate(20.0, 50.0), Rate(5.0, 15.0))
    async with calling(limits) as callers:
        oracle = Oracle(0.0, [(0.0, limits)])
        processes = [callers.process() for _ in range(4)]

        async def take(process: int, user: str) -> None:
            taker, cost = processes[process], rng.choice([0.5, 1.0, 1.0, 3.0])
            if taker.try_take(KEY, user, cost) or isinstance(await taker.take(KEY, user, cost), Granted):
                oracle.spend(callers.clock.now_s, user, cost)

        for step in range(400):
            await asyncio.gather(
                *(take(rng.randrange(4), rng.choice(["", "ada", "bo"])) for _ in range(rng.choice([1, 9])))
            )
            for user in ("", "ada", "bo"):
                oracle.check_windows(user)
            callers.clock.now_s += rng.choice([0.0, 0.01, 0.2, 1.5])
            if step % 10 == 0:
                processes[rng.randrange(4)] = callers.process()  # the one before is gone with its leases
            if step % 7 == 0:
                await processes[rng.randrange(4)].sweep()
            callers.limiter.lost = {"": Unavailable("RateLimiter")} if step % 30 == 29 else {}
        assert sum(process.counts().refused for process in callers.processes) > 100
        assert sum(process.counts().granted_locally for process in callers.processes) > 200


# ------------------------------------------------------------ calls to the limiter
async def test_all_who_lack_tokens_wait_for_one_call() -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=PATIENT_S))
        callers.limiter.gate.clear()
        takes = [asyncio.create_task(process.take(KEY, "ada")) for _ in range(50)]
        await idle()
        assert len(callers.limiter.calls) == 1
        callers.limiter.gate.set()
        assert all(isinstance(reply, Granted) for reply in await asyncio.gather(*takes))
        assert callers.limiter.count("lease") < 10, "each call asks for more than the last"


async def test_a_lease_is_renewed_beside_while_takes_go_on_and_once_at_a_time() -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=PATIENT_S))
        await warm(process, callers.clock)
        callers.limiter.gate.clear()
        calls = len(callers.limiter.calls)
        assert await drained(process) > 2
        assert len(callers.limiter.calls) == calls + 1
        callers.limiter.gate.set()
        await idle()
        assert process.try_take(KEY), "the renewal has come"


async def test_a_lease_is_spent_for_its_time_from_the_call_on_however_long_the_reply_took() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock)
        callers.limiter.gate.clear()
        await drained(process)
        take = asyncio.create_task(process.take(KEY))
        await idle()
        callers.clock.now_s += 8
        callers.limiter.gate.set()
        assert isinstance(await take, Granted)
        callers.limiter.gate.clear()
        callers.clock.now_s += 1.9
        assert process.try_take(KEY)
        callers.clock.now_s += 0.2
        assert not process.try_take(KEY)


async def test_a_caller_that_is_cancelled_takes_nothing_from_those_who_wait_for_the_same_call() -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=PATIENT_S))
        callers.limiter.gate.clear()
        first, second = (asyncio.create_task(process.take(KEY, "ada")) for _ in range(2))
        await idle()
        first.cancel()
        callers.limiter.gate.set()
        assert isinstance(await second, Granted)
        assert len(callers.limiter.calls) == 1


async def test_a_refusal_is_a_value_that_is_believed_for_a_while() -> None:
    async with calling(Limits(Rate(0.1, 2.0))) as callers:
        process = callers.process()
        assert [type(await process.take(KEY)) for _ in range(2)] == [Granted, Granted]
        first = refused(await process.take(KEY))
        assert first.scope == "tenant"
        assert first.retry_after_s == pytest.approx(10, abs=2)
        calls = len(callers.limiter.calls)
        assert refused(await process.take(KEY)).because == first.because
        assert len(callers.limiter.calls) == calls
        callers.clock.now_s += 15
        assert isinstance(await process.take(KEY), Granted)
        assert process.counts().refused == 2


async def test_a_reply_that_was_lost_admits_nothing_and_costs_nothing_but_time() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock)
        callers.limiter.lost = {KEY: Unavailable("RateLimiter")}
        await drained(process)
        callers.limiter.lost = {}
        callers.clock.now_s += 2
        await process.take(KEY)
        await idle()
        held = process.counts()
        assert process.try_take(KEY), "the next reply gave what the lost one had granted"
        await process.close()
        spent = (await callers.limiter.real.quota(KEY)).spent
        assert spent == held.granted_locally + held.granted_after_asking + 1


async def test_where_nothing_limits_the_limiter_is_asked_for_that_alone() -> None:
    async with calling(Limits()) as callers:
        process = callers.process()
        assert isinstance(await process.take(KEY, "ada", 1e6), Granted)
        assert all(process.try_take(KEY, "ada", 1e6) for _ in range(1_000))
        assert len(callers.limiter.calls) <= 2


# ------------------------------------------------------------ bad input and defects
@pytest.mark.parametrize("enforce", [True, False])
@pytest.mark.parametrize(
    ("key", "user", "cost"),
    [
        ("guild", "ada", 1.0),
        ("", "ada", 1.0),
        (KEY, "a\nb", 1.0),
        (KEY, None, 1.0),
        *((KEY, "ada", cost) for cost in (0.0, -1.0, math.nan, math.inf, -math.inf, 1e300)),
    ],
)
async def test_bad_input_is_refused_here_and_mints_no_tokens(key: Any, user: Any, cost: Any, enforce: bool) -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(enforce=enforce, attempt_s=PATIENT_S))
        await process.take(KEY, "ada")
        await idle()
        calls = len(callers.limiter.calls)
        for _ in range(2):
            with pytest.raises(BadInput):
                await process.take(key, user, cost)
        assert len(callers.limiter.calls) == calls


async def test_a_negative_cost_does_not_fill_a_lease() -> None:
    async with calling() as callers:
        process = callers.process()
        await warm(process, callers.clock)
        assert not process.try_take(KEY, "", -1_000.0)
        assert not process.try_take(KEY, "", math.nan)
        taken = sum(process.try_take(KEY) for _ in range(200))
        assert taken <= 100 * MAX_PART


async def test_an_error_that_is_no_outage_reaches_the_caller_or_beside_the_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    broken = JournalUnreadable("The stream has a gap.", "Restore the journal.")
    async with calling() as callers:
        process = callers.process()
        callers.limiter.gone = {KEY: broken}
        with pytest.raises(JournalUnreadable):
            await process.take(KEY)
        callers.limiter.gone = {}
        await warm(process, callers.clock)
        callers.limiter.gone = {KEY: broken}
        with caplog.at_level(logging.WARNING):
            await drained(process)
        assert "The stream has a gap" in caplog.text
        with pytest.raises(JournalUnreadable):
            await process.take(KEY)
