"""How long to wait before trying again."""

import math
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.retrying import full_jitter_s, retry_after_s


@given(st.integers(0, 10_000), st.floats(0.01, 10), st.floats(0.01, 100), st.integers())
def test_a_wait_lies_between_nothing_and_the_bounds(attempt: int, base_s: float, cap_s: float, seed: int) -> None:
    wait_s = full_jitter_s(attempt, base_s=base_s, cap_s=cap_s, rng=Random(seed))
    assert 0 <= wait_s <= cap_s
    assert wait_s <= base_s * 2.0 ** min(attempt, 60)


def test_waits_spread_over_the_whole_range() -> None:
    rng = Random(7)
    waits = [full_jitter_s(3, base_s=1, cap_s=100, rng=rng) for _ in range(2000)]
    assert min(waits) < 0.1
    assert max(waits) > 7.9
    assert 3.8 < sum(waits) / len(waits) < 4.2


@given(st.integers(0, 999_999_999))
def test_seconds_are_read(seconds: int) -> None:
    assert retry_after_s(f" {seconds} ", now_s=0.0) == seconds


@given(st.datetimes(datetime(1990, 1, 1), datetime(2090, 1, 1)), st.integers(-1000, 1000))  # noqa: DTZ001 - made UTC below
def test_a_date_is_read_as_the_time_until_it(moment: datetime, offset_s: int) -> None:
    moment = moment.replace(tzinfo=UTC, microsecond=0)
    header = format_datetime(moment, usegmt=True)
    assert retry_after_s(header, now_s=moment.timestamp() - offset_s) == max(0, offset_s)
    assert retry_after_s(header.replace("GMT", "-0000"), now_s=moment.timestamp() - offset_s) == max(0, offset_s)


@pytest.mark.parametrize("value", ["", "soon", "-3", "1.5", "1e9", "٣", "9999999999", "Mon, 99 Foo 2026"])
def test_what_cannot_be_read_gives_nothing(value: str) -> None:
    assert retry_after_s(value, now_s=0.0) is None


@given(st.floats(-86_399, 86_399), st.integers(0, 3_600))
def test_a_date_is_read_by_the_clock_that_told_it(skew_s: float, wait_s: int) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    header, date = (format_datetime(now + timedelta(seconds=seconds), usegmt=True) for seconds in (wait_s, 0))
    assert retry_after_s(header, now_s=now.timestamp() + skew_s, date=date) == wait_s


@pytest.mark.parametrize("date", ["", "nonsense", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_clock_that_cannot_be_right_is_not_gone_by(date: str) -> None:
    now = datetime(2026, 7, 1, tzinfo=UTC)
    header = format_datetime(now + timedelta(seconds=60), usegmt=True)
    assert retry_after_s(header, now_s=now.timestamp(), date=date) == 60.0


@given(st.text(max_size=60) | st.from_regex(r"[A-Z][a-z]{2}, \d{1,2} (Jan|Feb) \d{1,6} \d\d:\d\d:\d\d [+-]\d{4,6}"))
def test_whatever_a_site_sends_is_a_wait_or_nothing(value: str) -> None:
    wait_s = retry_after_s(value, now_s=1_790_000_000.0, date=value)
    assert wait_s is None or 0 <= wait_s < math.inf
