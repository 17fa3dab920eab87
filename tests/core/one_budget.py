"""A budget with the time in hand, for tests of single cases."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from core.budget_messages import BudgetLimits, Command, Reserve
from core.budget_state import EMPTY, report
from core.budgets import KIND
from core.entities import Chance
from core.spending import Amount, Limit

CHANCE = Chance("BudgetLedger/t", 1)


def utc(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def usd(cost: str, tokens: int = 0) -> Amount:
    return Amount(Decimal(cost), tokens)


def limit(cost: str) -> Limit:
    return Limit(Decimal(cost))


NOON = utc("2026-03-14T12:00")
LIMITS = BudgetLimits(request=limit("2"), day=limit("3"), month=limit("5"))


class Tenant:
    """A budget, with the time in hand."""

    def __init__(self, limits: BudgetLimits = LIMITS, now: float = NOON) -> None:
        self.limits, self.now, self.state = limits, now, EMPTY

    def do(self, command: Command) -> Any:
        decision = KIND.decide(self.state, command, self.now, CHANCE)
        self.state = KIND.replay(self.state, decision.events)
        return decision.reply

    def reserve(self, name: str, asked: Amount, ttl_s: float = 60.0, enforce: bool = True) -> Any:
        return self.do(Reserve(name, asked, ttl_s, self.limits, enforce))

    def sums(self) -> tuple[str, str]:
        """What is spent today and this month, in dollars."""
        said = report(self.state, self.now, self.limits)
        return str(said.day.spent.cost_usd), str(said.month.spent.cost_usd)
