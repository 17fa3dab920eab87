"""Off-policy estimates against a truth that is known, and against their definitions."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.off_policy import Estimate, Logged, OffPolicySums, logged, off_policy_report

# Rewards of three arms for two kinds of questions. The target likes arm 1 for the one kind and arm 2 for the other.
REWARDS = np.array([[0.5, 0.9, 0.2], [0.5, 0.1, 0.6]])
TARGET = np.array([[0.1, 0.8, 0.1], [0.1, 0.1, 0.8]])
TRUTH = float((TARGET * REWARDS).sum(axis=1).mean() - 0.5)


def entry(**changes: float) -> Logged:
    fields = {
        "used": 0.9,
        "target": 0.5,
        "baseline": 1.0,
        "reward": 0.7,
        "expected": 0.6,
        "expected_of_target": 0.6,
        "expected_of_baseline": 0.5,
    }
    return Logged(**{**fields, **changes})


def stream(count: int, seed: int, epsilon: float = 0.3, model_error: float = 0.2) -> OffPolicySums:
    """Baseline arm 0 is in charge with exploration; a model that is wrong by `model_error` expects rewards."""
    rng, sums = np.random.default_rng(seed), OffPolicySums()
    charge = np.array([1.0 - epsilon, 0.0, 0.0]) + epsilon / 3
    for _ in range(count):
        kind, arm = int(rng.integers(2)), int(rng.choice(3, p=charge))
        expected = REWARDS[kind] + model_error
        sums = logged(
            sums,
            Logged(
                float(charge[arm]),
                float(TARGET[kind, arm]),
                float(arm == 0),
                float(rng.random() < REWARDS[kind, arm]),
                float(expected[arm]),
                float(TARGET[kind] @ expected),
                float(expected[0]),
            ),
        )
    return sums


def test_all_estimates_are_near_the_truth_and_the_doubly_robust_one_is_the_steadier() -> None:
    report = off_policy_report(stream(2_500, 1))
    for estimate in (report.ips, report.snips, report.doubly_robust):
        assert abs(estimate.value - TRUTH) < 4 * estimate.error
        assert estimate.low < estimate.value < estimate.high
        assert estimate.always_from < estimate.low
    assert report.doubly_robust.error < report.ips.error
    assert abs(report.baseline - 0.5) < 0.05


def test_a_model_that_is_wrong_does_not_bias_the_doubly_robust_estimate() -> None:
    values = [off_policy_report(stream(400, seed, model_error=-0.5)).doubly_robust.value for seed in range(60)]
    assert abs(np.mean(values) - TRUTH) < 4 * np.std(values) / math.sqrt(len(values))


def test_95_percent_intervals_hold_the_truth_about_that_often() -> None:
    reports = [off_policy_report(stream(250, seed)) for seed in range(200)]
    for name in ("ips", "snips", "doubly_robust"):
        estimates: list[Estimate] = [getattr(report, name) for report in reports]
        covered = np.mean([it.low <= TRUTH <= it.high for it in estimates])
        assert 0.9 <= covered <= 0.99, name
        always = np.mean([it.always_from <= TRUTH for it in estimates])
        assert always >= 0.97, name


def test_a_policy_that_is_worse_than_the_baseline_is_said_to_be() -> None:
    rng, sums = np.random.default_rng(2), OffPolicySums()
    for _ in range(1_000):
        arm = int(rng.random() < 0.2)
        sums = logged(sums, Logged(0.2 if arm else 0.8, float(arm), float(not arm), 0.9 - 0.6 * arm, 0.5, 0.5, 0.5))
    assert off_policy_report(sums).doubly_robust.high < -0.4


def test_the_effective_sample_is_everybody_only_where_the_target_is_in_charge() -> None:
    in_charge = off_policy_report(_of([entry(used=0.5, target=0.5)] * 50))
    assert in_charge.effective_n == pytest.approx(50.0)
    elsewhere = off_policy_report(_of([entry(used=0.9, target=0.1)] * 45 + [entry(used=0.1, target=0.9)] * 5))
    assert elsewhere.effective_n < 7


def test_before_two_decisions_nothing_is_known() -> None:
    for sums in (OffPolicySums(), _of([entry()])):
        report = off_policy_report(sums)
        for estimate in (report.ips, report.snips, report.doubly_robust):
            assert (estimate.low, estimate.high, estimate.always_from) == (-1.0, 1.0, -1.0)


probabilities = st.floats(0.0, 1.0)
entries = st.builds(
    Logged,
    st.floats(1e-6, 1.0),
    probabilities,
    probabilities,
    probabilities,
    st.floats(-1e3, 1e3),
    st.floats(-1e3, 1e3),
    st.floats(-1e3, 1e3),
)


@given(st.lists(entries, max_size=20))
def test_no_estimate_is_nan_and_ips_is_what_its_definition_says(made: list[Logged]) -> None:
    report = off_policy_report(_of(made))
    for estimate in (report.ips, report.snips, report.doubly_robust):
        assert all(map(math.isfinite, (estimate.value, estimate.error, estimate.low, estimate.high)))
        assert math.isfinite(estimate.always_from)
    if len(made) >= 2:
        by_hand = np.mean([(it.target - it.baseline) / it.used * it.reward for it in made])
        assert report.ips.value == pytest.approx(by_hand, rel=1e-6, abs=1e-6)


@pytest.mark.parametrize(
    "change",
    [
        {"used": 0.0},
        {"used": 1.1},
        {"used": math.nan},
        {"target": -0.1},
        {"baseline": 2.0},
        {"reward": 1.01},
        {"reward": math.nan},
        {"expected": math.inf},
        {"expected_of_target": math.nan},
    ],
)
def test_numbers_out_of_their_range_are_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        logged(OffPolicySums(), entry(**change))


def _of(made: list[Logged]) -> OffPolicySums:
    sums = OffPolicySums()
    for one in made:
        sums = logged(sums, one)
    return sums
