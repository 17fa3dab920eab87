"""Limits that only watch: everything is granted at once, and what would have been refused is counted."""

from core.errors import Unavailable
from core.rate_limit_messages import Granted
from core.token_buckets import Limits, Rate
from deployments.limiter_calls import LimiterConfig
from tests.deployments.limiters import KEY, PATIENT_S, calling, idle

GONE = Unavailable("RateLimiter-0", "It is being restarted.")
WATCHING = LimiterConfig(attempt_s=PATIENT_S, idle_s=1e9, enforce=False)


async def test_what_only_watches_grants_everything_at_once_and_counts_what_it_would_have_refused() -> None:
    async with calling(Limits(Rate(0.001, 5.0))) as callers:
        process = callers.process(WATCHING)
        callers.limiter.gate.clear()
        for _ in range(30):
            assert await process.take(KEY, "ada") == Granted()
        assert process.counts().would_have_refused == 0, "the limiter has said nothing yet"
        callers.limiter.gate.set()
        await idle(100)
        counts = process.counts()
        assert (counts.would_have_refused, counts.refused, counts.granted_after_asking) == (25, 0, 5)


async def test_what_only_watches_refuses_nothing_in_an_outage_either() -> None:
    async with calling() as callers:
        process = callers.process(WATCHING)
        callers.limiter.gone = {"": GONE}
        for _ in range(10):
            assert isinstance(await process.take(KEY, "ada"), Granted)
        await idle()
        counts = process.counts()
        assert (counts.would_have_refused, counts.degraded) == (10, 10)


async def test_what_is_too_much_to_watch_is_granted_and_counted_as_such() -> None:
    async with calling() as callers:
        process = callers.process(WATCHING)
        callers.limiter.gate.clear()
        for _ in range(1_500):
            assert isinstance(await process.take(KEY, "ada"), Granted)
        assert process.counts().unjudged == 500
        callers.limiter.gate.set()
        await idle()
