"""Amounts of dollars and tokens, added exactly, and how much of them went in a day or a month of UTC.

Money is a `Decimal` of US dollars with at most 12 places. Nothing is ever rounded but by `usd`, which says so.
"""

import math
from datetime import UTC, datetime
from decimal import ROUND_UP, Context, Decimal, Inexact, InvalidOperation
from functools import lru_cache
from typing import Literal

from core.entities import State
from core.errors import BadInput

Unit = Literal["USD", "tokens"]

ZERO = Decimal(0)
MAX_USD = Decimal(1_000_000_000)
MAX_TOKENS = 1_000_000_000_000
DAY_S = 86_400.0
_PLACES = 12
_QUANTUM = Decimal(1).scaleb(-_PLACES)

# The thread's own context would round sums to 28 digits without a word; this one refuses to round.
_EXACT = Context(prec=80, traps=[InvalidOperation, Inexact])
_ROUNDING_UP = Context(prec=80, rounding=ROUND_UP, traps=[InvalidOperation])


class Amount(State, frozen=True, gc=False):
    """So many dollars and so many tokens."""

    cost_usd: Decimal = ZERO
    tokens: int = 0

    def plus(self, other: "Amount") -> "Amount":
        # Most tenants spend once in a while: their day, their month and what they were told share one amount.
        if self == NOTHING:
            return other
        return Amount(_EXACT.add(self.cost_usd, other.cost_usd), self.tokens + other.tokens)

    def minus(self, other: "Amount") -> "Amount":
        return Amount(_EXACT.subtract(self.cost_usd, other.cost_usd), self.tokens - other.tokens)

    def beyond(self, other: "Amount") -> "Amount":
        """By how much this is more than `other`: never less than nothing."""
        more = self.minus(other)
        if more.cost_usd <= 0 and more.tokens <= 0:
            return NOTHING
        return Amount(max(more.cost_usd, ZERO), max(more.tokens, 0))

    def check(self, name: str) -> None:
        """Raises BadInput where this is no amount: negative, not finite, too fine or absurdly large."""
        check_usd(self.cost_usd, f"{name}.cost_usd")
        check_tokens(self.tokens, f"{name}.tokens")


NOTHING = Amount()


class Limit(State, frozen=True, gc=False):
    """At most so many dollars and so many tokens; None is no limit."""

    cost_usd: Decimal | None = None
    tokens: int | None = None

    def crossed_by(self, asked: Amount, used: Amount = NOTHING) -> Unit | None:
        """Which of the two `asked` would cross on top of `used`. What costs nothing crosses nothing."""
        total = used.plus(asked)
        if self.cost_usd is not None and asked.cost_usd > 0 and total.cost_usd > self.cost_usd:
            return "USD"
        if self.tokens is not None and asked.tokens > 0 and total.tokens > self.tokens:
            return "tokens"
        return None

    def left(self, used: Amount) -> "Limit":
        """What may still be used; None where there is no limit."""
        return Limit(
            None if self.cost_usd is None else max(_EXACT.subtract(self.cost_usd, used.cost_usd), ZERO),
            None if self.tokens is None else max(self.tokens - used.tokens, 0),
        )

    def check(self, name: str) -> None:
        """Raises BadInput where a limit is no amount."""
        if self.cost_usd is not None:
            check_usd(self.cost_usd, f"{name}.cost_usd")
        if self.tokens is not None:
            check_tokens(self.tokens, f"{name}.tokens")


class Tally(State, frozen=True, gc=False):
    """What was spent in the day or month that began at `since` (unix s).

    `lost` counts the reservations that were charged because nobody settled them, `overruns` those that cost more than
    was reserved.
    """

    since: float = 0.0
    spent: Amount = NOTHING
    lost: int = 0
    overruns: int = 0

    def charged(
        self, since: float, spent: Amount, *, instead_of: Amount = NOTHING, lost: int = 0, overruns: int = 0
    ) -> "Tally":
        """The tally after a charge to the window that began at `since`.

        A newer window replaces this one; a charge to one that is over changes nothing here.
        """
        if since < self.since:
            return self
        before = self.in_window(since)
        return Tally(since, before.spent.minus(instead_of).plus(spent), before.lost + lost, before.overruns + overruns)

    def in_window(self, since: float) -> "Tally":
        """This tally, or an empty one where it is of an older window than that which began at `since`."""
        return Tally(since) if since > self.since else self


def day_start(at: float) -> float:
    """When the UTC day of `at` began, both in unix seconds."""
    return _midnight(math.floor(at / DAY_S))


def month_start(at: float) -> float:
    """When the UTC month of `at` began, both in unix seconds."""
    return _first_midnight(math.floor(at / DAY_S))


def next_month_start(at: float) -> float:
    """When the UTC month after that of `at` begins, both in unix seconds."""
    return month_start(month_start(at) + 32 * DAY_S)


# Every tenant keeps when its day and its month began: with these, all keep the same two numbers.
@lru_cache(maxsize=64)
def _midnight(day: int) -> float:
    return day * DAY_S


@lru_cache(maxsize=64)
def _first_midnight(day: int) -> float:
    moment = datetime.fromtimestamp(day * DAY_S, UTC)
    return datetime(moment.year, moment.month, 1, tzinfo=UTC).timestamp()


def usd(value: float | str | Decimal) -> Decimal:
    """A cost in dollars as exact money: of a float its shortest text, and what is finer than 12 places rounded UP.

    Raises BadInput where it is no number, not finite, negative or more than a billion.
    """
    text = repr(float(value)) if isinstance(value, float) else value
    try:
        amount = Decimal(text, _EXACT)
    except (InvalidOperation, TypeError, ValueError) as error:
        raise BadInput(f"The cost {str(value)[:40]!r} is no number.", "Pass US dollars, as 0.0123.") from error
    _check_size(amount, "cost_usd")
    # Rounding up: a cost that is recorded may be too high by 1e-12 dollars, never too low.
    return amount if _places(amount) <= _PLACES else amount.quantize(_QUANTUM, context=_ROUNDING_UP)


def check_usd(amount: Decimal, name: str) -> None:
    """Raises BadInput, naming the field, where `amount` is not money as it is kept here."""
    if not isinstance(amount, Decimal):
        raise BadInput(f"{name} is a {type(amount).__name__}, not a Decimal.", "Make it one with core.spending.usd.")
    _check_size(amount, name)
    if _places(amount) > _PLACES:
        raise BadInput(f"{name} has more than {_PLACES} decimal places.", "Round it up with core.spending.usd.")


def check_tokens(tokens: int, name: str) -> None:
    """Raises BadInput, naming the field, where `tokens` is not a count of tokens."""
    if type(tokens) is not int or not 0 <= tokens <= MAX_TOKENS:
        # Python refuses to write out an integer of thousands of digits.
        shown = "enormous" if isinstance(tokens, int) and tokens.bit_length() > 100 else str(tokens)[:40]
        raise BadInput(f"{name} is {shown}.", f"Pass a whole number from 0 to {MAX_TOKENS:,}.")


def _check_size(amount: Decimal, name: str) -> None:
    # -0 is refused with the negatives: it would be kept and shown as it came.
    if not amount.is_finite() or amount.is_signed() or amount > MAX_USD:
        raise BadInput(f"{name} is {str(amount)[:40]}.", f"Pass US dollars from 0 to {MAX_USD:,}.")


def _places(amount: Decimal) -> int:
    exponent = amount.as_tuple().exponent
    return -exponent if isinstance(exponent, int) else 0
