"""From cues to sentences with times.

The cues are joined and split into sentences by `sentencex`. Where captions carry no punctuation, they are split at
pauses, and otherwise before `MAX_WORDS` words, on the borders of cues. A change of speaker, or the mark `>>` for one,
ends a sentence.

Sounds such as `[Music]` stay in the text. A cue that is nothing but a sound is a sentence of its own where it stands
between sentences, or where there is no punctuation; inside a sentence it stays where it was heard.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise

import sentencex

from core.messages import Cue, Sentence

MAX_WORDS = 40
PAUSE_S = 0.8
# A sentence of more words was not meant as one: somewhere in it the punctuation is missing.
_MOST_WORDS = 60
_CHARS_PER_WIDE_WORD = 2
_END_MARK = re.compile(r"[.!?…](?=[\"'”’)\]»]{0,3}(?:\s|$))|[。！？｡۔؟।]")
_WIDE_END = re.compile(r"[。！？｡][」』）”’]{0,3}\Z")
_WIDE = re.compile("[\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\uff66-\uff9f]")
_MARKS = "\"“”„'‘’"
# Quotation marks, and apostrophes that are not inside a word: they open or close something, or begin ’cause and ’em.
_QUOTATION = re.compile(r"[\"“”„]|(?<!\w)['‘’]|['‘’](?!\w)")
# “Why?” he asked: what follows the closing mark in small letters is the same sentence.
_GOES_ON = re.compile(f"[{_MARKS}] [a-z]")
_SOUND = re.compile(r"(?:>> )?(?:\[[^\[\]]{1,80}\]|\([^()]{1,80}\)|[♪♫][^♪♫]{0,80}[♪♫]?)")
_TURN = re.compile(r"(?<=\s)>>")


@dataclass(frozen=True, slots=True)
class _Run:
    """The cues of one speaker in a row, as one text. `offsets[i]` is where cue i begins in it."""

    cues: Sequence[Cue]
    texts: Sequence[str]
    offsets: Sequence[int]
    text: str

    def cue_at(self, position: int) -> int:
        return bisect_right(self.offsets, position) - 1

    def time_before(self, position: int) -> float:
        """When all characters before `position` have been said, if each character of a cue takes the same time."""
        index = self.cue_at(max(0, position - 1))
        cue, length = self.cues[index], len(self.texts[index])
        share = min(position - self.offsets[index], length) / length
        return cue.start_s + share * max(0.0, cue.end_s - cue.start_s)

    def time_from(self, position: int) -> float:
        """When the character at `position` begins."""
        index = self.cue_at(position)
        return self.cues[index].start_s if position == self.offsets[index] else self.time_before(position)


def to_sentences(cues: Sequence[Cue], language: str = "en") -> list[Sentence]:
    """The sentences of `cues`, which are in time order; `language` is a code such as `en` or `zh-CN`.

    Every word of the cues stands in one sentence, in order, with blanks collapsed. Times are seconds, interpolated
    inside a cue by the position of the characters; a sentence never ends before it starts.
    """
    punctuated = _is_punctuated(cues)
    sentences: list[Sentence] = []
    for speaker, group in groupby(cues, key=lambda cue: cue.speaker):
        run = _run(list(group))
        for start, end in pairwise(_cuts(run, language.partition("-")[0].lower(), punctuated)):
            text = run.text[start:end].rstrip()
            start_s, end_s = run.time_from(start), run.time_before(start + len(text))
            sentences.append(Sentence(start_s, max(start_s, end_s), text, speaker))
    return sentences


def _run(cues: Sequence[Cue]) -> _Run:
    spoken = [(cue, text) for cue in cues if (text := " ".join(cue.text.split()))]
    offsets, position = [], 0
    for _, text in spoken:
        offsets.append(position)
        position += len(text) + 1
    texts = [text for _, text in spoken]
    return _Run([cue for cue, _ in spoken], texts, offsets, " ".join(texts))


def _is_punctuated(cues: Sequence[Cue]) -> bool:
    """Whether there is at least one full stop for so many words as the longest sentence may have."""
    words = sum(_weight(cue.text) for cue in cues)
    marks = sum(len(_END_MARK.findall(cue.text)) for cue in cues)
    return marks * _MOST_WORDS >= words


def _weight(text: str) -> float:
    """The words of a text; in scripts without blanks, two characters count as one."""
    return max(len(text.split()), len(_WIDE.findall(text)) / _CHARS_PER_WIDE_WORD)


def _cuts(run: _Run, language: str, punctuated: bool) -> list[int]:
    """Where sentences begin in a run, in order, and the run's end; each is at a word's first character."""
    if not run.text:
        return []
    cuts = {0, len(run.text), *(match.start() for match in _TURN.finditer(run.text))}
    if punctuated:
        for start, end in pairwise(sorted(cuts)):
            cuts.update(_ends_of_sentences(run.text, start, end, language))
    for index, text in enumerate(run.texts):
        if _SOUND.fullmatch(text) and (not punctuated or run.offsets[index] in cuts):
            cuts.update((run.offsets[index], min(run.offsets[index] + len(text) + 1, len(run.text))))
    for start, end in pairwise(sorted(cuts)):
        if not punctuated or _weight(run.text[start:end]) > _MOST_WORDS:
            cuts.update(_cuts_of_long(run, start, end))
    return sorted(cuts)


def _ends_of_sentences(text: str, start: int, end: int, language: str) -> Iterator[int]:
    """Where sentences after the first begin in `text[start:end]`. None begins inside a word.

    The splitter keeps what stands in quotation marks whole. Captions repeat the opening mark on each line, forget the
    closing one, or write 'cause, so it is shown blanks in the place of all of them.
    """
    ends = start
    for segment in sentencex.segment(language, _QUOTATION.sub(" ", text[start:end])):
        ends += len(segment)
        position = ends
        if text[position - 1] in _MARKS and text[max(start, position - 2)] == " ":
            position -= 1  # an opening mark belongs to what it opens
        if position >= end or _GOES_ON.search(text[max(start, position - 2) : position + 1]):
            continue
        if text[position - 1] == " " or _WIDE_END.search(text[max(start, position - 4) : position]):
            yield position + (text[position] == " ")


def _cuts_of_long(run: _Run, start: int, end: int) -> Iterator[int]:
    """Cuts at pauses between cues, and wherever the next piece would make more than `MAX_WORDS` words."""
    words, last = 0.0, run.cue_at(start)
    for low, high in _pieces(run, start, end):
        index, more = run.cue_at(low), _weight(run.text[low:high])
        pause_s = run.cues[index].start_s - run.cues[last].end_s if index != last else 0.0
        if low > start and (pause_s >= PAUSE_S or words + more > MAX_WORDS):
            yield low
            words = 0.0
        words, last = words + more, index


def _pieces(run: _Run, start: int, end: int) -> Iterator[tuple[int, int]]:
    """`start` to `end` by cues, and a cue longer than `MAX_WORDS` by its words."""
    borders = run.offsets[run.cue_at(start) + 1 : run.cue_at(end - 1) + 1]
    for low, high in pairwise([start, *borders, end]):
        within = [low + match.start() for match in re.finditer(r"\S+", run.text[low:high])]
        yield from pairwise([low, *within[MAX_WORDS::MAX_WORDS], high])
