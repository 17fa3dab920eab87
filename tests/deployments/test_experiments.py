"""The desk of experiments over the real registry: from phase to phase, and never more than two in the canary."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.experiment_registry import ExperimentRegistry
from core.canary_slots import CANARIES, SlotTaken
from core.decision_chain import Phase
from core.errors import BadInput
from core.experiment_messages import ExperimentReport, Moved, NotYet
from deployments.experiments import ExperimentDesk
from tests.actors.clocks import StoodStill
from tests.actors.journals import fresh_url
from tests.actors.residents import running
from tests.core.one_experiment import GOOD, PLAN

NAMES = ("one", "two", "three")
PLANS = tuple(replace(PLAN, name=name, least_phase_s=0.0) for name in NAMES)
SETTINGS = {"semantic_cache": False, "prompt_compression": True}


@pytest.fixture
def clock() -> StoodStill:
    return StoodStill()


@pytest.fixture
async def registry(tmp_path: Path, clock: StoodStill) -> AsyncIterator[ExperimentRegistry]:
    url = fresh_url("sqlite", tmp_path)
    async with running(url, clock, lambda config: ExperimentRegistry(config, PLANS, tuple(SETTINGS), True)) as made:
        yield made


@pytest.fixture
def desk(registry: ExperimentRegistry, clock: StoodStill) -> ExperimentDesk:
    return ExperimentDesk(registry, NAMES, SETTINGS, clock)


async def in_shadow(desk: ExperimentDesk, registry: ExperimentRegistry, *names: str) -> None:
    for name in names:
        step = await desk.start(name, "op-1", "cheaper")
        assert isinstance(step, Moved)
        epoch = (await registry.report(name)).epoch
        for _ in range(5):
            await registry.observe_pair(name, "candidate", GOOD, GOOD, epoch)


async def phases(desk: ExperimentDesk) -> dict[str, Phase]:
    return {report.plan.name: report.phase for report in await desk.all()}


async def test_the_third_waits_until_one_of_two_is_out_of_the_canary(
    desk: ExperimentDesk, registry: ExperimentRegistry, clock: StoodStill
) -> None:
    await in_shadow(desk, registry, *NAMES)
    for name in ("one", "two"):
        assert isinstance(await desk.promote(name, "op-1"), Moved)
    refused = await desk.promote("three", "op-1")
    assert isinstance(refused, NotYet)
    assert "those of one and two" in refused.because[0]
    clock.ahead_s += 3_600.0
    assert isinstance(await desk.promote("three", "op-1"), NotYet)
    assert isinstance(await desk.roll_back("one", "op-1", "too dear"), Moved)
    assert isinstance(await desk.promote("three", "op-1"), Moved)
    assert await phases(desk) == {"one": Phase.OFF, "three": Phase.CANARY, "two": Phase.CANARY}


async def test_a_slot_of_a_desk_that_died_in_between_is_free_after_two_minutes(
    desk: ExperimentDesk, registry: ExperimentRegistry, clock: StoodStill
) -> None:
    await in_shadow(desk, registry, *NAMES)
    lost = await registry.reserve_slot(CANARIES, "one")
    assert isinstance(lost, SlotTaken)
    assert isinstance(await desk.promote("two", "op-1"), Moved)
    clock.ahead_s += 119.0
    assert isinstance(await desk.promote("three", "op-1"), NotYet)
    clock.ahead_s += 1.0
    assert isinstance(await desk.promote("three", "op-1"), Moved)
    # What the dead desk had in hand is worth nothing any more.
    assert isinstance(await registry.promote("one", "op-1", "", lost.slot), NotYet)


async def test_many_who_promote_at_once_get_two_into_the_canary(
    desk: ExperimentDesk, registry: ExperimentRegistry
) -> None:
    await in_shadow(desk, registry, *NAMES)
    steps = await asyncio.gather(*(desk.promote(name, "op-1") for name in NAMES * 3))
    assert sum(isinstance(step, Moved) for step in steps) == 2
    assert list((await phases(desk)).values()).count(Phase.CANARY) == 2


async def test_a_slot_of_an_experiment_that_is_gone_from_the_code_is_freed(
    desk: ExperimentDesk, registry: ExperimentRegistry, clock: StoodStill
) -> None:
    await in_shadow(desk, registry, "one")
    for name in ("gone", "too"):
        await registry.reserve_slot(CANARIES, name)
    clock.ahead_s += 3_600.0
    assert isinstance(await desk.promote("one", "op-1"), Moved)


async def test_without_evidence_no_slot_is_asked_for(desk: ExperimentDesk, registry: ExperimentRegistry) -> None:
    assert isinstance(await desk.start("one", "op-1"), Moved)
    refused = await desk.promote("one", "op-1")
    assert isinstance(refused, NotYet)
    assert "outcomes" in refused.because[0]
    first = await registry.reserve_slot(CANARIES, "two")
    assert isinstance(first, SlotTaken)
    assert first.slot.number == 1


async def test_the_history_is_told_with_every_step_and_whole(
    desk: ExperimentDesk, registry: ExperimentRegistry
) -> None:
    await in_shadow(desk, registry, "one")
    await desk.promote("one", "op-2")
    await desk.roll_back("one", "op-3", "too dear")
    history = await desk.show("one")
    told = [(made.after, made.by, made.reason) for made in history.decisions]
    assert told == [(Phase.SHADOW, "op-1", "cheaper"), (Phase.CANARY, "op-2", ""), (Phase.OFF, "op-3", "too dear")]
    assert (history.broken_at, history.report.phase) == (None, Phase.OFF)
    empty = await desk.show("two")
    assert (empty.decisions, empty.broken_at) == ((), None)
    with pytest.raises(BadInput, match="no experiment"):
        await desk.show("four")


async def test_a_step_while_the_history_is_read_does_not_look_like_a_broken_chain(
    registry: ExperimentRegistry, clock: StoodStill
) -> None:
    desk = ExperimentDesk(registry, NAMES, SETTINGS, clock)
    await in_shadow(desk, registry, "one")
    report = registry.report

    async def report_then_step(key: str) -> ExperimentReport:
        told = await report(key)
        await registry.roll_back(key, "op-2")
        return told

    registry.report = report_then_step  # type: ignore[method-assign]  # the call that comes in between
    history = await desk.show("one")
    assert (len(history.decisions), history.broken_at) == (1, None)


async def test_flags_are_the_settings_until_a_tenant_has_its_own(desk: ExperimentDesk) -> None:
    await desk.set_flag("t-1", "semantic_cache", True, "u-1")
    ours, theirs = await desk.flags("t-1"), await desk.flags("t-2")
    assert [(flag.name, flag.default, flag.override) for flag in ours] == [
        ("prompt_compression", True, None),
        ("semantic_cache", False, True),
    ]
    assert [flag.override for flag in theirs] == [None, None]
    assert [flag.override for flag in await desk.set_flag("t-1", "semantic_cache", None, "u-1")] == [None, None]
    with pytest.raises(BadInput, match="no feature"):
        await desk.set_flag("t-1", "semantic", True, "u-1")
