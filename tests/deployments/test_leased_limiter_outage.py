"""A limiter that does not answer: nobody waits for long, and everything is counted."""

import asyncio
import logging
from itertools import pairwise
from typing import Literal

import pytest

from core.errors import Busy, DeadlineExceeded, Unavailable
from core.rate_limit_messages import Granted, Refused
from core.token_buckets import Limits, Rate
from deployments.limiter_calls import LimiterConfig
from tests.deployments.limiters import ATTEMPT_S, KEY, PATIENT_S, calling, drained, idle, refused, warm

GONE = Unavailable("RateLimiter-0", "It is being restarted.")
CLOSED = LimiterConfig(attempt_s=PATIENT_S, idle_s=1e9)
ALLOWANCE = LimiterConfig(attempt_s=PATIENT_S, idle_s=1e9, unreachable="allowance", allowance=Rate(0.1, 3.0))


# ------------------------------------------------------------ closed, or a small allowance
async def test_while_nothing_answers_closed_lets_nothing_through_and_says_why_and_for_how_long() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {"": GONE}
        reply = refused(await process.take(KEY, "ada"))
        assert reply == Refused(
            "tenant",
            1.0,
            "The rate limiter does not answer: RateLimiter-0 is not available. It is being restarted. "
            "Nothing is let through meanwhile.",
        )
        counts = process.counts()
        assert (counts.degraded, counts.refused, counts.granted_after_asking) == (1, 1, 0)


async def test_while_nothing_answers_an_allowance_lets_a_little_through_for_each_key() -> None:
    async with calling() as callers:
        process = callers.process(ALLOWANCE)
        callers.limiter.gone = {"": GONE}
        replies = [await process.take(KEY, f"user{n}") for n in range(5)]
        assert [type(reply) for reply in replies] == [Granted, Granted, Granted, Refused, Refused]
        reply = refused(replies[-1])
        assert reply.retry_after_s == pytest.approx(10, abs=0.01)
        assert "Meanwhile little is let through: The tenant's bucket has 0 of 3 tokens" in reply.because
        assert isinstance(await process.take("tenant:2"), Granted)
        assert isinstance(await process.take("host:a.example"), Granted)
        callers.clock.now_s += 10.1
        assert isinstance(await process.take(KEY), Granted)
        assert process.counts().degraded == 8


async def test_a_limiter_that_comes_and_goes_gives_nobody_a_new_allowance_each_time() -> None:
    async with calling() as callers:
        process = callers.process(ALLOWANCE)
        through = 0
        for user in ("ada", "bo", "cy", "di", "ed"):
            callers.limiter.gone = {"": GONE}
            replies = [await process.take(KEY, user) for _ in range(4)]
            callers.limiter.gone = {}
            callers.clock.now_s += 1
            replies.append(await process.take(KEY, user))
            through += sum(isinstance(reply, Granted) for reply in replies)
            await idle()
            assert isinstance(await process.take(KEY, user), Granted), "the limiter decides again"
            await process.sweep()
        assert process.counts().degraded == 5 * 5
        assert through == 3


# ------------------------------------------------------------ how little an outage costs
@pytest.mark.parametrize("unreachable", ["closed", "allowance"])
async def test_a_limiter_that_hangs_is_waited_for_once_and_shortly(unreachable: Literal["closed", "allowance"]) -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=ATTEMPT_S, idle_s=1e9, unreachable=unreachable))
        callers.limiter.gate.clear()
        async with asyncio.timeout(5):
            await process.take(KEY, "ada")
            calls = len(callers.limiter.calls)
            for n in range(500):
                await process.take(KEY, f"user{n % 20}")
        assert len(callers.limiter.calls) == calls == 1
        assert process.counts().degraded == 501


async def test_all_who_wait_when_it_begins_are_answered_together() -> None:
    async with calling() as callers:
        process = callers.process(LimiterConfig(attempt_s=ATTEMPT_S, idle_s=1e9))
        callers.limiter.gate.clear()
        async with asyncio.timeout(5):
            replies = await asyncio.gather(*(process.take(KEY, "ada") for _ in range(100)))
        assert all("had 0.05 s" in refused(reply).because for reply in replies)
        assert len(callers.limiter.calls) == 1


async def test_it_is_tried_again_beside_with_pauses_that_double() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {"": GONE}
        tried = []
        for _ in range(1_300):
            calls = len(callers.limiter.calls)
            await process.take(KEY, "ada")
            await idle()
            if len(callers.limiter.calls) > calls:
                tried.append(callers.clock.now_s)
            callers.clock.now_s += 0.1
        pauses = [round(after - before) for before, after in pairwise(tried)]
        assert pauses[:7] == [1, 2, 4, 8, 16, 30, 30]


async def test_the_log_says_once_when_it_begins_and_once_when_it_is_over(caplog: pytest.LogCaptureFixture) -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {"": GONE}
        keys = [f"tenant:{n}" for n in range(10)]
        with caplog.at_level(logging.WARNING):
            for key in keys * 3:
                await process.take(key)
            callers.limiter.gone = {}
            callers.clock.now_s += 1
            for key in keys * 2:
                await process.take(key)
                await idle(100)
        assert [record.getMessage().split(":")[0] for record in caplog.records] == [
            "The rate limiter does not answer for tenant",
            "The rate limiter answers again",
        ]


async def test_one_of_many_users_finds_out_for_all() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {"": GONE}
        refused(await process.take(KEY, "ada"))
        callers.clock.now_s += 1
        callers.limiter.gate.clear()
        for n in range(20):
            refused(await process.take(KEY, f"user{n}"))
        await idle()
        assert len(callers.limiter.calls) == 2


async def test_when_it_answers_again_so_it_decides() -> None:
    async with calling(Limits(Rate(0.001, 5.0))) as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {"": GONE}
        refused(await process.take(KEY, "ada"))
        callers.limiter.gone = {}
        refused(await process.take(KEY, "ada"))
        callers.clock.now_s += 1
        refused(await process.take(KEY, "ada"))  # nobody waits for the attempt that this one makes
        await idle()
        degraded = process.counts().degraded
        replies = [await process.take(KEY, "ada") for _ in range(6)]
        assert [type(reply) for reply in replies] == [Granted] * 5 + [Refused]
        assert process.counts().degraded == degraded


@pytest.mark.parametrize(("after_s", "here"), [(0.0, True), (9.0, True), (10.1, False)])
async def test_tokens_that_are_here_are_spent_in_an_outage_until_they_end(after_s: float, here: bool) -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        await warm(process, callers.clock, every_s=0.001)
        callers.limiter.gone = {"": GONE}
        callers.clock.now_s += after_s
        assert (await drained(process) > 0) == here
        refused(await process.take(KEY))


async def test_an_outage_of_one_key_is_that_of_no_other() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {KEY: GONE}
        refused(await process.take(KEY))
        assert isinstance(await process.take("tenant:2"), Granted)


async def test_a_limiter_that_is_busy_is_tried_again_when_it_says() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {KEY: Busy("RateLimiter-0", 0.25)}
        assert "has too much to do" in refused(await process.take(KEY)).because
        callers.limiter.gone = {}
        callers.clock.now_s += 0.26
        await process.take(KEY)
        await idle()
        assert isinstance(await process.take(KEY), Granted)


async def test_a_grant_that_comes_when_its_time_is_over_is_none(caplog: pytest.LogCaptureFixture) -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gate.clear()
        take = asyncio.create_task(process.take(KEY))
        await idle()
        callers.clock.now_s += 60
        callers.limiter.gate.set()
        assert "it took too long" in refused(await take).because
        assert isinstance(await process.take(KEY), Granted), "that was no outage"
        assert not caplog.records


async def test_a_deadline_that_the_reference_keeps_is_an_outage_too() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        callers.limiter.gone = {KEY: DeadlineExceeded("RateLimiter-0", "It had 30 s.")}
        assert "did not answer in time" in refused(await process.take(KEY)).because


async def test_leases_that_cannot_be_given_back_are_counted_and_hold_nobody_up() -> None:
    async with calling() as callers:
        process = callers.process(CLOSED)
        await warm(process, callers.clock)
        await process.take("tenant:2", "ada")
        callers.limiter.gone = {"": GONE}
        refused(await process.take(KEY, "ada"))
        await process.close()
        assert process.counts().unsettled == 2
        assert callers.limiter.calls[-1] == ("settle", "tenant:2"), "of an outage that is known nobody asks anything"
        assert callers.limiter.count("settle") == 1
        callers.clock.now_s += 60
        assert await callers.available() == 100, "they came back when they ended"
