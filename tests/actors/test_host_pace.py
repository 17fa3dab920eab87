"""The pace of hosts as an actor on a real journal: many callers at once, repeats, crashes and restarts."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from itertools import pairwise
from pathlib import Path
from typing import TypeAlias

import pytest

from actors.host_pace import HostPace
from actors.runtime_host import ShardConfig
from core.errors import BadInput, BotError
from core.host_pace_messages import Outcome, PaceRules, Slot, TooLong
from tests.actors.clocks import StoodStill
from tests.actors.journals import KINDS, fresh_url
from tests.actors.residents import Clock, running

RULES = PaceRules(interval_s=1.0, burst=3, jitter=0.25, max_wait_s=60.0, max_interval_s=8.0, successes=1, recovery=1.0)
SHORE, REEF = "host:shore.example", "host:reef.example"
Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[HostPace]]


@pytest.fixture
def clock() -> Clock:
    return StoodStill()


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Opened:
    """Opens the paces on the test's one journal."""
    url = fresh_url(request.param, tmp_path)
    return lambda *how: running(url, clock, lambda config: HostPace(config, *(how or (RULES,))))


def waits_of(replies: list[Slot | TooLong]) -> list[float]:
    return sorted(reply.wait_s for reply in replies if isinstance(reply, Slot))


async def slot_of(paces: HostPace, key: str, patience_s: float = 60.0, epoch: int = 0) -> Slot:
    reply = await paces.take(key, patience_s, epoch)
    assert isinstance(reply, Slot)
    return reply


async def test_200_callers_at_once_get_no_more_than_the_pace(opened: Opened) -> None:
    async with opened() as paces:
        replies = await asyncio.gather(*(paces.take(SHORE, 40.0) for _ in range(200)))
    waits = waits_of(replies)
    assert waits[:3] == [0.0] * 3
    assert all(later - earlier >= 1.0 - 1e-6 for earlier, later in pairwise(waits[3:]))
    assert 32 <= len(waits) <= 43
    assert all(reply.retry_after_s > 0 for reply in replies if isinstance(reply, TooLong))


async def test_a_crash_forgets_neither_who_waits_nor_what_a_host_asked_for(opened: Opened, clock: Clock) -> None:
    async with opened() as paces:
        before = [await slot_of(paces, SHORE) for _ in range(5)]
        await paces.told(REEF, Outcome.THROTTLED, 50.0)
    clock.ahead_s = 1.0
    async with opened() as paces:
        after = await slot_of(paces, SHORE)
        assert after.wait_s + 1.0 >= before[-1].wait_s + RULES.interval_s - 1e-6
        assert (await slot_of(paces, REEF)).wait_s == 49.0
        said = await paces.report(REEF)
    assert (said.interval_s, said.slowed, said.reason) == (2.0, True, Outcome.THROTTLED)
    async with opened() as paces:
        assert await paces.report(REEF) == said


async def test_a_call_whose_reply_was_lost_gets_the_same_slot_again(opened: Opened, clock: Clock) -> None:
    async with opened() as paces:
        asked = clock.asked("take", SHORE, 60.0)
        for _ in range(4):
            await paces.take(SHORE, 60.0)
        first = (await paces.perform((asked,)))[0].result()
    async with opened() as paces:
        assert (await paces.perform((asked,)))[0].result() == first
        assert (await paces.report(SHORE)).slots == 5


async def test_a_slot_that_was_waited_for_through_a_crash_is_used(opened: Opened, clock: Clock) -> None:
    async with opened() as paces:
        slot = [await slot_of(paces, SHORE) for _ in range(6)][-1]
    clock.ahead_s = slot.wait_s
    async with opened() as paces:
        assert (await slot_of(paces, SHORE, 0.0, slot.epoch)).wait_s == 0.0


async def test_a_clock_that_is_set_back_gives_nothing_and_says_so(opened: Opened, clock: Clock) -> None:
    clock.ahead_s = 3_600.0
    async with opened() as paces:
        await paces.take(SHORE, 60.0)
        clock.ahead_s = 0.0
        with pytest.raises(BotError):
            await paces.take(SHORE, 60.0)
        clock.ahead_s = 3_601.0
        assert (await slot_of(paces, SHORE)).wait_s == 0.0


async def test_a_host_may_have_rules_of_its_own(opened: Opened) -> None:
    slow = PaceRules(interval_s=20.0, burst=1, jitter=0.0)
    async with opened(RULES, {"www.Reef.example": slow}) as paces:
        assert [(await slot_of(paces, REEF)).wait_s for _ in range(2)] == [0.0, 20.0]
        assert waits_of([await paces.take(SHORE, 60.0) for _ in range(3)]) == [0.0] * 3


async def test_what_is_no_host_is_refused(opened: Opened) -> None:
    async with opened() as paces:
        for key in ("tenant:1", "host:", ""):
            with pytest.raises(BadInput):
                await paces.take(key, 1.0)


def test_rules_that_are_none_are_refused_before_anything_starts(tmp_path: Path) -> None:
    config, bad = ShardConfig(fresh_url("sqlite", tmp_path)), PaceRules(burst=0)
    with pytest.raises(BadInput, match="burst"):
        HostPace(config, bad)
    with pytest.raises(BadInput, match="burst"):
        HostPace(config, RULES, {"shore.example": bad})
    assert not list(tmp_path.iterdir())
