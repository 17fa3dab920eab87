"""Token buckets and their leases against exact sums, and what they say of the future."""

import math
from dataclasses import dataclass
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.token_buckets import MANY, TOTAL, Bucket, Held, Limits, Moment, Rate

BEGAN_AT = 1_790_000_000.0
RATES = st.builds(Rate, st.sampled_from([0.01, 0.1, 1.0, 3.7, 50.0]), st.sampled_from([1.0, 5.0, 10.3, 1_000.0]))


@dataclass(frozen=True)
class Case:
    """A bucket of which `leases` are out, as a limiter would keep it: what is leased is missing."""

    rate: Rate
    bucket: Bucket
    leases: tuple[Held, ...]

    def at(self, now: float) -> Moment:
        return Moment({TOTAL: self.bucket}, self.leases, Limits(self.rate), now)


@st.composite
def cases(draw: st.DrawFn) -> Case:
    rate = draw(RATES)
    leases, room = [], rate.burst
    for lease_id in range(1, draw(st.integers(0, 4)) + 1):
        granted = room * draw(st.sampled_from([0.1, 0.3, 0.5, 1.0]))
        used = granted * draw(st.sampled_from([0.0, 0.25, 1.0]))
        leases.append(Held(lease_id, "", granted, used, BEGAN_AT + draw(st.floats(0.001, 60))))
        room -= granted
    missing = sum(held.outstanding for held in leases) + room * draw(st.floats(0, 1))
    return Case(rate, Bucket(missing, BEGAN_AT), tuple(leases))


def exactly_missing(case: Case, now: float) -> Fraction:
    """What is missing at `now` in exact numbers: tokens come back, but not those that are out."""
    at, missing = Fraction(BEGAN_AT), Fraction(case.bucket.missing)
    for until in [*sorted(held.expires_at for held in case.leases if held.expires_at < now), now]:
        live = (held for held in case.leases if held.expires_at >= until)
        out = sum((Fraction(held.granted) - Fraction(held.used) for held in live), Fraction(0))
        missing = max(out, missing - Fraction(case.rate.per_s) * (Fraction(until) - at))
        at = Fraction(until)
    return missing


@given(cases(), st.floats(0, 200))
def test_what_is_missing_is_what_exact_sums_say(case: Case, after_s: float) -> None:
    now = BEGAN_AT + after_s
    exact = exactly_missing(case, now)
    assert case.at(now).missing(TOTAL, case.rate) == pytest.approx(float(exact), rel=1e-9, abs=1e-6)


@given(cases(), st.floats(0, 100), st.floats(0.01, 1))
def test_who_waits_as_told_finds_the_cost_and_not_a_moment_earlier(case: Case, after_s: float, part: float) -> None:
    now, cost = BEGAN_AT + after_s, case.rate.burst * part
    wait_s = case.at(now).wait_s(TOTAL, case.rate, cost)
    assert wait_s is not None
    # A float of seconds since 1970 is as fine as a quarter of a microsecond.
    assert case.at(now + wait_s + 2e-6).holds(TOTAL, case.rate, cost)
    if wait_s > 0.001:
        assert not case.at(now + wait_s - 0.001).holds(TOTAL, case.rate, cost)
    assert (wait_s == 0) == case.at(now).holds(TOTAL, case.rate, cost)


@given(cases(), st.floats(0, 100), st.floats(0, 100))
def test_tokens_come_back_at_the_rate_and_no_faster(case: Case, first_s: float, later_s: float) -> None:
    first = case.at(BEGAN_AT + first_s)
    later = case.at(BEGAN_AT + first_s + later_s)
    fallen = first.missing(TOTAL, case.rate) - later.missing(TOTAL, case.rate)
    assert -1e-9 <= fallen <= case.rate.per_s * later_s + 1e-4
    assert later.missing(TOTAL, case.rate) >= later.leased(TOTAL) - 1e-9


@given(cases(), st.floats(0, 100), st.floats(0, 2))
def test_moving_a_bucket_changes_it_by_what_was_drawn_and_forgets_leases_that_are_over(
    case: Case, after_s: float, drawn: float
) -> None:
    before = case.at(BEGAN_AT + after_s)
    at, buckets, full, spent, ended = before.moved(TOTAL, drawn, 0.0)
    over = [held for held in case.leases if held.expires_at <= at]
    assert ended == tuple(held.lease_id for held in over)
    assert spent == pytest.approx(sum(held.outstanding for held in over))
    left = tuple(held for held in case.leases if held not in over)
    after = Moment({} if full else buckets, left, Limits(case.rate), at)
    assert after.missing(TOTAL, case.rate) == pytest.approx(before.missing(TOTAL, case.rate) + drawn, abs=1e-9)


def test_a_bucket_without_leases_fills_in_a_straight_line() -> None:
    case = Case(Rate(2.0, 10.0), Bucket(10.0, BEGAN_AT), ())
    assert [case.at(BEGAN_AT + after).missing(TOTAL, case.rate) for after in (0, 1, 4.5, 5, 50)] == [10, 8, 1, 0, 0]
    assert [case.at(BEGAN_AT).wait_s(TOTAL, case.rate, cost) for cost in (1, 10)] == [0.5, 5.0]


def test_a_clock_behind_the_bucket_gives_nothing_and_takes_nothing() -> None:
    case = Case(Rate(2.0, 10.0), Bucket(4.0, BEGAN_AT), ())
    assert case.at(BEGAN_AT - 3).missing(TOTAL, case.rate) == 4.0


def test_what_can_never_be_had_has_no_wait() -> None:
    case = Case(Rate(2.0, 10.0), Bucket(4.0, BEGAN_AT), ())
    assert case.at(BEGAN_AT).wait_s(TOTAL, case.rate, 10.1) is None
    closed = Rate(0.0, 10.0)
    assert Moment({}, (), Limits(closed), BEGAN_AT).wait_s(TOTAL, closed, 0.0) is None


@pytest.mark.parametrize("rate", [Rate(1e-9, 1e12), Rate(1e12, 1e12), Rate(1e-9, 1.0), Rate(1e12, 1.0)])
def test_the_largest_and_smallest_rates_stay_finite(rate: Rate) -> None:
    moment = Moment({TOTAL: Bucket(rate.burst, BEGAN_AT)}, (), Limits(rate), BEGAN_AT + 0.5)
    wait_s = moment.wait_s(TOTAL, rate, rate.burst)
    assert wait_s is not None
    assert math.isfinite(wait_s)
    assert 0 <= moment.missing(TOTAL, rate) <= rate.burst


def test_a_lease_of_one_user_is_missing_in_the_total_and_in_no_other_users_bucket() -> None:
    limits = Limits(Rate(1.0, 10.0), Rate(1.0, 5.0))
    moment = Moment(
        {TOTAL: Bucket(4.0, BEGAN_AT), "ada": Bucket(4.0, BEGAN_AT)},
        (Held(1, "ada", 4.0, 0.0, BEGAN_AT + 100),),
        limits,
        BEGAN_AT + 50,
    )
    assert moment.room("ada") == (1.0, 5.0)
    assert moment.room("bo") == (5.0, 5.0)
    assert moment.room(TOTAL) == (6.0, 10.0)
    assert (moment.leased(TOTAL), moment.leased("ada"), moment.leased("bo")) == (4.0, 4.0, 0.0)


def test_full_buckets_are_found_though_others_stand_before_them() -> None:
    """With every event two are looked at; those that are not full let the next ones to the front."""
    limits = Limits(None, Rate(1.0, 1_000.0))
    slow = {f"slow{n}": Bucket(1_000.0, BEGAN_AT) for n in range(MANY)}
    buckets = slow | {f"full{n}": Bucket(1.0, BEGAN_AT) for n in range(20)}
    for _ in range(MANY + 20):
        _, moved, full, _, _ = Moment(buckets, (), limits, BEGAN_AT + 100).moved("ada", 1.0, 1.0)
        buckets = {name: bucket for name, bucket in buckets.items() if name not in (*moved, *full)} | moved
    assert set(buckets) == {*slow, "ada"}
    assert buckets["slow3"] == slow["slow3"], "looking at a bucket changed it"
