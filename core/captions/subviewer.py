"""SubViewer (.sub, .sbv), with `start,end` on a line of its own, and Spruce STL (.stc), with start times only."""

import re
from collections.abc import Sequence

from core.captions.timestamps import CLOCK_BEFORE_COMMA, clock_seconds, read_clock
from core.captions.track import RawCue

_PAIR = re.compile(rf"[ \t\ufeff]*({CLOCK_BEFORE_COMMA})[ \t]*,[ \t]*({CLOCK_BEFORE_COMMA})[ \t]*", re.ASCII)
_TIMECODE = re.compile(r"[ \t\ufeff]*\*TC[ \t]+(\d{1,4}):(\d{1,4}):(\d{1,4})[;:.](\d{1,4})[ \t]*", re.ASCII)
_LINE_BREAK = re.compile(r"\[br\]", re.IGNORECASE)
_STYLE_LINE = re.compile(r"\[(?:COLF|STYLE|SIZE|FONT)\][^\n]*", re.IGNORECASE)
_FRAMES_PER_S = 30_000 / 1001  # NTSC, the rate of drop-frame time codes
_LAST_CUE_S = 5.0


def match_pair(line: str) -> re.Match[str] | None:
    """The two times of a SubViewer timing line; None for any other line."""
    return _PAIR.fullmatch(line) if "," in line else None


def match_timecode(line: str) -> re.Match[str] | None:
    """The time code of a Spruce STL line; None for any other line."""
    return _TIMECODE.fullmatch(line) if "*TC" in line else None


def parse_subviewer(lines: Sequence[str]) -> list[RawCue]:
    """The cues of a SubViewer text, in file order; its header is no cue."""
    timings = [(index, match) for index, line in enumerate(lines) if (match := match_pair(line))]
    ends = [index for index, _ in timings[1:]] + [len(lines)]
    return [
        RawCue(read_clock(match[1]), read_clock(match[2]), _text(lines[index + 1 : end]))
        for (index, match), end in zip(timings, ends, strict=True)
    ]


def parse_spruce(lines: Sequence[str]) -> list[RawCue]:
    """The cues of a Spruce STL text, in file order. A cue lasts until the next one starts; the last, five seconds.

    A first time code later than the second is the tape's length, as some exporters write: that cue starts at zero.
    """
    timings = [(index, match) for index, line in enumerate(lines) if (match := match_timecode(line))]
    ends = [index for index, _ in timings[1:]] + [len(lines)]
    starts = [_timecode_seconds(match) for _, match in timings]
    if len(starts) > 1 and starts[0] > starts[1]:
        starts[0] = 0.0
    untils = [*starts[1:], (starts[-1] + _LAST_CUE_S) if starts else 0.0]
    return [
        RawCue(start, until, _text(lines[index + 1 : end]))
        for (index, _), end, start, until in zip(timings, ends, starts, untils, strict=True)
    ]


def _timecode_seconds(match: re.Match[str]) -> float:
    return round(clock_seconds(match[1], match[2], match[3]) + int(match[4]) / _FRAMES_PER_S, 3)


def _text(lines: Sequence[str]) -> str:
    return _STYLE_LINE.sub("", _LINE_BREAK.sub("\n", "\n".join(lines))).strip()
