"""Money and tokens are exact, days and months are those of the calendar, and what is no amount is refused by name."""

import decimal
import math
from datetime import UTC, datetime, timedelta
from decimal import ROUND_DOWN, Decimal
from fractions import Fraction
from typing import Any

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from core.entity_codec import to_json
from core.errors import BadInput
from core.spending import (
    DAY_S,
    MAX_TOKENS,
    MAX_USD,
    NOTHING,
    Amount,
    Limit,
    Tally,
    day_start,
    month_start,
    next_month_start,
    usd,
)

ULP = Decimal("0.000000000001")  # the finest money that is kept
money = st.decimals(0, MAX_USD, places=12) | st.sampled_from(
    [Decimal(text) for text in ("0.10", "2E+1", "0E-7", "1E+9")]
)
amounts = st.builds(Amount, money, st.integers(0, MAX_TOKENS))
times = st.floats(0.0, 4.0e9)


def exact(amount: Amount) -> tuple[Fraction, int]:
    return Fraction(amount.cost_usd), amount.tokens


# ---------------------------------------------------------------- sums
@given(st.lists(amounts, max_size=30))
def test_sums_are_exact_whatever_the_threads_context_rounds_to(summands: list[Amount]) -> None:
    total = NOTHING
    with decimal.localcontext(decimal.Context(prec=3, rounding=ROUND_DOWN)):
        for amount in summands:
            total = total.plus(amount)
        assert exact(total) == (
            sum(Fraction(each.cost_usd) for each in summands),
            sum(each.tokens for each in summands),
        )
        for amount in summands:
            total = total.minus(amount)
    assert exact(total) == (Fraction(0), 0)


@given(amounts, amounts)
def test_what_is_beyond_is_the_difference_but_never_less_than_nothing(one: Amount, other: Amount) -> None:
    beyond = one.beyond(other)
    assert exact(beyond) == (
        max(Fraction(one.cost_usd) - Fraction(other.cost_usd), 0),
        max(one.tokens - other.tokens, 0),
    )
    assert (beyond == NOTHING) == (one.cost_usd <= other.cost_usd and one.tokens <= other.tokens)


@given(amounts, amounts)
def test_an_amount_comes_back_from_json_to_the_last_digit(one: Amount, other: Amount) -> None:
    for amount in (one, one.plus(other), one.beyond(other)):
        back = msgspec.json.decode(to_json(amount), type=Amount)
        assert (str(back.cost_usd), back.tokens) == (str(amount.cost_usd), amount.tokens)


@given(amounts, amounts, amounts)
def test_a_limit_is_crossed_by_the_first_unit_that_is_more_than_is_left(
    most: Amount, used: Amount, asked: Amount
) -> None:
    limit = Limit(most.cost_usd, most.tokens)
    left = limit.left(used)
    assert left.cost_usd is not None
    assert left.tokens is not None
    too_dear = asked.cost_usd > left.cost_usd
    too_long = asked.tokens > left.tokens
    assert limit.crossed_by(asked, used) == ("USD" if too_dear else "tokens" if too_long else None)


def test_no_limit_is_crossed_by_nothing_and_what_costs_nothing_crosses_none() -> None:
    most = Amount(MAX_USD, MAX_TOKENS)
    assert Limit().crossed_by(most, most) is None
    assert Limit().left(most) == Limit()
    spent_up = Limit(Decimal(1), 10)
    assert spent_up.crossed_by(NOTHING, most) is None
    assert spent_up.crossed_by(Amount(tokens=1), most) == "tokens"
    assert Limit(Decimal(0), 0).crossed_by(Amount(ULP)) == "USD"


# ---------------------------------------------------------------- tallies
@given(st.lists(st.tuples(st.integers(0, 3), amounts), max_size=20))
def test_a_tally_is_of_the_newest_window_that_was_charged(charges: list[tuple[int, Amount]]) -> None:
    tally = Tally()
    for day, amount in charges:
        tally = tally.charged(day * DAY_S, amount, lost=1, overruns=2)
    newest = max((day for day, _ in charges), default=0)
    kept = [amount for day, amount in charges if day == newest]
    assert tally.since == newest * DAY_S
    assert exact(tally.spent) == (sum(Fraction(each.cost_usd) for each in kept), sum(each.tokens for each in kept))
    assert (tally.lost, tally.overruns) == (len(kept), 2 * len(kept))


# ---------------------------------------------------------------- days and months
@given(times)
@example(math.nextafter(86_400.0 * 20_000, 0.0))
def test_a_day_begins_at_midnight_of_utc(at: float) -> None:
    start = day_start(at)
    assert start <= at < start + DAY_S
    assert datetime.fromtimestamp(start, UTC).time() == datetime.min.time()


@given(times)
def test_a_month_begins_with_its_first_day_and_ends_where_the_next_one_begins(at: float) -> None:
    start, end = month_start(at), next_month_start(at)
    assert start <= at < end
    first, following = datetime.fromtimestamp(start, UTC), datetime.fromtimestamp(end, UTC)
    assert (first.day, first.time(), following.day, following.time()) == (
        1,
        datetime.min.time(),
        1,
        datetime.min.time(),
    )
    assert (following - timedelta(seconds=1)).month == first.month
    assert month_start(end) == end
    assert month_start(math.nextafter(end, 0.0)) == start


@pytest.mark.parametrize(
    ("moment", "month", "following"),
    [
        ("2024-02-29T23:59:59.999999", "2024-02-01", "2024-03-01"),
        ("2025-02-28T23:59:59.999999", "2025-02-01", "2025-03-01"),
        ("2000-02-29T00:00:00", "2000-02-01", "2000-03-01"),
        ("2100-02-28T12:00:00", "2100-02-01", "2100-03-01"),
        ("2025-12-31T23:59:59.999999", "2025-12-01", "2026-01-01"),
        ("2026-01-01T00:00:00", "2026-01-01", "2026-02-01"),
        ("2026-04-30T23:59:59", "2026-04-01", "2026-05-01"),
    ],
)
def test_leap_years_and_the_ends_of_years_and_short_months(moment: str, month: str, following: str) -> None:
    at = datetime.fromisoformat(moment).replace(tzinfo=UTC).timestamp()
    assert datetime.fromtimestamp(month_start(at), UTC).strftime("%Y-%m-%d") == month
    assert datetime.fromtimestamp(next_month_start(at), UTC).strftime("%Y-%m-%d") == following


# ---------------------------------------------------------------- money from what callers have
@given(st.floats(0, 1e9))
def test_a_float_becomes_its_shortest_text_rounded_up_by_less_than_the_finest_money(cost: float) -> None:
    kept, told = usd(cost), Fraction(repr(cost))
    assert 0 <= Fraction(kept) - told < Fraction(ULP)
    assert kept == told or told % Fraction(ULP)
    Amount(kept).check("cost")


@given(st.integers(0, 10**40))
def test_what_is_finer_than_is_kept_is_rounded_up_never_down(digits: int) -> None:
    told = Fraction(digits, 10**40)
    assert Fraction(usd(f"{digits}E-40")) == Fraction(math.ceil(told * 10**12), 10**12)


@pytest.mark.parametrize(
    ("value", "kept"),
    [
        (0.1, "0.1"),
        (1e-9, "0.000000001"),
        ("0.0123", "0.0123"),
        ("1e-30", "0.000000000001"),
        ("1E-999999", "0.000000000001"),
        (Decimal("1.10"), "1.10"),
        (0, "0"),
        (10**9, "1000000000"),
    ],
)
def test_a_cost_as_money(value: Any, kept: str) -> None:
    assert f"{usd(value):f}" == kept


@pytest.mark.parametrize(
    "value", ["", "free", "1,5", "0x1", None, [1], object(), math.nan, math.inf, -math.inf, "NaN", "sNaN", "Infinity"]
)
def test_what_is_no_money_is_refused(value: Any) -> None:
    with pytest.raises(BadInput, match="cost") as refused:
        usd(value)
    assert refused.value.advice.endswith(".")


@pytest.mark.parametrize("value", [-0.01, "-1e-30", -0.0, "-0", 1_000_000_000.01, "1e400", 1e300])
def test_negative_and_absurd_costs_are_refused(value: Any) -> None:
    with pytest.raises(BadInput, match=r"cost_usd is .* Pass US dollars from 0 to 1,000,000,000"):
        usd(value)


# ---------------------------------------------------------------- amounts and limits that callers build
@pytest.mark.parametrize(
    "cost",
    [
        Decimal("NaN"),
        Decimal("sNaN"),
        Decimal("Infinity"),
        Decimal("-0.01"),
        Decimal("-0"),
        Decimal("0.0000000000001"),
        Decimal("0E-13"),
        Decimal("1000000000.000000000001"),
        Decimal("9" * 5_000),
        0.5,
        1,
        "0.5",
        None,
    ],
)
def test_a_cost_that_is_none_is_refused_by_its_field(cost: Any) -> None:
    with pytest.raises(BadInput, match=r"^asked\.cost_usd ") as refused:
        Amount(cost).check("asked")
    assert len(str(refused.value)) < 200
    if cost is not None:
        with pytest.raises(BadInput, match=r"^limits\.day\.cost_usd "):
            Limit(cost).check("limits.day")


@pytest.mark.parametrize("tokens", [-1, MAX_TOKENS + 1, 1.0, math.nan, True, "5", Decimal(5)])
def test_a_count_of_tokens_that_is_none_is_refused_by_its_field(tokens: Any) -> None:
    with pytest.raises(BadInput, match=r"^spent\.tokens is ") as refused:
        Amount(tokens=tokens).check("spent")
    assert len(str(refused.value)) < 200
    with pytest.raises(BadInput, match=r"^limits\.month\.tokens is "):
        Limit(tokens=tokens).check("limits.month")


def test_a_number_too_long_to_be_written_out_is_refused_too() -> None:
    with pytest.raises(BadInput, match="tokens is enormous"):
        Amount(tokens=-(1 << 20_000)).check("spent")


@given(amounts)
def test_every_amount_up_to_the_largest_is_taken(amount: Amount) -> None:
    amount.check("asked")
    Limit(amount.cost_usd, amount.tokens).check("limit")
    Limit().check("limit")
