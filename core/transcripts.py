"""A recording's text on its way into the store, as it is kept between the steps of a job."""

import base64
import json
import zlib
from dataclasses import dataclass

import msgspec

from core.following import Chapter
from core.messages import Recording, Sentence
from core.uploads import Channel
from core.words import whole_characters


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said in a recording, and what its page says of it."""

    recording: Recording
    sentences: tuple[Sentence, ...]
    chapters: tuple[Chapter, ...] = ()
    channel: Channel | None = None
    published_at: float = 0.0


def in_whole_characters(transcript: Transcript) -> Transcript:
    """`transcript` with a question mark for each half character, which sites' JSON may hold; else it is as it was."""
    try:
        msgspec.json.encode(transcript)
    except UnicodeEncodeError:
        text = json.dumps(msgspec.to_builtins(transcript), ensure_ascii=False)
        return msgspec.json.decode(whole_characters(text), type=Transcript)
    return transcript


def packed(transcript: Transcript) -> str:
    """`transcript` as text without characters that have to be escaped, about a third as long as its words."""
    return base64.b85encode(zlib.compress(msgspec.json.encode(transcript), 6)).decode()


def unpacked(text: str) -> Transcript | None:
    """What `packed` made; None for anything else, such as the form of another release."""
    try:
        return msgspec.json.decode(zlib.decompress(base64.b85decode(text)), type=Transcript)
    except (ValueError, zlib.error, msgspec.MsgspecError):
        return None
