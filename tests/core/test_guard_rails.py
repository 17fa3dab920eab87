"""Guard rails: harm is taken back soon, and nothing else is."""

import math
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.errors import BadInput
from core.guard_rails import Guard, QuantileRule, RateRule, guard, rate_evidence, rate_trips
from core.metric_sums import MetricSums
from core.quantile_sketch import QuantileSketch
from tests.core.metric_streams import rate, sketch_of, sums_of_values

Floats: TypeAlias = NDArray[np.float64]

ERRORS, P95 = RateRule(), QuantileRule()
NOTHING = Guard(False, -1.0, 0.0)
COUNTS = st.tuples(st.integers(1, 400), st.floats(0, 1)).map(lambda of: (round(of[0] * of[1]), of[0]))


def failures(runs: int, units: int, share: float, chance: tuple[float, float]) -> tuple[Floats, Floats, Floats, Floats]:
    """Running counts: failures of control, its units, failures of treatment, its units."""
    rng = np.random.default_rng(5)
    taken = rng.random((runs, units)) < share
    failed = rng.random(taken.shape) < np.where(taken, chance[1], chance[0])
    counts = (np.cumsum(it, axis=1).astype(float) for it in (failed & ~taken, ~taken, failed & taken, taken))
    before, n_before, now, n_now = counts
    return before, n_before, now, n_now


# ---------------------------------------------------------------- errors
@pytest.mark.parametrize(("share", "chance"), [(0.5, 0.02), (0.1, 0.02), (0.1, 0.3), (0.5, 0.5), (0.05, 0.005)])
def test_a_variant_that_fails_no_more_often_is_hardly_ever_taken_back(share: float, chance: float) -> None:
    rule = RateRule(alpha=0.05)
    tripped = rate_trips(*failures(600, 3_000, share, (chance, chance)), rule).any(axis=1)
    assert tripped.mean() <= 0.05


@pytest.mark.parametrize(("chance", "within"), [((0.02, 1.0), 150), ((0.02, 0.2), 800), ((0.05, 0.15), 2_000)])
def test_one_that_fails_far_more_often_is_taken_back_soon(chance: tuple[float, float], within: int) -> None:
    tripped = rate_trips(*failures(200, within, 0.1, chance), ERRORS).any(axis=1)
    assert tripped.mean() >= 0.9


def test_a_little_harm_is_let_pass_even_when_it_is_proven() -> None:
    found = guard(rate(1_000, 10_000), rate(1_300, 10_000), ERRORS)
    assert not found.tripped
    assert found.low > 0.05
    assert found.increase == pytest.approx(0.3)


def test_the_lower_bound_is_where_the_evidence_ends() -> None:
    found = guard(rate(50, 1_000), rate(30, 200), ERRORS)
    needed = -math.log(ERRORS.alpha)
    assert found == guard(rate(50, 1_000), rate(30, 200), ERRORS)
    assert rate_evidence(50, 1_000, 30, 200, (1 + found.low) * 0.999) >= needed
    assert rate_evidence(50, 1_000, 30, 200, (1 + found.low) * 1.005) < needed


@given(COUNTS, COUNTS)
def test_one_look_at_sums_is_one_place_of_the_arrays(before: tuple[int, int], now: tuple[int, int]) -> None:
    found = guard(rate(*before), rate(*now), ERRORS)
    column = np.array([[*before, *now]], dtype=float).T
    assert found.tripped == bool(rate_trips(column[0], column[1], column[2], column[3], ERRORS)[0])
    assert -1.0 <= found.low < math.inf
    if found.increase is not None:
        assert found.low <= found.increase + 1e-9
    assert not found.tripped or found.low >= 0.0


@given(COUNTS, COUNTS)
def test_evidence_falls_with_the_ratio_that_is_to_be_exceeded(before: tuple[int, int], now: tuple[int, int]) -> None:
    found = [float(rate_evidence(*before, *now, ratio)) for ratio in (0.1, 0.5, 1.0, 1.5, 4.0)]
    assert found == sorted(found, reverse=True)


def test_one_more_observation_leaves_the_expected_evidence_where_it_was() -> None:
    """With a known share of the failures: the promise of `rate_evidence`, exactly."""
    share, before, now = 0.25, 7, 5
    units = (1 - share, share)

    def evidence(failed: int, its: int) -> float:
        return math.exp(float(rate_evidence(failed, units[0], its, units[1])))

    expected = (1 - share) * evidence(before + 1, now) + share * evidence(before, now + 1)
    assert expected == pytest.approx(evidence(before, now), rel=1e-9)


def test_from_no_failures_the_increase_has_no_number_and_still_trips() -> None:
    found = guard(rate(0, 500), rate(20, 100), ERRORS)
    assert found.tripped
    assert found.increase is None
    assert found.low > 0.5


@pytest.mark.parametrize(
    ("before", "now", "increase"),
    [
        ((0, 0), (5, 5), 0.0),
        ((5, 5), (0, 0), 0.0),
        ((0, 9), (0, 9), 0.0),
        ((3, 9), (0, 9), -1.0),
        ((0, 0), (0, 0), 0.0),
    ],
)
def test_where_nobody_is_or_nothing_failed_nothing_is_known(
    before: tuple[int, int], now: tuple[int, int], increase: float
) -> None:
    assert guard(rate(*before), rate(*now), ERRORS) == Guard(False, -1.0, increase)


def test_a_rate_of_other_values_than_0_and_1_is_refused() -> None:
    with pytest.raises(BadInput, match="other than 0 and 1"):
        guard(rate(1, 10), sums_of_values([0.0, 0.5, 2.0]), ERRORS)


# ---------------------------------------------------------------- quantiles
def streams(seed: int, units: int, share: float, times: float) -> tuple[NDArray[np.bool_], Floats]:
    rng = np.random.default_rng(seed)
    taken = rng.random(units) < share
    return taken, rng.lognormal(0.0, 0.8, units) * np.where(taken, times, 1.0)


def trips_at(taken: NDArray[np.bool_], values: Floats, rule: QuantileRule, each: int = 25) -> int:
    """The observation at which the rail trips, 0 for never; a look after every `each`."""
    sketches = {False: QuantileSketch(), True: QuantileSketch()}
    for number, (arm, value) in enumerate(zip(taken.tolist(), values.tolist(), strict=True), 1):
        sketches[arm] = sketches[arm].add(value)
        if number % each == 0 and guard(sketches[False], sketches[True], rule).tripped:
            return number
    return 0


def test_a_variant_that_is_as_fast_is_not_taken_back() -> None:
    assert not any(trips_at(*streams(seed, 2_000, 0.2, 1.0), P95) for seed in range(12))


def test_one_that_is_twice_as_slow_is_taken_back_soon() -> None:
    assert all(trips_at(*streams(seed, 2_000, 0.2, 2.0), P95) > 0 for seed in range(12))


def test_timeouts_at_the_quantile_itself_are_no_harm() -> None:
    """One in ten takes just the time limit, in both: the 95th percentile is that value, and much lies on it."""
    rng = np.random.default_rng(2)
    taken = rng.random(6_000) < 0.3
    values = np.where(rng.random(6_000) < 0.1, 30.0, rng.lognormal(0.0, 0.3, 6_000))
    assert trips_at(taken, values, QuantileRule(max_increase=0.0, alpha=0.2), each=100) == 0


def test_the_lower_bound_of_a_quantile_is_below_the_truth_and_comes_near() -> None:
    taken, values = streams(3, 30_000, 0.5, 2.0)
    found = guard(sketch_of(values[~taken]), sketch_of(values[taken]), P95)
    assert 0.7 < found.low < 1.0
    assert found.increase == pytest.approx(1.0, abs=0.15)


def test_a_small_slowdown_is_let_pass_even_when_it_is_proven() -> None:
    taken, values = streams(4, 30_000, 0.5, 1.2)
    found = guard(sketch_of(values[~taken]), sketch_of(values[taken]), QuantileRule(max_increase=0.3))
    assert found.low > 0.0
    assert not found.tripped


def test_the_unit_of_time_does_not_matter() -> None:
    taken, values = streams(5, 1_500, 0.5, 1.8)
    seconds, hours = (
        guard(sketch_of(values[~taken] * unit), sketch_of(values[taken] * unit), P95) for unit in (1.0, 1 / 3600)
    )
    assert seconds.low == pytest.approx(hours.low, abs=0.05)
    assert seconds.tripped == hours.tripped


@pytest.mark.parametrize("values", [[], [1.0], [0.0] * 50])
def test_with_no_or_few_values_nothing_is_known_of_a_quantile(values: list[float]) -> None:
    assert guard(sketch_of(values), sketch_of(values), P95).tripped is False
    assert guard(QuantileSketch(), sketch_of([9.0] * 100), P95) == NOTHING
    assert guard(sketch_of([9.0] * 100), QuantileSketch(), P95) == NOTHING


# ---------------------------------------------------------------- what cannot be asked
@pytest.mark.parametrize(
    "rule",
    [RateRule(-0.1), RateRule(float("nan")), RateRule(alpha=0.0), RateRule(alpha=1.0), RateRule(alpha=float("nan"))],
)
def test_a_rule_that_cannot_be_kept_is_refused(rule: RateRule) -> None:
    with pytest.raises(BadInput, match="guard rail"):
        guard(rate(1, 10), rate(1, 10), rule)


@pytest.mark.parametrize("quantile", [0.0, 1.0, 95.0, float("nan")])
def test_a_quantile_that_is_none_is_refused(quantile: float) -> None:
    with pytest.raises(BadInput, match="quantile"):
        guard(sketch_of([1.0]), sketch_of([1.0]), QuantileRule(quantile))


def test_a_rule_of_another_kind_than_the_sums_is_refused() -> None:
    with pytest.raises(BadInput, match="another kind"):
        guard(MetricSums(), MetricSums(), P95)
    with pytest.raises(BadInput, match="another kind"):
        guard(QuantileSketch(), QuantileSketch(), ERRORS)
