"""A recording's text on its way into the store, as it is kept between the steps of a job."""

import base64
import zlib
from dataclasses import dataclass

import msgspec

from core.following import Chapter
from core.messages import Recording, Sentence
from core.uploads import Channel


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a recording. `heard_s` is how much of it speech recognition listened to, in seconds."""

    recording: Recording
    sentences: tuple[Sentence, ...]
    chapters: tuple[Chapter, ...] = ()
    channel: Channel | None = None
    published_at: float = 0.0
    heard_s: float = 0.0


def packed(transcript: Transcript) -> str:
    """`transcript` as text without characters that have to be escaped, about a third as long as its words."""
    return base64.b85encode(zlib.compress(msgspec.json.encode(transcript), 6)).decode()


def unpacked(text: str) -> Transcript | None:
    """What `packed` made; None for anything else, such as the form of another release."""
    try:
        return msgspec.json.decode(zlib.decompress(base64.b85decode(text)), type=Transcript)
    except (ValueError, zlib.error, msgspec.MsgspecError):
        return None
