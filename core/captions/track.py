"""What a caption file holds: the raw cues of a format, and the clean track made of them."""

from dataclasses import dataclass
from enum import StrEnum

from core.messages import Cue


class CaptionFormat(StrEnum):
    """The formats that are read. The name is that of the layout, not of the file's ending."""

    WEBVTT = "webvtt"
    SUBRIP = "subrip"
    SUBVIEWER = "subviewer"
    SPRUCE = "spruce stl"
    TIMEDTEXT = "timed text"
    JSON3 = "json3"
    TTML = "ttml"


@dataclass(frozen=True, slots=True)
class RawCue:
    """A cue as it stands in the file: its text with markup and line ends, times in seconds.

    `identifier` is the line above the timing line and `settings` the text after it; both are empty where there is none.
    """

    start_s: float
    end_s: float
    text: str
    identifier: str = ""
    settings: str = ""


@dataclass(frozen=True, slots=True)
class CaptionTrack:
    """The captions of one recording: cues in time order, plain text, each line once.

    `encoding` is the character encoding that the bytes were read in; `rolled_up` says that the file repeated each
    line while it scrolled, and that the repeats were taken out.
    """

    format: CaptionFormat
    cues: tuple[Cue, ...]
    encoding: str = "utf-8"
    rolled_up: bool = False
