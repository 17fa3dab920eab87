"""What was promised of a budget: every reservation is kept for ever, and everything is added up anew each time."""

import math
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from fractions import Fraction
from functools import cache

from core.budget_messages import BudgetLimits
from core.budget_state import CORRECTABLE_S, MAX_CORRECTABLE
from core.spending import Amount, Limit

Sum = tuple[Fraction, int]


@dataclass
class Known:
    """One reservation, for ever. `status` is open, lost, settled or released."""

    asked: Amount
    at: float
    expires_at: float
    status: str = "open"
    spent: Amount | None = None
    correctable: bool = True
    beyond: str = ""

    def charge(self) -> Sum:
        amount = Amount() if self.status == "released" else self.spent or self.asked
        return Fraction(amount.cost_usd), amount.tokens

    def is_overrun(self) -> bool:
        return self.spent is not None and (
            self.spent.cost_usd > self.asked.cost_usd or self.spent.tokens > self.asked.tokens
        )

    def is_in(self, window: str, now: float) -> bool:
        return _calendar(window, self.at) == _calendar(window, now)


@dataclass
class Oracle:
    """A tenant's budget at `now`: `defaults` are the settings' limits, `own` those that it was given."""

    now: float
    defaults: BudgetLimits
    own: BudgetLimits | None = None
    known: dict[str, Known] = field(default_factory=dict)

    def crossed_by(self, asked: Amount) -> set[tuple[str, str]]:
        limits, crossed = self.limits(), set()
        for name, limit in {"request": limits.request, "day": limits.day, "month": limits.month}.items():
            cost, tokens = (Fraction(0), 0) if name == "request" else self.total(name)
            if limit.cost_usd is not None and asked.cost_usd and cost + Fraction(asked.cost_usd) > limit.cost_usd:
                crossed.add((name, "USD"))
            if limit.tokens is not None and asked.tokens and tokens + asked.tokens > limit.tokens:
                crossed.add((name, "tokens"))
        return crossed

    def is_hopeless(self, asked: Amount) -> bool:
        """Whether a limit is less than this alone: then no waiting helps."""
        limits = self.limits()
        return any(
            (limit.cost_usd is not None and asked.cost_usd > limit.cost_usd)
            or (limit.tokens is not None and asked.tokens > limit.tokens)
            for limit in (limits.request, limits.day, limits.month)
        )

    def total(self, window: str) -> Sum:
        return self.charged(window, "open", "lost", "settled", "released")

    def charged(self, window: str, *statuses: str) -> Sum:
        charges = [k.charge() for k in self.known.values() if k.status in statuses and k.is_in(window, self.now)]
        return sum((cost for cost, _ in charges), Fraction(0)), sum(tokens for _, tokens in charges)

    def limits(self) -> BudgetLimits:
        return self.own or self.defaults

    def find(self, reservation_id: str) -> Known | None:
        known = self.known.get(reservation_id)
        if known is None or known.status in ("settled", "released") or not known.correctable:
            return None
        return known if self.now < known.expires_at + CORRECTABLE_S else None

    def go_to(self, at: float) -> None:
        self.now = at
        self.expire()

    def expire(self) -> None:
        due = [k for k in self.known.values() if k.status == "open" and k.expires_at <= self.now]
        for known in due:
            known.status = "lost"
        lost = sorted((k for k in self.known.values() if k.status == "lost"), key=lambda k: k.expires_at)
        waiting = [k for k in lost if k.correctable]
        for known in waiting[:-MAX_CORRECTABLE]:
            known.correctable = False


def utc(at: float) -> datetime:
    return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=math.floor(at))


@cache
def _calendar(window: str, at: float) -> str:
    return utc(at).strftime({"day": "%Y-%m-%d", "month": "%Y-%m"}[window])


def left_of(limit: Limit, spent: Sum, reserved: Sum) -> Limit:
    cost, tokens = limit.cost_usd, limit.tokens
    used = spent[0] + reserved[0]
    return Limit(
        None if cost is None else Decimal(0) if used >= cost else cost - Decimal(used.numerator) / used.denominator,
        None if tokens is None else max(0, tokens - spent[1] - reserved[1]),
    )
