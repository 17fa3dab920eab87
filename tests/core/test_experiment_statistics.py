"""What is said of an experiment at any moment: no decision from nothing, no alarm from chance."""

import math
from fractions import Fraction

import msgspec
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.entity_codec import to_json
from core.errors import BadInput
from core.experiment_statistics import Comparison, MetricSums, compare, log_evidence, sample_ratio, variance_removed
from tests.core.metric_streams import Pairs, rate, sums_of, sums_of_values

HALVES = {"control": 0.5, "treatment": 0.5}
ANYTHING = st.lists(st.tuples(st.floats(-1e100, 1e100), st.floats(-1e100, 1e100)), max_size=30)
COUNTS = st.lists(st.integers(0, 3_000), min_size=2, max_size=4)


def scores(seed: int, mean: float, n: int) -> MetricSums:
    return sums_of_values(np.random.default_rng(seed).normal(mean, 1.0, n))


# ---------------------------------------------------------------- compare
def test_a_clear_difference_is_decided_with_its_bounds_and_sizes() -> None:
    found = compare(scores(1, 1.0, 400), scores(2, 1.5, 300))
    assert found.decided
    assert found.low is not None
    assert found.high is not None
    assert 0.0 < found.low < found.effect < found.high
    assert (found.n_control, found.n_treatment) == (400, 300)


def test_turning_the_variants_round_turns_the_bounds_round() -> None:
    one, other = compare(scores(1, 1.0, 400), scores(2, 1.5, 300)), compare(scores(2, 1.5, 300), scores(1, 1.0, 400))
    assert one.effect == pytest.approx(-other.effect)
    assert one.low == pytest.approx(-(other.high or 0.0))


@pytest.mark.parametrize(
    ("control", "treatment"),
    [
        (MetricSums(), MetricSums()),
        (scores(1, 0.0, 5_000), MetricSums()),
        (MetricSums(), scores(1, 0.0, 5_000)),
        (scores(1, 0.0, 199), scores(2, 100.0, 199)),
        (scores(1, 0.0, 5_000), scores(2, 100.0, 50)),
        (rate(0, 5_000), rate(0, 5_000)),
        (rate(5_000, 5_000), rate(5_000, 5_000)),
        (sums_of_values([0.1] * 300), sums_of_values([0.1] * 150).merge(sums_of_values([0.1] * 151))),
    ],
    ids=["nobody", "no treatment", "no control", "early", "few", "all zero", "all one", "all equal up to rounding"],
)
def test_where_nothing_can_be_said_there_are_no_bounds_and_no_decision(
    control: MetricSums, treatment: MetricSums
) -> None:
    found = compare(control, treatment)
    assert (found.low, found.high, found.decided) == (None, None, False)
    assert msgspec.json.decode(to_json(found), type=Comparison) == found


def test_two_constants_that_differ_are_told_apart() -> None:
    found = compare(sums_of_values([1.0] * 200), sums_of_values([2.0] * 200))
    assert found.decided
    assert found.effect == 1.0


def test_a_covariate_that_explains_all_leaves_the_effect_and_nothing_from_rounding() -> None:
    rng = np.random.default_rng(0)
    past = [rng.normal(5.0, 2.0, 400) for _ in range(2)]
    same, better = (
        compare(sums_of((3 * x, x) for x in past[0]), sums_of((3 * x + gain, x) for x in past[1]))
        for gain in (0.0, 0.5)
    )
    assert not same.decided
    assert better.decided
    assert better.effect == pytest.approx(0.5)


def test_a_covariate_makes_the_interval_narrower_by_what_it_explains() -> None:
    rng = np.random.default_rng(0)
    past, noise = rng.normal(size=(2, 2_000)), rng.normal(size=(2, 2_000))
    scored = 0.8 * past + 0.6 * noise
    pairs = [list(zip(scored[arm].tolist(), past[arm].tolist(), strict=True)) for arm in range(2)]
    sums = sums_of(pairs[0]), sums_of(pairs[1])
    plain, adjusted = compare(sums_of_values(scored[0]), sums_of_values(scored[1])), compare(*sums)
    assert plain.high is not None
    assert adjusted.high is not None
    assert (adjusted.high - adjusted.effect) / (plain.high - plain.effect) == pytest.approx(0.6, abs=0.03)
    assert variance_removed(*sums) == pytest.approx(0.64, abs=0.03)


def test_no_covariate_explains_nothing() -> None:
    assert variance_removed(scores(1, 0.0, 100), scores(2, 0.0, 100)) == 0.0
    assert variance_removed(MetricSums(), MetricSums()) == 0.0


def test_a_ratio_is_that_of_the_sums_not_the_mean_of_ratios() -> None:
    few_long, many_short = [(10.0, 1.0), (1.0, 4.0)] * 200, [(6.0, 1.0), (2.0, 4.0)] * 200
    found = compare(sums_of(few_long), sums_of(many_short), ratio=True)
    assert found.effect == pytest.approx(8 / 5 - 11 / 5)


def test_a_ratio_over_nothing_says_nothing() -> None:
    over_nothing = sums_of([(1.0, 0.0), (2.0, 0.0)] * 100)
    found = compare(over_nothing, over_nothing, ratio=True)
    assert (found.effect, found.low, found.decided) == (0.0, None, False)


@pytest.mark.parametrize("alpha", [0.0, 1.0, float("nan")])
def test_an_alpha_that_is_no_chance_is_refused(alpha: float) -> None:
    with pytest.raises(BadInput, match="false decision"):
        compare(scores(1, 0.0, 200), scores(2, 0.0, 200), alpha)


@pytest.mark.parametrize("burn_in", [0, 19, float("nan")])
def test_a_burn_in_that_is_too_short_is_refused(burn_in: float) -> None:
    with pytest.raises(BadInput, match="burn-in"):
        compare(scores(1, 0.0, 200), scores(2, 0.0, 200), burn_in=burn_in)


@pytest.mark.filterwarnings("error")
@pytest.mark.parametrize("ratio", [False, True])
@given(ANYTHING, ANYTHING)
def test_whatever_was_observed_the_comparison_can_be_written_down(ratio: bool, one: Pairs, other: Pairs) -> None:
    found = compare(sums_of(one), sums_of(other), burn_in=20, ratio=ratio)
    assert msgspec.json.decode(to_json(found), type=Comparison) == found


# ---------------------------------------------------------------- sample ratio
def test_right_shares_give_no_alarm_and_wrong_ones_do() -> None:
    assert not sample_ratio({"control": 10_060, "treatment": 9_940}, HALVES).alarm
    assert sample_ratio({"control": 10_400, "treatment": 9_600}, HALVES).alarm
    assert not sample_ratio({"control": 9_040, "treatment": 960}, {"control": 0.9, "treatment": 0.1}).alarm
    assert sample_ratio({"control": 9_200, "treatment": 800}, {"control": 0.9, "treatment": 0.1}).alarm


def test_a_variant_that_gets_nobody_is_noticed_within_thirty_units() -> None:
    assert not sample_ratio({"control": 10}, HALVES).alarm
    assert sample_ratio({"control": 30}, HALVES).alarm


def test_a_single_unit_of_a_closed_variant_is_an_alarm() -> None:
    closed = {"control": 1.0, "treatment": 0.0}
    assert sample_ratio({"control": 500, "treatment": 1}, closed).alarm
    assert not sample_ratio({"control": 500, "treatment": 0}, closed).alarm


def test_no_units_say_nothing() -> None:
    assert sample_ratio({}, HALVES).p_value == 1.0


@pytest.mark.parametrize("counts", [{"control": -1}, {"other": 3}])
def test_counts_that_cannot_be_are_refused(counts: dict[str, int]) -> None:
    with pytest.raises(BadInput, match="units are counted"):
        sample_ratio(counts, HALVES)


def test_the_shares_of_a_sample_ratio_make_one() -> None:
    with pytest.raises(BadInput, match="not 1"):
        sample_ratio({"control": 1}, {"control": 0.5, "treatment": 0.4})


@given(COUNTS)
def test_one_unit_more_leaves_the_expected_evidence_where_it_was(counts: list[int]) -> None:
    """It is a martingale under the promised shares: why it may be looked at after every unit."""
    shares = [float(Fraction(number + 1, sum(range(len(counts) + 1)))) for number in range(len(counts))]
    now = float(log_evidence(counts, shares))
    following = [
        float(log_evidence([count + (place == number) for place, count in enumerate(counts)], shares)) - now
        for number in range(len(counts))
    ]
    expected = sum(share * math.exp(after) for share, after in zip(shares, following, strict=True))
    assert expected == pytest.approx(1.0, abs=1e-6)


@given(st.lists(st.tuples(st.integers(0, 5_000), st.integers(0, 5_000)), min_size=1, max_size=20))
def test_arrays_of_counts_give_what_single_counts_give(rows: list[tuple[int, int]]) -> None:
    columns = [np.array(column, dtype=float) for column in zip(*rows, strict=True)]
    together = np.asarray(log_evidence(columns, [0.9, 0.1]))
    for row, evidence in zip(rows, together, strict=True):
        assert float(log_evidence(row, [0.9, 0.1])) == pytest.approx(float(evidence), abs=1e-6)
        p_value = sample_ratio({"control": row[0], "treatment": row[1]}, {"control": 0.9, "treatment": 0.1}).p_value
        assert p_value == pytest.approx(min(1.0, math.exp(-float(evidence))), rel=1e-5, abs=1e-300)
