"""SubRip (.srt) as it is found: commas or dots, missing numbers, coordinates, empty lines inside a cue.

There is no standard. A line with two times and an arrow starts a cue; what follows, up to the next such line and its
number, is its text.
"""

import re
from collections.abc import Sequence

from core.captions.timestamps import CLOCK, read_clock
from core.captions.track import RawCue

# Two hyphens and a bracket, and what typing and translation programs make of them.
_ARROW = r"(?:-{1,3}[ ]?>|[–—―]{1,2}[ ]?>|→)"
_TIMING = re.compile(rf"[ \t\ufeff]*({CLOCK})[ \t]*{_ARROW}[ \t]*({CLOCK})", re.ASCII)
_NUMBER = re.compile(r"[ \t\ufeff]*(\d{1,9})[ \t]*", re.ASCII)


def match_timing(line: str) -> re.Match[str] | None:
    """The two times of a SubRip timing line; None for any other line."""
    return _TIMING.match(line) if ">" in line or "→" in line else None


def parse_subrip(lines: Sequence[str]) -> list[RawCue]:
    """The cues of a SubRip text, in file order. Text above the first timing line is no cue."""
    timings = [(index, match) for index, line in enumerate(lines) if (match := match_timing(line))]
    ends = [index for index, _ in timings[1:]] + [len(lines)]
    cues: list[RawCue] = []
    number = 0
    if timings:
        _, number = _body(lines, 0, timings[0][0], number)
    for (index, match), end in zip(timings, ends, strict=True):
        text, next_number = _body(lines, index + 1, end, number)
        cues.append(RawCue(read_clock(match[1]), read_clock(match[2]), text, identifier=str(number)))
        number = next_number
    return cues


def _body(lines: Sequence[str], start: int, end: int, number: int) -> tuple[str, int]:
    """A cue's text between two timing lines, and the number of the cue that comes after it.

    A number that follows in sequence after an empty line is that of a cue without times: its words stay with this cue.
    """
    last = end - 1
    while last >= start and not lines[last].strip():
        last -= 1
    found = _value(lines[last]) if last >= start and end < len(lines) else None
    if found is not None and (found == number + 1 or (last == end - 1 and _after_gap(lines, last, start))):
        end = last
    else:
        found = None
    kept: list[str] = []
    for index in range(start, end):
        if _value(lines[index]) == number + 1 and _after_gap(lines, index, start):
            number += 1
        elif lines[index].strip() or kept:
            kept.append(lines[index])
    return "\n".join(kept).rstrip(), number + 1 if found is None else found


def _after_gap(lines: Sequence[str], index: int, start: int) -> bool:
    return index == start or not lines[index - 1].strip()


def _value(line: str) -> int | None:
    match = _NUMBER.fullmatch(line)
    return int(match[1]) if match else None
