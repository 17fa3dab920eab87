"""Proves a draft answer: only words that stand in a retrieved passage are shown, and always the passage's own.

Compared are words. Case, punctuation, typographic quotes and dashes, ligatures, apostrophes and spacing do not
count, because captions and models write them as they like; a word more, less or different does. Only fillers
("um", a word said twice) may be missing in a quote, as models may be sent the passages without (`core.fillers`).
"""

import re
import unicodedata
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from core.fillers import filler_spans
from core.links import link_at
from core.messages import Claim, Passage, Quote, Sentence
from core.prompting import DraftClaim

MIN_WORDS = 3
_APOSTROPHES = frozenset("'’‘ʼ`´")
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff]")
_OPENING = " \"“”„«»‘’'()[]{}—–,;:…"
_CLOSING = _OPENING + "-"
_PAIRS = (('"', '"'), ("“", "”"), ("„", "“"), ("«", "»"), ("(", ")"), ("[", "]"))


def verify(claims: Sequence[DraftClaim], passages: Sequence[Passage]) -> tuple[tuple[Claim, ...], int]:
    """The claims that the passages carry, and how many quotes were dropped.

    A quote's source n is `passages[n - 1]`; right words under a wrong number are given to the passage that has them.
    A quote of fewer than `MIN_WORDS` words is dropped, as is a claim that has no quote left. Quotes of a claim that one
    person says one after another become one. Each quote's `start_s` is that of the sentence in which it begins.
    """
    texts = _Texts.of(passages)
    verified: list[Claim] = []
    dropped = 0
    for claim in claims:
        found = [_find(words, source, texts) for source, words in claim.quotes]
        dropped += found.count(None)
        spans = _joined([span for span in found if span is not None], passages)
        if spans:
            verified.append(Claim(claim.text, tuple(_quote(passages[span.source], span) for span in spans)))
    return tuple(verified), dropped


@dataclass(frozen=True, slots=True)
class _Span:
    """Characters `start` to `end` of the text of passage `source`, counted from 0."""

    source: int
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Text:
    """A text's words in normal form, separated by single spaces, and where each character of it came from."""

    original: str
    words: str
    origins: tuple[int, ...]

    @classmethod
    def of(cls, original: str, left_out: Collection[int] = ()) -> "_Text":
        """The text of all characters of `original` but for those at the positions `left_out`."""
        letters: list[str] = []
        origins: list[int] = []
        for position, char in enumerate(original):
            for letter in " " if position in left_out else _normal(char):
                if letter != " " or (letters and letters[-1] != " "):
                    letters.append(letter)
                    origins.append(position)
        if letters and letters[-1] == " ":
            letters.pop()
            origins.pop()
        return cls(original, "".join(letters), tuple(origins))

    def span_of(self, words: str) -> tuple[int, int] | None:
        """Where `words` (in normal form) stand in the original, as whole words: (start, end), or None."""
        start = self.words.find(words)
        while start >= 0:
            end = start + len(words)
            if self._is_edge(start) and self._is_edge(end):
                return self._whole(self.origins[start], self.origins[end - 1] + 1)
            start = self.words.find(words, start + 1)
        return None

    def _is_edge(self, position: int) -> bool:
        around = self.words[max(position - 1, 0) : position + 1]
        return len(around) < 2 or " " in around or bool(_UNSPACED.search(around))

    def _whole(self, start: int, end: int) -> tuple[int, int]:
        """The span with the signs that belong to its words ("$5", "C++", "go."), without brackets and quote marks."""
        text = self.original
        first, last = start, end
        while first and not text[first - 1].isspace() and _normal(text[first - 1]) in ("", " "):
            first -= 1
        while last < len(text) and not text[last].isspace() and _normal(text[last]) in ("", " "):
            last += 1
        # Half of "2019-2020" is not "-2020": signs are taken only up to a space.
        start = first if not first or text[first - 1].isspace() else start
        end = last if last == len(text) or text[last].isspace() else end
        piece = text[start:end]
        first, last = len(piece) - len(piece.lstrip(_OPENING)), len(piece.rstrip(_CLOSING))
        # A mark whose partner is inside stays: He said "Love is good."
        for opening, closing in _PAIRS:
            unpaired = _unpaired(piece[first:last], opening, closing)
            if unpaired > 0 and closing in piece[last:]:
                last = piece.index(closing, last) + 1
            elif unpaired and opening in piece[:first]:
                first = piece.rindex(opening, 0, first)
        return start + first, start + last


def _unpaired(text: str, opening: str, closing: str) -> int:
    """How many more marks open than close; of a mark that does both, whether one is left over."""
    return text.count(opening) % 2 if opening == closing else text.count(opening) - text.count(closing)


@lru_cache(maxsize=4096)
def _normal(char: str) -> str:
    """The normal form of one character: letters, digits and marks; nothing for what is inside words; else a space."""
    if char in _APOSTROPHES or unicodedata.category(char) == "Cf":
        return ""
    folded = unicodedata.normalize("NFKD", char).casefold()
    return "".join(letter if letter.isalnum() or unicodedata.category(letter)[0] == "M" else " " for letter in folded)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of the passages as said, and without their fillers, which few quotes need."""

    said: Sequence[_Text]
    without_fillers: Callable[[int], _Text]

    @classmethod
    def of(cls, passages: Sequence[Passage]) -> "_Texts":
        return cls([_Text.of(it.text) for it in passages], cache(lambda index: _spoken(passages[index])))


def _spoken(passage: Passage) -> _Text:
    fillers: set[int] = set()
    offset = 0
    for sentence in passage.sentences:
        for start, end in filler_spans(sentence.text):
            fillers.update(range(offset + start, offset + end))
        offset += len(sentence.text) + 1  # sentences are joined by one space
    return _Text.of(passage.text, fillers)


def _find(words: str, source: int, texts: _Texts) -> _Span | None:
    needle = _Text.of(words).words
    if len(needle.split()) + len(_UNSPACED.findall(needle)) // 2 < MIN_WORDS:
        return None
    named = [source - 1] if 1 <= source <= len(texts.said) else []
    for index in named + [other for other in range(len(texts.said)) if other not in named]:
        place = texts.said[index].span_of(needle) or texts.without_fillers(index).span_of(needle)
        if place is not None:
            return _Span(index, *place)
    return None


def _joined(spans: Sequence[_Span], passages: Sequence[Passage]) -> list[_Span]:
    """`spans` in their order, each once; one that goes on where the last ends, said by the same, becomes part of it."""
    joined: list[_Span] = []
    for span in dict.fromkeys(spans):
        last = joined[-1] if joined else None
        if last is not None and last.source == span.source and last.end <= span.start:
            passage = passages[span.source]
            whole = _Span(span.source, last.start, span.end)
            between = passage.text[last.end : span.start]
            if not _normal_words(between) and _speaker(passage, whole) == _speaker(passage, last):
                joined[-1] = whole
                continue
        joined.append(span)
    return joined


def _normal_words(text: str) -> str:
    return "".join(map(_normal, text)).strip()


def _quote(passage: Passage, span: _Span) -> Quote:
    begins_s = _sentences(passage, span)[0].start_s
    link = link_at(passage.recording.url, begins_s)
    return Quote(passage.text[span.start : span.end], begins_s, link, passage.recording, _speaker(passage, span))


def _speaker(passage: Passage, span: _Span) -> str:
    """Who says the words of `span`. Words of several people keep all names: nobody is credited with another's."""
    speakers = dict.fromkeys(sentence.speaker or passage.recording.speaker for sentence in _sentences(passage, span))
    return " / ".join(filter(None, speakers))


def _sentences(passage: Passage, span: _Span) -> list[Sentence]:
    """The sentences that `span` touches, at least one."""
    touched = []
    position = 0
    for sentence in passage.sentences:
        after = position + len(sentence.text) + 1  # sentences are joined by one space
        if position < span.end and span.start < after:
            touched.append(sentence)
        position = after
    return touched
