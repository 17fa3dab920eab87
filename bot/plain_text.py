"""Text that somebody else wrote, made harmless for a screen: no controls, no escape sequences, no reversed order."""

import math
import re

_MINUTE_S, _HOUR_S, _DAY_S = 60, 3_600, 86_400

# CSI, OSC and the two-byte escapes (ECMA-48). An OSC that is never ended is cut at the end of its line only.
_ESCAPE_SEQUENCE = re.compile(
    r"(?:\x1b\[|\x9b)[0-?]*[ -/]*[@-~]|(?:\x1b\]|\x9d)[^\x07\x1b\x9c\n]*(?:\x07|\x1b\\|\x9c)?|\x1b[@-Z\\-_]?"
)
_LINE_BREAKS = re.compile(r"\r\n?|[\x0b\x0c\x85\u2028\u2029]")
# C0 and C1 controls but newline; bidirectional overrides and isolates, which can show a link's text in another order;
# the byte order mark; lone surrogates, which no UTF-8 stream takes.
_INVISIBLE = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff]")


def plain(text: str) -> str:
    """`text` without escape sequences and invisible controls. Tabs become spaces; newlines stay."""
    text = _ESCAPE_SEQUENCE.sub("", text)
    return _INVISIBLE.sub("", _LINE_BREAKS.sub("\n", text).replace("\t", " "))


def one_line(text: str) -> str:
    """`plain` on one line, with single spaces."""
    return " ".join(plain(text).split())


def shorten(text: str, limit: int) -> str:
    """At most `limit` characters, cut at a space where one is near, with an ellipsis where it was cut."""
    if len(text) <= limit:
        return text
    kept = text[: limit - 1]
    at_space = kept.rfind(" ")
    return (kept[:at_space] if at_space > limit // 2 else kept).rstrip() + "…"


def counted(number: int, noun: str) -> str:
    """`1 passage`, `1,234 passages`."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def has_control_characters(text: str) -> bool:
    """Whether `text` holds controls that nobody types: all but tab, line breaks and the like."""
    return _CONTROL.search(text) is not None


def clock(seconds: float) -> str:
    """A time in a recording: `7:05`, or `1:07:05` from an hour on; `0:00` for what is no time."""
    whole = max(0, int(seconds)) if math.isfinite(seconds) else 0
    hours, minutes = divmod(whole // 60, 60)
    return f"{hours}:{minutes:02}:{whole % 60:02}" if hours else f"{minutes}:{whole % 60:02}"


def duration(seconds: float) -> str:
    """A time to wait in the unit that fits, rounded up: `90 s`, `5 min`, `3 h`, `2 days`."""
    if seconds <= 2 * _MINUTE_S:
        return f"{math.ceil(seconds)} s"
    if seconds <= 2 * _HOUR_S:
        return f"{math.ceil(seconds / _MINUTE_S)} min"
    if seconds <= 2 * _DAY_S:
        return f"{math.ceil(seconds / _HOUR_S)} h"
    return f"{math.ceil(seconds / _DAY_S)} days"
