"""Why a recording or a listing cannot be read now, as named states: none of them means "nothing there"."""

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
