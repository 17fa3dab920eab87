"""Tokens that a rate limiter hands out to be spent elsewhere."""

import pytest
from msgspec.structs import replace

from core.errors import BadInput
from core.rate_limit_messages import Granted, Lease, Leased, Refused, Returned
from core.rate_limits import MAX_LEASES
from core.token_buckets import Held, Limits, Rate
from tests.core.rate_limiters import AT, LIMITS, Limiter


def test_a_lease_is_missing_from_the_bucket_until_it_is_settled() -> None:
    limiter = Limiter()
    assert limiter.lease(6.0) == Leased(1, 6.0, 10.0, 10.0)
    assert limiter.take("", 5.0).because.endswith("6 are leased out; this costs 5.")
    limiter.now += 5
    assert limiter.take("", 4.5).scope == "tenant", "leased tokens do not come back by waiting"
    assert limiter.settle(1, 2.0) == Returned(4.0)
    assert limiter.take("", 8.0) == Granted(0.0, 10.0)
    assert limiter.state.spent == 10.0


def test_a_lease_that_nobody_settles_counts_as_spent_when_it_ends() -> None:
    limiter = Limiter()
    limiter.lease(10.0)
    limiter.now += 10
    assert limiter.take().retry_after_s == 1.001
    assert limiter.settle(1, 0.0) == Returned(), "it is over"
    limiter.now += 2
    assert limiter.take() == Granted(1.0, 10.0)
    assert limiter.state.spent == 11.0


def test_a_lease_that_ended_long_ago_is_still_missing_in_its_users_bucket_though_another_user_came_first() -> None:
    limiter = Limiter()
    limiter.lease(4.0, "ada", ttl_s=10.0)
    limiter.now += 10
    limiter.take("bo")
    assert limiter.take("ada", 1.0).scope == "user"
    assert limiter.quota("ada").scopes[1].available == 0.0


def test_a_lease_gets_what_is_there_in_whole_tokens_but_never_less_than_it_needs() -> None:
    limiter = Limiter()
    limiter.take("", 3.6)
    assert limiter.lease(100.0) == Leased(1, 6.0, 10.0, 10.0)
    assert limiter.lease(100.0).scope == "tenant"
    assert limiter.do(Lease(LIMITS, "", 100.0, 0.3, 10.0)) == Leased(2, 0.3, 10.0, 10.0)


def test_a_lease_names_the_smallest_burst() -> None:
    assert Limiter().lease(1.0, "ada").burst == 4.0
    assert Limiter(limits=Limits(Rate(1.0, 3.0), Rate(1.0, 4.0))).lease(1.0, "ada").burst == 3.0


def test_a_renewal_fills_up_what_was_spent_and_counts_from_the_beginning() -> None:
    limiter = Limiter()
    limiter.lease(4.0)
    assert limiter.lease(4.0, renews=1, used=3.0) == Leased(1, 7.0, 10.0, 10.0)
    assert limiter.lease(4.0, renews=1, used=3.0) == Leased(1, 7.0, 10.0, 10.0), "it is full"
    assert limiter.lease(6.0, renews=1, used=3.0) == Leased(1, 9.0, 10.0, 10.0)
    assert (limiter.state.spent, limiter.state.leases[0].outstanding) == (3.0, 6.0)


def test_a_renewal_never_ends_sooner_than_what_a_lost_reply_had_promised() -> None:
    """Else a holder that did not hear of it would spend what the limiter has already counted as spent."""
    limiter = Limiter()
    limiter.lease(10.0, ttl_s=10.0)
    limiter.lease(10.0, ttl_s=1.0, renews=1)
    limiter.now += 9
    assert limiter.take().scope == "tenant"


def test_replies_that_were_lost_leave_no_tokens_behind_for_ever() -> None:
    limiter = Limiter()
    for _ in range(20):
        limiter.lease(4.0, renews=1 if limiter.state.leases else 0, used=0.0)
        limiter.now += 1
    assert limiter.state.leases[0].outstanding == 4.0
    assert limiter.take("", 6.0) == Granted(0.0, 10.0)


def test_an_old_call_that_comes_late_takes_back_no_report() -> None:
    limiter = Limiter()
    limiter.lease(4.0)
    limiter.lease(4.0, renews=1, used=3.0)
    limiter.lease(4.0, renews=1, used=1.0)
    assert limiter.state.leases[0].used == 3.0
    assert limiter.state.spent == 3.0
    assert limiter.settle(1, 2.0) == Returned(4.0)


def test_a_lease_that_has_ended_is_replaced_by_a_new_one() -> None:
    limiter = Limiter()
    limiter.lease(4.0)
    limiter.now += 10
    assert limiter.lease(2.0, renews=1, used=1.0) == Leased(2, 2.0, 10.0, 10.0)
    assert limiter.state.spent == 4.0
    assert [held.lease_id for held in limiter.state.leases] == [2]


def test_a_renewal_that_is_refused_reports_all_the_same_so_that_tokens_come_back() -> None:
    limiter = Limiter()
    limiter.lease(10.0)
    refused = limiter.lease(1.0, renews=1, used=10.0)
    assert (refused.scope, refused.retry_after_s) == ("tenant", 1.001)
    assert limiter.state.leases[0].outstanding == 0.0
    limiter.now += 5
    assert limiter.take("", 5.0) == Granted(0.0, 10.0)
    limiter.lease(1.0, renews=1, used=10.0)
    assert limiter.events == (), "nothing is new"


def test_a_lease_belongs_to_its_user() -> None:
    limiter = Limiter()
    limiter.lease(2.0, "ada")
    with pytest.raises(BadInput, match="another user's"):
        limiter.lease(2.0, "bo", renews=1)


def test_more_leases_than_are_kept_are_refused_until_one_ends() -> None:
    limiter = Limiter(limits=Limits(Rate(1e6, 1e6)))
    held = tuple(Held(number, "", 1.0, 0.0, AT + 10) for number in range(1, MAX_LEASES))
    limiter.state = replace(limiter.state, leases=held, last_lease=len(held))
    assert isinstance(limiter.lease(1.0), Leased)
    limiter.now += 4
    assert limiter.lease(1.0) == Refused("tenant", 6.001, "1,000 leases of the tenant are out already.")
    assert isinstance(limiter.lease(1.0, renews=7), Leased)
    limiter.settle(8, 0.0)
    assert isinstance(limiter.lease(1.0), Leased)


def test_nobody_can_have_spent_more_than_was_leased_but_for_rounding() -> None:
    limiter = Limiter()
    limiter.lease(3.0)
    with pytest.raises(BadInput, match="said to be spent"):
        limiter.settle(1, 3.1)
    with pytest.raises(BadInput, match="said to be spent"):
        limiter.lease(3.0, renews=1, used=4.0)
    assert limiter.settle(1, 3.0000000001) == Returned(0.0)
