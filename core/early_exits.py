"""Which recordings are not worth bringing in, and why: told early, before anything is spent on them.

What is not known (a length, a number of views, a date) refuses nothing. Times are unix seconds.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum

from core.languages import base_of, detected_language
from core.messages import Recording, Sentence
from core.text_quality import repetition_share, spam_signs, tokens, unique_word_share, without_sounds
from core.uploads import UploadKind

_DAY_S = 86_400.0
# Fewer words tell nothing about repetition: "Ready? Ready. Go!" is no noise.
_LEAST_TOKENS = 50


class ExitReason(StrEnum):
    """Why a recording is left out, as it is counted."""

    TOO_SHORT = "too_short"
    FEW_VIEWS = "few_views"
    SPAM = "spam"
    LITTLE_TEXT = "little_text"
    UNINTELLIGIBLE = "unintelligible"
    WRONG_LANGUAGE = "wrong_language"


@dataclass(frozen=True, slots=True)
class EarlyExit:
    """A recording that is left out: `because` is a sentence for people."""

    reason: ExitReason
    because: str


@dataclass(frozen=True, slots=True)
class ExitRules:
    """The thresholds; 0 or nothing switches a rule off. Lengths are seconds, shares and scores 0 to 1.

    `min_video_s` is for videos, `min_length_s` for shorts, streams and everything else. `languages` are codes such as
    "en": what is in another language is left out.
    """

    min_length_s: float = 30.0
    min_video_s: float = 45.0
    min_views: int = 50
    views_after_days: float = 30.0
    max_spam: float = 0.9
    min_transcript_chars: int = 200
    max_repetition: float = 0.2
    min_unique_words: float = 0.2
    languages: tuple[str, ...] = ()


NO_RULES = ExitRules(0, 0, 0, 0, 0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the page of a recording says about it; None or 0.0 where it does not."""

    kind: UploadKind = UploadKind.VIDEO
    length_s: float = 0.0
    views: int | None = None
    published_at: float | None = None
    title: str = ""
    description: str = ""


def exit_by_facts(rules: ExitRules, facts: Facts, now: float) -> EarlyExit | None:
    """Why the recording is left out by what its page says, or None: before its captions are fetched."""
    return next(filter(None, (rule(rules, facts, now) for rule in _FACT_RULES)), None)


def exit_by_text(rules: ExitRules, recording: Recording, sentences: Sequence[Sentence]) -> EarlyExit | None:
    """Why the recording is left out by what is said in it, or None: before anything is embedded."""
    return next(_exits_by_text(rules, recording, " ".join(sentence.text for sentence in sentences)), None)


def _too_short(rules: ExitRules, facts: Facts, _: float) -> EarlyExit | None:
    least_s = rules.min_video_s if facts.kind is UploadKind.VIDEO else rules.min_length_s
    if not 0 < facts.length_s < least_s:
        return None
    because = f"It is a {facts.kind.value} of {facts.length_s:.0f} s; from {least_s:g} s on they are brought in."
    return EarlyExit(ExitReason.TOO_SHORT, because)


def _few_views(rules: ExitRules, facts: Facts, now: float) -> EarlyExit | None:
    if facts.views is None or facts.published_at is None or facts.views >= rules.min_views:
        return None
    age_days = (now - facts.published_at) / _DAY_S
    if age_days <= rules.views_after_days:
        return None
    views = f"{facts.views} view{'' if facts.views == 1 else 's'}"
    return EarlyExit(ExitReason.FEW_VIEWS, f"It has {views} after {age_days:.0f} days; {rules.min_views} are asked.")


def _spam_page(rules: ExitRules, facts: Facts, _: float) -> EarlyExit | None:
    return _spam(rules, f"{facts.title}\n{facts.description}", "Its title and description read")


_FACT_RULES: tuple[Callable[[ExitRules, Facts, float], EarlyExit | None], ...] = (_too_short, _few_views, _spam_page)


def _exits_by_text(rules: ExitRules, recording: Recording, text: str) -> Iterator[EarlyExit]:
    chars = len(without_sounds(text))
    if chars < rules.min_transcript_chars:
        because = f"Its transcript has {chars} characters of words; {rules.min_transcript_chars} are asked."
        yield EarlyExit(ExitReason.LITTLE_TEXT, because)
    said = tokens(text)
    if len(said) >= _LEAST_TOKENS:
        repeated, different = repetition_share(said), unique_word_share(said)
        if rules.max_repetition and repeated > rules.max_repetition:
            because = f"Its transcript cannot be made sense of: {repeated:.0%} of it repeats what was just said."
            yield EarlyExit(ExitReason.UNINTELLIGIBLE, because)
        if different < rules.min_unique_words:
            because = f"Its transcript cannot be made sense of: of a hundred words {different * 100:.0f} are different."
            yield EarlyExit(ExitReason.UNINTELLIGIBLE, because)
    if spam := _spam(rules, text, "Its transcript reads"):
        yield spam
    if wrong := _wrong_language(rules, recording.language, text):
        yield wrong


def _spam(rules: ExitRules, text: str, what: str) -> EarlyExit | None:
    signs = spam_signs(text)
    if not rules.max_spam or signs.score <= rules.max_spam:
        return None
    named = {
        "links": signs.links,
        "calls to action": signs.calls,
        "promises": signs.promises,
        "capitals and emoji": signs.shouting,
        "repetition": signs.repetition,
    }
    found = ", ".join(name for name, strength in named.items() if strength >= 0.5)
    return EarlyExit(ExitReason.SPAM, f"{what} like spam ({found}).")


def _wrong_language(rules: ExitRules, declared: str, text: str) -> EarlyExit | None:
    """By the text itself; where that is not sure, by what the captions say of their language; else none."""
    language = detected_language(text) or base_of(declared)
    allowed = {base_of(code) for code in rules.languages}
    if not allowed or not language or language in allowed:
        return None
    return EarlyExit(ExitReason.WRONG_LANGUAGE, f"It is in {language}; brought in is {', '.join(sorted(allowed))}.")
