"""Reading a caption file: which format it is, by its content, and its cues made clean."""

import re
from collections.abc import Sequence

from core.captions.encodings import decode
from core.captions.markup import clean, plain, voice
from core.captions.rollup import without_repeats
from core.captions.segments import parse_webvtt
from core.captions.structured import parse_json3, parse_xml
from core.captions.subrip import match_timing, parse_subrip
from core.captions.subviewer import match_pair, match_timecode, parse_spruce, parse_subviewer
from core.captions.track import CaptionFormat, CaptionTrack, RawCue
from core.captions.webvtt import SIGNATURE, split_lines
from core.errors import UnreadableCaptions
from core.messages import Cue

MAX_BYTES = 24 * 1024 * 1024
_ADVICE = "Captions are read as WebVTT, SubRip, SubViewer, Spruce STL, TTML, or YouTube's XML and JSON."
_HTML = re.compile(r"<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)
_CONTROL = re.compile("[\x00-\x08\x0e-\x1a\x1c-\x1f\x7f\ufffd]")
_SAMPLE = 65_536
_LINE_FORMATS = (
    (CaptionFormat.SUBRIP, match_timing, parse_subrip),
    (CaptionFormat.SUBVIEWER, match_pair, parse_subviewer),
    (CaptionFormat.SPRUCE, match_timecode, parse_spruce),
)


def parse(data: bytes) -> CaptionTrack:
    """The captions in a file, whatever it is called: cues in time order, plain text, roll-up repeats taken out.

    `speaker` of a cue is the name in its voice tags. Times are seconds; no cue ends before it starts; none is empty.
    Raises UnreadableCaptions where the file is empty, too large, binary, a web page, or holds no cues that are known.
    """
    if not data.strip():
        raise UnreadableCaptions("The caption file is empty.", "Check that the recording has captions.")
    if len(data) > MAX_BYTES:
        raise UnreadableCaptions(
            f"The caption file is larger than {MAX_BYTES // 2**20} MB.", "No talk has so many words."
        )
    text, encoding = decode(data)
    text = text.lstrip("\ufeff \t\r\n")
    if len(_CONTROL.findall(text, 0, _SAMPLE)) > 0.1 * min(len(text), _SAMPLE):
        raise UnreadableCaptions("The caption file is binary data, not text.", _ADVICE)
    caption_format, raw = _read(text)
    cues, rolled_up = _clean(caption_format, raw)
    if not cues:
        raise UnreadableCaptions("The caption file has times but no words.", "Check that the recording has captions.")
    return CaptionTrack(caption_format, cues, encoding, rolled_up)


def _read(text: str) -> tuple[CaptionFormat, list[RawCue]]:
    first_line = re.split(r"[\r\n]", text[:1000], maxsplit=1)[0]
    if SIGNATURE.fullmatch(first_line):
        return CaptionFormat.WEBVTT, parse_webvtt(text)
    if text.startswith("{") and (events := parse_json3(text)) is not None:
        return CaptionFormat.JSON3, events
    if text.startswith("<") and (found := parse_xml(text)) is not None:
        return found
    if _HTML.search(text, 0, 2000) and text.startswith("<"):
        raise UnreadableCaptions(
            "The caption file is a web page.", "The site may want a login, or the link is not to captions."
        )
    return _read_lines(split_lines(text))


def _read_lines(lines: Sequence[str]) -> tuple[CaptionFormat, list[RawCue]]:
    """The format whose timing lines are the most, and the cues that it reads."""
    counts = [sum(match(line) is not None for line in lines) for _, match, _ in _LINE_FORMATS]
    most = max(counts)
    if not most:
        raise UnreadableCaptions("The caption file is text without times, or of a format that is not known.", _ADVICE)
    caption_format, _, read = _LINE_FORMATS[counts.index(most)]
    return caption_format, read(lines)


def _clean(caption_format: CaptionFormat, raw: Sequence[RawCue]) -> tuple[tuple[Cue, ...], bool]:
    in_order = sorted(raw, key=lambda cue: cue.start_s)
    if caption_format in {CaptionFormat.JSON3, CaptionFormat.TIMEDTEXT, CaptionFormat.TTML}:
        # Their text is text already: a `<` in it was said.
        found = [Cue(cue.start_s, cue.end_s, plain(cue.text)) for cue in in_order]
        rolled_up = False
    else:
        fresh, rolled_up = without_repeats(in_order)
        found = [Cue(cue.start_s, max(cue.start_s, cue.end_s), clean(cue.text), voice(cue.text)) for cue in fresh]
    return tuple(cue for cue in found if cue.text), rolled_up
