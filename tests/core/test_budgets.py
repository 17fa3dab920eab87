"""The budget ledger, case by case; test_budgets_machine.py holds it against an oracle."""

from decimal import Decimal
from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budget_messages import (
    BudgetLimits,
    NoReservation,
    OverBudget,
    Release,
    Released,
    Reserved,
    SetLimits,
    Settle,
    Settled,
)
from core.budget_state import CORRECTABLE_S, MAX_CORRECTABLE, report
from core.spending import NOTHING
from tests.core.one_budget import LIMITS, NOON, Tenant, limit, usd, utc

HOUR_S, DAY_S = 3_600.0, 86_400.0


# ---------------------------------------------------------------- reserve, settle, release
def test_what_was_reserved_is_replaced_by_what_was_spent() -> None:
    tenant = Tenant()
    assert tenant.reserve("r", usd("2")) == Reserved("r", usd("2"), NOON, NOON + 60)
    assert tenant.do(Settle("r", usd("0.25"))) == Settled("r", usd("0.25"), NOON)
    assert tenant.sums() == ("0.25", "0.25")
    assert report(tenant.state, NOON, LIMITS).day.reserved == NOTHING
    assert tenant.reserve("s", usd("2")) == Reserved("s", usd("2"), NOON, NOON + 60)


def test_what_was_released_was_never_spent() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"))
    assert tenant.do(Release("r")) == Released("r", NOON)
    assert tenant.sums() == ("0", "0")


def test_a_call_that_cost_more_than_was_reserved_is_recorded_in_full_and_blocks_the_next() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("1", 10))
    assert tenant.do(Settle("r", usd("3.5", 5))) == Settled("r", usd("3.5", 5), NOON, overrun=usd("2.5"))
    assert tenant.sums() == ("3.5", "3.5")
    assert report(tenant.state, NOON, LIMITS).day.overruns == 1
    assert isinstance(tenant.reserve("s", usd("0.000000000001")), OverBudget)


@pytest.mark.parametrize("command", [Settle("r", usd("1")), Release("r")])
def test_what_is_not_open_is_refused_and_changes_nothing(command: Settle | Release) -> None:
    tenant = Tenant()
    for _ in range(2):
        before = tenant.state
        reply = tenant.do(command)
        assert isinstance(reply, NoReservation)
        assert reply.because.startswith(
            "Reservation r is not open: it was not made here, is closed already, or expired"
        )
        assert tenant.state is before
        tenant.reserve("r", usd("1"))
        tenant.do(command)


@given(st.permutations(range(4)), st.lists(st.sampled_from(["0.5", "1", "1.5"]), min_size=4, max_size=4))
def test_reservations_at_once_never_exceed_a_limit_in_whatever_order_they_come(
    order: list[int], asked: list[str]
) -> None:
    tenant = Tenant()
    admitted = [asked[each] for each in order if isinstance(tenant.reserve(f"r{each}", usd(asked[each])), Reserved)]
    assert sum(map(Decimal, admitted)) <= 3
    for each in order:
        tenant.do(Settle(f"r{each}", usd(asked[each])))
    assert Decimal(tenant.sums()[0]) == sum(map(Decimal, admitted))


def test_two_that_fit_alone_do_not_fit_together() -> None:
    for first, second in permutations(("a", "b")):
        tenant = Tenant()
        assert isinstance(tenant.reserve(first, usd("2")), Reserved)
        assert isinstance(tenant.reserve(second, usd("2")), OverBudget)


# ---------------------------------------------------------------- lost reservations
def test_a_lost_reservation_is_charged_in_full_and_a_late_word_corrects_that() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"), ttl_s=60)
    tenant.now += 60
    said = report(tenant.state, tenant.now, LIMITS)
    assert (said.day.spent, said.day.reserved, said.day.lost, said.open_reservations) == (usd("2"), NOTHING, 1, 0)
    assert isinstance(tenant.reserve("s", usd("1.5")), OverBudget)
    assert tenant.do(Settle("r", usd("0.5"))) == Settled("r", usd("0.5"), tenant.now, late=True)
    assert tenant.sums() == ("0.5", "0.5")
    assert report(tenant.state, tenant.now, LIMITS).day.lost == 0
    assert isinstance(tenant.reserve("s", usd("1.5")), Reserved)


def test_a_lost_reservation_that_is_released_late_is_free() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"), ttl_s=60)
    tenant.now += HOUR_S
    assert tenant.do(Release("r")) == Released("r", tenant.now, late=True)
    assert Decimal(tenant.sums()[0]) == 0


@pytest.mark.parametrize(("wait_s", "corrected"), [(CORRECTABLE_S - 1, True), (CORRECTABLE_S, False)])
def test_a_charge_stands_when_nobody_has_corrected_it_in_time(wait_s: float, corrected: bool) -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"), ttl_s=60)
    tenant.now += 60 + wait_s
    assert isinstance(tenant.do(Settle("r", usd("1"))), Settled if corrected else NoReservation)
    assert tenant.sums()[1] == ("1" if corrected else "2")


def test_only_the_latest_of_many_lost_ones_are_corrected() -> None:
    tenant = Tenant(BudgetLimits())
    for number in range(MAX_CORRECTABLE + 1):
        tenant.reserve(f"r{number}", usd("1"), ttl_s=1.0 + number)
    tenant.now += HOUR_S
    assert isinstance(tenant.do(Release("r0")), NoReservation)
    assert isinstance(tenant.do(Release("r1")), Released)
    assert Decimal(tenant.sums()[0]) == MAX_CORRECTABLE
    assert len(tenant.state.lost) == MAX_CORRECTABLE - 1


# ---------------------------------------------------------------- midnight and the month's end
def test_a_reservation_over_midnight_belongs_to_the_day_in_which_it_was_made() -> None:
    tenant = Tenant(now=utc("2026-03-14T23:59:59"))
    tenant.reserve("r", usd("2"))
    tenant.now = utc("2026-03-15T00:00")
    assert isinstance(tenant.reserve("s", usd("2")), Reserved)  # a new day; the month has room for 5
    tenant.do(Settle("r", usd("1")))
    assert tenant.sums() == ("0", "1")
    tenant.do(Settle("s", usd("2")))
    assert tenant.sums() == ("2", "3")


def test_a_reservation_over_the_months_end_belongs_to_the_month_in_which_it_was_made() -> None:
    tenant = Tenant(BudgetLimits(month=limit("2")), now=utc("2024-02-29T23:59:59"))
    tenant.reserve("r", usd("2"))
    refused = tenant.reserve("s", usd("1"))
    assert isinstance(refused, OverBudget)
    assert refused.resets_at == utc("2024-03-01T00:00")
    tenant.now = refused.resets_at
    assert isinstance(tenant.reserve("s", usd("2")), Reserved)
    tenant.do(Settle("s", usd("2")))
    tenant.do(Settle("r", usd("2")))
    assert tenant.sums() == ("2", "2")


def test_one_that_is_lost_at_midnight_is_charged_to_the_day_before() -> None:
    tenant = Tenant(now=utc("2025-12-31T23:59:30"))
    tenant.reserve("r", usd("2"), ttl_s=60)
    tenant.now = utc("2026-01-01T00:00:30")
    assert tenant.sums() == ("0", "0")
    assert isinstance(tenant.do(Settle("r", usd("1"))), Settled)
    assert tenant.sums() == ("0", "0")


def test_a_clock_that_is_set_back_opens_no_day_anew_and_admits_no_more() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"))
    tenant.do(Settle("r", usd("2")))
    tenant.now -= 2 * DAY_S
    admitted = [isinstance(tenant.reserve(f"s{number}", usd("0.5")), Reserved) for number in range(9)]
    assert admitted == [True] * 2 + [False] * 7
    said = report(tenant.state, tenant.now, LIMITS).day
    assert (said.since, said.resets_at) == (utc("2026-03-14T00:00"), utc("2026-03-15T00:00"))
    assert (said.spent, said.reserved) == (usd("2"), usd("1"))


def test_a_clock_that_is_set_back_after_a_loss_still_lets_it_be_corrected() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"), ttl_s=60)
    tenant.now += 120
    tenant.do(SetLimits(None))
    tenant.now -= 90
    assert tenant.do(Settle("r", usd("1"))) == Settled("r", usd("1"), tenant.now, late=True)
