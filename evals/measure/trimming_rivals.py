"""Simpler ways to trim, at any share of tokens removed."""

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from core.prompting import Evidence
from core.words import content_stems, count_tokens
from evals.measure.trimming_cases import Case

Rival = Callable[[Case], Sequence[float]]
"""Scores the sentences of a case; the best are kept."""


def keep_best(case: Case, scores: Sequence[float], removed: float) -> list[Evidence]:
    """The best sentences, as said and in order, that fit when the share `removed` of the tokens goes."""
    evidence = case.evidence
    tokens = [count_tokens(item.sentence.text) for item in evidence]
    left = (1 - removed) * sum(tokens)
    kept = []
    for at in sorted(range(len(evidence)), key=lambda at: (-scores[at], at)):
        if tokens[at] <= left:
            left -= tokens[at]
            kept.append(at)
    return [evidence[at] for at in sorted(kept)]


def by_cosine(case: Case) -> Sequence[float]:
    """The cosine of each sentence with the question: MiniLM alone."""
    return [item.relevance for item in case.evidence]


def by_bm25(case: Case) -> Sequence[float]:
    """Okapi BM25 (k1 1.2, b 0.75) of each sentence for the question, over the sentences of the hits."""
    stems = [content_stems(item.sentence.text) for item in case.evidence]
    wanted = set(content_stems(case.query.text))
    known = {stem: sum(stem in of_text for of_text in stems) for stem in wanted}
    mean = max(1.0, float(np.mean([len(of_text) for of_text in stems])))
    rarity = {stem: float(np.log(1 + (len(stems) - count + 0.5) / (count + 0.5))) for stem, count in known.items()}
    scores = []
    for of_text in stems:
        norm = 1.2 * (0.25 + 0.75 * len(of_text) / mean)
        scores.append(sum(rarity[it] * (n := of_text.count(it)) * 2.2 / (n + norm) for it in wanted))
    return scores


def by_place(case: Case) -> Sequence[float]:
    """The first sentences of the best passages: truncation."""
    return [-float(at) for at in range(len(case.evidence))]


RIVALS: Mapping[str, Rival] = {"MiniLM alone": by_cosine, "BM25": by_bm25, "truncation": by_place}
