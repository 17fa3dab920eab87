"""How long to wait before trying again."""

import math
from datetime import UTC
from email.utils import parsedate_to_datetime
from random import Random

_MAX_SKEW_S = 86_400.0


def full_jitter_s(attempt: int, *, base_s: float, cap_s: float, rng: Random) -> float:
    """A wait in seconds before attempt `attempt` + 1: uniform between 0 and min(cap, base * 2^attempt).

    "Full jitter", from M. Brooker, "Exponential Backoff And Jitter", AWS Architecture Blog, 2015: callers that
    failed together do not come back together.
    """
    return rng.uniform(0.0, min(cap_s, base_s * 2.0 ** min(attempt, 60)))


def retry_after_s(value: str, *, now_s: float, date: str = "") -> float | None:
    """Seconds to wait as a Retry-After header says (RFC 9110, 10.2.3: seconds or a date); None if it cannot be read.

    `now_s` is the time in seconds since 1970. `date` is the answer's Date header: a date to come back at is told by
    the clock that told the other one, unless the two clocks are more than a day apart.
    """
    value = value.strip()
    if value.isascii() and value.isdigit() and len(value) <= 9:
        return float(value)
    moment_s = _seconds(value)
    if moment_s is None:
        return None
    their_now_s = _seconds(date)
    if their_now_s is not None and abs(their_now_s - now_s) <= _MAX_SKEW_S:
        now_s = their_now_s
    wait_s = moment_s - now_s
    return max(0.0, wait_s) if math.isfinite(wait_s) else None


def _seconds(date: str) -> float | None:
    """An HTTP date as seconds since 1970."""
    try:
        moment = parsedate_to_datetime(date)
    except ValueError:
        return None
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
