"""The registry as an actor on a real journal: many callers at once, repeats, crashes and restarts."""

import asyncio
import math
import sqlite3
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import TypeAlias

import pytest
from msgspec.structs import replace

from actors.experiment_registry import SWITCHED_OFF, ExperimentRegistry
from actors.runtime_host import ShardConfig
from core.canary_slots import CANARIES, NoSlot, SlotFreed, SlotKept, SlotTaken
from core.decision_chain import Phase, broken_at
from core.errors import BadInput, BotError, JournalUnreadable
from core.experiment_messages import Moved, NotYet
from core.experiment_plans import ExperimentPlan
from core.feature_flags import flags_key
from tests.actors.clocks import StoodStill
from tests.actors.journals import KINDS, fresh_url
from tests.actors.residents import Clock, running
from tests.core.one_experiment import GOOD, PLAN

FEATURES = ("prompt_compression", "semantic_cache")
QUICK = replace(PLAN, least_phase_s=0.0)
KEY = PLAN.name
Opened: TypeAlias = Callable[..., AbstractAsyncContextManager[ExperimentRegistry]]


@pytest.fixture
def clock() -> Clock:
    return StoodStill()


@pytest.fixture(params=KINDS)
def opened(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> Opened:
    """Opens the registry on the test's one journal."""
    url = fresh_url(request.param, tmp_path)

    def start(plan: ExperimentPlan = QUICK, enabled: bool = True) -> AbstractAsyncContextManager[ExperimentRegistry]:
        return running(url, clock, lambda config: ExperimentRegistry(config, (plan,), FEATURES, enabled))

    return start


async def into_canary(registry: ExperimentRegistry, key: str = KEY) -> None:
    assert isinstance(await registry.begin(key, "op-1"), Moved)
    epoch = (await registry.report(key)).epoch
    for _ in range(5):
        assert (await registry.observe_pair(key, "candidate", GOOD, GOOD, epoch)).counted
    taken = await registry.reserve_slot(CANARIES, key)
    assert isinstance(taken, SlotTaken)
    assert isinstance(await registry.promote(key, "op-1", "", taken.slot), Moved)


async def test_300_callers_at_once_are_all_counted_and_find_the_same_after_a_crash(opened: Opened) -> None:
    async with opened() as registry:
        await into_canary(registry)
        units = [f"u-{index}" for index in range(300)]
        given = await asyncio.gather(*(registry.assign(KEY, "t-1", unit) for unit in units))
        told = await asyncio.gather(*(registry.observe(KEY, each.variant, GOOD, each.epoch) for each in given))
        assert all(each.counted for each in told)
        before = await registry.report(KEY)
    assert sum(before.evidence.exposures.values()) == sum(before.evidence.outcomes.values()) == 300
    async with opened() as registry:
        assert await registry.report(KEY) == before
        again = await asyncio.gather(*(registry.assign(KEY, "t-1", unit) for unit in units))
    assert [each.variant for each in again] == [each.variant for each in given]


async def test_a_call_whose_reply_was_lost_counts_once(opened: Opened, clock: Clock) -> None:
    async with opened() as registry:
        await into_canary(registry)
        assigning = clock.asked("assign", KEY, "t-1", "u-1")
        given = (await registry.perform((assigning,)))[0].result()
        observing = clock.asked("observe", KEY, given.variant, GOOD, given.epoch)
        counted = (await registry.perform((observing,)))[0].result()
    async with opened() as registry:
        assert (await registry.perform((assigning, observing)))[0].result() == given
        assert (await registry.perform((observing,)))[0].result() == counted
        evidence = (await registry.report(KEY)).evidence
    assert evidence.exposures[given.variant] == evidence.outcomes[given.variant] == 1


async def test_switched_off_everybody_has_the_control_and_nothing_is_recorded(opened: Opened) -> None:
    async with opened() as registry:
        await into_canary(registry)
        before = await registry.report(KEY)
    async with opened(enabled=False) as registry:
        given = [await registry.assign(KEY, "t-1", f"u-{index}") for index in range(20)]
        assert {(each.variant, each.phase, each.exposed) for each in given} == {("control", Phase.OFF, False)}
        assert not (await registry.observe(KEY, "candidate", GOOD, before.epoch)).counted
        assert not (await registry.observe_pair(KEY, "candidate", GOOD, GOOD, before.epoch)).counted
        for step in (await registry.begin(KEY, "op-1"), await registry.promote(KEY, "op-1")):
            assert isinstance(step, NotYet)
            assert step.because == (SWITCHED_OFF,)
        assert (await registry.report(KEY)) == before
        assert isinstance(await registry.roll_back(KEY, "op-1"), Moved)


async def test_a_guard_rail_holds_through_a_crash(opened: Opened) -> None:
    async with opened() as registry:
        await into_canary(registry)
        for index in range(600):
            given = await registry.assign(KEY, "t-1", f"u-{index}")
            harm = {"error": 1.0} if given.variant == "candidate" else {}
            told = await registry.observe(KEY, given.variant, GOOD | harm, given.epoch)
            if told.phase is Phase.OFF:
                break
    async with opened() as registry:
        report = await registry.report(KEY)
        assert (report.phase, report.reason) == (Phase.OFF, told.because)
        assert "errors" in report.reason
        assert (await registry.assign(KEY, "t-1", "u-1")).variant == "control"
        decisions = await registry.decisions(KEY)
    assert [made.after for made in decisions] == [Phase.SHADOW, Phase.CANARY, Phase.OFF]
    assert broken_at(decisions, report.head) is None


@pytest.mark.parametrize("opened", ["sqlite"], indirect=True)
async def test_a_decision_that_was_changed_in_the_file_is_noticed(opened: Opened, tmp_path: Path) -> None:
    async with opened() as registry:
        await into_canary(registry)
        await registry.roll_back(KEY, "op-1", "too dear")
    file = sqlite3.connect(tmp_path / "journal" / "journal.db")

    def rewrite(old: str, new: str) -> None:
        with file:
            assert file.execute("UPDATE records SET body = replace(body, ?, ?)", (old, new)).rowcount == 3

    rewrite('"after":"canary"', '"after":"active"')
    async with opened() as registry:
        report = await registry.report(KEY)
        assert broken_at(await registry.decisions(KEY), report.head) == 2
        rewrite('"after":"active"', '"after":"canary"')
        assert broken_at(await registry.decisions(KEY), report.head) is None
        rewrite('"after":"canary"', '"after":"moon"')
        with pytest.raises(JournalUnreadable, match="decision"):
            await registry.decisions(KEY)
    file.close()


async def test_what_is_no_number_is_refused_and_nothing_is_counted(opened: Opened) -> None:
    async with opened() as registry:
        await into_canary(registry)
        given = await registry.assign(KEY, "t-1", "u-1")
        for value in (math.nan, math.inf):
            with pytest.raises(BadInput, match="quality"):
                await registry.observe(KEY, given.variant, {"quality": value}, given.epoch)
        assert sum((await registry.report(KEY)).evidence.outcomes.values()) == 0


async def test_a_clock_that_is_set_back_is_refused_until_it_is_right(opened: Opened, clock: Clock) -> None:
    clock.ahead_s = 3_600.0
    async with opened() as registry:
        await into_canary(registry)
        clock.ahead_s = 0.0
        with pytest.raises(BotError, match="set the clock right"):
            await registry.assign(KEY, "t-1", "u-1")
        clock.ahead_s = 3_601.0
        assert (await registry.assign(KEY, "t-1", "u-1")).exposed


async def test_slots_survive_a_crash_and_are_freed_only_after_their_time(opened: Opened, clock: Clock) -> None:
    async with opened() as registry:
        one = await registry.reserve_slot(CANARIES, "one")
        await registry.reserve_slot(CANARIES, "two")
        assert isinstance(one, SlotTaken)
    async with opened() as registry:
        assert isinstance(await registry.reserve_slot(CANARIES, "three"), NoSlot)
        assert isinstance(await registry.free_slot(CANARIES, "one", one.slot.number), SlotKept)
        clock.ahead_s = 121.0
        assert isinstance(await registry.free_slot(CANARIES, "one", one.slot.number), SlotFreed)
        assert isinstance(await registry.reserve_slot(CANARIES, "three"), SlotTaken)


async def test_a_tenants_flags_are_its_own_and_survive_a_crash(opened: Opened) -> None:
    ours, theirs = flags_key("t-1"), flags_key("t-2")
    async with opened(enabled=False) as registry:
        await registry.set_flag(ours, "semantic_cache", True, "u-1")
        await registry.set_flag(ours, "prompt_compression", False, "u-1")
        await registry.set_flag(ours, "prompt_compression", None, "u-2")
        with pytest.raises(BadInput, match="no feature 'semantic_cash'"):
            await registry.set_flag(ours, "semantic_cash", True, "u-1")
    async with opened() as registry:
        assert await registry.flags(ours) == {"semantic_cache": True}
        assert await registry.flags(theirs) == {}


async def test_an_experiment_that_there_is_not_is_named_with_those_that_there_are(opened: Opened) -> None:
    async with opened() as registry:
        for call in (registry.assign("routing", "t-1", "u-1"), registry.report("routing"), registry.begin("x", "op")):
            with pytest.raises(BadInput, match="There is trimming"):
                await call


def test_plans_that_are_none_are_refused_before_anything_starts(tmp_path: Path) -> None:
    config = ShardConfig(fresh_url("sqlite", tmp_path))
    with pytest.raises(BadInput, match="make"):
        ExperimentRegistry(config, (replace(PLAN, fractions={"control": 0.5, "candidate": 0.4}),))
    assert not list(tmp_path.iterdir())
