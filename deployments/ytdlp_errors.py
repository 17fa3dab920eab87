"""Names what went wrong inside yt-dlp in the words of `core.errors`."""

import re
from collections.abc import Iterator

from core.errors import BadInput, BotError, Unavailable
from core.web import error_of_status

_PREFIX = re.compile(r"^(?:ERROR:\s*)?(?:\[[\w:+.-]+\]\s*)?(?:[^\s:]{1,80}:\s+)?")
_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_SUFFIXES = ("; please report this issue on", " (caused by", ". Use --", " Use --")
_MAX_CHARS = 200


def named_error(error: BaseException, host: str) -> BotError:
    """The error of ours that lies behind `error`, or one that says what yt-dlp found at `host`."""
    causes = tuple(_causes(error))
    for cause in causes:
        if isinstance(cause, BotError):
            return cause
    for cause in causes:
        status = getattr(cause, "status", None)
        if isinstance(status, int) and (named := error_of_status(host, status)):
            return named
    if any(type(cause).__name__ == "UnsupportedError" for cause in causes):
        return BadInput(f"{host} has no recording at that link.", "Link to the page of a recording, or to a feed.")
    said = _sentence(str(error))
    if any(getattr(cause, "expected", False) for cause in causes):
        return BadInput(f"{host} does not give that recording: {said}", "Check the link.")
    return Unavailable(host, f"Its page could not be read: {said} Try again later, or update yt-dlp.")


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


def _sentence(message: str) -> str:
    text = _PREFIX.sub("", _ANSI.sub("", message).strip(), count=1)
    for suffix in _SUFFIXES:
        text = text.partition(suffix)[0]
    text = " ".join(text.split())[:_MAX_CHARS].rstrip(" .:;")
    return f"{text}." if text else "it gives no reason."
