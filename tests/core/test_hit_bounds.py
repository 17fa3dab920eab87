"""The learned thresholds: never more wrong hits than the bound, from any labels; and they learn what audits teach."""

import math
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answer_cache_prior import PRIOR
from core.hit_bounds import (
    HitBounds,
    audit_probability,
    audited,
    halted,
    interval,
    learned,
    lower_probability,
    probability_of,
    seen,
    threshold,
)

labels = st.lists(st.tuples(st.floats(-20.0, 20.0), st.booleans()), max_size=80)


def after(told: list[tuple[float, bool]]) -> HitBounds:
    bounds = HitBounds()
    for score, right in told:
        bounds = learned(seen(bounds, score), score, right)
    return bounds


@given(labels, st.floats(-1e6, 1e6), st.floats(0.0, 5.0))
def test_whatever_is_learned_stays_finite_and_a_probability(
    told: list[tuple[float, bool]], score: float, caution: float
) -> None:
    bounds = after(told)
    assert math.isfinite(bounds.offset)
    assert 0.0 < bounds.slope < math.inf
    assert 0.0 <= lower_probability(bounds, score, caution) <= 1.0
    assert lower_probability(bounds, score, caution) <= lower_probability(bounds, score, 0.0)


@given(labels)
def test_the_same_labels_give_the_same_bounds_to_the_last_bit(told: list[tuple[float, bool]]) -> None:
    assert after(told) == after(told)


@given(labels, st.floats(0.001, 0.1), st.floats(0.001, 0.1))
def test_a_tighter_bound_never_serves_more(told: list[tuple[float, bool]], one: float, other: float) -> None:
    bounds = after(told)
    strict, loose = (threshold(bounds, delta, 0.5, PRIOR.scores) for delta in sorted((one, other)))
    assert strict >= loose


def served(slope: float, offset: float, delta: float, unheeded: int) -> tuple[int, int]:
    """Hits and wrong ones of 12 tenants with 1,500 look-ups each, of which the first `unheeded` are not counted."""
    rng, hits, wrong = Random(5), 0, 0
    for _ in range(12):
        bounds = HitBounds()
        for number in range(1_500):
            score = rng.uniform(-3.0, 8.0)
            right = rng.random() < probability_of(slope * score + offset)
            would = score >= threshold(bounds, delta, 0.5, PRIOR.scores)
            audit = rng.random() < audit_probability(bounds, 0.02)
            bounds = seen(bounds, score)
            if would and not audit:
                hits, wrong = hits + (number >= unheeded), wrong + (number >= unheeded and not right)
                continue
            bounds = learned(bounds, score, right)
            if would:
                bounds = audited(bounds, right)
    return hits, wrong


@pytest.mark.parametrize("delta", [0.01, 0.02, 0.05])
@pytest.mark.parametrize(("slope", "offset"), [(1.0, 0.0), (1.2, 0.8)])
def test_where_the_prior_is_right_or_too_careful_the_served_stay_within_the_bound_from_the_first_look_up(
    slope: float, offset: float, delta: float
) -> None:
    hits, wrong = served(slope, offset, delta, 0)
    assert hits > 3_000
    assert wrong <= delta * hits


def test_where_the_prior_trusts_too_much_the_bound_holds_once_some_hundred_answers_were_compared() -> None:
    hits, wrong = served(0.7, -0.5, 0.02, 500)
    assert hits > 1_000
    assert wrong <= 0.02 * hits


def test_where_scores_tell_next_to_nothing_next_to_nothing_is_served() -> None:
    hits, _ = served(0.3, -1.0, 0.02, 500)
    assert hits <= 0.01 * 12 * 1_000


def test_audits_that_are_surely_worse_than_the_bound_halt_it_until_they_say_otherwise() -> None:
    bounds = HitBounds()
    assert not halted(bounds, 0.02)
    for _ in range(12):
        bounds = audited(bounds, right=False)
    assert halted(bounds, 0.02)
    for _ in range(5_000):
        bounds = audited(bounds, right=True)
    assert not halted(bounds, 0.02)


def test_one_wrong_answer_among_the_first_few_halts_nothing() -> None:
    bounds = HitBounds()
    for right in (False, *[True] * 8):
        bounds = audited(bounds, right)
        assert not halted(bounds, 0.02)


def test_with_no_share_of_wrong_answers_allowed_nothing_is_served() -> None:
    assert threshold(HitBounds(), 0.0, 0.5, PRIOR.scores) == math.inf


def test_what_scores_too_low_to_be_served_teaches_nothing() -> None:
    assert learned(HitBounds(), -0.1, right=True) == HitBounds()


def test_audits_become_fewer_and_never_less_than_the_least() -> None:
    shares = [audit_probability(HitBounds(audits=float(count)), 0.02) for count in (0, 10, 40, 1_000)]
    assert shares == [0.1, 0.05, 0.02, 0.02]


@settings(max_examples=30)
@given(st.integers(1, 400).flatmap(lambda count: st.tuples(st.integers(0, count), st.just(count))))
def test_the_interval_holds_the_share_and_agrees_with_an_independent_one(drawn: tuple[int, int]) -> None:
    from scipy.stats import binomtest

    wrong, count = drawn
    low, high = interval(wrong, count)
    expected = binomtest(wrong, count).proportion_ci(0.95, "wilson")
    assert (low, high) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_without_an_audit_nothing_is_known() -> None:
    assert interval(0, 0) == (0.0, 1.0)
