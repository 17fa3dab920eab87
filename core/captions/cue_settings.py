"""The settings of a WebVTT cue, with the defaults of mozilla/vtt.js.

vtt.js is followed where it is laxer than the standard (a bad alignment after the comma leaves the rest valid), because
its test files are what conformance is measured against. Settings do not change the words of a cue.
"""

import re
from dataclasses import dataclass

_INTEGER = re.compile(r"-?\d{1,15}", re.ASCII)
_PERCENT = re.compile(r"(\d{1,3}(?:\.\d{0,15})?)%", re.ASCII)
_ALIGNMENTS = ("start", "middle", "end")
_SIDE = {"start": "start", "left": "start", "middle": "middle", "end": "end", "right": "end"}


@dataclass(frozen=True, slots=True)
class CueSettings:
    """Where and how a cue is shown. `line`, `position` and `size` are percentages, but a `line` that snaps is a row."""

    vertical: str = ""
    line: float | str = "auto"
    line_align: str = "start"
    snap_to_lines: bool = True
    position: float | str = "auto"
    position_align: str = "middle"
    size: float = 100.0
    align: str = "middle"


def read_settings(written: str) -> CueSettings:
    """Settings from the text after a cue's times. What is not valid is ignored; the first valid value counts."""
    lines: list[float | str] = []
    found: dict[str, str] = {}
    numbers: dict[str, float] = {}
    snap = True
    for setting in written.split():
        name, separator, value = setting.partition(":")
        if not separator or ":" in value:
            continue
        head, comma, tail = value.partition(",")
        if name == "line":
            # In vtt.js a percentage stops the snapping even where an earlier line counts.
            snap = snap and _percent(head) is None
            number = _line(head)
            if number is not None:
                lines.append(number)
        elif name in {"position", "size"}:
            number = _percent(head if name == "position" else value)
            if number is not None and not numbers.get(name):
                numbers[name] = number
        if name in {"line", "position"} and comma and tail in _ALIGNMENTS:
            found.setdefault(f"{name}_align", tail)
        elif (name == "align" and value in _SIDE) or (name == "vertical" and value in {"rl", "lr"}):
            found.setdefault(name, value)
    align = found.get("align", "middle")
    return CueSettings(
        vertical=found.get("vertical", ""),
        # A zero counts as "not set yet" there, so a later value replaces it.
        line=next((line for line in lines if line), lines[-1] if lines else "auto"),
        line_align=found.get("line_align", "start"),
        snap_to_lines=snap,
        position=numbers.get("position", "auto"),
        position_align=found.get("position_align", _SIDE[align]),
        size=numbers.get("size", 100.0),
        align=align,
    )


def _percent(value: str) -> float | None:
    match = _PERCENT.fullmatch(value)
    number = float(match[1]) if match else 101.0
    return number if number <= 100 else None


def _line(value: str) -> float | str | None:
    if value == "auto":
        return value
    return float(value) if _INTEGER.fullmatch(value) else _percent(value)
