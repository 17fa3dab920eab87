"""WebVTT by the W3C's parser algorithm: https://www.w3.org/TR/webvtt1/#file-parsing.

`parse_raw` keeps to the letter of it. `parse_lines` runs the same algorithm over looser timing lines (commas, one-digit
parts, no fraction), and lets a text line that merely contains an arrow be text.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from core.captions.timestamps import CLOCK, clock_seconds, read_clock
from core.captions.track import RawCue

SIGNATURE = re.compile(r"WEBVTT(?:[ \t].*)?")
_TIME = r"(?:(\d{1,12}):)?(\d{2}):(\d{2})\.(\d{3})(?!\d)"
_STRICT = re.compile(rf"[ \t\f]*{_TIME}[ \t\f]*-->[ \t\f]*{_TIME}(.*)", re.ASCII)
_LOOSE = re.compile(rf"[ \t\f]*({CLOCK})[ \t\f]*-->[ \t\f]*({CLOCK})(.*)", re.ASCII)
# A cue's settings may follow its end time with no blank between; stray characters of the time come before them.
_STRAY = re.compile(r"[^\sA-Za-z-]+")


@dataclass(frozen=True, slots=True)
class _Timing:
    start_s: float
    end_s: float
    settings: str


TimingReader = Callable[[str], _Timing | None]


def split_lines(text: str) -> list[str]:
    """Lines by LF, CR LF or CR, with NUL replaced as the algorithm asks."""
    return text.replace("\x00", "\ufffd").replace("\r\n", "\n").replace("\r", "\n").split("\n")


def parse_raw(data: bytes) -> tuple[RawCue, ...]:
    """The cues of a WebVTT file in file order, by the letter of the standard: id, times, settings, text with its tags.

    A file without the `WEBVTT` signature has none. Nothing is refused, cleaned or sorted here.
    """
    lines = split_lines(data.decode("utf-8-sig", "replace"))
    if not SIGNATURE.fullmatch(lines[0]):
        return ()
    return tuple(_cues(lines, _strict_timing, any_arrow=True))


def parse_lines(lines: Sequence[str]) -> list[RawCue]:
    """The cues of one WebVTT file or segment, whose first line is its signature, with loose timing lines."""
    return list(_cues(lines, _loose_timing, any_arrow=False))


def _strict_timing(line: str) -> _Timing | None:
    match = _STRICT.match(line)
    if match is None:
        return None
    start, end = _strict_seconds(*match.group(1, 2, 3, 4)), _strict_seconds(*match.group(5, 6, 7, 8))
    if start is None or end is None:
        return None
    return _Timing(start, end, _settings(match[9]))


def _strict_seconds(hours: str | None, minutes: str, seconds: str, fraction: str) -> float | None:
    if int(minutes) > 59 or int(seconds) > 59:
        return None
    return clock_seconds(hours or "", minutes, seconds, fraction)


def _loose_timing(line: str) -> _Timing | None:
    match = _LOOSE.match(line)
    return _Timing(read_clock(match[1]), read_clock(match[2]), _settings(match[3])) if match else None


def _settings(rest: str) -> str:
    stray = _STRAY.match(rest)
    return rest[stray.end() :].strip() if stray else rest.strip()


def _cues(lines: Sequence[str], timing: TimingReader, *, any_arrow: bool) -> Iterator[RawCue]:
    """Every block after the header. A block is an optional id line, a timing line and text up to an empty line."""
    position = _after_header(lines, timing, any_arrow)
    while position < len(lines):
        if not lines[position]:
            position += 1
            continue
        cue, position = _block(lines, position, timing, any_arrow)
        if cue is not None:
            yield cue


def _after_header(lines: Sequence[str], timing: TimingReader, any_arrow: bool) -> int:
    position = 1
    while position < len(lines) and lines[position] and not _is_timing(lines[position], timing, any_arrow):
        position += 1
    return position


def _is_timing(line: str, timing: TimingReader, any_arrow: bool) -> bool:
    return "-->" in line and (any_arrow or timing(line) is not None)


def _block(lines: Sequence[str], position: int, timing: TimingReader, any_arrow: bool) -> tuple[RawCue | None, int]:
    """One block from `position`: its cue (None for a note, a style, or a cue with bad times) and the next position."""
    first, found, above = position, None, ""
    if not _is_timing(lines[position], timing, any_arrow):
        above = lines[position]
        position += 1
    if position < len(lines) and _is_timing(lines[position], timing, any_arrow):
        found = timing(lines[position])
        position += 1
    text_from = position
    # The next timing line ends a block as an empty line does: files that forget the empty line lose nothing.
    while position < len(lines) and lines[position] and not _is_timing(lines[position], timing, any_arrow):
        position += 1
    if found is None:
        return None, max(position, first + 1)
    text = "\n".join(lines[text_from:position])
    return RawCue(found.start_s, found.end_s, text, above, found.settings), position
