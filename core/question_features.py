"""What two questions can differ in that the cosine of their vectors hardly sees, and still need two answers.

"What did they like?" and "What did they not like?", "the 2023 talk" and "the 2024 talk", "did Ann ask Bo?" and "did
Bo ask Ann?" lie close together in any space of sentence vectors. `conflict` names such a difference; where it finds
one, no answer is shared, however near the questions are.
"""

import re
import unicodedata
from dataclasses import dataclass

from core.words import STOPWORDS, stem, words, words_as_written

_NEGATIONS = frozenset(
    {"no", "not", "never", "none", "nobody", "nothing", "nowhere", "neither", "nor", "without", "cannot"}
)
_ASKING = frozenset({"what", "when", "where", "who", "whom", "whose", "why", "how", "which"})
_AUXILIARIES = frozenset(
    {"am", "are", "can", "could", "did", "do", "does", "had", "has", "have", "is", "may", "might", "must", "shall"}
    | {"should", "was", "were", "will", "would"}
)
_HOW = frozenset({"many", "much", "long", "often", "far", "old", "big"})
# What is asked for: a time, a place, a person, a reason, an amount. Of two that differ in it, no answer does for both.
_ASKED_FOR = frozenset({"when", "where", "who", "whose", "why"}) | {f"how {word}" for word in _HOW}
_OPPOSITES = """
    accept/reject advantage/disadvantage after/before agree/disagree allow/forbid allow/prevent always/never
    beginning/end benefit/drawback benefit/risk best/worst better/worse bigger/smaller buy/sell con/pro cost/benefit
    decrease/increase disable/enable dislike/like early/late earliest/latest easy/hard end/start enter/leave
    expensive/cheap fail/succeed fast/slow faster/slower few/many first/last for/against gain/lose good/bad hate/love
    higher/lower high/low install/uninstall internal/external left/right less/more long/short longer/shorter max/min
    maximum/minimum majority/minority negative/positive new/old newest/oldest next/previous off/on open/close
    oppose/support over/under past/future praise/criticise public/private problem/solution question/answer remove/add
    send/receive strength/weakness strong/weak with/without yes/no
"""
_MINIMAL_OVERLAP = 0.6
_GRAM_SIZES = (3, 4)
_ARGUMENTS = 3
_NOT_WORDS = re.compile(r"\W+")
_SENTENCE_END = re.compile(r"[.?!:]\s")


def _opposites() -> dict[str, frozenset[str]]:
    found: dict[str, set[str]] = {}
    for pair in _OPPOSITES.split():
        one, other = pair.split("/")
        found.setdefault(stem(one), set()).add(stem(other))
        found.setdefault(stem(other), set()).add(stem(one))
    return {word: frozenset(others) for word, others in found.items()}


_OPPOSITE_OF = _opposites()


@dataclass(frozen=True, slots=True)
class QuestionTraits:
    """A question as the verifier sees it.

    `normal` is its normal form; `stems` are those of all its `words`, `content` those that carry a subject, in order;
    `numbers` as written, sorted; `names` words with a capital inside a sentence, lower case; `kind` what is asked for
    ("when", "how many", "is", or ""); `grams` its runs of 3 and 4 characters.
    """

    normal: str
    words: frozenset[str]
    stems: frozenset[str]
    content: tuple[str, ...]
    numbers: tuple[str, ...]
    names: frozenset[str]
    negated: bool
    kind: str
    grams: frozenset[str]


def normal_form(question: str) -> str:
    """What two questions that are the same word by word have in common: case, spacing and closing marks don't count."""
    folded = unicodedata.normalize("NFC", question).casefold().replace("’", "'")
    return " ".join(folded.split()).rstrip(" ?!.…")


def traits_of(question: str) -> QuestionTraits:
    """The traits of `question`."""
    told = words(question)
    stems = tuple(stem(word) for word in told)
    return QuestionTraits(
        normal=normal_form(question),
        words=frozenset(word.removesuffix("'s") for word in told),
        stems=frozenset(stems),
        content=tuple(its for word, its in zip(told, stems, strict=True) if word not in STOPWORDS),
        numbers=tuple(sorted(word for word in told if any(char.isdigit() for char in word))),
        names=_names(question),
        negated=sum(word in _NEGATIONS or word.endswith("n't") for word in told) % 2 == 1,
        kind=_kind(told),
        grams=_grams(question),
    )


def conflict(asked: QuestionTraits, cached: QuestionTraits) -> str:
    """The difference because of which the two need different answers; "" where there is none.

    Numbers, names and what is asked for always count. Negation, opposites and the order of words count where the
    questions are otherwise nearly the same: in free paraphrases they say nothing ("it has not come", "I still wait").
    """
    if asked.numbers != cached.numbers:
        return "numbers"
    if asked.names - cached.words or cached.names - asked.words:
        return "names"
    if asked.kind != cached.kind and {asked.kind, cached.kind} <= _ASKED_FOR:
        return "question type"
    return _minimal_conflict(asked, cached)


def _minimal_conflict(asked: QuestionTraits, cached: QuestionTraits) -> str:
    mine, theirs = frozenset(asked.content), frozenset(cached.content)
    shared, either = mine & theirs, mine | theirs
    only_mine, only_theirs = asked.stems - cached.stems, cached.stems - asked.stems
    near = len(shared) >= _MINIMAL_OVERLAP * len(either)
    if near and asked.negated != cached.negated:
        return "negation"
    swapped = any(_OPPOSITE_OF.get(word, frozenset()) & only_theirs for word in only_mine)
    # One of the two words may be all the subject that there is: "the pros", "the cons".
    if swapped and len(shared) >= _MINIMAL_OVERLAP * (len(either) - 2):
        return "opposites"
    same_words = len(mine) >= _ARGUMENTS and sorted(asked.content) == sorted(cached.content)
    if same_words and asked.kind == cached.kind and asked.content != cached.content:
        return "order"
    return ""


def _kind(told: list[str]) -> str:
    """The first word that asks; "how" with its measure; else the auxiliary that a yes-or-no question begins with."""
    for position, word in enumerate(told):
        asking = word.removesuffix("'s").removesuffix("'re")
        if asking in _ASKING:
            after = told[position + 1] if position + 1 < len(told) else ""
            return f"how {after}" if asking == "how" and after in _HOW else asking
    return told[0] if told and told[0] in _AUXILIARIES else ""


def _names(question: str) -> frozenset[str]:
    """Words with a capital inside a sentence; none where most words have one: that is only a way of writing."""
    found, told = [], words_as_written(question)
    for sentence in _SENTENCE_END.split(question):
        found += [word for word in words_as_written(sentence)[1:] if word[0].isupper()]
    if len(found) > len(told) / 2:
        return frozenset()
    named = (word.lower().replace("’", "'").removesuffix("'s") for word in found)
    return frozenset(word for word in named if word not in STOPWORDS)


def _grams(question: str) -> frozenset[str]:
    text = f" {_NOT_WORDS.sub(' ', question.casefold()).strip()} "
    return frozenset(text[at : at + size] for size in _GRAM_SIZES for at in range(len(text) - size + 1))
