"""Captions as XML or JSON: YouTube's timed text (srv1, srv3, json3) and TTML.

XML with a document type is refused, so that no entity is ever expanded.
"""

import json
import math
import re
from collections.abc import Iterator
from xml.etree import ElementTree as ET

from core.captions.markup import unescape
from core.captions.timestamps import CLOCK, read_clock
from core.captions.track import CaptionFormat, RawCue

_OFFSET = re.compile(r"(\d{1,12}(?:\.\d{1,9})?)(h|ms|m|s|t|f)", re.ASCII)
_CLOCK = re.compile(CLOCK, re.ASCII)
_UNIT_S = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_DEFAULT_RATE = 30.0


def parse_json3(text: str) -> list[RawCue] | None:
    """The cues of YouTube's json3; None where `text` is not of that form."""
    try:
        document = json.loads(text)
    except (ValueError, RecursionError):
        return None
    events = document.get("events") if isinstance(document, dict) else None
    if not isinstance(events, list):
        return None
    return [cue for event in events if isinstance(event, dict) and (cue := _json3_cue(event)) is not None]


def _json3_cue(event: dict[str, object]) -> RawCue | None:
    segments = event.get("segs")
    if not isinstance(segments, list):
        return None
    words = [segment.get("utf8") for segment in segments if isinstance(segment, dict)]
    start, length = _milliseconds(event.get("tStartMs")), _milliseconds(event.get("dDurationMs"))
    return RawCue(start, start + length, "".join(word for word in words if isinstance(word, str)))


def _milliseconds(value: object) -> float:
    if not isinstance(value, str | int | float):
        return 0.0
    return _number(value, 1.0) / 1000


def _number(value: str | float, default: float) -> float:
    """A finite number of at least zero, below what a recording can last; `default` for anything else."""
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return default
    return number if math.isfinite(number) and 0 <= number < 1e12 else default


def parse_xml(text: str) -> tuple[CaptionFormat, list[RawCue]] | None:
    """The format and cues of timed text or TTML; None where `text` is not well-formed XML of these forms."""
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        return None
    try:
        root = ET.fromstring(text)
    except (ET.ParseError, ValueError):
        return None
    name = _local(root.tag)
    if name == "transcript":
        return CaptionFormat.TIMEDTEXT, [_srv1_cue(node) for node in _outermost(root, {"text"})]
    if name == "timedtext":
        return CaptionFormat.TIMEDTEXT, [_srv3_cue(node) for node in _outermost(root, {"p", "text"})]
    if name == "tt":
        return CaptionFormat.TTML, list(_ttml_cues(root))
    return None


def _local(tag: object) -> str:
    """An element's name without its namespace."""
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _outermost(root: ET.Element, names: set[str]) -> Iterator[ET.Element]:
    """Elements of these names in document order. None lies in another, so that no text is read twice."""
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if _local(node.tag) in names:
            yield node
        else:
            waiting.extend(reversed(node))


def _srv1_cue(node: ET.Element) -> RawCue:
    start, length = _number(node.get("start", "0"), 0.0), _number(node.get("dur", "0"), 0.0)
    # The text is escaped twice: once as HTML, and that again as XML.
    return RawCue(start, round(start + length, 3), unescape("".join(node.itertext())))


def _srv3_cue(node: ET.Element) -> RawCue:
    start, length = _milliseconds(node.get("t", "0")), _milliseconds(node.get("d", "0"))
    return RawCue(start, start + length, "".join(node.itertext()))


def _ttml_cues(root: ET.Element) -> Iterator[RawCue]:
    rates = {_local(name): _number(value, 0.0) for name, value in root.attrib.items()}
    frame = 1 / (rates.get("frameRate") or _DEFAULT_RATE)
    tick = 1 / (rates.get("tickRate") or rates.get("frameRate") or 1.0)
    units = {**_UNIT_S, "f": frame, "t": tick}
    for node in root.findall(".//{*}br"):
        node.text = "\n"
    for node in _outermost(root, {"p"}):
        start = _ttml_seconds(node.get("begin", ""), units)
        length = _ttml_seconds(node.get("dur", ""), units)
        end = _ttml_seconds(node.get("end", ""), units) or start + length
        if node.get("begin"):
            yield RawCue(start, end, "".join(node.itertext()))


def _ttml_seconds(written: str, units: dict[str, float]) -> float:
    """Seconds of a TTML time: a clock time (frames after a third colon) or a number with its unit; 0 for others."""
    written = written.strip()
    offset = _OFFSET.fullmatch(written)
    if offset:
        return round(float(offset[1]) * units[offset[2]], 3)
    if not _CLOCK.fullmatch(written):
        return 0.0
    clock, colon, frames = written.rpartition(":")
    if clock.count(":") == 2 and colon:
        return round(read_clock(clock) + int(frames) * units["f"], 3)
    return read_clock(written)
