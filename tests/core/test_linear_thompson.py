"""The posterior of linear Thompson sampling against the textbook, and against whatever it may be told."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from core.errors import BadInput
from core.linear_thompson import (
    MAX_FEATURE,
    Arm,
    Evidence,
    Floats,
    Prior,
    checked_context,
    checked_evidence,
    drawn_shares,
    evidence_of,
    explored,
    faded,
    nothing_seen,
    posterior,
    seen,
    share_error,
)

PRIOR = Prior(4, noise_sd=0.5, shared_bias_sd=0.7, own_bias_sd=0.3, shared_sd=0.4, own_sd=0.2)
X = np.array([1.0, 0.5, -2.0, 0.3])


def contexts(count: int, seed: int, dimensions: int = 4) -> Floats:
    drawn = np.random.default_rng(seed).normal(size=(count, dimensions))
    drawn[:, 0] = 1.0
    return drawn


def learned(observations: Floats, rewards: Floats, keep: float = 1.0) -> Evidence:
    evidence = nothing_seen(observations.shape[1])
    for context, reward in zip(observations, rewards, strict=True):
        evidence = seen(evidence, context, float(reward), keep)
    return evidence


def textbook(prior: Prior, arms: list[tuple[Floats, Floats, float]], context: Floats) -> tuple[Floats, Floats]:
    """Mean and covariance of the arms' expected rewards from one regression over all weights: w and each d_a."""
    size, count = prior.dimensions, len(arms)
    shared, own = np.full(size, prior.shared_sd), np.full(size, prior.own_sd)
    shared[0], own[0] = prior.shared_bias_sd, prior.own_bias_sd
    precision = np.diag(np.concatenate([shared**-2.0] + [own**-2.0] * count))
    information = np.zeros(size * (count + 1))
    for number, (observations, rewards, mean) in enumerate(arms):
        information[size * (number + 1)] += own[0] ** -2.0 * mean
        for x, reward in zip(observations, rewards, strict=True):
            row = spread_out(x, number, count)
            precision += np.outer(row, row) / prior.noise_sd**2
            information += row * reward / prior.noise_sd**2
    covariance = np.linalg.inv(precision)
    rows = np.array([spread_out(context, number, count) for number in range(count)])
    return rows @ covariance @ information, rows @ covariance @ rows.T


def spread_out(x: Floats, arm: int, arms: int) -> Floats:
    row = np.zeros(len(x) * (arms + 1))
    row[: len(x)] = x
    row[len(x) * (arm + 1) : len(x) * (arm + 2)] = x
    return row


def test_means_and_covariances_are_those_of_one_regression_over_all_weights() -> None:
    rng = np.random.default_rng(3)
    arms = [(contexts(count, count), rng.random(count), mean) for count, mean in ((12, 0.0), (3, -0.2), (0, 0.1))]
    believed = posterior(PRIOR, tuple(Arm(learned(x, r), mean) for x, r, mean in arms))
    for context in contexts(5, 9):
        means, covariance = believed.scores(context)
        expected_means, expected_covariance = textbook(PRIOR, arms, context)
        np.testing.assert_allclose(means, expected_means, atol=1e-10)
        np.testing.assert_allclose(covariance, expected_covariance, atol=1e-10)
        np.testing.assert_allclose(believed.weights() @ context, means, atol=1e-10)


def test_an_arm_that_nobody_tried_is_judged_by_what_the_others_met() -> None:
    good, bad = (learned(contexts(200, 1), np.full(200, reward)) for reward in (0.9, 0.1))
    for evidence, least, most in ((good, 0.6, 1.0), (bad, 0.0, 0.4)):
        means, covariance = posterior(PRIOR, (Arm(evidence), Arm(nothing_seen(4)))).scores(X)
        assert least < means[1] < most
        assert covariance[1, 1] > 2 * covariance[0, 0]


def test_the_same_observations_give_the_same_bits_and_fade_as_told() -> None:
    x, rewards = contexts(300, 5), np.random.default_rng(5).random(300)
    assert learned(x, rewards, 0.99) == learned(x, rewards, 0.99)
    assert learned(x, rewards, 0.99).weight == pytest.approx((1 - 0.99**300) / 0.01)
    once = learned(x, rewards)
    assert faded(once, 0.5).weight == 150.0
    np.testing.assert_array_equal(np.frombuffer(faded(once, 0.5).gram), np.frombuffer(once.gram) * 0.5)


def test_the_sum_of_many_is_what_one_after_the_other_gives() -> None:
    x, rewards = contexts(50, 2), np.random.default_rng(2).random(50)
    together, single = evidence_of(x, rewards), learned(x, rewards)
    assert together.weight == single.weight
    for part in ("gram", "moment"):
        np.testing.assert_allclose(np.frombuffer(getattr(together, part)), np.frombuffer(getattr(single, part)))


numbers = st.floats(-MAX_FEATURE, MAX_FEATURE, width=32) | st.sampled_from([0.0, MAX_FEATURE, -MAX_FEATURE, 1e-30])


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 3),
            arrays.arrays(np.float64, 5, elements=numbers),
            st.sampled_from([0.0, 1.0, 0.3]),
            st.sampled_from([1.0, 0.9995, 0.5]),
            st.sampled_from([1, 1, 2_000_000]),
        ),
        max_size=25,
    ),
    st.sampled_from([1e-3, 0.03, 10.0]),
    st.sampled_from([1e-3, 0.4, 10.0]),
    st.sampled_from([0.0, 0.5, 10.0]),
)
def test_nothing_becomes_nan_whatever_is_observed(
    observed: list[tuple[int, Floats, float, float, int]], sd: float, noise_sd: float, scale: float
) -> None:
    prior = Prior(5, noise_sd, sd, sd, sd, sd, scale).check()
    arms = [Arm(nothing_seen(5))] * 4
    rng = np.random.default_rng(0)
    for arm, context, reward, keep, times in observed:
        context[0] = 1.0
        # As if the same question had come very often: the sums grow, and become hard to tell from singular.
        evidence = faded(seen(arms[arm].evidence, context, reward, keep), float(times))
        arms[arm] = Arm(evidence, arms[arm].prior_mean)
        means, covariance = posterior(prior, tuple(arms)).scores(context)
        assert np.isfinite(means).all()
        assert np.isfinite(covariance).all()
        shares = drawn_shares(means, covariance, scale, 64, rng)
        assert np.isfinite(shares).all()
        assert shares.sum() == pytest.approx(1.0)


# ---------------------------------------------------------------- propensities
@pytest.mark.parametrize("gap", [0.0, 0.3, 1.0])
def test_shares_of_draws_are_the_probabilities_of_being_the_best_within_their_error(gap: float) -> None:
    covariance = np.array([[0.5, 0.2], [0.2, 0.4]])
    exact = 0.5 * (1.0 + math.erf(gap / math.sqrt(2.0 * (0.5 + 0.4 - 0.4))))
    shares = drawn_shares(np.array([gap, 0.0]), covariance, 1.0, 4_000, np.random.default_rng(1))
    assert abs(shares[0] - exact) < 4 * share_error(float(shares[0]), 4_000)


def test_a_scale_of_zero_takes_the_best_and_two_arms_of_one_mind_are_no_trouble() -> None:
    same = np.full((2, 2), 0.3)
    assert list(drawn_shares(np.array([0.1, 0.2]), same, 0.0, 100, np.random.default_rng(0))) == [0.0, 1.0]
    assert list(drawn_shares(np.array([0.1, 0.2]), same, 1.0, 100, np.random.default_rng(0))) == [0.0, 1.0]
    assert list(drawn_shares(np.zeros(2), np.zeros((2, 2)), 1.0, 100, np.random.default_rng(0))) == [1.0, 0.0]


def test_a_share_of_none_or_all_draws_is_still_not_sure() -> None:
    assert 0.0 < share_error(0.0, 128) < 0.01
    assert share_error(1.0, 128) == pytest.approx(share_error(0.0, 128))


def test_exploration_gives_every_arm_its_part() -> None:
    assert list(explored(np.array([1.0, 0.0]), 0.1)) == pytest.approx([0.95, 0.05])


# ---------------------------------------------------------------- what is refused
@pytest.mark.parametrize(
    "features",
    [[1.0, 2.0], [0.0] * 4, [1.0, math.nan, 0, 0], [1.0, math.inf, 0, 0], [1.0, 2e2, 0, 0], [2.0, 0, 0, 0], []],
)
def test_a_context_that_is_none_is_refused(features: list[float]) -> None:
    with pytest.raises(BadInput):
        checked_context(np.array(features, "<f4").tobytes(), 4)


def test_a_context_is_read_as_it_was_written() -> None:
    assert list(checked_context(X.astype("<f4").tobytes(), 4)) == list(X.astype("<f4").astype(float))


def test_evidence_to_start_with_must_be_a_sum_of_observations() -> None:
    sound = learned(contexts(20, 1), np.full(20, 0.5))
    assert checked_evidence(sound, PRIOR) is sound
    minus = (-np.frombuffer(sound.gram)).tobytes()
    for bad in (
        nothing_seen(5),
        Evidence(math.nan, sound.gram, sound.moment),
        Evidence(1.0, np.full(10, math.nan).tobytes(), sound.moment),
        Evidence(1.0, sound.gram, np.full(4, math.inf).tobytes()),
        Evidence(1.0, minus, sound.moment),
    ):
        with pytest.raises(BadInput):
            checked_evidence(bad, PRIOR)


@pytest.mark.parametrize("change", [{"noise_sd": 0.0}, {"own_sd": math.nan}, {"scale": -1.0}, {"dimensions": 0}])
def test_a_prior_out_of_its_range_is_refused(change: dict[str, float]) -> None:
    with pytest.raises(BadInput):
        Prior(**{"dimensions": 4, **change}).check()  # type: ignore[arg-type]
