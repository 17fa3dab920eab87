"""Why a recording or a listing cannot be read now, as named states: none of them means "nothing there".

Each state has a next try. A state that passes (a premiere, a site that is down) is tried until it has passed or has
lasted longer than such things do; one that seldom changes (private, members only) is looked at again after days, a few
times; what was deleted is never tried again.
"""

from dataclasses import dataclass
from enum import StrEnum


class SourceState(StrEnum):
    """How a site answered for a recording, a channel or a feed."""

    AVAILABLE = "available"
    PRIVATE = "private"
    MEMBERS_ONLY = "members_only"
    AGE_LIMITED = "age_limited"
    REGION_LOCKED = "region_locked"
    PREMIERE = "premiere"
    LIVE = "live"
    PROCESSING = "processing"
    DELETED = "deleted"
    BOT_CHECK = "bot_check"
    RATE_LIMITED = "rate_limited"
    CONSENT_PAGE = "consent_page"
    NOT_A_FEED = "not_a_feed"
    SITE_DOWN = "site_down"
    UNKNOWN = "unknown"


# What only its owner can change: a person who asks for it is told, and nobody waits for it.
CLOSED_STATES = frozenset(
    {
        SourceState.PRIVATE,
        SourceState.MEMBERS_ONLY,
        SourceState.AGE_LIMITED,
        SourceState.REGION_LOCKED,
        SourceState.DELETED,
    }
)
# The site turns us away as a visitor: it says nothing about the recording, and asking faster makes it worse.
TURNED_AWAY_STATES = frozenset({SourceState.BOT_CHECK, SourceState.RATE_LIMITED, SourceState.CONSENT_PAGE})


@dataclass(frozen=True, slots=True)
class _Waits:
    """The first wait, what each further one is multiplied by, the longest, and after how many tries it is given up."""

    first_s: float
    factor: float
    longest_s: float
    tries: int


_MINUTE = 60.0
_HOUR = 3600.0
_DAY = 86_400.0
# Captions of a premiere or a stream come some time after it began or ended.
_START_MARGIN_S = 30 * _MINUTE
# Starts are moved, also to earlier: one that is far off is looked at now and then.
_START_LOOK_S = 7 * _DAY
_LONGEST_ASKED_S = 7 * _DAY

_WAITS = {
    SourceState.PRIVATE: _Waits(3 * _DAY, 2, 30 * _DAY, 4),
    SourceState.MEMBERS_ONLY: _Waits(3 * _DAY, 2, 30 * _DAY, 4),
    SourceState.AGE_LIMITED: _Waits(7 * _DAY, 2, 30 * _DAY, 3),
    SourceState.REGION_LOCKED: _Waits(7 * _DAY, 2, 30 * _DAY, 3),
    SourceState.PREMIERE: _Waits(2 * _HOUR, 1.5, _DAY, 30),
    SourceState.LIVE: _Waits(_HOUR, 1.3, _DAY, 30),
    SourceState.PROCESSING: _Waits(3 * _HOUR, 1.5, _DAY, 14),
    SourceState.BOT_CHECK: _Waits(_HOUR, 2, _DAY, 12),
    SourceState.RATE_LIMITED: _Waits(15 * _MINUTE, 2, 12 * _HOUR, 12),
    SourceState.CONSENT_PAGE: _Waits(10 * _MINUTE, 2, 12 * _HOUR, 12),
    SourceState.NOT_A_FEED: _Waits(10 * _MINUTE, 2, _DAY, 12),
    SourceState.SITE_DOWN: _Waits(5 * _MINUTE, 2, 12 * _HOUR, 14),
    SourceState.UNKNOWN: _Waits(10 * _MINUTE, 3, _DAY, 8),
}


def next_try_at(
    state: SourceState, attempts: int, now: float, *, starts_at: float = 0.0, retry_after_s: float | None = None
) -> float | None:
    """When to try again (unix s), or None: never.

    `attempts` is how often in a row it was found in this state, this time too (1 and more). `starts_at` is when a
    premiere or stream begins (unix s, 0.0 where not known); `retry_after_s` what the site asked to wait, which is never
    undercut. The caller adds jitter, only to later.
    """
    if state is SourceState.AVAILABLE:
        return now
    waits = _WAITS.get(state)
    if waits is None:
        return None
    if state is SourceState.PREMIERE and starts_at > now:
        return min(starts_at + _START_MARGIN_S, now + _START_LOOK_S)
    if attempts > waits.tries:
        return None
    wait_s = min(waits.first_s * waits.factor ** max(0, attempts - 1), waits.longest_s)
    return now + max(wait_s, min(retry_after_s or 0.0, _LONGEST_ASKED_S))
