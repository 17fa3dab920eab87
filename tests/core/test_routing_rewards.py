"""Rewards of answers: within 0 and 1, by weights that a tenant chooses, and refused where they are none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.routing_rewards import RewardWeights, price_belief, reward_of

WEIGHTS = RewardWeights()


def test_the_default_weights_are_half_quality_then_speed_then_cost() -> None:
    assert reward_of(WEIGHTS, 1.0, 0.0, 0.0) == 1.0
    assert reward_of(WEIGHTS, 0.0, 0.0, 0.0) == pytest.approx(0.5)
    assert reward_of(WEIGHTS, 1.0, 30.0, 0.0) == pytest.approx(0.7)
    assert reward_of(WEIGHTS, 1.0, 300.0, 5.0) == pytest.approx(0.5)
    assert reward_of(WEIGHTS, 1.0, 15.0, 0.025) == pytest.approx(0.75)


@given(
    st.floats(0.0, 1.0),
    st.floats(0.0, 1e9),
    st.floats(0.0, 1e9),
    st.tuples(*[st.floats(0.0, 1e6)] * 3).filter(lambda weights: sum(weights) > 0.0),
)
def test_a_reward_is_within_0_and_1_and_never_better_for_being_slower_or_dearer(
    quality: float, latency_s: float, cost_usd: float, weights: tuple[float, float, float]
) -> None:
    of_tenant = RewardWeights(*weights).check()
    reward = reward_of(of_tenant, quality, latency_s, cost_usd)
    assert 0.0 <= reward <= 1.0
    assert reward_of(of_tenant, quality, 2 * latency_s, 2 * cost_usd) <= reward + 1e-12


@pytest.mark.parametrize(
    "outcome", [(1.01, 1.0, 0.0), (-0.1, 1.0, 0.0), (math.nan, 1.0, 0.0), (0.5, -1.0, 0.0), (0.5, math.nan, 0.0)]
)
def test_an_outcome_out_of_its_range_is_refused(outcome: tuple[float, float, float]) -> None:
    with pytest.raises(BadInput):
        reward_of(WEIGHTS, *outcome)
    with pytest.raises(BadInput):
        reward_of(WEIGHTS, 0.5, 1.0, math.inf)


@pytest.mark.parametrize(
    "weights",
    [
        RewardWeights(-0.1, 0.5, 0.5),
        RewardWeights(0, 0, 0),
        RewardWeights(math.nan),
        RewardWeights(latency_limit_s=0.0),
    ],
)
def test_weights_that_are_none_are_refused(weights: RewardWeights) -> None:
    with pytest.raises(BadInput):
        weights.check()


def test_dearer_models_are_believed_a_little_better() -> None:
    beliefs = [price_belief(price, 0.1, 0.9) for price in (0.1, 0.3, 0.9)]
    assert beliefs == sorted(beliefs)
    assert beliefs[0] == pytest.approx(-0.15)
    assert beliefs[-1] == 0.0
    for unknown in ((0.0, 0.1, 0.9), (0.5, 0.5, 0.5), (math.nan, 0.1, 0.9), (2.0, 0.1, 0.9)):
        assert price_belief(*unknown) == 0.0
