"""The sentences of a search's hits as numbers: what each is near to, the question and each other."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import log
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.fillers import without_fillers
from core.messages import Hit
from core.words import content_stems

Floats: TypeAlias = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Lines:
    """The sentences of a context, in order, n of them; `texts` without fillers, "" where nothing is left.

    `sources[i]` numbers the passage of sentence i in the order found, `beside[i]` says how many of the passages just
    before and after that one are in the context. `cosines` (n,) are with the question, `similarity` (n, n) with each
    other. All are finite.
    """

    texts: tuple[str, ...]
    speakers: tuple[str, ...]
    sources: NDArray[np.int64]
    beside: Floats
    cosines: Floats
    similarity: Floats

    @classmethod
    def of(cls, hits: Sequence[Hit]) -> "Lines":
        """The sentences of `hits`, in their order. Without sentence vectors, likeness is that of their words."""
        sentences = [sentence for hit in hits for sentence in hit.passage.sentences]
        sizes = [len(hit.passage.sentences) for hit in hits]
        texts = tuple(without_fillers(sentence.text) for sentence in sentences)
        cosines = np.array([value for hit in hits for value in relevance_of(hit)], dtype=float)
        return cls(
            texts,
            tuple(sentence.speaker for sentence in sentences),
            np.repeat(np.arange(len(hits)), sizes),
            np.repeat(_beside(hits), sizes),
            np.clip(np.nan_to_num(cosines), -1.0, 1.0),
            _similarity(hits, texts),
        )


def relevance_of(hit: Hit) -> tuple[float, ...]:
    """The cosine of each sentence with the question; 0 everywhere where it is not known."""
    return hit.relevance or (0.0,) * len(hit.passage.sentences)


def _beside(hits: Sequence[Hit]) -> Floats:
    places = [(hit.passage.recording.recording_id, hit.passage.index) for hit in hits]
    found = set(places)
    return np.array([sum((name, index + step) in found for step in (-1, 1)) for name, index in places], dtype=float)


def _similarity(hits: Sequence[Hit], texts: Sequence[str]) -> Floats:
    known = [rows for hit in hits if (rows := _rows(hit)) is not None]
    has_all = len(known) == len(hits) and len({rows.shape[1] for rows in known}) == 1
    found = cosines_of(np.concatenate(known) if has_all else _word_vectors(texts))
    # Whatever its vector is, a sentence says what it says.
    np.fill_diagonal(found, 1.0)
    return found


def _rows(hit: Hit) -> Floats | None:
    """The vectors of a hit's sentences, or None where there are none."""
    count = len(hit.passage.sentences)
    if not hit.vectors or not count or len(hit.vectors) % (2 * count):
        return None
    return np.frombuffer(hit.vectors, dtype="<f2").astype(float).reshape(count, -1)


def _word_vectors(texts: Sequence[str]) -> Floats:
    """Shape (texts, different words): the rarer a word is among `texts`, the more it weighs."""
    stems = [set(content_stems(text)) for text in texts]
    known = Counter(stem for of_text in stems for stem in of_text)
    column = {stem: number for number, stem in enumerate(known)}
    rows = np.zeros((len(texts), len(known)))
    for number, of_text in enumerate(stems):
        for stem in of_text:
            rows[number, column[stem]] = log(1 + len(texts) / known[stem])
    return rows


def cosines_of(rows: Floats) -> Floats:
    """The cosines of `rows` (n, dimensions) with each other, shape (n, n), 0 for a row of zeros or not finite."""
    rows = np.nan_to_num(rows, posinf=0.0, neginf=0.0)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1.0)
    return np.asarray(units @ units.T)
