"""The budget ledger's limits: which one refuses, what it says, limits that only watch, and input that is none."""

import math
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.budget_messages import (
    MAX_ID_CHARS,
    MAX_TTL_S,
    BudgetLimits,
    Command,
    LimitsSet,
    OverBudget,
    Release,
    Reserve,
    Reserved,
    SetLimits,
    Settle,
)
from core.budget_state import report
from core.budgets import MAX_OPEN
from core.errors import BadInput
from core.spending import NOTHING, Amount, Limit
from tests.core.one_budget import LIMITS, NOON, Tenant, limit, usd, utc

MIDNIGHT, NEXT_MONTH = utc("2026-03-15T00:00"), utc("2026-04-01T00:00")
RESERVE = Reserve("r", usd("1"), 60.0, LIMITS)


# ---------------------------------------------------------------- which limit refuses, and what it says
def test_a_request_that_is_too_dear_is_refused_for_good() -> None:
    assert Tenant().reserve("r", usd("2.01")) == OverBudget(
        "request",
        "USD",
        LIMITS.request,
        NOTHING,
        NOTHING,
        usd("2.01"),
        None,
        "It needs up to 2.01 USD; one request may take 2 USD.",
    )


def test_a_day_that_is_used_up_says_what_went_where_and_when_it_ends() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("1"))
    tenant.do(Settle("r", usd("0.5")))
    tenant.reserve("s", usd("2"))
    assert tenant.reserve("t", usd("0.6")) == OverBudget(
        "day",
        "USD",
        LIMITS.day,
        usd("0.5"),
        usd("2"),
        usd("0.6"),
        MIDNIGHT,
        "It needs up to 0.6 USD; of 3 USD for this day, 0.5 USD are spent and 2 USD reserved.",
    )


def test_a_month_that_is_used_up_is_named_before_its_day() -> None:
    tenant = Tenant(BudgetLimits(day=limit("3"), month=limit("3")))
    tenant.reserve("r", usd("3"))
    refused = tenant.reserve("s", usd("1"))
    assert (refused.window, refused.resets_at) == ("month", NEXT_MONTH)
    assert refused.because == "It needs up to 1 USD; of 3 USD for this month, 0 USD are spent and 3 USD reserved."


def test_a_day_that_could_never_hold_it_is_named_before_a_month_that_is_used_up() -> None:
    tenant = Tenant(BudgetLimits(day=limit("3"), month=limit("3")))
    tenant.reserve("r", usd("3"))
    tenant.limits = BudgetLimits(day=limit("0.5"), month=limit("3"))
    refused = tenant.reserve("s", usd("1"))
    assert (refused.window, refused.resets_at) == ("day", None)


def test_tokens_have_limits_as_money_has() -> None:
    tenant = Tenant(BudgetLimits(day=Limit(Decimal(1), 5_000)))
    tenant.reserve("r", usd("0.000000000001", 4_500))
    refused = tenant.reserve("s", usd("0", 501))
    assert (refused.window, refused.unit) == ("day", "tokens")
    assert refused.because == (
        "It needs up to 501 tokens; of 5,000 tokens for this day, 0 tokens are spent and 4,500 tokens reserved."
    )
    assert isinstance(tenant.reserve("s", usd("0", 500)), Reserved)


def test_a_limit_may_be_filled_to_the_last_digit_and_no_further() -> None:
    tenant = Tenant(BudgetLimits(day=limit("0.3")))
    for name in ("a", "b", "c"):
        assert isinstance(tenant.reserve(name, usd("0.1")), Reserved)
    assert isinstance(tenant.reserve("d", usd("0.000000000001")), OverBudget)
    assert isinstance(tenant.reserve("d", usd("0")), Reserved)


def test_too_many_open_reservations_are_refused_until_the_first_one_ends() -> None:
    tenant = Tenant(BudgetLimits())
    for number in range(MAX_OPEN):
        assert isinstance(tenant.reserve(f"r{number}", usd("0"), ttl_s=60.0 + number), Reserved)
    for enforce in (True, False):
        refused = tenant.reserve("more", usd("0"), enforce=enforce)
        assert (refused.window, refused.unit, refused.resets_at) == ("open", "reservations", NOON + 60)
        assert refused.because == "1,000 reservations are open; settle or release some."
    again = tenant.reserve("r7", usd("0"))
    assert isinstance(again, Reserved)  # a repeat is no new one
    tenant.do(Release("r500"))
    assert isinstance(tenant.reserve("more", usd("0")), Reserved)
    tenant.now = NOON + 60
    assert isinstance(tenant.reserve("one more", usd("0")), Reserved)


# ---------------------------------------------------------------- limits of a tenant's own
def test_lowered_limits_hold_at_once_and_take_nothing_back() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("2"))
    lower = BudgetLimits(day=limit("1"))
    assert tenant.do(SetLimits(lower)) == LimitsSet(lower, NOON)
    said = report(tenant.state, NOON, LIMITS)
    assert (said.own_limits, said.day.limit, said.day.left, said.day.reserved) == (
        True,
        lower.day,
        limit("0"),
        usd("2"),
    )
    refused = tenant.reserve("s", usd("0.1"))
    assert (refused.window, refused.limit) == ("day", lower.day)
    tenant.do(Settle("r", usd("0.9")))
    assert isinstance(tenant.reserve("s", usd("0.1")), Reserved)


def test_limits_of_its_own_replace_those_of_the_settings_all_at_once() -> None:
    tenant = Tenant()
    tenant.do(SetLimits(BudgetLimits()))
    assert isinstance(tenant.reserve("r", usd("1000")), Reserved)
    tenant.do(SetLimits(None))
    assert report(tenant.state, NOON, LIMITS).own_limits is False
    assert isinstance(tenant.reserve("s", usd("0.1")), OverBudget)


# ---------------------------------------------------------------- limits that only watch
@given(st.lists(st.sampled_from(["0.5", "1", "2", "2.5"]), max_size=8))
def test_limits_that_only_watch_refuse_nothing_and_count_everything(asked: list[str]) -> None:
    watched = Tenant()
    for number, cost in enumerate(asked):
        would = Tenant()
        would.state = watched.state
        enforced = would.reserve(f"r{number}", usd(cost))
        reply = watched.reserve(f"r{number}", usd(cost), enforce=False)
        assert isinstance(reply, Reserved)
        assert reply.beyond == (enforced.because if isinstance(enforced, OverBudget) else "")
        watched.do(Settle(f"r{number}", usd(cost)))
    assert Decimal(watched.sums()[1]) == sum(map(Decimal, asked))


def test_what_a_watched_reservation_crosses_is_said_again_when_it_is_repeated() -> None:
    tenant = Tenant()
    first = tenant.reserve("r", usd("9"), enforce=False)
    assert first.beyond == "It needs up to 9 USD; one request may take 2 USD."
    assert tenant.reserve("r", usd("9"), enforce=False) == first


def test_limits_that_are_enforced_again_count_what_was_only_watched() -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("9"), enforce=False)
    tenant.now += 61
    refused = tenant.reserve("s", usd("0.1"))
    assert isinstance(refused, OverBudget)
    assert refused.spent == usd("9")


# ---------------------------------------------------------------- what is no command
@pytest.mark.parametrize(
    "name", ["", " ", "\t", "x" * (MAX_ID_CHARS + 1), "a\x00b", "a\nb", "\u202e", "\ud800", None, 7, b"r"]
)
def test_what_is_no_id_is_refused(name: Any) -> None:
    for command in (replace(RESERVE, reservation_id=name), Settle(name, NOTHING), Release(name)):
        with pytest.raises(BadInput, match=r"^reservation_id is") as refused:
            Tenant().do(command)
        assert len(str(refused.value)) < 200


def test_an_id_of_the_longest_kind_is_taken() -> None:
    for name in ("x" * MAX_ID_CHARS, "Ä-私"):
        assert isinstance(Tenant().do(replace(RESERVE, reservation_id=name)), Reserved)


@pytest.mark.parametrize("ttl_s", [0, -1.0, math.nan, math.inf, MAX_TTL_S + 1, "60", None])
def test_what_is_no_time_to_live_is_refused(ttl_s: Any) -> None:
    with pytest.raises(BadInput, match=r"^ttl_s is"):
        Tenant().do(replace(RESERVE, ttl_s=ttl_s))


@pytest.mark.parametrize("ttl_s", [0.001, 1, MAX_TTL_S])
def test_the_shortest_and_the_longest_time_to_live_are_taken(ttl_s: float) -> None:
    assert Tenant().do(replace(RESERVE, ttl_s=ttl_s)).expires_at == NOON + ttl_s


@pytest.mark.parametrize(
    ("command", "field"),
    [
        (replace(RESERVE, asked=Amount(Decimal("-1"))), "asked.cost_usd"),
        (replace(RESERVE, asked=Amount(tokens=-1)), "asked.tokens"),
        (replace(RESERVE, limits=BudgetLimits(request=limit("NaN"))), "limits.request.cost_usd"),
        (replace(RESERVE, limits=BudgetLimits(day=Limit(tokens=-5))), "limits.day.tokens"),
        (Settle("r", Amount(Decimal("Infinity"))), "spent.cost_usd"),
        (Settle("r", Amount(Decimal("1E-13"))), "spent.cost_usd"),
        (SetLimits(BudgetLimits(month=limit("1E+10"))), "limits.month.cost_usd"),
    ],
)
def test_an_amount_that_is_none_is_refused_by_its_field_and_changes_nothing(command: Command, field: str) -> None:
    tenant = Tenant()
    tenant.reserve("r", usd("1"))
    before = tenant.state
    with pytest.raises(BadInput, match=f"^{field} ") as refused:
        tenant.do(command)
    assert refused.value.advice.endswith(".")
    assert tenant.state is before
