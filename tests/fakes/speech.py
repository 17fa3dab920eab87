"""Sound that a fake recogniser understands: each burst of tone is a word."""

import io
import threading
import wave
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from itertools import count, pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from core.speech import SAMPLE_RATE, Segment, Word
from deployments.whisper import Heard

BURST_S = 0.4


def tone(length_s: float, bursts: Sequence[float], rate: int = SAMPLE_RATE, channels: int = 1) -> bytes:
    """A WAV file of `length_s` seconds, silent but for `BURST_S` of tone from each of the times in `bursts`."""
    times = np.arange(int(length_s * rate)) / rate
    loud = np.zeros(len(times), dtype=bool)
    for start_s in bursts:
        loud |= (times >= start_s) & (times < start_s + BURST_S)
    samples = np.where(loud, 12_000 * np.sin(2 * np.pi * 220 * times), 0).astype("<i2")
    return wav(np.repeat(samples, channels), rate, channels)


def wav(samples: NDArray[np.int16], rate: int = SAMPLE_RATE, channels: int = 1) -> bytes:
    """A WAV file of these samples, channels interleaved."""
    file = io.BytesIO()
    with wave.open(file, "wb") as writer:
        writer.setnchannels(channels)
        writer.setsampwidth(2)
        writer.setframerate(rate)
        writer.writeframes(samples.astype("<i2").tobytes())
    return file.getvalue()


class FakeRecogniser:
    """Implements `deployments.whisper.Recogniser`: hears "word1", "word2", … in bursts of tone.

    `go` may hold it back: it waits before each word; `begun` is set by then. `seconds` are the lengths of what it was
    given.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language
        self.languages: list[str] = []
        self.seconds: list[float] = []
        self.heard = 0
        self.begun = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self._number = count(1)

    def listen(self, samples: NDArray[np.float32], language: str) -> Heard:
        self.languages.append(language)
        self.seconds.append(len(samples) / SAMPLE_RATE)
        return Heard(language or self.language, self._segments(samples))

    def _segments(self, samples: NDArray[np.float32]) -> Iterator[Segment]:
        frame = SAMPLE_RATE // 100
        loud = np.abs(samples[: len(samples) // frame * frame]).reshape(-1, frame).max(axis=1) > 0.1
        edges = np.flatnonzero(np.diff(np.concatenate([[False], loud, [False]])))
        for start, end in list(pairwise(edges))[::2]:
            self.begun.set()
            self.go.wait(20)
            self.heard += 1
            start_s, end_s = float(start) / 100, float(end) / 100
            yield Segment(start_s, end_s, (Word(start_s, end_s, f" word{next(self._number)}"),))


class LocalAudio:
    """An audio source over files of this machine: a link is a file's name in `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.open = 0

    @asynccontextmanager
    async def fetched(self, url: str, *, item: str = "", most_s: float = 0.0) -> AsyncIterator[Path]:  # noqa: ARG002
        self.open += 1
        try:
            yield self.folder / url
        finally:
            self.open -= 1
