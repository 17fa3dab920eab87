"""The boundary against its own mathematics, the variances against the formulas over all values at once."""

import math
from statistics import NormalDist
from typing import TypeAlias

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from numpy.typing import NDArray

from core.confidence_sequences import BURN_IN, balanced_n, boundary, difference
from core.errors import BadInput
from core.metric_sums import running_moments
from tests.core.metric_streams import Pairs, pairs, sums_of

Floats: TypeAlias = NDArray[np.float64]

MANY = pairs(min_size=12, max_size=40)


# ---------------------------------------------------------------- the boundary
@pytest.mark.parametrize(("alpha", "tabled"), [(0.2, 4.6416), (0.05, 7.8147), (0.01, 11.3449), (0.001, 16.2662)])
def test_at_the_burn_in_it_is_the_quantile_of_chi_square_with_three_degrees(alpha: float, tabled: float) -> None:
    # 2 (1 - Phi(a) + a phi(a)) is the upper tail of that distribution at a squared.
    assert float(boundary(100.0, alpha, 100)) ** 2 == pytest.approx(tabled, abs=1e-4)


def test_before_the_burn_in_nothing_is_said_and_later_it_grows_slowly() -> None:
    z = np.asarray(boundary(np.array([0.0, 99.9, 100.0, 400.0, 1e6]), 0.05, 100))
    assert z[:2].tolist() == [math.inf, math.inf]
    assert z[2:].tolist() == pytest.approx([2.7955, 3.0334, 4.1260], abs=1e-3)


def test_a_random_walk_ever_crosses_it_no_more_often_than_it_may() -> None:
    rng, steps, burn_in = np.random.default_rng(1), 6_000, 60
    crossed = 0
    z = np.asarray(boundary(np.arange(1.0, steps + 1), 0.2, burn_in)) * np.sqrt(np.arange(1, steps + 1))
    for _ in range(10):
        walks = rng.normal(size=(100, steps)).cumsum(axis=1)
        crossed += int((np.abs(walks) > z).any(axis=1).sum())
    # In so many steps it spends 0.14 of the 0.2: neither too often, nor because it were far too wide.
    assert 100 <= crossed <= 200


@pytest.mark.parametrize("alpha", [0.0, 1.0, -0.1, float("nan")])
def test_a_chance_that_is_none_is_refused(alpha: float) -> None:
    with pytest.raises(BadInput, match="false decision"):
        boundary(200.0, alpha)


@pytest.mark.parametrize(("n", "worth"), [((100, 100), 100), ((900, 100), 180), ((0, 50), 0), ((0, 0), 0)])
def test_unequal_variants_are_worth_what_their_precision_is(n: tuple[int, int], worth: float) -> None:
    assert float(balanced_n(*n)) == pytest.approx(worth)


# ---------------------------------------------------------------- the difference and its variance
def _halves(found: Pairs) -> tuple[Floats, Floats]:
    y, x = np.array(found, dtype=float).T
    assume(y.std() > 1e-3)
    return y, x


@given(MANY, MANY)
def test_cuped_from_sums_is_cuped_from_all_values(control: Pairs, treatment: Pairs) -> None:
    (y0, x0), (y1, x1) = _halves(control), _halves(treatment)
    assume(x0.std() > 1e-3)
    assume(x1.std() > 1e-3)
    within = [(part - part.mean()) for part in (x0, x1)]
    slope = (within[0] @ y0 + within[1] @ y1) / sum(part @ part for part in within)
    a0, a1 = y0 - slope * x0, y1 - slope * x1
    everyone = np.concatenate([a0, a1])
    welch = a0.var(ddof=1) / len(a0) + a1.var(ddof=1) / len(a1)
    whole = everyone.var(ddof=1) * (1 / len(a0) + 1 / len(a1))
    effect, half = difference(sums_of(control).moments, sums_of(treatment).moments, 0.05, burn_in=10)
    assert float(effect) == pytest.approx(a1.mean() - a0.mean(), rel=1e-6, abs=1e-6)
    z = float(boundary(balanced_n(len(a0), len(a1)), 0.05, 10))
    assert float(half) == pytest.approx(z * max(welch, whole) ** 0.5, rel=1e-5, abs=1e-5)


@given(MANY, MANY)
def test_a_ratio_has_the_variance_of_its_linear_form(control: Pairs, treatment: Pairs) -> None:
    rows = [[(y, abs(x) + 1.0) for y, x in found] for found in (control, treatment)]
    (y0, x0), (y1, x1) = _halves(rows[0]), _halves(rows[1])

    def linear(y: Floats, x: Floats) -> Floats:
        return np.asarray((y - y.sum() / x.sum() * x) / x.mean())

    y, x = np.concatenate([y0, y1]), np.concatenate([x0, x1])
    welch = linear(y0, x0).var(ddof=1) / len(y0) + linear(y1, x1).var(ddof=1) / len(y1)
    whole = linear(y, x).var(ddof=1) * (1 / len(y0) + 1 / len(y1))
    sums = sums_of(rows[0]).moments, sums_of(rows[1]).moments
    effect, half = difference(*sums, 0.05, burn_in=10, ratio=True)
    assert float(effect) == pytest.approx(y1.sum() / x1.sum() - y0.sum() / x0.sum(), rel=1e-9, abs=1e-9)
    z = float(boundary(balanced_n(len(y0), len(y1)), 0.05, 10))
    assert float(half) == pytest.approx(z * max(welch, whole) ** 0.5, rel=1e-5, abs=1e-5)


@pytest.mark.parametrize("ratio", [False, True])
@given(seed=st.integers(0, 1_000), share=st.sampled_from([0.5, 0.1]))
def test_arrays_give_after_each_observation_what_single_sums_give(ratio: bool, seed: int, share: float) -> None:
    rng, units = np.random.default_rng(seed), 120
    taken, x = rng.random(units) < share, rng.gamma(3.0, size=units)
    y = x + rng.normal(size=units)
    arrays = running_moments(y, ~taken, x), running_moments(y, taken, x)
    effects, halves = (np.asarray(it) for it in difference(*arrays, 0.05, burn_in=10, ratio=ratio))
    sums = [sums_of(()), sums_of(())]
    for number in range(units):
        arm = int(taken[number])
        sums[arm] = sums[arm].add(y[number], x[number])
        effect, half = difference(sums[0].moments, sums[1].moments, 0.05, burn_in=10, ratio=ratio)
        assert float(half) == pytest.approx(halves[number], rel=1e-9)
        if math.isfinite(halves[number]):
            assert float(effect) == pytest.approx(effects[number], rel=1e-9, abs=1e-12)


# ---------------------------------------------------------------- what it promises
@pytest.mark.parametrize(("share", "effect"), [(0.5, 0.3), (0.1, 0.3), (0.1, 0.0)])
def test_the_true_effect_on_a_skewed_metric_is_inside_at_every_look(share: float, effect: float) -> None:
    rng, runs, units = np.random.default_rng(7), 300, 3_000
    taken = rng.random((runs, units)) < share
    values = rng.lognormal(0.0, 0.8, taken.shape) + effect * taken
    gap, half = difference(running_moments(values, ~taken), running_moments(values, taken), 0.05)
    missed = (np.abs(np.asarray(gap) - effect) > np.asarray(half)).any(axis=1)
    assert missed.mean() <= 0.05


def test_a_small_variant_in_which_nothing_has_failed_yet_is_not_called_better() -> None:
    """Its own variance is 0 by chance: with a rate of 0.03 that is so in 12 of 100 runs."""
    rng = np.random.default_rng(3)
    taken = np.arange(2_000) % 10 == 0
    fails = (rng.random(2_000) < 0.03) & ~(taken & (np.arange(2_000) < 700))
    gap, half = difference(running_moments(fails * 1.0, ~taken), running_moments(fails * 1.0, taken), 0.05, burn_in=100)
    at = 690
    assert np.asarray(half)[at] < math.inf
    assert np.asarray(gap)[at] < -0.01
    assert not (np.abs(gap) > half)[:700].any()


def test_the_usual_burn_in_is_half_of_a_single_looks_size_for_a_fifth_of_a_deviation() -> None:
    single = 2 * ((NormalDist().inv_cdf(0.975) + NormalDist().inv_cdf(0.8)) / 0.2) ** 2
    assert pytest.approx(single / 2, abs=4) == BURN_IN
