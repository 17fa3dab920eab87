"""Trimming: from the sentences of the hits, those that carry what all of them carry, whole and in order.

What stays is decided by a floor on quality, not by a ratio. Each sentence has a worth (`core.sentence_worth`), and the
cheapest set is looked for that covers `QUALITY_FLOOR` of it (`core.coverage`): a sentence goes where little rests on it
or where one that stays says nearly the same. So repetition and small talk go first, whatever they are about, and a
context without either stays nearly whole. Fillers go everywhere (`core.fillers`).
"""

from collections.abc import Sequence
from dataclasses import replace

from core.coverage import cover
from core.lines import Lines, relevance_of
from core.messages import Hit
from core.prompting import Evidence
from core.sentence_worth import SHIPPED, WorthModel, features
from core.words import content_stems, count_tokens

QUALITY_FLOOR = 0.955
"""How much of the worth of all sentences the kept ones cover. `python -m evals trimming` shows what it costs."""

# What it adds to a cosine when every word of the question is mentioned. Measured with `python -m evals abstention`: the
# two together tell an answerable question from another better than either alone.
_WORDS_SHARE = 0.3
# A sentence of a written text stays if its support reaches this share of the best one's, and the absolute floor.
_SHARE_OF_BEST = 0.55
_FLOOR = 0.3


def everything(hits: Sequence[Hit]) -> tuple[Evidence, ...]:
    """Every sentence of `hits`, in the order of the hits and of time. Source n is the n-th hit."""
    return tuple(
        Evidence(source, hit.passage.recording, sentence, relevance)
        for source, hit in enumerate(hits, start=1)
        for sentence, relevance in zip(hit.passage.sentences, relevance_of(hit), strict=True)
    )


def select(
    hits: Sequence[Hit], question: str, floor: float = QUALITY_FLOOR, model: WorthModel = SHIPPED
) -> tuple[Evidence, ...]:
    """The sentences of `hits` that matter for `question`, in the order of `everything`, without their fillers.

    Costs no model call: it works on the vectors that the store kept, and where a hit has none, on the words alone. A
    quote of what is left is found in its passage by `core.citations`. `floor` is 0 to 1; 1 keeps everything that has a
    word in it and says something of its own.
    """
    evidence = everything(hits)
    lines = Lines.of(hits)
    worth = model.worth(features(question, lines))
    kept = cover(lines.similarity, worth, [count_tokens(text) for text in lines.texts], floor)
    return tuple(replace(evidence[at], sentence=replace(evidence[at].sentence, text=lines.texts[at])) for at in kept)


def trim(question: str, texts: Sequence[str], relevance: Sequence[float]) -> tuple[int, ...]:
    """Which of `texts` (sentences of one document, in order) matter for `question`: their positions, ascending.

    `relevance[i]` is the cosine of text i with the question. Each sentence counts by its own support alone: a written
    document, unlike the hits of a search, may be beside the point as a whole, and then nothing of it stays.
    """
    scores = support(question, texts, relevance)
    floor = max(_FLOOR, _SHARE_OF_BEST * max(scores, default=0.0))
    return tuple(position for position, score in enumerate(scores) if score >= floor)


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
