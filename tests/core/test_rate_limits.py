"""What the rate limiter decides, case by case; test_rate_limits_machine.py has every order of them."""

from core.rate_limit_messages import (
    Granted,
    Leased,
    LimitsKept,
    LimitsSet,
    Quota,
    Refused,
    Returned,
    ScopeQuota,
    SetLimits,
)
from core.rate_limits import KIND
from core.token_buckets import Bucket, Limits, Rate
from tests.core.rate_limiters import AT, LIMITS, NONE, Limiter


# ------------------------------------------------------------ taking
def test_a_take_comes_out_of_the_users_bucket_and_the_total_and_says_what_the_smaller_one_has_left() -> None:
    limiter = Limiter()
    assert limiter.take("ada") == Granted(3.0, 4.0)
    assert limiter.take("bo", 4.0) == Granted(0.0, 4.0)
    assert limiter.take() == Granted(4.0, 10.0)
    assert limiter.state.spent == 6.0


def test_a_take_that_one_bucket_refuses_takes_nothing_of_the_other() -> None:
    limiter = Limiter()
    limiter.take("ada", 4.0)
    refused = limiter.take("ada")
    assert refused == Refused("user", 2.001, "The user's bucket has 0 of 4 tokens, refills 0.5/s; this costs 1.")
    assert limiter.events == ()
    assert limiter.take("bo", 4.0) == Granted(0.0, 4.0)
    assert limiter.take("cy", 3.0).scope == "tenant"


def test_of_two_refusals_the_longer_one_is_told() -> None:
    limiter = Limiter()
    for user in ("ada", "ada", "bo", "bo", "cy"):
        limiter.take(user, 2.0)
    refused = limiter.take("bo", 2.0)
    assert (refused.scope, refused.retry_after_s) == ("user", 4.001)
    refused = limiter.take("cy", 2.0)
    assert (refused.scope, refused.retry_after_s) == ("tenant", 2.001)


def test_a_cost_above_the_burst_is_never_granted_and_a_closed_bucket_grants_nothing() -> None:
    limiter = Limiter()
    assert limiter.take("", 11.0).retry_after_s is None
    assert "holds at most 10 tokens, and this costs 11" in limiter.take("", 11.0).because
    limiter.limits = Limits(Rate(0.0, 10.0))
    assert limiter.take() == Refused("tenant", None, "The tenant's bucket is closed.")
    assert limiter.lease(1.0) == Refused("tenant", None, "The tenant's bucket is closed.")


def test_where_nothing_limits_nothing_is_written() -> None:
    limiter = Limiter(limits=NONE)
    assert (limiter.take("ada", 1e9), limiter.events) == (Granted(), ())
    assert (limiter.lease(5.0, "ada"), limiter.events) == (Leased(0, 5.0, 10.0), ())
    assert limiter.state == KIND.initial("tenant:1")


def test_a_limit_of_users_alone_limits_no_tenant_as_a_whole() -> None:
    limiter = Limiter(limits=Limits(None, Rate(1.0, 2.0)))
    assert limiter.take() == Granted()
    assert all(limiter.take(f"user{n}", 2.0) == Granted(0.0, 2.0) for n in range(50))
    assert limiter.take("user7").scope == "user"


def test_a_bucket_that_is_full_again_is_forgotten() -> None:
    limiter = Limiter()
    for n in range(5):
        limiter.take(f"user{n}")
    assert limiter.state.buckets is not None
    assert len(limiter.state.buckets) == 6
    limiter.now += 1_000
    limiter.lease(1.0)
    limiter.settle(1, 0.0)
    limiter.lease(1.0)
    limiter.settle(2, 0.0)
    assert limiter.state.buckets is None
    assert limiter.state.leases == ()


def test_buckets_stand_in_the_order_in_which_they_last_moved() -> None:
    limiter = Limiter()
    for user in ("ada", "bo", "ada"):
        limiter.take(user)
    assert list(limiter.state.buckets or {}) == ["bo", "ada", ""]


def test_a_bucket_is_kept_in_few_words() -> None:
    limiter = Limiter()
    limiter.take("ada")
    assert limiter.state.buckets == {"ada": Bucket(1.0, AT), "": Bucket(1.0, AT)}


# ------------------------------------------------------------ limits that change
def test_limits_set_at_run_time_win_until_they_are_taken_back() -> None:
    limiter = Limiter()
    small = Limits(Rate(1.0, 2.0))
    assert limiter.do(SetLimits(small)) == LimitsKept(small)
    assert list(limiter.events) == [LimitsSet(small)]
    assert limiter.do(SetLimits(small)) == LimitsKept(small)
    assert not limiter.events, "nothing changed"
    assert limiter.take("ada", 3.0).retry_after_s is None
    assert limiter.quota().set_at_run_time
    assert limiter.do(SetLimits()) == LimitsKept()
    assert limiter.take("ada", 3.0) == Granted(1.0, 4.0)


def test_what_was_spent_before_limits_were_lowered_has_to_come_back_first() -> None:
    limiter = Limiter(limits=Limits(Rate(1.0, 100.0)))
    limiter.take("", 100.0)
    limiter.do(SetLimits(Limits(Rate(1.0, 10.0))))
    assert limiter.quota().scopes[0].available == 0.0
    assert limiter.take().retry_after_s == 91.001


def test_a_lease_that_the_new_limits_do_not_allow_is_not_renewed_and_ends() -> None:
    limiter = Limiter(limits=Limits(Rate(1.0, 100.0)))
    limiter.lease(90.0)
    limiter.do(SetLimits(Limits(Rate(1.0, 10.0))))
    limiter.now += 9
    assert limiter.lease(90.0, renews=1, used=1.0).scope == "tenant"
    limiter.now += 1
    assert limiter.lease(5.0, renews=1, used=1.0).scope == "tenant"
    assert [held.expires_at for held in limiter.state.leases] == [AT + 10]


def test_a_lease_outlives_the_end_of_its_limit_and_can_be_settled() -> None:
    limiter = Limiter()
    limiter.lease(4.0)
    limiter.do(SetLimits(NONE))
    assert limiter.lease(4.0, renews=1, used=2.0) == Leased(1, 6.0, 10.0)
    assert limiter.settle(1, 6.0) == Returned(0.0)
    assert limiter.state.buckets is None


# ------------------------------------------------------------ reports
def test_a_quota_reads_what_is_there_and_changes_nothing() -> None:
    limiter = Limiter()
    limiter.take("ada", 2.0)
    limiter.lease(1.0, "ada")
    before = limiter.state
    assert limiter.quota("ada") == Quota(
        (ScopeQuota("tenant", LIMITS.total, 7.0, 1.0, 11.0), ScopeQuota("user", LIMITS.user, 1.0, 1.0, 12.0)), 2.0
    )
    limiter.now += 2
    assert [scope.available for scope in limiter.quota("ada").scopes] == [9.0, 2.0]
    assert [scope.available for scope in limiter.quota().scopes] == [9.0]
    assert limiter.state is before


def test_a_quota_says_where_there_is_no_limit_and_where_a_bucket_is_closed() -> None:
    limiter = Limiter(limits=Limits(None, Rate(0.0, 5.0)))
    assert limiter.quota("ada").scopes == (
        ScopeQuota("tenant", None, None, 0.0, 0.0),
        ScopeQuota("user", Rate(0.0, 5.0), 0.0, 0.0, None),
    )


def test_an_idle_tenant_is_the_same_object_as_every_other_one() -> None:
    assert KIND.initial("tenant:1") is KIND.initial("tenant:2")
    assert KIND.initial("host:a.example").scope == "host"
