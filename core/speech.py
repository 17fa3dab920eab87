"""Speech as a recogniser hears it: words with times, the cues they make, where to cut long sound, what it costs.

Times are seconds from the start of the recording; sound is mono at `SAMPLE_RATE` samples a second.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import accumulate, groupby, pairwise

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput
from core.messages import Cue

SAMPLE_RATE = 16_000
# How finely the loudness of sound is looked at for a cut, and how long the quiet around a cut should be.
_FRAME = SAMPLE_RATE // 20
_QUIET_FRAMES = 8
# Tags that sites write, where recognisers know the language under another code.
_OTHER_CODES = {"cmn": "zh", "fil": "tl", "in": "id", "iw": "he", "ji": "yi", "jv": "jw", "nb": "no"}


@dataclass(frozen=True, slots=True)
class Word:
    """A word as heard. `text` begins with a blank where one stands before it; scripts without blanks have none."""

    start_s: float
    end_s: float
    text: str


@dataclass(frozen=True, slots=True)
class Segment:
    """What was heard in one breath, a sentence or a part of one."""

    start_s: float
    end_s: float
    words: tuple[Word, ...]


class SpeechStep(StrEnum):
    WAITING = "waiting"
    FETCHING = "fetching"
    LISTENING = "listening"


@dataclass(frozen=True, slots=True)
class SpeechProgress:
    """How far it is: `done_s` of `total_s` seconds of sound were listened to; `total_s` is 0.0 while not known.

    `done_s` is what is to be charged, should it end here.
    """

    step: SpeechStep
    done_s: float = 0.0
    total_s: float = 0.0


@dataclass(frozen=True, slots=True)
class Transcript:
    """What was said: a cue for each word, in time order. `audio_s` is how many seconds of sound were listened to.

    `language` is the code that was given or heard ("en").
    """

    language: str
    cues: tuple[Cue, ...]
    audio_s: float


@dataclass(frozen=True, slots=True)
class NoSpeech:
    """Nobody speaks in it: nothing went wrong, and trying again gives the same. `reason` is a sentence."""

    reason: str
    audio_s: float


def to_cues(segments: Iterable[Segment], offset_s: float = 0.0, until_s: float = math.inf) -> Iterator[Cue]:
    """A cue for each run of characters between blanks, in the order heard, for `core.sentences.to_sentences`.

    `offset_s` is where the sound of the segments begins in the recording, `until_s` where it ends. Recognisers place
    words slightly out of order or beyond the end; these cues begin no earlier than the one before, end no earlier than
    they begin, and lie within the sound. In scripts without blanks, a segment is one cue.
    """
    latest = offset_s
    for segment in segments:
        for words in _between_blanks(segment.words):
            if text := "".join(word.text for word in words).strip():
                start_s = min(max(latest, offset_s + words[0].start_s), until_s)
                end_s = min(max(start_s, offset_s + words[-1].end_s), until_s)
                yield Cue(start_s, end_s, text)
                latest = start_s


@dataclass(frozen=True, slots=True)
class Stretch:
    """A run of sound in which somebody speaks: from `start_s` to `end_s`; `given` is it with what is around it."""

    start_s: float
    end_s: float
    given: tuple[float, float]


def stretches_of(spoken: Sequence[tuple[float, float]], margin_s: float, until_s: float) -> list[Stretch]:
    """The stretches of speech in sound of `until_s` seconds, each given with a margin, but none of it twice.

    `spoken` are (start_s, end_s) of each, in order and apart.
    """
    middles = [(before[1] + after[0]) / 2 for before, after in pairwise(spoken)]
    return [
        Stretch(start_s, end_s, (max(low_s, start_s - margin_s), min(high_s, end_s + margin_s)))
        for (start_s, end_s), low_s, high_s in zip(spoken, [0.0, *middles], [*middles, until_s], strict=True)
    ]


def placed(segments: Iterable[Segment], stretches: Sequence[Stretch], slack_s: float) -> Iterator[Segment]:
    """Segments that were heard in the given stretches alone, joined without what lies between, in their own times.

    Recognisers let a word begin anywhere in the silence before it, so its end says more. A word belongs to the last
    stretch in which it begins or whose speech has begun when it ends, and reaches at most `slack_s` beyond the speech.
    """
    lengths = [stretch.given[1] - stretch.given[0] for stretch in stretches]
    joined_at = list(accumulate(lengths[:-1], initial=0.0))
    shifts = [stretch.given[0] - at_s for stretch, at_s in zip(stretches, joined_at, strict=True)]
    speech_at = [stretch.start_s - shift_s for stretch, shift_s in zip(stretches, shifts, strict=True)]

    def place(word: Word) -> Word:
        index = max(1, bisect_right(joined_at, word.start_s), bisect_left(speech_at, word.end_s)) - 1
        stretch, shift_s = stretches[index], shifts[index]
        low_s, high_s = max(stretch.given[0], stretch.start_s - slack_s), min(stretch.given[1], stretch.end_s + slack_s)
        start_s = min(max(low_s, word.start_s + shift_s), high_s)
        return Word(start_s, min(max(start_s, word.end_s + shift_s), high_s), word.text)

    for segment in segments:
        if words := tuple(map(place, segment.words)):
            yield Segment(words[0].start_s, max(word.end_s for word in words), words)


def _between_blanks(words: Sequence[Word]) -> Iterator[list[Word]]:
    """Runs of words that are written as one: " cold" and "-hearted"."""
    number = 0
    numbered: list[tuple[int, Word]] = []
    for word in words:
        number += word.text[:1].isspace()
        numbered.append((number, word))
    for _, run in groupby(numbered, key=lambda pair: pair[0]):
        yield [word for _, word in run]


def quietest_cut(samples: NDArray[np.int16], search: int) -> int:
    """Where to cut `samples` (shape (n,)) into two: the middle of the quietest 0.4 s among the last `search` samples.

    So a word is cut only where nobody pauses for breath. Never 0, for 0 < `search` < n.
    """
    tail = samples[len(samples) - search :].astype(np.float64)
    frames = len(tail) // _FRAME
    if frames <= _QUIET_FRAMES:
        return len(samples)
    loudness = np.square(tail[: frames * _FRAME].reshape(frames, _FRAME)).sum(axis=1)
    around = np.convolve(loudness, np.ones(_QUIET_FRAMES), mode="valid")
    return len(samples) - search + (int(np.argmin(around)) + _QUIET_FRAMES // 2) * _FRAME


def language_code(tag: str, known: Sequence[str]) -> str:
    """The recogniser's code for the language of a tag ("en-US", "zh-Hans", "iw"), or "" where it knows none."""
    primary = tag.replace("_", "-").partition("-")[0].strip().lower()
    code = _OTHER_CODES.get(primary, primary)
    return code if code in known else ""


def check_length(length_s: float, most_s: float) -> None:
    """Raises BadInput where a recording lasts longer than `most_s` seconds."""
    if length_s > most_s:
        problem = f"It lasts {length_text(length_s)}; at most {length_text(most_s)} can be transcribed."
        raise BadInput(problem, "Link to a shorter recording, or to one with captions.")


def length_text(length_s: float) -> str:
    """A length for people: "45 s", "7 min", "12 h 5 min". Seconds that are begun count."""
    seconds = math.ceil(length_s)
    if seconds < 60:
        return f"{seconds} s"
    hours, minutes = divmod(math.ceil(seconds / 60), 60)
    return " ".join(part for part, count in ((f"{hours} h", hours), (f"{minutes} min", minutes)) if count)


def minutes_of(audio_s: float) -> int:
    """The minutes that are charged for `audio_s` seconds of sound: those that were begun."""
    return math.ceil(max(0.0, audio_s) / 60)


def minutes_to_reserve(length_s: float, most_s: float) -> int:
    """The minutes to set aside for a recording of `length_s` seconds (0.0: not known, so it may be the longest)."""
    return minutes_of(min(length_s, most_s) if length_s > 0 else most_s)
