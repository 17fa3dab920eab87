"""Times as people and tools write them: `1:02:03.4`, `02:03,456`, `00:00:12,6`, `01:02:03:456`."""

import re

# Digits are bounded: a number of a million digits is no time, and converting it would take quadratic time.
_WHOLE = r"-?(?:\d{1,9}[ ]{0,2}:[ ]{0,2})?\d{1,4}[ ]{0,2}:[ ]{0,2}\d{1,4}"
CLOCK = rf"{_WHOLE}(?:[ ]{{0,2}}[.,:;][ ]{{0,2}}\d{{1,9}})?"
# Where a comma stands between two times, it is no decimal sign.
CLOCK_BEFORE_COMMA = rf"{_WHOLE}(?:[.:;]\d{{1,9}})?"
_PARTS = re.compile(r"\d+", re.ASCII)
_FRACTION = re.compile(r"[.,;]", re.ASCII)


def clock_seconds(hours: str, minutes: str, seconds: str, fraction: str = "") -> float:
    """Seconds from the parts of a clock time; `fraction` holds decimals and is cut to milliseconds."""
    whole = int(hours or 0) * 3600 + int(minutes) * 60 + int(seconds)
    # One division of whole milliseconds: the float nearest to the written number, as a JSON reader gives it.
    return (whole * 1000 + int(fraction[:3].ljust(3, "0"))) / 1000


def read_clock(written: str) -> float:
    """Seconds of a time that `CLOCK` matched in full. A time before zero counts as zero."""
    parts = _PARTS.findall(written)
    has_fraction = len(parts) == 4 or _FRACTION.search(written) is not None
    fraction = parts.pop() if has_fraction else ""
    minutes, seconds = parts[-2:]
    value = clock_seconds(parts[0] if len(parts) == 3 else "", minutes, seconds, fraction)
    return 0.0 if written.lstrip().startswith("-") else value
