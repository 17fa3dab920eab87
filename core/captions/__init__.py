"""Caption files of any format and encoding, read into clean cues."""

from core.captions.reading import MAX_BYTES, parse
from core.captions.track import CaptionFormat, CaptionTrack, RawCue

__all__ = ["MAX_BYTES", "CaptionFormat", "CaptionTrack", "RawCue", "parse"]
