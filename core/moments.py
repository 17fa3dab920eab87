"""Moments as people name and read them: the number of an entry, or a time.

What a text means never depends on the stream that it is asked of:

    1 to 9 digits                           the number of an entry: 7, and 20260115 too
    10 digits or more, or digits with a dot unix seconds: 1700000000, 1700000000.25, 5.0
    anything else                           ISO 8601, of UTC where it names no zone: 2026-01-15T12:03, 2026-01-15

A date without a time is its first moment.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from fractions import Fraction

from core.errors import BadInput

_SEQ = re.compile(r"[0-9]{1,9}")
_UNIX = re.compile(r"[0-9]{10,}|[0-9]+\.[0-9]*")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def parse_moment(text: str) -> int | float:
    """The number of an entry as an int, a time as a float in unix seconds. Raises BadInput where it is neither."""
    text = text.strip()
    if _SEQ.fullmatch(text):
        return int(text)
    if _UNIX.fullmatch(text):
        return float(text)
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        problem = f"{text[:40]!r} is neither an entry nor a time."
        advice = "Give an entry's number (7), a time (2026-01-15T12:03, of UTC unless it has a zone) or unix seconds."
        raise BadInput(problem, advice) from None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()


def utc_text(at: float) -> str:
    """The time `at` (unix s) in UTC, as ISO 8601 to the microsecond.

    Rounded up: what happened at `at` has happened at the time that is shown, so it may be given back as a moment.
    """
    try:
        moment = _EPOCH + timedelta(microseconds=math.ceil(Fraction(at) * 1_000_000))
    except (OverflowError, ValueError):
        return f"{at!r} s"
    return moment.isoformat().replace("+00:00", "Z")
