"""The entries of one scope, ready to be searched: derived from the entity's records, and made anew from them.

Entries whose answers were found equal share an `answer_id`: they are several ways to ask for one answer. A search
weighs answers, not entries, by the whole neighbourhood: how near an answer's entries lie, whether others lie as near,
how many of the nearest agree.
"""

import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from core.answer_cache_vectors import EntryVectors
from core.question_features import QuestionTraits, conflict

NEAREST = 20
ANSWERS = 3
_CENTRES = 6
_DENSITY = 10

FEATURES = (
    "nearest",
    "second",
    "margin",
    "log_entries",
    "votes",
    "density",
    "centre",
    "centre_margin",
    "word_overlap",
    "words_known",
    "grams",
    "same_kind",
    "same_negation",
)


@dataclass(frozen=True, slots=True)
class Candidate:
    """An answer that might do: its entry nearest to the question, their cosine, and its `FEATURES`, in that order.

    `conflict` is what forbids it ("" for nothing).
    """

    entry_id: str
    answer_id: str
    similarity: float
    features: tuple[float, ...]
    conflict: str = ""


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """An answer near a question, as the vectors tell: its entries among the nearest ones, nearest first.

    `features` are the first of `FEATURES`: those that need no words.
    """

    answer_id: str
    entry_ids: tuple[str, ...]
    similarity: float
    features: tuple[float, ...]


@dataclass(slots=True)
class _Shared:
    """What is known of one answer: its entries, the sum of their vectors, how many of them have each stem."""

    centre: NDArray[np.float64]
    entries: list[str] = field(default_factory=list)
    stems: Counter[str] = field(default_factory=Counter)


class AnswerIndex:
    """Entries by id, searched by vector. Not thread-safe; costs about 2 KB an entry of 384 dimensions."""

    def __init__(self, dimensions: int) -> None:
        self._vectors = EntryVectors(dimensions)
        self._traits: dict[str, QuestionTraits] = {}
        self._answer_of: dict[str, str] = {}
        self._answers: dict[str, _Shared] = {}
        self._stems: Counter[str] = Counter()

    def __len__(self) -> int:
        return len(self._traits)

    def add(self, entry_id: str, answer_id: str, vector: NDArray[np.float32], traits: QuestionTraits) -> None:
        """Add an entry, in place of one with this id. `vector` has length 1, shape (dimensions,)."""
        self.remove((entry_id,))
        self._vectors.add(entry_id, vector)
        self._traits[entry_id], self._answer_of[entry_id] = traits, answer_id
        shared = self._answers.setdefault(answer_id, _Shared(np.zeros(len(vector))))
        shared.centre += vector
        shared.entries.append(entry_id)
        shared.stems.update(traits.stems)
        self._stems.update(traits.stems)

    def remove(self, entry_ids: Iterable[str]) -> None:
        """Take entries out; ids that are not there do no harm."""
        for entry_id in entry_ids:
            traits = self._traits.pop(entry_id, None)
            if traits is None:
                continue
            answer_id = self._answer_of.pop(entry_id)
            shared = self._answers[answer_id]
            shared.centre -= self._vectors.take_out(entry_id)
            shared.entries.remove(entry_id)
            if not shared.entries:
                del self._answers[answer_id]
            _less(shared.stems, traits.stems)
            _less(self._stems, traits.stems)

    def candidates(self, vector: NDArray[np.float32], traits: QuestionTraits) -> list[Candidate]:
        """The at most `ANSWERS` answers with the nearest entries, nearest first, as `neighbourhoods` finds them."""
        return [self.candidate(near, traits) for near in self.neighbourhoods(vector)]

    def neighbourhoods(self, vector: NDArray[np.float32]) -> list[Neighbourhood]:
        """The at most `ANSWERS` answers with the nearest entries, nearest first."""
        if not self._traits:
            return []
        entry_ids, cosines = self._vectors.nearest(vector, NEAREST)
        answers = [self._answer_of[entry_id] for entry_id in entry_ids]
        ranked = list(dict.fromkeys(answers))
        centres = {answer: self._centre(answer, vector) for answer in ranked[:_CENTRES]}
        density = float(cosines[:_DENSITY].mean())
        found = []
        for answer in ranked[:ANSWERS]:
            own = [place for place, its in enumerate(answers) if its == answer]
            other = next((float(cosines[place]) for place, its in enumerate(answers) if its != answer), 0.0)
            rival = max((value for its, value in centres.items() if its != answer), default=0.0)
            nearest = float(cosines[own[0]])
            features = (
                nearest,
                float(cosines[own[1]]) if len(own) > 1 else 0.0,
                nearest - other,
                math.log(len(self._answers[answer].entries)),
                sum(place < _DENSITY for place in own) / _DENSITY,
                density,
                centres[answer],
                centres[answer] - rival,
            )
            found.append(Neighbourhood(answer, tuple(entry_ids[place] for place in own), nearest, features))
        return found

    def candidate(self, near: Neighbourhood, traits: QuestionTraits) -> Candidate:
        """The answer of a neighbourhood with all its features, now that the question's words are looked at too.

        While there are fewer than `NEAREST` entries none may be served: from so few neighbours nothing can be told.
        """
        entry_id, forbidden = self._representative(near.entry_ids, traits)
        if len(self._traits) < NEAREST:
            forbidden = "few entries"
        words = self._of_words(traits, self._traits[entry_id], self._answers[near.answer_id])
        return Candidate(entry_id, near.answer_id, near.similarity, near.features + words, forbidden)

    def _representative(self, nearest: Sequence[str], traits: QuestionTraits) -> tuple[str, str]:
        """The nearest entry of an answer that nothing forbids, else the nearest one, and what forbids it."""
        forbidden = [conflict(traits, self._traits[entry_id]) for entry_id in nearest]
        free = next((place for place, reason in enumerate(forbidden) if not reason), 0)
        return nearest[free], forbidden[free]

    def _centre(self, answer_id: str, vector: NDArray[np.float32]) -> float:
        centre = self._answers[answer_id].centre
        return float(centre @ vector) / max(float(np.linalg.norm(centre)), 1e-9)

    def _of_words(self, asked: QuestionTraits, cached: QuestionTraits, shared: _Shared) -> tuple[float, ...]:
        mine, theirs = asked.stems, cached.stems
        known = frozenset(word for word in mine if word in shared.stems)
        common = len(asked.grams & cached.grams)
        return (
            self._weight(mine & theirs) / max(self._weight(mine | theirs), 1e-9),
            self._weight(known) / max(self._weight(mine), 1e-9),
            common / max(math.sqrt(len(asked.grams) * len(cached.grams)), 1.0),
            float(asked.kind == cached.kind),
            float(asked.negated == cached.negated),
        )

    def _weight(self, stems: Iterable[str]) -> float:
        """The sum of the inverse document frequencies of `stems` over the entries."""
        # Summed exactly: a set has no order that another process would share.
        ceiling = len(self._traits) + 1.0
        return math.fsum(math.log(ceiling / (self._stems[word] + 0.5)) for word in stems)


def _less(counts: Counter[str], stems: Iterable[str]) -> None:
    for word in stems:
        counts[word] -= 1
        if counts[word] <= 0:
            del counts[word]
