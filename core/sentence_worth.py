"""How likely each sentence of a context is the one that an answer rests on, judged before there is an answer.

A logistic model over a few properties that any talk has: how near a sentence is to the question, how much it says, who
says it, how well the rest of the context says the same. `python -m evals trimming --fit-weights` fits its weights on
meetings with reference answers: the sentence nearest to a sentence of the answer is what the answer rests on.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.lines import Floats, Lines
from core.words import content_stems, words

FEATURES = (
    "nearness",  # cosine with the question, in standard deviations of this context
    "passage_best",  # the best cosine of its passage, less the best of all
    "passage_mean",  # the mean cosine of its passage
    "passage_rank",  # where the search put its passage: 0 first, 1 last
    "beside",  # how many of the passages just before and after its own were found too
    "another",  # somebody whom the question names speaks in the context, and this is not them: 1
    "subjects",  # ln(1 + words that carry a subject)
    "words",  # ln(1 + words)
    "first_subjects",  # words that carry a subject, at most 3
    "subject_length",  # mean letters of these
    "echo",  # the highest cosine with another sentence
    "centre",  # the mean cosine with all sentences
    "asks",  # it ends with a question mark: 1
)
_TITLES = frozenset(words("the of a an and hon right mr mrs ms miss dr prof sir lady lord"))


@dataclass(frozen=True, slots=True)
class WorthModel:
    """Log odds = `intercept` + `weights` @ features, one weight for each of FEATURES."""

    intercept: float
    weights: tuple[float, ...]

    def worth(self, features: Floats) -> Floats:
        """The chance of each sentence, shape (n,), never 0 and never NaN."""
        odds = np.clip(self.intercept + features @ np.asarray(self.weights), -30.0, 30.0)
        return np.asarray(1.0 / (1.0 + np.exp(-odds)))


SHIPPED = WorthModel(
    -7.676, (0.415, 0.794, 0.331, -0.331, 0.419, -0.593, 0.323, 0.178, 0.633, 0.212, 0.587, -1.12, -0.376)
)
"""Fitted on evals/data/qmsum."""


def features(question: str, lines: Lines) -> Floats:
    """Shape (n, len(FEATURES)), finite for finite input."""
    cosines, n = lines.cosines, len(lines.texts)
    if not n:
        return np.zeros((0, len(FEATURES)))
    stems = [content_stems(text) for text in lines.texts]
    subjects = np.array([len(set(it)) for it in stems], dtype=float)
    best, mean = _of_passages(lines)
    others = lines.similarity - 2.0 * np.eye(n)
    spread = float(cosines.std())
    return np.column_stack(
        [
            (cosines - cosines.mean()) / spread if spread > 1e-9 else np.zeros(n),
            best - cosines.max(),
            mean,
            lines.sources / max(1, int(lines.sources.max())),
            lines.beside,
            _another(question, lines.speakers),
            np.log1p(subjects),
            np.log1p([len(words(text)) for text in lines.texts]),
            np.minimum(subjects, 3.0),
            [sum(map(len, it)) / max(1, len(it)) for it in stems],
            others.max(axis=1) if n > 1 else np.zeros(n),
            lines.similarity.mean(axis=1),
            [text.rstrip(" \"'”’").endswith(("?", "？")) for text in lines.texts],
        ]
    )


def _of_passages(lines: Lines) -> tuple[Floats, Floats]:
    """For each sentence the best and the mean cosine of its passage."""
    count = np.bincount(lines.sources)
    mean = np.bincount(lines.sources, weights=lines.cosines) / np.maximum(count, 1)
    best = np.full(len(count), -1.0)
    np.maximum.at(best, lines.sources, lines.cosines)
    return best[lines.sources], mean[lines.sources]


def _another(question: str, speakers: Sequence[str]) -> list[float]:
    asked = frozenset(words(question)) - _TITLES
    names = {speaker: frozenset(words(speaker)) for speaker in dict.fromkeys(speakers)}
    shared = Counter(word for name in names.values() for word in name)
    # A word of every name ("Professor A", "Professor B") tells nobody apart.
    own = {who: {it for it in name if shared[it] < len(names) or len(names) == 1} for who, name in names.items()}
    named = {who for who, name in own.items() if name & asked}
    return [float(bool(named) and speaker not in named) for speaker in speakers]
