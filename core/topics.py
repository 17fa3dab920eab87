"""What a talk is about, in its own words: the terms of one to three words that it comes back to.

The weight of a term is its C-value (Frantzi, Ananiadou & Mima, "Automatic recognition of multi-word terms", 2000):
log2(words + 1) x (its count - the mean count of the longer terms that it is part of).
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from math import ceil, log2

from core.languages import LANGUAGES_BY_WORDS, carries_subject, detected_language
from core.text_quality import without_sounds
from core.words import content_stems, stem

MAX_TOPICS = 5
_MAX_WORDS = 3
_LEAST_COUNT = {1: 4, 2: 2, 3: 2}
_MAX_CHARS = 40
# Of a longer talk every second or third sentence tells as well what it is about.
_MOST_SENTENCES = 4_000
_IN_TITLE = 2.0
_WORD = re.compile(r"\w+(?:['’]\w+)*")
_ASIDE = re.compile(r"\([^()]{1,80}\)|\{[^{}]{1,80}\}")  # mostly sounds, as some captions write them
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
# English words that any talk is full of and none is about, in addition to those that carry no subject anywhere.
_SPOKEN_WORDS = """
    able actually add again ago already although always another anyway around ask away back bad basically best better
    big bit bring call called came case change come comes coming course create day days different difference dot easy
    end entire even exactly example examples fact far feel find fine first found four full fun give given gives good
    great guess guy guys half hand happen happened happens hard head hello hey high hope hour hours hundred idea
    important instead interesting keep kinda last least left less line literally little live long longer look looked
    looking looks lots love made main make makes making man many matter mind minute minutes month months move must name
    need needs never new next nice nine number old old ones open order part people percent person piece place please
    point possible pretty probably problem put question questions read ready reason remember right run second see seem
    seems seen send set seven several show side simple simply since six small somehow soon start started step stuff
    sudden suddenly super sure take takes taken taking ten thank thanks third thought thousand three time times
    today together told took top totally tried true try trying turn two type understand use used uses using usually
    wait want wanted wants watch week weeks welcome went whole word words work worked working works world write year
    years yesterday
    happening nothing somewhere anywhere everywhere happy hmm mmm yep huh
"""
_SPOKEN = frozenset(_SPOKEN_WORDS.split())


@dataclass(slots=True)
class _Term:
    count: int
    written: Counter[str] = field(default_factory=Counter)
    longer: list[int] = field(default_factory=list)


def topics_of(texts: Sequence[str], title: str = "") -> tuple[str, ...]:
    """At most `MAX_TOPICS` terms that stand word for word in `texts`, the weightiest first; what the title names counts
    twice. Empty where nothing comes back often enough, and in languages whose common words are not known here.
    """
    if detected_language(" ".join(texts)) not in LANGUAGES_BY_WORDS:
        return ()
    terms = _terms(texts[:: ceil(len(texts) / _MOST_SENTENCES)])
    named = set(content_stems(title))
    weights = {stems: _weight(stems, term, named) for stems, term in terms.items()}
    chosen: list[tuple[str, ...]] = []
    for stems in sorted(weights, key=lambda stems: (-weights[stems], stems)):
        if len(chosen) == MAX_TOPICS or weights[stems] <= 0:
            break
        if not any(set(stems) & set(other) for other in chosen):
            chosen.append(stems)
    return tuple(_as_written(terms[stems].written) for stems in chosen)


def _terms(texts: Sequence[str]) -> dict[tuple[str, ...], _Term]:
    counts = Counter(stems for stems, _ in _candidates(texts))
    terms = {stems: _Term(count) for stems, count in counts.items() if count >= _LEAST_COUNT[len(stems)]}
    for stems, written in _candidates(texts):
        if stems in terms:
            terms[stems].written[written] += 1
    for stems, term in terms.items():
        for part in {stems[start:end] for start in range(len(stems)) for end in range(start + 1, len(stems) + 1)}:
            if part != stems and part in terms:
                terms[part].longer.append(term.count)
    return terms


def _candidates(texts: Sequence[str]) -> Iterator[tuple[tuple[str, ...], str]]:
    """Every run of one to `_MAX_WORDS` words with a subject: its stems, and how it is written."""
    for text in texts:
        for run in _runs(_ASIDE.sub("; ", without_sounds(text))):
            stems = [stem(_plain(word.group())) for word in run]
            for length in range(1, _MAX_WORDS + 1):
                for start in range(len(run) - length + 1):
                    first, last = run[start], run[start + length - 1]
                    yield tuple(stems[start : start + length]), first.string[first.start() : last.end()]


def _runs(text: str) -> Iterator[Sequence[re.Match[str]]]:
    """Words with a subject that follow each other with nothing but a blank or a hyphen between them."""
    run: list[re.Match[str]] = []
    for word in _WORD.finditer(text):
        if run and (not _carries(word.group()) or text[run[-1].end() : word.start()] not in (" ", "-")):
            yield run
            run = []
        if _carries(word.group()):
            run.append(word)
    yield run


def _carries(word: str) -> bool:
    plain = _plain(word)
    if not 2 < len(plain) <= _MAX_CHARS or "'" in plain or not plain.isalpha() or _UNSPACED.search(plain):
        return False
    return carries_subject(plain) and plain not in _SPOKEN


def _plain(word: str) -> str:
    return word.lower().replace("’", "'")


def _weight(stems: tuple[str, ...], term: _Term, named: set[str]) -> float:
    within = sum(term.longer) / len(term.longer) if term.longer else 0.0
    weight = log2(len(stems) + 1) * (term.count - within)
    return weight * _IN_TITLE if named.issuperset(stems) else weight


def _as_written(written: Counter[str]) -> str:
    """The commonest way in which it is written; of two the one in small letters."""
    return max(written, key=lambda text: (written[text], text.islower(), text))
