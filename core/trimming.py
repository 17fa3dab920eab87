"""Trimming: the sentences of the hits that matter for the question, whole and in order.

A sentence's support is its cosine with the question plus a share of the question's words that it and the sentences
beside it mention. What stays is decided by a floor on that support, not by a ratio: where everything is to the point
everything stays, and a passage that only brushes the topic goes.
"""

from collections.abc import Sequence

from core.messages import Hit
from core.prompting import Evidence
from core.words import content_stems

# What it adds to a cosine when every word of the question is mentioned. Measured with `python -m evals abstention`: the
# two together tell an answerable question from another better than either alone.
_WORDS_SHARE = 0.3
# A sentence stays if its score reaches this share of the best one's, and the absolute floor.
_SHARE_OF_BEST = 0.55
_FLOOR = 0.3


def everything(hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    """Every sentence of `hits`, in the order of the hits and of time. Source n is the n-th hit."""
    return tuple(
        Evidence(source, hit.passage.recording, sentence, relevance)
        for source, hit in enumerate(hits, start=1)
        for sentence, relevance in zip(hit.passage.sentences, _relevance(hit), strict=True)
    )


def select(hits: Sequence[Hit], question: str) -> tuple[Evidence, ...]:
    """The sentences of `hits` that matter for `question`, in the same order and form as `everything` gives them.

    Half of a sentence's score is its own support, half that of the best sentence of its passage. The sentence before
    and the one after a kept one stay too, so that what is left can be read. Nothing stays where no sentence reaches the
    floor.
    """
    evidence = everything(hits)
    sources = [item.source for item in evidence]
    own = supports(question, evidence)
    best = {source: max(score for score, at in zip(own, sources, strict=True) if at == source) for source in sources}
    kept = _above_floor([(score + best[source]) / 2 for score, source in zip(own, sources, strict=True)])
    return tuple(item for item, keep in zip(evidence, _with_neighbours(kept, sources), strict=True) if keep)


def trim(question: str, texts: Sequence[str], relevance: Sequence[float]) -> tuple[int, ...]:
    """Which of `texts` (sentences of one document, in order) matter for `question`: their positions, ascending.

    `relevance[i]` is the cosine of text i with the question. Each sentence counts by its own support alone: written
    text, unlike speech, can be read without the neighbours that `select` keeps.
    """
    kept = _above_floor(support(question, texts, relevance))
    return tuple(position for position, keep in enumerate(kept) if keep)


def supports(question: str, evidence: Sequence[Evidence]) -> list[float]:
    """The support of each piece of `evidence`. Only sentences of the same source are beside each other."""
    scores: list[float] = []
    for source in dict.fromkeys(item.source for item in evidence):
        run = [item for item in evidence if item.source == source]
        scores += support(question, [item.sentence.text for item in run], [item.relevance for item in run])
    return scores


def support(question: str, texts: Sequence[str], relevance: Sequence[float]) -> list[float]:
    """The support of each sentence of a run: its cosine with the question + 0.3 x its coverage of the question's words.

    Coverage is the share of the question's words with a subject that are mentioned, the mean of two: by the sentence
    itself, and by the sentence with the one before and after it.
    """
    wanted = set(content_stems(question))
    said = [wanted & set(content_stems(text)) for text in texts]
    scores: list[float] = []
    for position, cosine in enumerate(relevance):
        near = set().union(*said[max(position - 1, 0) : position + 2])
        coverage = (len(said[position]) + len(near)) / (2 * len(wanted)) if wanted else 0.0
        scores.append(cosine + _WORDS_SHARE * coverage)
    return scores


def _above_floor(scores: Sequence[float]) -> list[bool]:
    floor = max(_FLOOR, _SHARE_OF_BEST * max(scores, default=0.0))
    return [score >= floor for score in scores]


def _with_neighbours(kept: Sequence[bool], sources: Sequence[int]) -> list[bool]:
    return [
        any(
            kept[near] and sources[near] == source for near in range(max(position - 1, 0), min(position + 2, len(kept)))
        )
        for position, source in enumerate(sources)
    ]


def _relevance(hit: Hit) -> tuple[float, ...]:
    # Without sentence vectors there is no relevance: then every sentence counts by its words alone.
    return hit.relevance or (0.0,) * len(hit.passage.sentences)
