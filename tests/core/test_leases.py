"""A lease in its holder's hands: what may be spent, until when, and how much is asked for."""

import math
from itertools import pairwise

import pytest

from core.leases import GROWTH, MAX_PART, MAX_REMEMBERED_S, MIN_REMEMBERED_S, LocalLease
from core.rate_limit_checks import MAX_TOKENS
from core.rate_limit_messages import Leased, Refused

REFUSED = Refused("user", 5.0, "The user's bucket is empty.")


def leased(granted: float, asked_s: float = 100.0, ttl_s: float = 10.0, lease_id: int = 1) -> LocalLease:
    """A lease of `granted` tokens, just asked for."""
    lease = LocalLease()
    lease.wish(1.0, asked_s, ttl_s, 1.0)
    lease.extend(Leased(lease_id, granted, ttl_s, 1_000.0), asked_s)
    return lease


def fast(left: float) -> LocalLease:
    """The lease, asked for at 100 s, of who has just shown to be fast."""
    lease = leased(1.0, asked_s=99.999)
    lease.take(1.0, 99.999)
    lease.wish(1.0, 100.0, 10.0, 1.0)
    lease.extend(Leased(1, 1.0 + left, 10.0, 1_000.0), 100.0)
    return lease


def is_low(lease: LocalLease, now_s: float) -> bool:
    """Whether a take that has just left this should ask for more."""
    return lease.left < lease.low or now_s >= lease.renew_s


def test_what_was_granted_is_spent_once_and_no_more() -> None:
    lease = leased(3.0)
    assert [lease.take(1.0, 101.0) for _ in range(5)] == [True, True, True, False, False]
    assert (lease.spent, lease.left) == (3.0, 0.0)


def test_nothing_is_spent_from_the_end_on_which_counts_from_the_call() -> None:
    lease = leased(3.0, asked_s=100.0, ttl_s=10.0)
    assert lease.take(1.0, math.nextafter(110.0, 0))
    assert not lease.take(1.0, 110.0)
    assert not lease.take(1.0, 500.0)


def test_nothing_is_spent_before_anything_was_granted() -> None:
    assert not LocalLease().take(1.0, 0.0)


@pytest.mark.parametrize("cost", [0.0, -1.0, -math.inf, math.nan, math.inf, 3.1])
def test_what_is_no_cost_or_more_than_is_here_spends_nothing(cost: float) -> None:
    lease = leased(3.0)
    assert not lease.take(cost, 101.0)
    assert lease.left == 3.0


def test_a_reply_that_is_read_twice_grants_once() -> None:
    lease = leased(3.0)
    lease.take(1.0, 101.0)
    lease.extend(Leased(1, 3.0, 10.0), 100.0)
    assert (lease.left, lease.spent) == (2.0, 1.0)


def test_a_renewal_counts_from_the_beginning_of_the_lease() -> None:
    lease = leased(3.0)
    lease.take(2.0, 101.0)
    wish = lease.wish(1.0, 105.0, 10.0, 1.0)
    assert (wish.renews, wish.used) == (1, 2.0)
    lease.extend(Leased(1, 7.0, 10.0), 105.0)
    assert lease.left == 5.0
    assert lease.take(1.0, 114.9)


def test_what_a_lost_reply_had_granted_is_not_spent_until_the_next_reply_tells_it() -> None:
    lease = leased(3.0)
    lease.take(2.0, 101.0)
    lease.wish(1.0, 105.0, 10.0, 1.0)  # granted 4 more, until 115; the reply is lost
    assert not lease.take(1.5, 106.0)
    assert not lease.take(1.0, 110.0)
    lease.wish(1.0, 111.0, 10.0, 1.0)
    lease.extend(Leased(1, 8.0, 10.0), 111.0)
    assert lease.left == 6.0


def test_a_shorter_renewal_takes_no_time_away() -> None:
    lease = leased(3.0, asked_s=100.0, ttl_s=10.0)
    lease.extend(Leased(1, 4.0, 1.0), 101.0)
    assert lease.take(4.0, 109.0)


def test_another_lease_ends_the_old_one_with_what_was_left_of_it() -> None:
    lease = leased(3.0)
    lease.extend(Leased(2, 1.0, 10.0), 103.0)
    assert (lease.lease_id, lease.left, lease.spent) == (2, 1.0, 0.0)


def test_an_ended_lease_holds_nothing() -> None:
    lease = leased(3.0)
    lease.end()
    assert not lease.take(0.5, 101.0)
    assert lease.wish(1.0, 102.0, 10.0, 1.0)[3:] == (0, 0.0)


def test_where_nothing_limits_any_cost_is_spent_and_nothing_is_reported() -> None:
    lease = LocalLease()
    lease.wish(1.0, 0.0, 10.0, 1.0)
    lease.extend(Leased(0, 1.0, 1.0), 0.0)
    assert all(lease.take(1e9, 0.5) for _ in range(900))
    assert lease.left > 0
    for cost in (math.inf, math.nan, 2 * MAX_TOKENS):
        assert not lease.take(cost, 0.5)
    assert lease.wish(1.0, 0.6, 10.0, 1.0)[3:] == (0, 0.0)
    lease.extend(Leased(7, 2.0, 1.0, 10.0), 0.6)
    assert (lease.lease_id, lease.left) == (7, 2.0)


# ------------------------------------------------------------ how much is asked for
def asked(every_s: float, times: int, cost: float = 1.0, burst: float = 1_000.0) -> list[tuple[float, float]]:
    """What a holder asks for, and for how long, that spends `cost` every so many seconds and asks when it lacks it."""
    lease, asked, now_s, granted = LocalLease(), [], 0.0, 0.0
    for _ in range(times):
        if not lease.take(cost, now_s):
            wish = lease.wish(cost, now_s, 10.0, 1.0)
            granted = wish.used + wish.tokens if wish.renews else wish.tokens
            lease.extend(Leased(1, granted, wish.ttl_s, burst), now_s)
            asked.append((wish.tokens, wish.ttl_s))
            assert lease.take(cost, now_s)
        now_s += every_s
    return asked


def test_who_is_slow_asks_for_what_it_spends_at_once_and_ties_nothing_up() -> None:
    assert asked(every_s=3.0, times=5) == [(1.0, 1.0)] * 5


def test_who_is_fast_asks_for_more_and_more_but_for_a_second_and_a_part_of_the_burst_at_most() -> None:
    sizes = [tokens for tokens, _ in asked(every_s=0.01, times=2_000)]
    assert all(later <= GROWTH * earlier for earlier, later in pairwise(sizes))
    assert 80 <= sizes[-1] <= 101
    assert len(sizes) < 30
    assert max(tokens for tokens, _ in asked(every_s=0.0001, times=20_000, burst=40.0)) == 40.0 * MAX_PART


def test_a_lease_holds_whole_takes() -> None:
    assert all(tokens % 3.0 == 0 for tokens, _ in asked(every_s=0.05, times=300, cost=3.0))


def test_a_fast_users_lease_is_low_when_half_of_the_tokens_or_of_the_time_is_gone() -> None:
    lease = fast(10.0)
    assert not is_low(lease, 104.9)
    assert is_low(lease, 105.1)
    lease.take(6.0, 101.0)
    assert is_low(lease, 101.0)


def test_a_slow_users_lease_is_never_low_since_it_is_asked_for_when_it_is_needed() -> None:
    lease = leased(1.0, ttl_s=1.0)
    lease.take(1.0, 100.5)
    assert not is_low(lease, 100.9)


def test_what_a_fast_user_does_not_use_any_more_is_too_much() -> None:
    lease = fast(10.0)
    lease.take(1.0, 101.0)
    assert not lease.is_too_much(104.9), "it is not yet time to renew"
    assert lease.is_too_much(105.1)
    lease.take(8.0, 105.1)
    assert not lease.is_too_much(105.2)


# ------------------------------------------------------------ refusals
def test_a_refusal_is_believed_for_a_while_for_that_cost_and_more() -> None:
    lease = LocalLease()
    lease.refuse(REFUSED, 2.0, 100.0)
    assert lease.refusal(2.0, 100.4) == Refused("user", 4.6, REFUSED.because)
    assert lease.refusal(3.0, 100.4) is not None
    assert lease.refusal(1.0, 100.4) is None, "less may be there"
    assert lease.refusal(2.0, 100.0 + MAX_REMEMBERED_S) is None, "somebody may have given tokens back"


def test_a_short_refusal_is_believed_long_enough_not_to_ask_for_every_token() -> None:
    lease = LocalLease()
    lease.refuse(Refused("user", 0.001, "Almost."), 1.0, 100.0)
    refused = lease.refusal(1.0, 100.005)
    assert refused is not None
    assert refused.retry_after_s is not None
    assert refused.retry_after_s == pytest.approx(MIN_REMEMBERED_S - 0.005, abs=0.0011)
    assert lease.refusal(1.0, 100.0 + refused.retry_after_s + 0.005) is None


def test_a_refusal_without_hope_is_asked_again_too_since_limits_change() -> None:
    lease = LocalLease()
    hopeless = Refused("tenant", None, "The tenant's bucket is closed.")
    lease.refuse(hopeless, 1.0, 100.0)
    assert lease.refusal(1.0, 100.9) is hopeless
    assert lease.refusal(1.0, 101.1) is None


def test_what_is_here_may_be_spent_though_more_was_refused_and_the_next_grant_ends_the_refusal() -> None:
    lease = fast(3.0)
    lease.refuse(REFUSED, 5.0, 101.0)
    assert lease.take(2.0, 101.0)
    assert not is_low(lease, 101.0), "what was refused is not asked for in the background"
    lease.extend(Leased(1, 9.0, 10.0), 101.5)
    assert lease.refusal(5.0, 101.6) is None


# ------------------------------------------------------------ idleness
def test_a_lease_is_idle_when_nothing_was_spent_between_two_looks_and_no_refusal_holds() -> None:
    lease = leased(3.0)
    assert not lease.is_idle(101.0)
    lease.take(1.0, 102.0)
    assert not lease.is_idle(103.0)
    assert lease.is_idle(104.0)
    lease.refuse(REFUSED, 5.0, 104.0)
    assert not lease.is_idle(104.5)
    assert lease.is_idle(105.0)
