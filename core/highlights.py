"""The sentences of a talk that stand for the rest, chosen by their vectors: near the middle of what is said, unlike
each other, and from all its parts.

Maximal marginal relevance (Carbonell & Goldstein, "The use of MMR", 1998), where relevance is the cosine with the mean
of all sentences of the talk. All vectors are of length 1.
"""

import re
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil

import numpy as np

from core.chapters import chapter_at
from core.extractive import ANNOUNCEMENT, ENDS, IS_QUESTION, LEANS_BACK
from core.following import Chapter
from core.languages import carries_subject
from core.messages import Passage, Sentence
from core.ports import Vectors
from core.text_quality import tokens, tokens_a_word, without_sounds

_LEAST_WORDS, _MOST_WORDS = 8, 45
_MAX_CHARS = 400
_SUBJECT_SHARE = 0.25
_RELEVANCE_SHARE = 0.7
_A_FLAW = 0.08
_JOINS = re.compile(r"(?:and|but|so|or|because|then|also|well|now|okay|ok|yeah|yes|no|oh)\b", re.IGNORECASE)
_STUMBLES = re.compile(r"\b(?:um|uh|you know|i mean|like, )|--|\.\.\.", re.IGNORECASE)
# Said around a talk, not in it: greetings, thanks, what is advertised, and what to click.
_AROUND = re.compile(
    r"\b(?:hello|hi|hey|good (?:morning|evening|afternoon)|welcome (?:back|to)|thank(?:s| you)|my name is|i'm your host"
    r"|see you|good ?bye|bye|sponsor(?:s|ed|ing)?|brought to you|subscribe|like button|link (?:is )?(?:in|below)"
    r"|description below|patreon|promo code|discount|sign up|check (?:it |them )?out|can you (?:hear|see) me|next slide"
    r"|(?:any|other|your) questions|round of applause|bienvenid[oa]s|gracias|bonjour|merci|willkommen|vielen dank)\b",
    re.IGNORECASE,
)
_PLANS = re.compile(r"\b(?:let's|let me|(?:we|i)'ll|gonna|(?:next|future|previous|last|this) video)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Spoken:
    """A sentence that may be quoted: `source` counts its passage from 0, `row` is its vector's, `section` its part of
    the talk, `relevance` its cosine with the whole. `worth` is the relevance less what it loses for how it reads.
    `tells`: it can be read alone and asks nothing.
    """

    source: int
    row: int
    section: int
    sentence: Sentence
    relevance: float
    worth: float
    tells: bool


@dataclass(frozen=True, slots=True)
class Talk:
    """A talk's sentences that may be quoted, in time order, and the vectors of all: shape (sentences, dimensions)."""

    spoken: tuple[Spoken, ...]
    vectors: Vectors
    sections: int


def read(
    passages: Sequence[Passage], sentence_vectors: Sequence[Vectors], chapters: Sequence[Chapter], parts: int
) -> Talk:
    """The talk in `parts` of equal time, or by its chapters where there are at least as many.

    Shapes: `sentence_vectors[i]` (sentences of passage i, dimensions).
    """
    vectors = np.concatenate(list(sentence_vectors)).astype(np.float32, copy=False)
    middle = vectors.mean(axis=0)
    relevance = vectors @ (middle / max(float(np.linalg.norm(middle)), 1e-9))
    section_at, sections = _sections(passages, chapters, parts)
    spoken: list[Spoken] = []
    row = 0
    for source, passage in enumerate(passages):
        for sentence in passage.sentences:
            if _can_be_quoted(sentence.text):
                section, near = section_at(sentence.start_s), float(relevance[row])
                worth = max(0.0, near - _loss(sentence.text))
                spoken.append(Spoken(source, row, section, sentence, near, worth, _tells(sentence.text)))
            row += 1
    return Talk(tuple(spoken), vectors, sections)


def choose(talk: Talk, count: int, scores: Sequence[float], but: Sequence[Spoken] = ()) -> list[Spoken]:
    """The best `count` sentences in time order, at most an equal share of them from each section.

    `scores[i]` is what `talk.spoken[i]` counts; one below 0 is not chosen, nor is a sentence of `but`, or rather not
    one that is like it.
    """
    worth = np.array(scores, dtype=np.float32)
    left = worth >= 0
    if not left.any() or count < 1:
        return []
    rows = talk.vectors[[it.row for it in talk.spoken]]
    likeness = np.zeros(len(rows), dtype=np.float32)
    for other in but:
        likeness = np.maximum(likeness, rows @ talk.vectors[other.row])
        left &= np.array([it.row != other.row for it in talk.spoken])
    a_section = ceil(count / len({it.section for it, kept in zip(talk.spoken, left, strict=True) if kept} or {0}))
    sections = np.array([it.section for it in talk.spoken])
    taken: Counter[int] = Counter()
    chosen: list[Spoken] = []
    while left.any() and len(chosen) < count:
        gain = np.where(left, _RELEVANCE_SHARE * worth - (1 - _RELEVANCE_SHARE) * likeness, -np.inf)
        best = int(np.argmax(gain))
        chosen.append(talk.spoken[best])
        left[best] = False
        taken[int(sections[best])] += 1
        if taken[int(sections[best])] >= a_section:
            left &= sections != sections[best]
        likeness = np.maximum(likeness, rows @ rows[best])
    return sorted(chosen, key=lambda it: it.row)


def telling(talk: Talk) -> list[float]:
    """What each sentence of a talk is worth for a summary; below 0 where it does not tell anything.

    Where none tells (captions without punctuation often don't), each counts.
    """
    some = any(it.tells for it in talk.spoken)
    return [it.worth if it.tells or not some else -1.0 for it in talk.spoken]


def _sections(
    passages: Sequence[Passage], chapters: Sequence[Chapter], parts: int
) -> tuple[Callable[[float], int], int]:
    if len(chapters) >= parts:
        return lambda at_s: max(0, chapter_at(chapters, at_s)), len(chapters)
    first_s, last_s = passages[0].start_s, max(passage.end_s for passage in passages)
    length_s = max(last_s - first_s, 1e-9)
    return lambda at_s: min(max(int((at_s - first_s) / length_s * parts), 0), parts - 1), parts


def _can_be_quoted(text: str) -> bool:
    if len(text) > _MAX_CHARS or without_sounds(text) != text or "♪" in text or "♫" in text:
        return False
    said = tokens(text)
    words = len(said) / tokens_a_word(said)
    return _LEAST_WORDS <= words <= _MOST_WORDS and not _AROUND.search(text)


def _loss(text: str) -> float:
    """What a sentence loses for how it reads: it joins what was before, stumbles, or breaks off."""
    joins, stumbles = bool(_JOINS.match(text)), bool(_STUMBLES.search(text))
    broken = text[:1].islower() or text.count('"') % 2 == 1 or not ENDS.search(text)
    return _A_FLAW * (joins + stumbles + broken)


def _tells(text: str) -> bool:
    if any(mark.search(text) for mark in (IS_QUESTION, LEANS_BACK, ANNOUNCEMENT, _PLANS)):
        return False
    said = tokens(text)
    return sum(map(carries_subject, said)) >= _SUBJECT_SHARE * len(said)
