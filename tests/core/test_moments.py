"""What a text means as a moment, and times as they are shown."""

import math
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.moments import parse_moment, utc_text

NOON = 1_768_478_400.0  # 2026-01-15T12:00:00Z


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("0", 0),
        ("7", 7),
        (" 007 ", 7),
        ("2026", 2026),
        ("20260115", 20_260_115),  # also a date in ISO 8601's short form: up to nine digits are an entry
        ("999999999", 999_999_999),
    ],
)
def test_up_to_nine_digits_are_an_entry(text: str, meant: int) -> None:
    found = parse_moment(text)
    assert isinstance(found, int)
    assert found == meant


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("1768478400", NOON),
        ("1768478400.25", NOON + 0.25),
        ("1768478400.", NOON),
        ("0000000007", 7.0),  # ten digits are a time, whatever they come to
        ("7.0", 7.0),
        ("0.", 0.0),
        ("2026-01-15T12:00:00Z", NOON),
        ("2026-01-15T12:00", NOON),
        ("2026-01-15 12:00:00.25", NOON + 0.25),
        ("2026-01-15T14:30+02:30", NOON),
        ("2026-01-15T12:00:00-00:00", NOON),
        ("2026-01-15", NOON - 12 * 3_600),
        ("20260115T120000", NOON),
        ("1969-12-31T23:59:59.5", -0.5),
        ("9" * 400, math.inf),
    ],
)
def test_everything_else_is_a_time_of_utc_unless_it_names_a_zone(text: str, meant: float) -> None:
    found = parse_moment(text)
    assert isinstance(found, float)
    assert found == meant


@pytest.mark.parametrize(
    "text",
    [
        *("", " ", "now", "-5", "+5", "1e9", "1_000", "７", ".5", "1.5.2", "0x10", "nan", "inf"),
        *("12:03", "2026-13-01", "2026-01-15T25:00", "2026-01-15T12:00:60Z", "x" * 10_000),
    ],
)
def test_what_is_neither_is_refused_with_what_to_write(text: str) -> None:
    with pytest.raises(BadInput, match=r"neither an entry nor a time.*Give an entry's number") as refused:
        parse_moment(text)
    assert len(str(refused.value)) < 250


@given(st.floats(-6e10, 2.5e11))
def test_a_time_that_is_shown_reads_back_as_the_microsecond_that_it_falls_in(at: float) -> None:
    back = parse_moment(utc_text(at))
    assert at <= back
    assert back - at <= 1e-6 + math.ulp(at)


@given(st.datetimes(datetime(1970, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)))  # noqa: DTZ001 - see timezones
def test_a_time_of_whole_microseconds_is_shown_as_it_is_or_one_later(moment: datetime) -> None:
    shown = datetime.fromisoformat(utc_text(moment.timestamp()))
    assert timedelta(0) <= shown - moment <= timedelta(microseconds=1)


@pytest.mark.parametrize("at", [math.inf, -math.inf, math.nan, 1e300])
def test_a_time_beyond_the_calendar_is_shown_in_seconds(at: float) -> None:
    assert utc_text(at) == f"{at!r} s"
