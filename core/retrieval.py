"""How a search ranks passages: word weights for the lexical leg, and the fusion of the legs.

The lexical leg is Okapi BM25 (Robertson & Zaragoza, "The Probabilistic Relevance Framework", 2009), split as a vector
store needs it: a passage's words carry the term-frequency part, the store multiplies the inverse document frequency in.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import blake2b

from core.messages import Passage
from core.words import content_stems, stem, words

# BM25's usual constants; a full passage of speech has about this many words that carry a subject.
_TF_SATURATION = 1.2
_LENGTH_WEIGHT = 0.75
_AVERAGE_WORDS = 90.0
# Measured with `python -m evals retrieval`. Any penalty from 0.1 up does about as well; a larger share finds more of a
# long stretch, but lets a good passage that stands alone fall behind.
_NEIGHBOUR_PENALTY = 0.4
_NEIGHBOUR_SHARE = 0.5


@dataclass(frozen=True, slots=True)
class WordWeights:
    """A sparse vector: `values[i]` is the weight of the word whose id is `indices[i]`, ids ascending."""

    indices: tuple[int, ...] = ()
    values: tuple[float, ...] = ()


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where a passage stands: the `index`-th of its recording."""

    recording_id: str
    index: int

    @property
    def neighbours(self) -> tuple["Place", "Place"]:
        """The places of the passages just before and just after."""
        return Place(self.recording_id, self.index - 1), Place(self.recording_id, self.index + 1)


Leg = Mapping[Place, float]
"""What one way of searching found: places with scores that order them and mean nothing outside this leg."""


def passage_weights(passage: Passage) -> WordWeights:
    """The words of `passage` with the term-frequency part of BM25.

    A speaker's name counts once for each time that they begin to speak, so that "what did X think" finds X.
    """
    stems: list[str] = []
    speaker = ""
    for sentence in passage.sentences:
        if sentence.speaker != speaker:
            speaker = sentence.speaker
            stems += content_stems(speaker)
        stems += content_stems(sentence.text)
    length_part = 1 - _LENGTH_WEIGHT + _LENGTH_WEIGHT * len(stems) / _AVERAGE_WORDS
    return _weights(
        {
            word: count * (_TF_SATURATION + 1) / (count + _TF_SATURATION * length_part)
            for word, count in Counter(stems).items()
        }
    )


def question_weights(question: str) -> WordWeights:
    """The words of `question` that carry a subject, each once; all its words where none does."""
    stems = content_stems(question) or [stem(word) for word in words(question)]
    return _weights(dict.fromkeys(stems, 1.0))


def fuse(legs: Sequence[Leg], limit: int) -> list[tuple[Place, float]]:
    """The best `limit` places of all `legs` together, best first, with falling scores.

    Each leg's scores are stretched to 0..1 and added up; a place that a leg did not find gets 0 from it. The first half
    of the hits are the best passages of different stretches: a direct neighbour of a chosen one loses
    `_NEIGHBOUR_PENALTY`. The second half goes deeper: it is chosen with a share of the better neighbour's score
    added, because what answers a question often goes on in the passage before or after.
    """
    totals: dict[Place, float] = {}
    for leg in legs:
        for place, score in _stretched(leg).items():
            totals[place] = totals.get(place, 0.0) + score
    head = _spread(totals, (limit + 1) // 2)
    near = {
        place: score + _NEIGHBOUR_SHARE * max(totals.get(neighbour, 0.0) for neighbour in place.neighbours)
        for place, score in totals.items()
        if place not in head
    }
    order = [*head, *_ranked(near)[: limit - len(head)]]
    # One falling scale for both halves: hits are ordered by score wherever they are shown.
    return [(place, 1.0 / (rank + 1)) for rank, place in enumerate(order)]


def _spread(totals: Leg, count: int) -> list[Place]:
    left = dict(totals)
    chosen: list[Place] = []
    while left and len(chosen) < count:
        best = min(left, key=lambda place: (-left[place], place))
        chosen.append(best)
        del left[best]
        for neighbour in best.neighbours:
            if neighbour in left:
                left[neighbour] -= _NEIGHBOUR_PENALTY
    return chosen


def _stretched(leg: Leg) -> dict[Place, float]:
    if not leg:
        return {}
    low, high = min(leg.values()), max(leg.values())
    if high <= low:
        return dict.fromkeys(leg, 1.0)
    return {place: (score - low) / (high - low) for place, score in leg.items()}


def _ranked(scores: Mapping[Place, float]) -> list[Place]:
    # Equal scores are ordered by place, so that the same search gives the same hits on every machine.
    return sorted(scores, key=lambda place: (-scores[place], place))


def _weights(by_stem: Mapping[str, float]) -> WordWeights:
    by_id: dict[int, float] = {}
    for word, weight in by_stem.items():
        by_id[_word_id(word)] = max(weight, by_id.get(_word_id(word), 0.0))
    ids = sorted(by_id)
    return WordWeights(tuple(ids), tuple(by_id[word] for word in ids))


@lru_cache(maxsize=100_000)
def _word_id(word: str) -> int:
    """A word's place in the sparse vector: 32 bits, the same in every process (Python's own hash is not)."""
    return int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=4).digest(), "little")
