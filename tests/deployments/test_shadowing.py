"""Shadow measurement: nothing of it delays, changes or fails an answer."""

import asyncio
import math
from collections.abc import AsyncIterator, Mapping
from pathlib import Path

import pytest

from actors.experiment_registry import ExperimentRegistry
from core.decision_chain import Phase
from core.errors import BadInput, Unavailable
from core.experiment_messages import Assigned
from deployments.background import Background
from deployments.shadowing import Given, Shadow, ShadowConfig
from tests.actors.journals import fresh_url
from tests.actors.residents import Clock, running
from tests.core.one_experiment import GOOD, PLAN
from tests.fakes.experiments import FakeAssignments

IN_SHADOW = Assigned("control", Phase.SHADOW, 3, shadowed=("candidate",))
IN_CANARY = Assigned("candidate", Phase.CANARY, 4, exposed=True)
LIVE = {"quality": 0.5, "error": 0.0, "latency_ms": 100.0}


class Seconds:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Seconds:
    return Seconds()


@pytest.fixture
def registry() -> FakeAssignments:
    return FakeAssignments(IN_SHADOW)


@pytest.fixture
async def background() -> AsyncIterator[Background]:
    made = Background()
    yield made
    await made.drain(10.0)


@pytest.fixture
def shadow(registry: FakeAssignments, background: Background, clock: Seconds) -> Shadow:
    return Shadow(registry, background, ShadowConfig(at_once=2, candidate_s=0.05, assign_s=0.05), clock)


async def good(_: str) -> Mapping[str, float]:
    return {"quality": 0.9, "latency_ms": 40.0}


# ---------------------------------------------------------------- assignments
async def test_an_assignment_is_the_registrys(shadow: Shadow, registry: FakeAssignments) -> None:
    registry.assigned = IN_CANARY
    given = await shadow.assign("trimming", "t-1", "u-1")
    assert (given.variant, given.assigned) == ("candidate", IN_CANARY)
    assert registry.asked == [("trimming", "t-1", "u-1")]


@pytest.mark.parametrize("error", [Unavailable("ExperimentRegistry"), BadInput("no such"), None])
async def test_whatever_is_wrong_with_the_registry_the_answer_goes_on_with_the_control(
    shadow: Shadow, registry: FakeAssignments, background: Background, error: Exception | None
) -> None:
    registry.error = error
    if error is None:
        registry.gate.clear()  # it does not answer
    given = await shadow.assign("trimming", "t-1", "u-1", control="whole")
    assert (given.variant, given.assigned.exposed, given.assigned.shadowed) == ("whole", False, ())
    assert shadow.counts.controls == 1
    shadow.observe(given, LIVE)
    shadow.measure(given, LIVE, good)
    assert not background.busy


async def test_a_registry_that_is_down_is_waited_for_once_and_asked_again_later(
    shadow: Shadow, registry: FakeAssignments, clock: Seconds
) -> None:
    registry.error = Unavailable("ExperimentRegistry")
    for _ in range(5):
        await shadow.assign("trimming", "t-1", "u-1")
    assert len(registry.asked) == 1
    clock.now_s += 5.1
    registry.error, registry.assigned = None, IN_CANARY
    assert (await shadow.assign("trimming", "t-1", "u-1")).assigned == IN_CANARY


@pytest.mark.parametrize("phase", [Phase.OFF, Phase.SHADOW])
async def test_while_everybody_has_the_control_the_registry_is_asked_now_and_then(
    shadow: Shadow, registry: FakeAssignments, clock: Seconds, phase: Phase
) -> None:
    registry.assigned = Assigned("control", phase)
    for unit in ("u-1", "u-2", "u-3"):
        await shadow.assign("trimming", "t-1", unit)
    await shadow.assign("routing", "t-1", "u-1")
    assert [key for key, _, _ in registry.asked] == ["trimming", "routing"]
    clock.now_s += 5.1
    await shadow.assign("trimming", "t-1", "u-4")
    assert len(registry.asked) == 3


async def test_in_the_canary_every_unit_is_asked_for(shadow: Shadow, registry: FakeAssignments) -> None:
    registry.assigned = Assigned("control", Phase.CANARY, 4)
    for unit in ("u-1", "u-2"):
        await shadow.assign("trimming", "t-1", unit)
    assert len(registry.asked) == 2


# ---------------------------------------------------------------- outcomes
async def test_an_outcome_is_observed_beside_and_only_of_an_exposure(
    shadow: Shadow, registry: FakeAssignments, background: Background
) -> None:
    shadow.observe(Given("trimming", Assigned("control", Phase.CANARY, 4)), LIVE)
    assert not background.busy
    shadow.observe(Given("trimming", IN_CANARY), LIVE)
    await background.drain(10.0)
    assert registry.observed == [("trimming", "candidate", LIVE, 4)]


async def test_an_outcome_that_the_registry_does_not_take_is_counted_as_lost(
    shadow: Shadow, registry: FakeAssignments, background: Background
) -> None:
    registry.error = Unavailable("ExperimentRegistry")
    shadow.observe(Given("trimming", IN_CANARY), LIVE)
    shadow.measure(Given("trimming", IN_SHADOW), LIVE, good)
    await background.drain(10.0)
    assert (shadow.counts.lost, shadow.counts.measured) == (2, 0)


# ---------------------------------------------------------------- measuring
async def test_a_candidate_is_computed_after_the_answer_is_out_and_observed_beside_it(
    shadow: Shadow, registry: FakeAssignments, background: Background
) -> None:
    begun: list[str] = []

    async def compute(variant: str) -> Mapping[str, float]:
        begun.append(variant)
        return await good(variant)

    shadow.measure(Given("trimming", IN_SHADOW), LIVE, compute)
    assert begun == []  # nothing of it ran before we went on
    await background.drain(10.0)
    assert registry.pairs == [
        ("trimming", "candidate", LIVE, {"error": 0.0, "quality": 0.9, "latency_ms": 40.0}, 3),
    ]
    assert shadow.counts.measured == 1


async def test_a_candidates_time_is_measured_where_it_does_not_say(
    shadow: Shadow, registry: FakeAssignments, background: Background, clock: Seconds
) -> None:
    async def compute(_: str) -> Mapping[str, float]:
        clock.now_s += 0.25
        return {"quality": 0.9}

    shadow.measure(Given("trimming", IN_SHADOW), LIVE, compute)
    await background.drain(10.0)
    assert registry.pairs[0][3]["latency_ms"] == pytest.approx(250.0)


async def broken(_: str) -> Mapping[str, float]:
    raise RuntimeError("out of memory")


async def endless(_: str) -> Mapping[str, float]:
    await asyncio.Event().wait()
    return {}


async def nonsense(_: str) -> Mapping[str, float]:
    return {"quality": math.nan}


@pytest.mark.parametrize("compute", [broken, endless, nonsense])
async def test_a_candidate_that_fails_is_an_error_of_the_candidate(
    shadow: Shadow, registry: FakeAssignments, background: Background, compute: object
) -> None:
    shadow.measure(Given("trimming", IN_SHADOW), LIVE, compute)  # type: ignore[arg-type]  # one of the three above
    await background.drain(10.0)
    assert registry.pairs == [("trimming", "candidate", LIVE, {"error": 1.0}, 3)]
    assert (shadow.counts.failed, shadow.counts.measured) == (1, 1)


async def test_too_many_at_once_are_dropped_and_counted(
    shadow: Shadow, registry: FakeAssignments, background: Background
) -> None:
    free = asyncio.Event()

    async def waiting(variant: str) -> Mapping[str, float]:
        await free.wait()
        return await good(variant)

    for _ in range(5):
        shadow.measure(Given("trimming", IN_SHADOW), LIVE, waiting)
    assert shadow.counts.dropped == 3
    free.set()
    await background.drain(10.0)
    shadow.measure(Given("trimming", IN_SHADOW), LIVE, good)
    await background.drain(10.0)
    assert (shadow.counts.measured, shadow.counts.dropped, len(registry.pairs)) == (3, 3, 3)


async def test_over_the_real_registry_live_and_candidate_are_compared_question_by_question(
    tmp_path: Path, background: Background
) -> None:
    url = fresh_url("sqlite", tmp_path)
    async with running(url, Clock(), lambda config: ExperimentRegistry(config, (PLAN,), enabled=True)) as real:
        await real.begin("trimming", "op-1")
        shadow = Shadow(real, background, ShadowConfig(at_once=1_000))
        for index in range(300):
            live = GOOD | {"quality": (index % 50) / 100}

            async def compute(_: str, live: Mapping[str, float] = live, index: int = index) -> dict[str, float]:
                if index % 100 == 0:
                    raise RuntimeError("it broke")
                return {"quality": live["quality"] + 0.1 + (index % 3) / 100, "latency_ms": 90.0}

            given = await shadow.assign("trimming", "t-1", f"question-{index}")
            assert given.variant == "control"
            shadow.measure(given, live, compute)
        await background.drain(30.0)
        report = await real.report("trimming")
    (gain,) = report.evidence.gains
    assert (report.evidence.outcomes, gain.outcomes) == ({"candidate": 300, "control": 300}, 297)
    assert gain.gain == pytest.approx(0.11, abs=1e-3)
    # Of pairs: the answers of two groups of so many questions would leave 0.076.
    assert gain.low is not None
    assert gain.low > 0.09
