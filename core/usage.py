"""What may still be done: the limits that a person and their server stand under, and what is left of each."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum


class Unit(StrEnum):
    """What a limit counts."""

    REQUESTS = "requests"
    TOKENS = "tokens"
    USD = "usd"


class Scope(StrEnum):
    """Whose limit it is."""

    USER = "user"
    TENANT = "tenant"


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
