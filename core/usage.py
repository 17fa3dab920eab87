"""What may still be done: the limits that a person and their server stand under, and what is left of each."""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from core.budget_messages import BudgetReport
from core.rate_limit_messages import Quota
from core.spending import Limit


class Unit(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    USD = "usd"


class Scope(StrEnum):
    """Whose limit it is."""

    USER = "user"
    TENANT = "tenant"


_PERSONS = frozenset(Scope)


@dataclass(frozen=True, slots=True)
class Allowance:
    """One limit: `left` of `limit` in `unit`; `left` None where nothing adds up, as with a bound on one request.

    `period` says when it applies: "at once", "today", "this month", "each request". It is whole again at `whole_at`
    (unix seconds, None where it is whole now or never changes), little by little where `refills_per_s` is not 0.
    """

    scope: Scope
    unit: Unit
    period: str
    limit: float | Decimal
    left: float | Decimal | None = None
    refills_per_s: float = 0.0
    whole_at: float | None = None


@dataclass(frozen=True, slots=True)
class Usage:
    """Every limit in force at `at` (unix seconds), and `notes`: sentences on what else a person should know."""

    at: float
    allowances: tuple[Allowance, ...] = ()
    notes: tuple[str, ...] = ()


def usage_of(at: float, quota: Quota | None, budget: BudgetReport | None, notes: tuple[str, ...] = ()) -> Usage:
    """What a tenant's rate limiter and budget tell, as of `at` (unix seconds); None where one of them told nothing.

    Limits of hosts are left out: they are no person's.
    """
    rates = tuple(_rates(at, quota)) if quota else ()
    budgets = tuple(_budgets(budget)) if budget else ()
    return Usage(at, rates + budgets, notes)


def _rates(at: float, quota: Quota) -> Iterator[Allowance]:
    for told in quota.scopes:
        rate, left = told.limit, told.available
        if rate is None or left is None or told.scope not in _PERSONS:
            continue
        whole_at = at + told.full_in_s if told.full_in_s else None
        yield Allowance(Scope(told.scope), Unit.REQUESTS, "at once", rate.capacity, left, rate.per_s, whole_at)


def _budgets(budget: BudgetReport) -> Iterator[Allowance]:
    yield from _bounds("each request", budget.request, Limit(), None)
    yield from _bounds("today", budget.day.limit, budget.day.left, budget.day.resets_at)
    yield from _bounds("this month", budget.month.limit, budget.month.left, budget.month.resets_at)


def _bounds(period: str, limit: Limit, left: Limit, resets_at: float | None) -> Iterator[Allowance]:
    """The dollars and the tokens of one limit, as far as it sets any."""
    for unit, most, rest in ((Unit.USD, limit.cost_usd, left.cost_usd), (Unit.TOKENS, limit.tokens, left.tokens)):
        if most is not None:
            yield Allowance(Scope.TENANT, unit, period, most, rest, whole_at=None if rest == most else resets_at)
