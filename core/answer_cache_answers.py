"""The words of a cached answer: what is kept of it, and when two answers are the same.

Kept is what was proven, and no more: claims with quotes that stand in the passages which the answer was made from, and
only where the passages hold most of the claim's own words too, and the claim holds no link. What a model said beside
them is never stored: a transcript that talked it into something else cannot have that repeated to others.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.entities import Message, Record
from core.entity_codec import to_json
from core.errors import BadInput, JournalUnreadable
from core.messages import Claim, Passage, Quote
from core.words import content_stems, words

# Quotes of one recording this near each other are of the same place.
_SAME_PLACE_S = 15.0
_SAME_SHARE = 0.5
_CARRIED_SHARE = 0.5
_LINK = re.compile(r"[a-z]+://|www\.|<[@#]|\]\(", re.IGNORECASE)
_WIRE = np.dtype("<f2")
_SAME_MODEL = "Embed questions with the model that the cache was started with."


class EntryWords(Message, frozen=True):
    """What a record holds: the question, its vector (float16, little-endian, length 1), and the claims."""

    scope: str
    question: str
    vector: bytes
    claims: tuple[Claim, ...]


_DECODER = msgspec.json.Decoder(EntryWords)


def checked_vector(vector: object, dimensions: int) -> NDArray[np.float32]:
    """`vector` with length 1, shape (dimensions,). Raises BadInput where it is no direction of this space."""
    try:
        array = np.asarray(vector, np.float64)
    except (TypeError, ValueError) as error:
        raise BadInput("The question's vector holds something that is no number.", _SAME_MODEL) from error
    if array.shape != (dimensions,):
        problem = f"The question's vector has the shape {array.shape}; the answer cache has ({dimensions},)."
        raise BadInput(problem, _SAME_MODEL)
    length = float(np.linalg.norm(array))
    if not math.isfinite(length) or length < 1e-6:
        raise BadInput("The question's vector is zero, or not finite.", "Embed the question before it is looked up.")
    unit: NDArray[np.float32] = (array / length).astype(np.float32)
    return unit


def packed(vector: NDArray[np.float32]) -> bytes:
    """A vector for `EntryWords`."""
    return vector.astype(_WIRE).tobytes()


def unpacked(words: EntryWords, dimensions: int) -> NDArray[np.float32]:
    """The vector of `words`, of length 1 again. Raises BadInput where it has another dimension, or none."""
    return checked_vector(np.frombuffer(words.vector, _WIRE), dimensions)


def body_of(words: EntryWords) -> str:
    """`words` as the body of a record."""
    return to_json(words)


def words_of(record: Record) -> EntryWords:
    """The words of a record. Raises JournalUnreadable where it is none that this release knows."""
    try:
        return _DECODER.decode(record.body)
    except (msgspec.MsgspecError, UnicodeError) as error:
        problem = f"The answer cache's record {record.record_id} cannot be read ({error})."
        raise JournalUnreadable(problem, "Run the release that wrote it, or a newer one.") from error


def proven(claims: Sequence[Claim], passages: Sequence[Passage]) -> tuple[Claim, ...]:
    """The claims that the passages carry, each with those of its quotes that stand there word by word."""
    texts: dict[str, list[str]] = {}
    for passage in passages:
        texts.setdefault(passage.recording.recording_id, []).append(passage.text)
    kept = (replace(claim, quotes=tuple(q for q in claim.quotes if _stands(q, texts))) for claim in claims)
    return tuple(claim for claim in kept if claim.quotes and _carried(claim, texts))


def _stands(quote: Quote, texts: dict[str, list[str]]) -> bool:
    return bool(quote.text.strip()) and any(quote.text in text for text in texts.get(quote.recording.recording_id, ()))


def _carried(claim: Claim, texts: dict[str, list[str]]) -> bool:
    """Whether the recordings that a claim quotes hold at least half of the words that carry its subject."""
    quoted = {quote.recording.recording_id for quote in claim.quotes}
    said = {its for recording_id in quoted for text in texts[recording_id] for its in content_stems(text)}
    mine = content_stems(claim.text)
    return not _LINK.search(claim.text) and sum(its in said for its in mine) >= _CARRIED_SHARE * len(mine)


def recordings_of(claims: Sequence[Claim]) -> tuple[str, ...]:
    """The recordings that the claims quote."""
    return tuple(dict.fromkeys(quote.recording.recording_id for claim in claims for quote in claim.quotes))


def same_answer(one: Sequence[Claim], other: Sequence[Claim]) -> bool:
    """Whether two answers rest on the same places: at least half of the quotes of each have a partner in the other.

    What is compared are quotes, because a model words its claims anew each time; the places that carry them stay.
    """
    mine, theirs = _quotes(one), _quotes(other)
    return bool(mine and theirs) and min(_partnered(mine, theirs), _partnered(theirs, mine)) >= _SAME_SHARE


def _partnered(quotes: Sequence[Quote], others: Sequence[Quote]) -> float:
    return sum(any(_same_place(quote, other) for other in others) for quote in quotes) / len(quotes)


def _same_place(one: Quote, other: Quote) -> bool:
    """Whether two quotes share their words: of the shorter one, if they are near each other, else of both together.

    Being near is not enough: two statements in one sentence answer two questions.
    """
    if one.recording.recording_id != other.recording.recording_id:
        return False
    mine, theirs = set(words(one.text)), set(words(other.text))
    near = abs(one.start_s - other.start_s) <= _SAME_PLACE_S
    return len(mine & theirs) >= _SAME_SHARE * (min(len(mine), len(theirs)) if near else len(mine | theirs))


def _quotes(claims: Sequence[Claim]) -> list[Quote]:
    return [quote for claim in claims for quote in claim.quotes]
