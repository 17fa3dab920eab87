"""Plans of experiments: what is none is refused, with what to correct."""

import math

import pytest
from msgspec.structs import replace

from core.assignment import Slice
from core.errors import BadInput
from core.experiment_plans import ExperimentPlan, Goal, Metric, checked_plans
from tests.core.one_experiment import PLAN


@pytest.mark.parametrize(
    "fractions",
    [
        {"control": 0.5, "candidate": 0.4},
        {"control": 0.5, "candidate": 0.6},
        {"control": 0.5, "candidate": 0.5 + 1e-6},
        {"control": math.nan, "candidate": 0.5},
        {"control": 1.5, "candidate": -0.5},
        {"control": 1.0, "candidate": 0.0},
        {"control": 1.0},
        {"one": 0.5, "other": 0.5},
        {"control": 0.5, "Bad Name": 0.5},
        {"control": 0.1, **{f"c{index}": 0.1 for index in range(9)}},
        {},
    ],
)
def test_fractions_that_share_out_nothing_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        replace(PLAN, fractions=fractions).check()


@pytest.mark.parametrize(
    "changed",
    [
        {"name": "canaries"},
        {"name": "flags:1"},
        {"name": ""},
        {"metrics": ()},
        {"metrics": (Metric("quality"), Metric("quality"))},
        {"metrics": (Metric("error"),)},
        {"metrics": (Metric("quality", high=math.inf),)},
        {"metrics": (Metric("quality", low=1.0),)},
        {"canary_share": 0.0},
        {"canary_share": 1.1},
        {"canary_share": math.nan},
        {"alpha": 0.0},
        {"least_phase_s": -1.0},
        {"least_outcomes": 0},
        {"least_gain": math.nan},
        {"place": Slice("answers", 0.5, 0.5)},
    ],
)
def test_a_plan_with_a_field_out_of_its_range_is_refused(changed: dict[str, object]) -> None:
    with pytest.raises(BadInput):
        replace(PLAN, **changed).check()


def test_two_experiments_of_one_layer_may_not_overlap() -> None:
    lower, upper = Slice("answers", 0.0, 0.5), Slice("answers", 0.5, 1.0)
    one, other = replace(PLAN, place=lower), replace(PLAN, name="routing", place=upper)
    assert list(checked_plans([one, other])) == ["trimming", "routing"]
    checked_plans([one, replace(other, place=Slice("other layer"))])
    with pytest.raises(BadInput, match="overlap"):
        checked_plans([one, replace(other, place=Slice("answers", 0.4, 1.0))])
    with pytest.raises(BadInput, match="two experiments"):
        checked_plans([one, one])


def test_a_plan_says_its_conditions_in_words() -> None:
    plan = ExperimentPlan("routing", (Metric("reward"),), least_gain=0.03).check()
    assert plan.policy == (
        "72 h, or an interval at alpha 0.05 above 0; a gain of reward of at least 0.03; "
        "300 outcomes of each variant; sample ratios at 0.001"
    )
    assert (plan.variants, plan.candidates, plan.canary_share) == (("candidate", "control"), ("candidate",), 0.1)


def test_a_gain_is_positive_where_it_is_better() -> None:
    assert Metric("cost_usd", Goal.LOWER).gain(-0.2) == 0.2
    assert Metric("quality").gain(-0.2) == -0.2
