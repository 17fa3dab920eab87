"""The rate limiter as an actor on a real journal: many callers at once, repeats, crashes and restarts."""

import asyncio
import math
import tracemalloc
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from core.errors import BadInput, BotError, Fenced
from core.rate_limit_messages import Granted, Leased, LimitsKept, Refused, Returned
from core.token_buckets import Limits, Rate
from tests.actors.clocks import StoodStill
from tests.actors.journals import KINDS, fresh_url, kept, opened
from tests.actors.residents import Clock, running

TENANT, HOST = Limits(Rate(1.0, 10.0), Rate(0.5, 4.0)), Limits(Rate(2.0, 3.0))
GUILD = "tenant:1"
on_both = pytest.mark.parametrize("url", KINDS, indirect=True)
Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[RateLimiter]]


@pytest.fixture
def clock() -> Clock:
    return StoodStill()


@pytest.fixture
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """SQLite, or what `on_both` says."""
    return fresh_url(getattr(request, "param", "sqlite"), tmp_path)


@pytest.fixture
def started(url: str, clock: Clock) -> Opened:
    """Starts the limiter on the test's one journal: once more, and it is as after a restart."""
    return lambda *how: running(url, clock, lambda config: RateLimiter(config, *(how or (TENANT, HOST))))


# ---------------------------------------------------------------- through restarts
@on_both
async def test_what_was_taken_and_leased_is_missing_after_a_restart_until_it_came_back(
    started: Opened, clock: Clock
) -> None:
    async with started() as limiter:
        assert await limiter.take(GUILD, "ada", 3.0) == Granted(1.0, 4.0)
        assert await limiter.lease(GUILD, "bo", 4.0, 1.0, 30.0) == Leased(1, 4.0, 30.0, 4.0)
        said = await limiter.quota(GUILD, "ada")
    async with started() as limiter:
        assert await limiter.quota(GUILD, "ada") == said
        assert isinstance(await limiter.take(GUILD, "bo", 1.0), Refused)
    clock.ahead_s = 4.0
    async with started() as limiter:
        assert await limiter.lease(GUILD, "bo", 4.0, 4.0, 30.0, 1, 4.0) == Refused(
            "user", 8.001, "The user's bucket has 0 of 4 tokens, refills 0.5/s; this costs 4."
        )
        assert await limiter.settle(GUILD, 1, 4.0) == Returned(0.0)
        assert await limiter.take(GUILD, "ada", 3.0) == Granted(0.0, 4.0)


async def test_a_lease_that_ended_while_nothing_ran_is_spent(started: Opened, clock: Clock) -> None:
    async with started() as limiter:
        await limiter.lease(GUILD, "", 10.0, 1.0, 5.0)
    clock.ahead_s = 6.0
    async with started() as limiter:
        assert (await limiter.quota(GUILD)).scopes[0].available == 1.0
        assert await limiter.settle(GUILD, 1, 0.0) == Returned(0.0)
        await limiter.take(GUILD)
        assert (await limiter.quota(GUILD)).spent == 11.0


@on_both
async def test_limits_set_at_run_time_win_over_those_of_the_settings_and_survive(started: Opened) -> None:
    own, settings = Limits(Rate(1.0, 2.0)), {GUILD: Limits(Rate(1.0, 100.0)), "host:a.example": Limits(Rate(1.0, 1.0))}
    async with started(TENANT, HOST, settings) as limiter:
        assert isinstance(await limiter.take(GUILD, "", 50.0), Granted)
        assert isinstance(await limiter.take("tenant:2", "", 50.0), Refused)
        assert isinstance(await limiter.take("host:a.example", "", 3.0), Refused)
        assert isinstance(await limiter.take("host:b.example", "", 3.0), Granted)
        assert await limiter.set_limits("tenant:2", own) == LimitsKept(own)
    async with started(TENANT, HOST, settings) as limiter:
        assert isinstance(await limiter.take("tenant:2", "", 3.0), Refused)
        assert (await limiter.quota("tenant:2")).scopes[0].limit == own.total
        assert await limiter.set_limits("tenant:2", None) == LimitsKept(None)
    async with started(TENANT, HOST, settings) as limiter:
        assert isinstance(await limiter.take("tenant:2", "", 3.0), Granted)


async def test_an_incarnation_that_was_replaced_grants_nothing_more(started: Opened) -> None:
    async with started() as old:
        assert isinstance(await old.take(GUILD, "", 8.0), Granted)
        async with started() as new:
            assert await new.take(GUILD, "", 2.0) == Granted(0.0, 10.0)
            with pytest.raises(Fenced):
                await old.take(GUILD, "", 1.0)


# ---------------------------------------------------------------- once
@pytest.mark.parametrize(
    ("method", "args"),
    [
        ("take", ("ada", 2.0)),
        ("lease", ("ada", 3.0, 1.0, 30.0)),
        ("lease", ("", 5.0, 1.0, 30.0, 1, 2.0)),
        ("settle", (1, 1.0)),
        ("set_limits", (Limits(Rate(1.0, 2.0)),)),
    ],
)
async def test_a_repeated_call_gets_the_first_reply_and_counts_once(
    method: str, args: tuple[Any, ...], started: Opened, clock: Clock
) -> None:
    async with started() as limiter:
        await limiter.lease(GUILD, "", 4.0, 1.0, 30.0)
        asked = clock.asked(method, GUILD, *args)
        outcomes = [*await limiter.perform((asked, asked)), *await limiter.perform((asked,))]
        first, said = outcomes[0].result(), await limiter.quota(GUILD, "ada")
        assert not isinstance(first, Refused)
        assert [outcome.result() for outcome in outcomes] == [first] * 3
    async with started() as limiter:
        assert [outcome.result() for outcome in await limiter.perform((asked,))] == [first]
        assert await limiter.quota(GUILD, "ada") == said


async def test_what_changes_nothing_is_not_written(url: str, started: Opened) -> None:
    async with started(Limits(), Limits(Rate(1.0, 5.0))) as limiter:
        assert await limiter.take(GUILD, "ada", 5.0) == Granted()
        assert await limiter.lease(GUILD, "ada", 5.0, 1.0, 30.0) == Leased(0, 5.0, 30.0)
        assert isinstance(await limiter.take("host:a.example", "", 6.0), Refused)
        await limiter.quota(GUILD, "ada")
        await limiter.set_limits(GUILD, None)
    with opened(url) as journal:
        assert not kept(journal, f"RateLimiter/{GUILD}")
        assert not kept(journal, "RateLimiter/host:a.example")


# ---------------------------------------------------------------- never more than the limit
@on_both
async def test_256_callers_at_once_are_granted_the_burst_and_no_more(started: Opened) -> None:
    async with started() as limiter:
        replies = await asyncio.gather(*(limiter.take(GUILD, f"user{n % 7}", 0.5) for n in range(256)))
    assert sum(isinstance(reply, Granted) for reply in replies) == 20


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize("key", ["", " ", "1", "tenant:", "user:1", "tenant:\n", "tenant:" + "x" * 200, None, 7])
async def test_a_key_that_names_no_tenant_or_host_is_refused(key: Any, started: Opened) -> None:
    async with started() as limiter:
        for call in (limiter.take(key), limiter.quota(key), limiter.set_limits(key, None), limiter.settle(key, 1, 0.0)):
            with pytest.raises(BadInput) as refused:
                await call
            assert refused.value.advice


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf, -1.0, 0.0, 1e300, "1", None, True])
async def test_a_cost_that_is_none_is_refused_and_changes_nothing(bad: Any, started: Opened) -> None:
    async with started() as limiter:
        for call in (
            limiter.take(GUILD, "ada", bad),
            limiter.lease(GUILD, "ada", bad, 1.0, 10.0),
            limiter.lease(GUILD, "ada", 2.0, bad, 10.0),
            limiter.lease(GUILD, "ada", 2.0, 1.0, bad),
        ):
            with pytest.raises(BadInput):
                await call
        assert (await limiter.quota(GUILD, "ada")).scopes[1].available == 4.0


async def test_a_user_whom_nobody_knows_has_a_full_bucket_and_one_that_is_no_id_has_none(started: Opened) -> None:
    async with started() as limiter:
        assert (await limiter.quota(GUILD, "never seen")).scopes[1].available == 4.0
        with pytest.raises(BadInput):
            await limiter.quota(GUILD, "x" * 500)
        with pytest.raises(BotError):
            await limiter.take(GUILD, "\ud800")


async def test_one_tenants_rate_is_not_anothers(started: Opened) -> None:
    keys = [GUILD, "tenant:11", "tenant:1/1", "host:1", "tenant:1%"]
    async with started(TENANT, TENANT) as limiter:
        assert isinstance(await limiter.take(GUILD, "", 10.0), Granted)
        for key in keys[1:]:
            assert await limiter.take(key, "", 10.0) == Granted(0.0, 10.0)


def test_a_limit_that_is_none_is_refused_before_anything_starts(tmp_path: Path) -> None:
    config, bad = ShardConfig(fresh_url("sqlite", tmp_path)), Limits(Rate(-1.0, 5.0))
    for limits in ((bad, HOST), (TENANT, bad), (TENANT, HOST, {GUILD: bad}), (TENANT, HOST, {"guild": HOST})):
        with pytest.raises(BadInput):
            RateLimiter(config, *limits)
    assert not list(tmp_path.iterdir())


# ---------------------------------------------------------------- what a tenant costs
async def test_a_tenant_in_memory_costs_hundreds_of_bytes() -> None:
    limiter = RateLimiter(ShardConfig(""), TENANT, HOST)
    tenants = [f"tenant:{number:018d}" for number in range(1_000)]
    await limiter.quota("tenant:another")
    tracemalloc.start()
    try:
        empty, _ = tracemalloc.get_traced_memory()
        for tenant in tenants:
            await limiter.quota(tenant)
        idle, _ = tracemalloc.get_traced_memory()
        for tenant in tenants:
            await limiter.take(tenant, tenant[-18:])
        taken, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    await limiter.close()
    assert idle - empty < 450 * len(tenants)
    assert taken - empty < 1_150 * len(tenants)  # the last command and its reply among it, for some minutes
