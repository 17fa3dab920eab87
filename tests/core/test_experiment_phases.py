"""From off over shadow and canary to active, and back: each step on evidence, and each a decision."""

from random import Random

import msgspec
import pytest
from msgspec.structs import replace

from core.canary_slots import CanarySlot, ReserveSlot
from core.decision_chain import Phase, broken_at
from core.errors import BadInput
from core.experiment_messages import Counted, Moved, ObservePair, Promote, Start
from core.experiment_plans import ExperimentPlan, Metric
from core.experiments import KIND, report
from core.feature_flags import SetFlag
from tests.core.one_experiment import PLAN, Registry, said

GAIN = ExperimentPlan("routing", (Metric("reward"),), canary_share=1.0, least_outcomes=20, least_gain=0.03)


def paired(registry: Registry, count: int, gain: float, seed: int = 1) -> None:
    """Pairs in shadow whose candidate is better by about `gain` in the plan's primary metric."""
    rng, name = Random(seed), registry.plan.primary.name
    for _ in range(count):
        live = rng.uniform(0.2, 0.6)
        other = live + gain + rng.uniform(-0.1, 0.1)
        registry.pair(_one(name, live), _one(name, other))


def _one(name: str, value: float) -> dict[str, float]:
    return {name: value, "error": 0.0, "latency_ms": 100.0}


class Bare(Registry):
    """A registry whose pairs hold what the test gives and nothing else."""

    def pair(self, live: dict[str, float], candidate: dict[str, float], variant: str = "candidate") -> Counted:
        counted: Counted = self.do(ObservePair(variant, live, candidate, self.experiment.epoch))
        return counted


# ---------------------------------------------------------------- promotion
def test_the_way_is_off_shadow_canary_active_and_off_again() -> None:
    registry = Registry().in_active()
    assert isinstance(registry.roll_back("too dear"), Moved)
    steps = [(made.before, made.after, made.by) for made in registry.decisions]
    assert steps == [
        (Phase.OFF, Phase.SHADOW, "op-1"),
        (Phase.SHADOW, Phase.CANARY, "op-1"),
        (Phase.CANARY, Phase.ACTIVE, "op-1"),
        (Phase.ACTIVE, Phase.OFF, "op-2"),
    ]
    assert registry.decisions[1].evidence.lived_s >= 72 * 3_600
    assert registry.decisions[2].evidence.outcomes["candidate"] >= 5
    assert registry.decisions[-1].reason == registry.experiment.reason == "too dear"
    assert all("72 h" in made.policy for made in registry.decisions)


def test_what_cannot_be_said_of_this_phase_says_so() -> None:
    registry = Registry()
    assert "start it first" in said(registry.promote())
    assert "start it first" in said(registry.roll_back())
    registry.start()
    assert "in shadow already" in said(registry.start())
    active = Registry().in_active()
    assert "Everybody has candidate" in said(active.promote())
    assert len(active.decisions) == 3


def test_before_72_hours_an_interval_above_0_promotes_and_nothing_less() -> None:
    registry = Registry()
    registry.start()
    registry.wait(1)
    paired(registry, 90, 0.3)
    assert "is not above 0" in said(registry.promote())
    paired(registry, 300, 0.3)
    gain = registry.evidence.gains[0]
    assert gain.low is not None
    assert 0 < gain.low < 0.3 < (gain.high or 0)
    assert isinstance(registry.promote(), Moved)


def test_72_hours_promote_what_is_not_shown_to_be_worse() -> None:
    registry = Registry()
    registry.start()
    paired(registry, 300, 0.0)
    registry.lived(71)
    assert "71.0 of 72 h" in said(registry.promote())
    registry.lived(1)
    assert isinstance(registry.promote(), Moved)


def test_what_is_shown_to_be_worse_is_not_promoted_however_long_it_lasts() -> None:
    registry = Registry()
    registry.start()
    paired(registry, 300, -0.1)
    registry.lived(200)
    assert "candidate is worse: quality -0." in said(registry.promote())


def test_a_lower_cost_is_a_gain() -> None:
    plan = replace(PLAN, metrics=(PLAN.metrics[1], PLAN.metrics[0]))
    registry = Registry(plan=plan)
    registry.start()
    paired(registry, 300, -0.1)
    gain = registry.evidence.gains[0]
    assert gain.low is not None
    assert 0 < gain.low < 0.1 < (gain.high or 0)
    assert isinstance(registry.promote(), Moved)


def test_with_a_least_gain_time_alone_does_not_promote_nor_does_a_smaller_gain() -> None:
    registry = Bare("routing", GAIN)
    registry.start()
    paired(registry, 300, 0.02)
    registry.wait(72)
    for _ in range(20):
        registry.wait(5)
        paired(registry, 1, 0.02)
    gain = registry.evidence.gains[0]
    assert gain.low is not None
    assert 0 < gain.low < 0.03
    assert "not proven to reach 0.03" in said(registry.promote())
    paired(registry, 3_000, 0.06)
    assert isinstance(registry.promote(), Moved)


def test_too_few_outcomes_promote_nothing() -> None:
    registry = Registry(plan=replace(PLAN, least_outcomes=100))
    registry.start()
    registry.lived(72)
    assert "100 of each are asked for" in said(registry.promote())


def test_of_several_candidates_one_has_to_be_named() -> None:
    plan = replace(PLAN, fractions={"control": 0.4, "small": 0.3, "tiny": 0.3}, least_phase_s=0.0)
    registry = Registry(plan=plan).in_canary_at_once()
    for unit in registry.units(60):
        registry.observe(registry.assign(unit))
    with pytest.raises(BadInput, match="several candidates"):
        registry.promote()
    with pytest.raises(BadInput, match="no candidate"):
        registry.promote("control")
    step = registry.promote("tiny")
    assert isinstance(step, Moved)
    assert registry.assign("u").variant == step.decision.variant == "tiny"


# ---------------------------------------------------------------- decisions
def test_a_changed_decision_is_noticed_and_so_is_one_that_is_gone() -> None:
    registry = Registry().in_active()
    registry.roll_back()
    made, head = registry.decisions, registry.experiment.head
    assert broken_at(made, head) is None
    assert broken_at(made[1:], head) is None
    forged = replace(made[1], evidence=replace(made[1].evidence, lived_s=1e6))
    assert broken_at([made[0], forged, *made[2:]], head) == 2
    assert broken_at([made[0], replace(forged, digest=made[1].digest), *made[2:]], head) == 2
    assert broken_at([made[0], *made[2:]], head) == 3
    assert broken_at(made[:-1], head) == 4
    assert broken_at([*made[:-1], replace(made[-1], by="nobody")], head) == 4
    assert broken_at([], head) == 1
    assert broken_at([], "") is None


def test_a_decision_says_everything_that_it_was_taken_on() -> None:
    registry = Registry().in_canary()
    made = registry.decisions[-1]
    again = msgspec.json.decode(msgspec.json.encode(made), type=type(made))
    assert again == made
    assert made.evidence.gains[0].outcomes == made.evidence.outcomes["candidate"] > 0
    assert made.evidence.means["candidate"]["quality"] == pytest.approx(0.8)
    assert made.evidence.p95_ms["candidate"] == pytest.approx(100, rel=0.01)


@pytest.mark.parametrize("by", ["", " ", "x" * 101, "a\nb"])
def test_a_step_by_nobody_is_refused(by: str) -> None:
    registry = Registry()
    with pytest.raises(BadInput, match="by"):
        registry.do(Start(PLAN, by))


# ---------------------------------------------------------------- keys and slots
@pytest.mark.parametrize(
    "slot", [None, CanarySlot("other", 1, 1e12), CanarySlot("trimming", 1, 1.0)], ids=["none", "others", "late"]
)
def test_nothing_enters_the_canary_without_a_slot_of_its_own_in_time(slot: CanarySlot | None) -> None:
    registry = Registry()
    registry.start()
    registry.lived(72)
    assert "slot" in said(registry.do(Promote("op-1", "", slot)))


def test_a_command_for_another_sort_of_key_is_refused() -> None:
    with pytest.raises(BadInput):
        Registry("canaries").do(Start(PLAN, "op-1"))
    with pytest.raises(BadInput):
        Registry().do(ReserveSlot("trimming"))
    with pytest.raises(BadInput):
        Registry().do(SetFlag("trimming", True, "op-1", ("trimming",)))
    with pytest.raises(BadInput, match="cannot start"):
        Registry("routing").do(Start(PLAN, "op-1"))
    for key in ("Trimming", "flags:", "tenant:1", ""):
        with pytest.raises(BadInput):
            KIND.initial(key)


def test_a_report_of_one_that_is_off_shows_the_plan_that_it_would_have() -> None:
    registry = Registry().in_canary()
    newer = replace(PLAN, canary_share=0.5)
    assert report(registry.experiment, newer, registry.now).plan == PLAN
    registry.roll_back()
    told = report(registry.experiment, newer, registry.now)
    assert (told.plan, told.phase, told.decisions, told.evidence.lived_s) == (newer, Phase.OFF, 3, 0.0)
