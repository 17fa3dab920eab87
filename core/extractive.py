"""The answer without a language model: the best sentences of the evidence, in their own words.

It stands last behind every model, so it never fails, and it says nothing rather than something beside the point.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from core.prompting import DraftClaim, Evidence, Prompt
from core.trimming import supports
from core.words import STOPWORDS, content_stems, words, words_as_written

# An answer needs a sentence with this support (cosine plus 0.3 x words), and where half of the question's words or more
# are nowhere in the evidence, one with this cosine. `python -m evals abstention` measures what that keeps out.
ANSWER_FLOOR = 0.52
COSINE_FLOOR = 0.6
_MOSTLY_MISSING = 0.5
# A second or third claim must be nearly as good as the first, and say something else.
_NEXT_CLAIM_SHARE = 0.75
_MAX_CLAIMS = 3
_SAME_WORDS = 0.5
_MIN_WORDS = 5
# A shorter quote is not accepted as proof (core.citations), so it is not shown beside another one either.
_MIN_QUOTE_WORDS = 3
# Who asks a question in a talk answers it in the next sentence, which need not repeat the question's words.
_REPLY_SHARE = 0.85
# What reading badly or well costs or earns, as support.
_DEFINES = 0.1
_ANNOUNCES = _MOSTLY_FILLER = 0.1
_TELLS_NOTHING_NEW = 0.15
_CUT_OFF = 0.05
_JOINS = 0.03
_NEW_WORDS = 3

ENDS = re.compile(r"""[.!…。！？?]["'”’)\]]*$""")
IS_QUESTION = re.compile(r"""[?？]["'”’)\]]*$""")
LEANS_BACK = re.compile(
    r"^(?:(?:and|but|so|or|because|then|also|now|well|yeah|okay|ok|um|uh)\b[\s,]*)*"
    r"(?:it|its|it's|this|that|that's|these|those|they|they're|them|he|she|his|her|their|which|such|here|there)\b",
    re.IGNORECASE,
)
_IS_NAME = re.compile(r"[A-Z].|\d")
_JOINING_START = re.compile(r"^(?:and|but|so|or|because|then|also)\b", re.IGNORECASE)
ANNOUNCEMENT = re.compile(
    r"\b(?:in this (?:video|talk|session|course|section)|let's (?:see|look)|(?:take|have) a look at"
    r"|(?:we|i)(?:'re going to|'m going to| are going to|'ll| will) (?:see|look|talk|learn|cover))\b",
    re.IGNORECASE,
)
_ASKS_WHAT_IT_IS = re.compile(r"^(?:what|who)(?:'s| is| are| was| were| does .* mean)\b", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class _Candidate:
    position: int
    score: float
    stems: frozenset[str]


def answer(prompt: Prompt) -> tuple[DraftClaim, ...]:
    """Up to three claims, best first, each one sentence (or two, where it leans on the one before) quoted as it stands.

    Empty where no sentence supports an answer: the transcripts do not say.
    """
    evidence = prompt.evidence
    scores = supports(prompt.question, evidence)
    if not _is_supported(prompt.question, evidence, scores):
        return ()
    chosen = _choose(_candidates(prompt.question, evidence, scores))
    return tuple(_claim(evidence, positions) for positions in _shown_once(evidence, chosen))


def _is_supported(question: str, evidence: Sequence[Evidence], scores: Sequence[float]) -> bool:
    if max(scores, default=0.0) < ANSWER_FLOOR:
        return False
    wanted = set(content_stems(question))
    said = {stem for item in evidence for stem in content_stems(_all_words(item))}
    if any(not set(content_stems(name)) <= said for name in _names(question)):
        return False
    # The lexical search puts rare words first: one that is in none of the hits is most likely nowhere.
    missing = len(wanted - said) / max(1, len(wanted))
    return missing < _MOSTLY_MISSING or max(item.relevance for item in evidence) >= COSINE_FLOOR


def _all_words(item: Evidence) -> str:
    return f"{item.sentence.text} {item.sentence.speaker} {item.recording.speaker} {item.recording.title}"


def _names(question: str) -> list[str]:
    """What the question calls by name: words with a capital or a digit, but for its first. Nothing in all capitals."""
    if question.isupper() or question.istitle():
        return []
    return [word for word in words_as_written(question)[1:] if _IS_NAME.search(word)]


def _candidates(question: str, evidence: Sequence[Evidence], scores: Sequence[float]) -> list[_Candidate]:
    wanted = frozenset(content_stems(question))
    definition = _definition_of(question)
    found = []
    for position, item in enumerate(evidence):
        text = item.sentence.text
        if IS_QUESTION.search(text) or len(words(text)) < _MIN_WORDS:
            continue
        score = scores[position]
        before = _before(evidence, position)
        if before is not None and IS_QUESTION.search(evidence[before].sentence.text):
            score = max(score, _REPLY_SHARE * scores[before])
        if definition is not None and definition.search(text):
            score += _DEFINES
        stems = frozenset(content_stems(text))
        found.append(_Candidate(position, score - _loss(text, stems, wanted), stems))
    return sorted(found, key=lambda candidate: (-candidate.score, candidate.position))


def _definition_of(question: str) -> re.Pattern[str] | None:
    """What the beginning of a definition looks like, for a question that asks what something is."""
    named = [word for word in words(question) if word not in STOPWORDS]
    if not named or not _ASKS_WHAT_IT_IS.match(question.strip()):
        return None
    return re.compile(rf"\b(?:{'|'.join(map(re.escape, named))})\s+(?:is|are|was|were|means?|refers?)\b", re.IGNORECASE)


def _loss(text: str, stems: frozenset[str], wanted: frozenset[str]) -> float:
    """What a sentence loses for how it reads: cut off, mostly filler, announcing, or only repeating the question."""
    loss = _TELLS_NOTHING_NEW * max(0, _NEW_WORDS - len(stems - wanted)) / _NEW_WORDS
    if not ENDS.search(text):
        loss += _CUT_OFF
    if _JOINING_START.match(text) or text[:1].islower():
        loss += _JOINS
    if len(content_stems(text)) < 0.25 * len(words(text)):
        loss += _MOSTLY_FILLER
    if ANNOUNCEMENT.search(text):
        loss += _ANNOUNCES
    return loss


def _choose(candidates: Sequence[_Candidate]) -> list[_Candidate]:
    chosen: list[_Candidate] = []
    for candidate in candidates:
        if len(chosen) == _MAX_CLAIMS or candidate.score < _NEXT_CLAIM_SHARE * candidates[0].score:
            break
        if not any(_overlap(candidate.stems, other.stems) > _SAME_WORDS for other in chosen):
            chosen.append(candidate)
    return chosen


def _overlap(one: frozenset[str], other: frozenset[str]) -> float:
    return len(one & other) / max(1, len(one | other))


def _before(evidence: Sequence[Evidence], position: int) -> int | None:
    """The position of the sentence said just before, if it is among the evidence."""
    if position == 0:
        return None
    one, two = evidence[position - 1], evidence[position]
    # Trimming leaves gaps: sentences more than a breath apart do not follow each other.
    follows = one.source == two.source and two.sentence.start_s - one.sentence.end_s <= 2.0
    return position - 1 if follows else None


def _span(evidence: Sequence[Evidence], position: int) -> tuple[int, ...]:
    """The sentence, with the one before it where it cannot be read alone."""
    before = _before(evidence, position)
    if before is None or not LEANS_BACK.match(evidence[position].sentence.text):
        return (position,)
    return (before, position) if len(words(evidence[before].sentence.text)) >= _MIN_QUOTE_WORDS else (position,)


def _shown_once(evidence: Sequence[Evidence], chosen: Sequence[_Candidate]) -> list[tuple[int, ...]]:
    """The sentences of each claim, without those that a better claim shows already."""
    shown: set[int] = set()
    spans = []
    for candidate in chosen:
        if candidate.position not in shown:
            spans.append(tuple(at for at in _span(evidence, candidate.position) if at not in shown))
            shown.update(spans[-1])
    return spans


def _claim(evidence: Sequence[Evidence], positions: Sequence[int]) -> DraftClaim:
    parts = [evidence[at] for at in positions]
    text = " ".join(part.sentence.text for part in parts)
    return DraftClaim(text, tuple((part.source, part.sentence.text) for part in parts))
