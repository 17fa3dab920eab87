"""Tells which state lies behind a site's words, statuses and pages.

The words are those of YouTube's player and of yt-dlp's extractors, in English: yt-dlp asks YouTube for that language.
"""

import re
from collections.abc import Mapping
from typing import Any

from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited, RefusedUrl, Unavailable
from core.source_states import SourceState

# The order counts: "Sign in to confirm you're not a bot" says nothing of a private video.
_SAYINGS: tuple[tuple[SourceState, str], ...] = (
    (
        SourceState.BOT_CHECK,
        r"not a (?:ro)?bot|captcha|unusual traffic|are you a (?:ro)?bot|verify (?:that )?you(?:'re| are) (?:a )?human"
        r"|anti-bot|request(?:s)? (?:was|were|is|has been) blocked|automated (?:queries|requests)",
    ),
    (SourceState.CONSENT_PAGE, r"before you continue|consent page|cookie consent|accept (?:the )?cookies"),
    (
        SourceState.RATE_LIMITED,
        r"too many requests|http error 429|rate[- ]limit|(?:content|video) isn't available, try again later"
        r"|slow down|quota exceeded",
    ),
    (
        SourceState.MEMBERS_ONLY,
        r"members[- ]only|join this channel|channel's members|member(?:ship)? level|subscribers? only"
        r"|only available (?:to|for) (?:\w+ )?(?:subscribers|members|patrons|premium)|music premium"
        r"|requires? (?:a )?(?:payment|purchase|subscription)|paid (?:video|content)|must be purchased",
    ),
    (
        SourceState.AGE_LIMITED,
        r"confirm your age|age[- ](?:restrict|limit|gat|verif)|inappropriate for some users|verify your age|minors",
    ),
    (
        SourceState.REGION_LOCKED,
        r"(?:in|from) your (?:country|region|location|territory)|geo[- ]?(?:restrict|block|lock)"
        r"|blocked it in|not available in (?:this|your) (?:country|region|location)",
    ),
    (
        SourceState.PROCESSING,
        r"(?:stream|broadcast|event) (?:has )?ended|stream recording is not available|process(?:ing|ed) (?:this )?video"
        r"|(?:is|are) (?:still )?being processed|still processing|check back later",
    ),
    (
        SourceState.PREMIERE,
        r"premiere[sd]? (?:in|on|at|will)|premiere will begin|will begin (?:in|shortly|on|at)|has not started"
        r"|hasn't started|not (?:currently|yet) live|not live (?:now|yet)|is upcoming|scheduled (?:for|to)"
        r"|(?:channel|user|streamer) is (?:currently )?offline",
    ),
    (SourceState.LIVE, r"is (?:currently |now )?(?:a )?live(?: now| stream)?\b|currently live"),
    (
        SourceState.DELETED,
        r"(?:been|was) (?:removed|deleted|taken down|terminated)|no longer (?:available|exist)"
        r"|(?:does not|doesn't) exist|account (?:associated with this video )?(?:has been |was )?"
        r"(?:terminated|closed|deleted|suspended)|(?:isn't|is not) available anymore"
        r"|copyright (?:claim|infring)|removed by the (?:uploader|user)",
    ),
    (
        SourceState.PRIVATE,
        r"private (?:video|playlist|channel|account|tweet)|(?:video|playlist|account|channel|content|profile|tweet"
        r"|user) is private|(?:log|sign)(?:ged)?[- ]?in\b|login|requires? authentication|registered users"
        r"|not authori[sz]ed|do(?:es)? not have permission|don't have permission|granted access",
    ),
    (
        SourceState.SITE_DOWN,
        r"http error 5\d\d|internal (?:server )?error|temporarily unavailable|service unavailable|timed out"
        r"|under maintenance|unknown error|something went wrong",
    ),
)
_SIGNS = tuple((state, re.compile(pattern)) for state, pattern in _SAYINGS)
_MAX_CHARS = 4000

# What happened, with the site's name in it, and what to do.
_SENTENCES = {
    SourceState.PRIVATE: ("{} does not show that to everyone.", "Ask its owner to make it public."),
    SourceState.MEMBERS_ONLY: ("{} shows that to members alone.", "Link to what everybody can see."),
    SourceState.AGE_LIMITED: ("{} shows that to signed-in adults alone.", "Link to what everybody can see."),
    SourceState.REGION_LOCKED: ("{} does not show that where this bot runs.", "Link to what is shown everywhere."),
    SourceState.PREMIERE: ("{} has not begun with that yet.", "It can be read once it is over."),
    SourceState.LIVE: ("{} shows that live just now.", "It can be read once it is over."),
    SourceState.PROCESSING: ("{} is not done with that stream, which has ended.", "Try again in some hours."),
    SourceState.DELETED: ("{} does not have that any more.", "Check the link."),
    SourceState.BOT_CHECK: ("{} asks whether a person is there.", "Try again in an hour."),
    SourceState.RATE_LIMITED: ("{} takes no more requests for now.", "Try again later."),
    SourceState.CONSENT_PAGE: ("{} answered with a consent page in place of what it has.", "Try again later."),
    SourceState.NOT_A_FEED: ("{} answered with something that is no feed.", "Check the link, or try again later."),
    SourceState.SITE_DOWN: ("{} is not well.", "Try again later."),
    SourceState.UNKNOWN: ("{} does not give that.", "Check the link, or try again later."),
}


def state_of_words(text: str) -> SourceState:
    """The state that a site's or extractor's sentence names; UNKNOWN where it names none."""
    said = " ".join(text[:_MAX_CHARS].replace("\u2019", "'").lower().split())
    return next((state for state, sign in _SIGNS if sign.search(said)), SourceState.UNKNOWN)


def state_of_status(status: int) -> SourceState:
    """The state that an HTTP status other than 2xx names (RFC 9110).

    404 is UNKNOWN, not DELETED: sites answer so for a while about what is there, and what is deleted is never tried
    again.
    """
    if status == 429:
        return SourceState.RATE_LIMITED
    if status == 451:
        return SourceState.REGION_LOCKED
    if status in (401, 402, 407):
        return SourceState.PRIVATE
    if status == 410:
        return SourceState.DELETED
    return SourceState.SITE_DOWN if status >= 500 or status in (408, 425) else SourceState.UNKNOWN


def state_of_info(info: Mapping[str, Any]) -> SourceState:
    """The state in a yt-dlp info dict: `live_status` and `availability`, of a recording or of a listing's entry.

    An age limit alone closes nothing: yt-dlp says `needs_auth` where it does.
    """
    live = info.get("live_status")
    if live == "is_upcoming":
        return SourceState.PREMIERE
    if live == "is_live" or (live is None and info.get("is_live")):
        return SourceState.LIVE
    if live == "post_live":
        return SourceState.PROCESSING
    match info.get("availability"):
        case "private":
            return SourceState.PRIVATE
        case "subscriber_only" | "premium_only":
            return SourceState.MEMBERS_ONLY
        case "needs_auth":
            return SourceState.AGE_LIMITED if info.get("age_limit") else SourceState.PRIVATE
    return SourceState.AVAILABLE


_CONSENT = re.compile(
    rb"consent\.(?:youtube|google)\.|<form[^>]{0,300}action=[\"'][^\"']{0,200}(?:consent|cookiewall)", re.IGNORECASE
)
_CAPTCHA = re.compile(
    rb"g-recaptcha|h-captcha|cf-challenge|/sorry/index|captcha-form|unusual traffic|challenge-platform", re.IGNORECASE
)
_HTML = re.compile(
    rb"\A(?:\s|\xef\xbb\xbf|<!--.{0,2000}?-->)*<(?:!doctype html|html|head|body)\b", re.IGNORECASE | re.DOTALL
)


def state_of_page(body: bytes, url: str = "") -> SourceState:
    """What a page is that came where data was asked for; `url` is where the redirects led.

    CONSENT_PAGE, BOT_CHECK, another state that its words name, or NOT_A_FEED; UNKNOWN for what is no web page.
    """
    head = body[:400_000]
    if url.startswith(("https://consent.", "http://consent.")) or _CONSENT.search(head):
        return SourceState.CONSENT_PAGE
    if _CAPTCHA.search(head):
        return SourceState.BOT_CHECK
    if not _HTML.match(head):
        return SourceState.UNKNOWN
    title = re.search(rb"<title[^>]{0,200}>(.{0,300}?)</title>", head, re.IGNORECASE | re.DOTALL)
    named = state_of_words(title.group(1).decode("utf-8", "replace")) if title else SourceState.UNKNOWN
    return SourceState.NOT_A_FEED if named is SourceState.UNKNOWN else named


def not_readable(
    state: SourceState, host: str, said: str = "", retry_after_s: float | None = None, advice: str = ""
) -> NotReadable:
    """The error for `state` at `host`, with what the site `said` in its own words."""
    problem, usual = _SENTENCES[state]
    problem = problem.format(host)
    return NotReadable(state, f"{problem} It says: {said}" if said else problem, advice or usual, retry_after_s)


def state_of_error(error: BotError) -> SourceState | None:
    """The state that an error stands for; None where trying again cannot help (a link that is none, a file too large).

    For callers that ask `next_try_at`, so that every failure of a source has one.
    """
    match error:
        case NotReadable():
            return error.state
        case RateLimited():
            return SourceState.RATE_LIMITED
        case Busy() | Unavailable():
            return SourceState.SITE_DOWN
        case RefusedUrl() | BadInput():
            return None
    return SourceState.UNKNOWN
