"""Roll-up captions: a window of a few lines in which each new line pushes the older ones up.

As a file, every line then stands two or three times: when it is spoken, alone for an instant (YouTube writes a cue of
10 ms), and above the next line. What is new in a cue are its lines after those that were on the screen already. A line
truly said twice is new the second time, because it stands below its first copy.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

from core.captions.markup import clean, has_word_times
from core.captions.track import RawCue

_WINDOW_LINES = 4  # CEA-608 rolls in windows of two to four lines
_INSTANT_S = 0.05
_MIN_SHARE = 0.4


@dataclass(frozen=True, slots=True)
class _Screen:
    """A cue as lines on a screen. The first `movable` lines may have been there before: a line that carries word times
    is being spoken now, and one with an empty line above it has just come in at the bottom."""

    raw: RawCue
    lines: tuple[str, ...]
    written: tuple[str, ...]
    movable: int
    timed: bool

    def carried_from(self, before: tuple[str, ...]) -> int:
        """How many leading lines are the last lines of `before`."""
        for count in range(min(self.movable, len(before), _WINDOW_LINES), 0, -1):
            if before[-count:] == self.lines[:count]:
                return count
        return 0


def without_repeats(cues: Sequence[RawCue]) -> tuple[list[RawCue], bool]:
    """`cues` (in time order) with each line once, and whether they rolled up; other captions come back as they are."""
    screens = [_screen(cue) for cue in cues]
    carried = [0] if screens else []
    carried += [screen.carried_from(before.lines) for before, screen in pairwise(screens)]
    if not _rolls(screens, carried):
        return list(cues), False
    fresh = [
        replace(screen.raw, text="\n".join(screen.written[count:]))
        for screen, count in zip(screens, carried, strict=True)
        if count < len(screen.lines)
    ]
    return fresh, True


def _screen(cue: RawCue) -> _Screen:
    written = cue.text.split("\n")
    shown = [(clean(line), line) for line in written]
    filled = [(text, line) for text, line in shown if text]
    timed = [has_word_times(line) for _, line in filled]
    entered_below = bool(filled) and not shown[0][0]
    movable = 0 if entered_below else (timed.index(True) if True in timed else len(filled))
    return _Screen(cue, tuple(text for text, _ in filled), tuple(line for _, line in filled), movable, True in timed)


def _rolls(screens: Sequence[_Screen], carried: Sequence[int]) -> bool:
    """Whether enough cues keep an old line above a new one, or show a finished line for an instant."""
    pairs = [(screen, count) for screen, count in zip(screens, carried, strict=True) if screen.lines][1:]
    evidence = sum(
        1
        for screen, count in pairs
        if count and (count < len(screen.lines) or screen.raw.end_s - screen.raw.start_s <= _INSTANT_S)
    )
    needed = 1 if any(screen.timed for screen in screens) else 2
    return evidence >= max(needed, _MIN_SHARE * len(pairs))
