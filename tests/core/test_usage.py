"""The /quota page's content, out of what a real limiter and a real budget tell."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core import budget_state, budgets, rate_limits
from core.budget_messages import BudgetLimits, BudgetReport, Release, Reserve, Settle
from core.entities import Chance
from core.rate_limit_messages import Quota, Take
from core.spending import Amount, Limit
from core.token_buckets import Limits, Rate
from core.usage import Allowance, Scope, Unit, Usage, usage_of

NOW = 1_772_366_400.0  # 2026-03-01 12:00 UTC
MIDNIGHT, NEXT_MONTH = NOW + 43_200, NOW + 30.5 * 86_400
CHANCE = Chance("x/y", 1)
NO_LIMITS = BudgetLimits()


def quota(limits: Limits, taken: int = 0, key: str = "tenant:1", user: str = "ada") -> Quota:
    """What a limiter tells after `user` has taken so many tokens, one by one."""
    state = rate_limits.KIND.initial(key)
    for _ in range(taken):
        decision = rate_limits.KIND.decide(state, Take(limits, user), NOW, CHANCE)
        state = rate_limits.KIND.replay(state, decision.events)
    return rate_limits.quota(state, limits, user, NOW)


def budget(limits: BudgetLimits, *commands: Reserve | Settle | Release) -> BudgetReport:
    state = budget_state.EMPTY
    for command in commands:
        state = budgets.KIND.replay(state, budgets.KIND.decide(state, command, NOW, CHANCE).events)
    return budget_state.report(state, NOW, limits)


def reserve(cost_usd: str, tokens: int) -> Reserve:
    return Reserve("r", Amount(Decimal(cost_usd), tokens), 60.0, NO_LIMITS)


def test_the_limits_of_the_server_and_of_the_person() -> None:
    usage = usage_of(NOW, quota(Limits(Rate(10.0, 100.0), Rate(0.5, 5.0)), taken=3), None)
    assert usage.allowances == (
        Allowance(Scope.TENANT, Unit.REQUESTS, "at once", 100.0, 97.0, 10.0, NOW + 0.3),
        Allowance(Scope.USER, Unit.REQUESTS, "at once", 5.0, 2.0, 0.5, NOW + 6.0),
    )


def test_a_full_bucket_is_whole_now_and_no_limit_is_none() -> None:
    assert usage_of(NOW, quota(Limits(user=Rate(0.5, 5.0))), None).allowances == (
        Allowance(Scope.USER, Unit.REQUESTS, "at once", 5.0, 5.0, 0.5, None),
    )
    assert usage_of(NOW, quota(Limits()), None).allowances == ()


def test_a_closed_bucket_has_nothing_and_never_fills() -> None:
    (closed,) = usage_of(NOW, quota(Limits(total=Rate(0.0, 20.0))), None).allowances
    assert (closed.limit, closed.left, closed.whole_at) == (0.0, 0.0, None)


def test_a_hosts_limit_is_no_persons() -> None:
    told = quota(Limits(Rate(1.0, 9.0)), taken=1, key="host:tube.example", user="")
    assert told.scopes[0].available == 8.0
    assert usage_of(NOW, told, None).allowances == ()


def test_the_money_and_tokens_of_a_request_a_day_and_a_month() -> None:
    limits = BudgetLimits(
        Limit(Decimal("0.10"), 4_000), Limit(Decimal("1.00"), 50_000), Limit(Decimal("20.00"), 1_000_000)
    )
    told = budget(limits, reserve("0.05", 900), Settle("r", Amount(Decimal("0.02"), 800)))
    each, tenant = "each request", Scope.TENANT
    assert usage_of(NOW, None, told).allowances == (
        Allowance(tenant, Unit.USD, each, Decimal("0.10")),
        Allowance(tenant, Unit.TOKENS, each, 4_000),
        Allowance(tenant, Unit.USD, "today", Decimal("1.00"), Decimal("0.98"), whole_at=MIDNIGHT),
        Allowance(tenant, Unit.TOKENS, "today", 50_000, 49_200, whole_at=MIDNIGHT),
        Allowance(tenant, Unit.USD, "this month", Decimal("20.00"), Decimal("19.98"), whole_at=NEXT_MONTH),
        Allowance(tenant, Unit.TOKENS, "this month", 1_000_000, 999_200, whole_at=NEXT_MONTH),
    )


def test_what_is_reserved_is_not_left() -> None:
    limits = BudgetLimits(day=Limit(Decimal("1.00")))
    (today,) = usage_of(NOW, None, budget(limits, reserve("0.40", 0))).allowances
    assert (today.left, today.whole_at) == (Decimal("0.60"), MIDNIGHT)


@pytest.mark.parametrize(("cost_usd", "tokens"), [("0.5", 0), ("0", 500)])
def test_money_and_tokens_are_whole_each_for_itself(cost_usd: str, tokens: int) -> None:
    told = budget(BudgetLimits(day=Limit(Decimal(1), 1_000)), reserve(cost_usd, tokens))
    money, words = usage_of(NOW, None, told).allowances
    assert (money.whole_at is None, words.whole_at is None) == (not Decimal(cost_usd), not tokens)


@given(st.decimals(0, 10, places=12), st.decimals(0, 10, places=12))
def test_money_stays_exact(most: Decimal, asked: Decimal) -> None:
    told = budget(BudgetLimits(month=Limit(most)), reserve(str(asked), 0))
    (month,) = usage_of(NOW, None, told).allowances
    assert (month.limit, month.left) == (most, max(most - asked, Decimal(0)))


def test_both_stand_together_with_the_notes_and_without_either_only_the_notes_do() -> None:
    notes = ("Limits only watch for now: nothing is refused.", "The budget cannot be reached.")
    told = budget(BudgetLimits(request=Limit(tokens=10)))
    both = usage_of(NOW, quota(Limits(user=Rate(1.0, 3.0))), told, notes)
    assert [(each.scope, each.unit) for each in both.allowances] == [
        (Scope.USER, Unit.REQUESTS),
        (Scope.TENANT, Unit.TOKENS),
    ]
    assert both.notes == notes
    assert usage_of(NOW, None, None, notes) == Usage(NOW, (), notes)
    assert usage_of(NOW, None, None) == Usage(NOW)
