"""Speech recognition: the right words, at the times at which they are said.

Over a directory with `index.jsonl`, a row for each clip: {"file": "a.wav", "language": "en", "text": "...",
"begins_s": 0.25, "ends_s": 6.7}. The last two are when its first word begins and its last one ends; either may be left
out.

- words: each clip is transcribed by itself. The word error rate is (substituted + missing + added) / words of the
  texts. Both sides are compared in small letters, without punctuation, hyphens as blanks, "Mr." and its like and
  numbers below a hundred written out.
- times: all clips are joined into one recording with 1.5 s of silence before each, so that every time is the clip's own
  plus a known one. Judged are the first and the last word of each clip, where they were recognised.
"""

import asyncio
import json
import os
import re
import tempfile
import time
import wave
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadInput
from core.messages import Cue
from core.speech import SAMPLE_RATE, NoSpeech, Transcript
from deployments.audio_decoding import pieces
from deployments.transcriber import SpeechConfig, Transcriber
from deployments.whisper import WhisperConfig

_SILENCE_S = 1.5
_MOST_S = 43_200.0
_AIM_S = 0.3
_BELOW_TWENTY = (
    "zero|one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|thirteen|fourteen|fifteen|sixteen|"
    "seventeen|eighteen|nineteen"
)
_TENS = "||twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety"
_TITLES = {"mr": "mister", "mrs": "missus", "dr": "doctor", "st": "saint"}


@dataclass(frozen=True, slots=True)
class Clip:
    """A row of the index, with where the clip begins in the joined recording."""

    path: Path
    language: str
    words: tuple[str, ...]
    begins_s: float | None
    ends_s: float | None
    offset_s: float = 0.0


def run(data: Path, *, model: str = "", device: str = "auto", compute_type: str = "") -> Mapping[str, object]:
    """The figures over the clips in `data`. Prints each clip that is not right; `model` "" is the packaged one."""
    return asyncio.run(_measure(data, model, device, compute_type))


async def _measure(data: Path, model: str, device: str, compute_type: str) -> Mapping[str, object]:
    with tempfile.TemporaryDirectory(prefix="speech-eval-") as folder:
        joined, clips = _joined(Path(folder), _clips(data / "index.jsonl"))
        threads = os.cpu_count() or 1
        whisper = WhisperConfig(Path(folder), model, device, compute_type, threads)
        transcriber = Transcriber(SpeechConfig(whisper, _MOST_S), _Local())
        wrong = words = 0
        for clip in clips:
            heard = await _heard(transcriber, clip.path, clip.language)
            found = [word for cue in heard for word in words_of(cue.text)]
            faults = sum(one != other for one, other in aligned(clip.words, found))
            wrong, words = wrong + faults, words + len(clip.words)
            if faults:
                print(f"{faults} wrong in {clip.path.name}: {' '.join(found)}")
        started = time.perf_counter()
        heard = await _heard(transcriber, joined, clips[0].language)
        took_s = time.perf_counter() - started
    starts, ends = time_errors(clips, heard)
    return {
        "clips": len(clips),
        "words": words,
        "wrong": wrong,
        "word_error_rate": round(wrong / words, 4) if words else None,
        "times": len(starts) + len(ends),
        "times_within_0_3_s": sum(error <= _AIM_S for error in (*starts, *ends)),
        "start_error_max_s": round(max(starts), 2) if starts else None,
        "end_error_max_s": round(max(ends), 2) if ends else None,
        "real_time_factor": round(took_s / max(clips[-1].offset_s, 1.0), 3),
    }


def words_of(text: str) -> list[str]:
    """The words of a text in the form in which two texts are compared."""
    plain = re.sub(r"[’']", "", text.lower())
    return [word for written in re.findall(r"\w+", plain) for word in _spelled(written)]


def _spelled(word: str) -> list[str]:
    if not (word.isascii() and word.isdigit() and len(word) <= 2):
        return [_TITLES.get(word, word)]
    below_twenty, tens = _BELOW_TWENTY.split("|"), _TENS.split("|")
    number = int(word)
    if number < len(below_twenty):
        return [below_twenty[number]]
    return [tens[number // 10], *([below_twenty[number % 10]] if number % 10 else [])]


def aligned(one: Sequence[str], other: Sequence[str]) -> list[tuple[str, str]]:
    """The words of two texts side by side, with the fewest differences (Levenshtein); "" stands for a missing word."""
    return [(one[i] if i >= 0 else "", other[j] if j >= 0 else "") for i, j in _alignment(one, other)]


def _alignment(one: Sequence[str], other: Sequence[str]) -> list[tuple[int, int]]:
    """The positions side by side; -1 stands for a missing word."""
    costs = np.zeros((len(one) + 1, len(other) + 1), dtype=int)
    costs[:, 0], costs[0, :] = np.arange(len(one) + 1), np.arange(len(other) + 1)
    for i, left in enumerate(one, start=1):
        for j, right in enumerate(other, start=1):
            costs[i, j] = min(costs[i - 1, j - 1] + (left != right), costs[i - 1, j] + 1, costs[i, j - 1] + 1)
    pairs: list[tuple[int, int]] = []
    i, j = len(one), len(other)
    while i or j:
        if i and j and costs[i, j] == costs[i - 1, j - 1] + (one[i - 1] != other[j - 1]):
            i, j = i - 1, j - 1
            pairs.append((i, j))
        elif i and costs[i, j] == costs[i - 1, j] + 1:
            i -= 1
            pairs.append((i, -1))
        else:
            j -= 1
            pairs.append((-1, j))
    return pairs[::-1]


def time_errors(clips: Sequence[Clip], heard: Sequence[Cue]) -> tuple[list[float], list[float]]:
    """How far off (s) the beginnings of first words and the ends of last ones are, in the joined recording."""
    found = [(word, cue) for cue in heard for word in words_of(cue.text)]
    wanted = [word for clip in clips for word in clip.words]
    cue_of = {
        i: found[j][1]
        for i, j in _alignment(wanted, [word for word, _ in found])
        if i >= 0 and j >= 0 and wanted[i] == found[j][0]
    }
    starts, ends, position = [], [], 0
    for clip in clips:
        first, position = cue_of.get(position), position + len(clip.words)
        last = cue_of.get(position - 1)
        if first and clip.begins_s is not None:
            starts.append(_error_s(clip, "beginning", first.start_s, clip.begins_s))
        if last and clip.ends_s is not None:
            ends.append(_error_s(clip, "end", last.end_s, clip.ends_s))
    return starts, ends


def _error_s(clip: Clip, which: str, heard_s: float, wanted_s: float) -> float:
    error_s = heard_s - clip.offset_s - wanted_s
    if abs(error_s) > _AIM_S:
        print(f"{clip.path.name}: its {which} is {error_s:+.2f} s off")
    return abs(error_s)


def _clips(index: Path) -> list[Clip]:
    if not index.is_file():
        raise BadInput(f"{index} is missing.", "Give --data a directory of the form that this module's help describes.")
    try:
        rows = [json.loads(line) for line in index.read_text(encoding="utf-8").split("\n") if line.strip()]
        clips = [_clip(index.parent, row) for row in rows]
    except (ValueError, KeyError, TypeError) as error:
        raise BadInput(f"{index} has a row that cannot be read ({error}).", "Fetch the data set again.") from error
    if not clips:
        raise BadInput(f"{index} names no clips.", "Fetch the data set again.")
    return clips


def _clip(folder: Path, row: Mapping[str, Any]) -> Clip:
    words = tuple(words_of(row["text"]))
    return Clip(folder / row["file"], row.get("language", ""), words, row.get("begins_s"), row.get("ends_s"))


def _joined(folder: Path, clips: Sequence[Clip]) -> tuple[Path, list[Clip]]:
    """One recording of all clips, with silence before each, and the clips with where they begin in it."""
    path = folder / "joined.wav"
    silence = np.zeros(int(_SILENCE_S * SAMPLE_RATE), dtype=np.int16)
    placed: list[Clip] = []
    with wave.open(str(path), "wb") as joined:
        joined.setnchannels(1)
        joined.setsampwidth(2)
        joined.setframerate(SAMPLE_RATE)
        for clip in clips:
            joined.writeframes(silence.tobytes())
            offset_s = joined.getnframes() / SAMPLE_RATE
            placed.append(Clip(clip.path, clip.language, clip.words, clip.begins_s, clip.ends_s, offset_s))
            for piece in pieces(clip.path, 600.0):
                joined.writeframes((piece.samples * 32_767).astype("<i2").tobytes())
        joined.writeframes(silence.tobytes())
    return path, placed


async def _heard(transcriber: Transcriber, path: Path, language: str) -> Sequence[Cue]:
    async for event in transcriber.transcribe(str(path), language):
        if isinstance(event, Transcript):
            return event.cues
        if isinstance(event, NoSpeech):
            return ()
    raise AssertionError("a transcription ended without a result")


class _Local:
    """An audio source whose links are paths."""

    @asynccontextmanager
    async def fetched(self, url: str, *, item: str, most_s: float) -> AsyncIterator[Path]:  # noqa: ARG002
        yield Path(url)
