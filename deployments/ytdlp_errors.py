"""Names what went wrong inside yt-dlp in the words of `core.errors`."""

import re
import time
from collections.abc import Iterator
from typing import Any

from core.errors import BadInput, BotError
from core.retrying import retry_after_s
from core.source_signs import not_readable, state_of_page, state_of_status, state_of_words
from core.source_states import TURNED_AWAY_STATES, SourceState

_PREFIX = re.compile(r"^(?:ERROR:\s*)?(?:\[[\w:+.-]+\]\s*)?(?:[^\s:]{1,80}:\s+)?")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SUFFIXES = ("; please report this issue on", " (caused by", ". Use --", " Use --", ". Also see")
_MAX_CHARS = 200
# yt-dlp's own classes for what is meant; everything else is known by its words.
_CLASSES = {"GeoRestrictedError": SourceState.REGION_LOCKED, "UserNotLive": SourceState.PREMIERE}
_NO_SUCH_TAB = re.compile(r"does not have an? [\w-]+ tab", re.IGNORECASE)


def named_error(error: BaseException, host: str, head: bytes = b"") -> BotError:
    """The error of ours that lies behind `error`, or one that says what yt-dlp found at `host`.

    `head` is the beginning of the first page that was read: a consent page is known by it, whatever yt-dlp says.
    """
    causes: tuple[Any, ...] = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, BotError):
            return cause
        if isinstance(cause, MemoryError):
            return too_much_memory(host)
    names = {type(cause).__name__ for cause in causes}
    if "UnsupportedError" in names:
        return BadInput(f"{host} has no recording at that link.", "Link to the page of a recording, or to a feed.")
    refused = next((cause for cause in causes if _is_refusal(cause)), None)
    if refused is None:
        said = sentence_of(str(error))
        state = next((_CLASSES[name] for name in _CLASSES if name in names), state_of_words(str(error)))
    else:
        said, state = f"It answered with status {refused.status}.", state_of_status(refused.status)
    page = state_of_page(head) if head else SourceState.UNKNOWN
    if state is SourceState.UNKNOWN and page in TURNED_AWAY_STATES:
        state = page
    expected = refused is not None or any(getattr(cause, "expected", False) for cause in causes)
    advice = "" if expected or state is not SourceState.UNKNOWN else "Try again later, or update yt-dlp."
    return not_readable(state, host, said, _asked_s(refused), advice)


def too_much_memory(host: str) -> BadInput:
    """What to say of a page that took all the memory that there is for it."""
    return BadInput(f"Reading {host} took more memory than is given to it.", "Link to a smaller page.")


def _is_refusal(cause: Any) -> bool:
    status = getattr(cause, "status", None)
    return isinstance(status, int) and not 200 <= status < 300


def lacks_tab(error: BaseException) -> bool:
    """Whether yt-dlp read the channel's page and found that it has no such tab: that is no failure."""
    return bool(_NO_SUCH_TAB.search(str(error)))


def sentence_of(message: str) -> str:
    """yt-dlp's message without what is for its own users, as a sentence."""
    text = _PREFIX.sub("", _ANSI.sub("", message).strip(), count=1)
    for suffix in _SUFFIXES:
        text = text.partition(suffix)[0]
    text = " ".join(text.split())[:_MAX_CHARS].rstrip(" .:;")
    return f"{text}." if text else "nothing."


def _asked_s(cause: Any) -> float | None:
    headers = getattr(getattr(cause, "response", None), "headers", None)
    asked = headers.get("Retry-After") if headers is not None else None
    return retry_after_s(str(asked), now_s=time.time()) if asked else None


def _causes(error: BaseException) -> Iterator[BaseException]:
    """`error` and everything behind it; yt-dlp keeps causes in `cause` and in `exc_info`."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        found = waiting.pop(0)
        if not isinstance(found, BaseException) or id(found) in seen:
            continue
        seen.add(id(found))
        yield found
        carried = getattr(found, "exc_info", None)
        waiting += [getattr(found, "cause", None), carried[1] if carried else None, found.__cause__, found.__context__]
