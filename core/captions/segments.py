"""WebVTT as it comes off a stream: HLS segments joined into one file, each with its header.

Times are moved by the difference of each segment's `X-TIMESTAMP-MAP` (RFC 8216, 3.5) from the first one's, so a single
file keeps its local times. A cue that two segments both carry, because it crosses their border, is kept once.
"""

import re
from dataclasses import replace

from core.captions.timestamps import CLOCK, read_clock
from core.captions.track import RawCue
from core.captions.webvtt import SIGNATURE, parse_lines, split_lines

_MAP = "X-TIMESTAMP-MAP"
_LOCAL = re.compile(rf"LOCAL:({CLOCK})", re.ASCII)
_MPEGTS = re.compile(r"MPEGTS:(\d{1,12})", re.ASCII)
_TICKS_PER_S = 90_000
_CLOCK_TURN = 2**33
_SAME_TIME_S = 0.0105


def parse_webvtt(text: str) -> list[RawCue]:
    """The cues of a WebVTT text of one or many segments, in file order."""
    lines = split_lines(text)
    starts = [index for index in range(len(lines)) if _starts_segment(lines, index)]
    cues: list[RawCue] = []
    seen: set[tuple[float, float, str]] = set()
    first_map: int | None = None
    for start, end in zip(starts, [*starts[1:], len(lines)], strict=True):
        segment = lines[start:end]
        ticks = _map_ticks(segment)
        if first_map is None:
            first_map = ticks
        shifted = [_shifted(cue, _shift_s(ticks, first_map)) for cue in parse_lines(segment)]
        _join(cues, shifted, seen)
    return cues


def _starts_segment(lines: list[str], index: int) -> bool:
    if not SIGNATURE.fullmatch(lines[index].lstrip("\ufeff")):
        return False
    after_gap = index == 0 or not lines[index - 1].strip()
    return after_gap or (index + 1 < len(lines) and lines[index + 1].startswith(_MAP))


def _map_ticks(segment: list[str]) -> int | None:
    """Where the segment's local zero lies on the stream's 90 kHz clock; None without a map."""
    for line in segment[1:]:
        if not line:
            break
        if line.startswith(_MAP):
            ticks, local = _MPEGTS.search(line), _LOCAL.search(line)
            if ticks and local:
                return int(ticks[1]) - round(read_clock(local[1]) * _TICKS_PER_S)
    return None


def _shift_s(ticks: int | None, first: int | None) -> float:
    if ticks is None or first is None:
        return 0.0
    # The clock has 33 bits and turns over every 26.5 hours: the nearer way round is meant.
    apart = (ticks - first + _CLOCK_TURN // 2) % _CLOCK_TURN - _CLOCK_TURN // 2
    return apart / _TICKS_PER_S


def _shifted(cue: RawCue, shift_s: float) -> RawCue:
    if not shift_s:
        return cue
    return replace(
        cue, start_s=max(0.0, round(cue.start_s + shift_s, 3)), end_s=max(0.0, round(cue.end_s + shift_s, 3))
    )


def _join(cues: list[RawCue], segment: list[RawCue], seen: set[tuple[float, float, str]]) -> None:
    """Add a segment's cues to `cues`, but for those that an earlier segment brought."""
    fresh = [cue for cue in segment if (cue.start_s, cue.end_s, cue.text) not in seen]
    if cues and fresh and len(fresh) == len(segment):
        last, first = cues[-1], fresh[0]
        # Some packagers cut a crossing cue in two at the border instead of repeating it.
        if last.text == first.text and abs(first.start_s - last.end_s) < _SAME_TIME_S:
            cues[-1] = replace(last, end_s=first.end_s)
            fresh = fresh[1:]
    cues.extend(fresh)
    seen.update((cue.start_s, cue.end_s, cue.text) for cue in segment)
