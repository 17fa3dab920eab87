"""The packaged Whisper model on human speech. Every test here loads it."""

import io
import wave
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest

from core.errors import WriteFailed
from core.sentences import to_sentences
from core.speech import SAMPLE_RATE, NoSpeech, Transcript
from deployments.transcriber import SpeechConfig, Transcriber
from deployments.whisper import PACKAGED_SHA256, Recogniser, WhisperConfig, packaged_model
from tests.fakes.speech import LocalAudio, wav

pytestmark = pytest.mark.model

DATA = Path(__file__).parents[1] / "data" / "speech"
TALK = DATA / "sense_and_sensibility_01_austen_64kb-0870.wav"


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("models")


@pytest.fixture(scope="module")
def recogniser(cache: Path) -> Recogniser:
    return WhisperConfig(cache, threads=2).load()


def samples_of(path: Path) -> np.ndarray:
    with wave.open(io.BytesIO(path.read_bytes())) as reader:
        return np.frombuffer(reader.readframes(reader.getnframes()), np.int16)


def test_the_packaged_model_is_joined_once_and_verified_each_time(cache: Path, recogniser: Recogniser) -> None:
    assert recogniser is not None
    folder = packaged_model(cache)
    assert sorted(file.name for file in folder.iterdir()) == [
        "config.json",
        "model.bin",
        "tokenizer.json",
        "vocabulary.txt",
    ]
    joined_at = (folder / "model.bin").stat().st_mtime_ns
    assert (packaged_model(cache) / "model.bin").stat().st_mtime_ns == joined_at
    with (folder / "model.bin").open("r+b") as file:
        file.write(b"\0\0\0\0")
    assert PACKAGED_SHA256.startswith("d01c3014")
    assert (packaged_model(cache) / "model.bin").read_bytes()[:4] != b"\0\0\0\0"
    assert [one.name for one in cache.iterdir()] == [folder.name]


def test_a_cache_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(WriteFailed, match="Set DATA_DIR"):
        packaged_model(tmp_path / "file" / "models")


async def test_human_speech_becomes_a_sentence_and_its_language_is_found(recogniser: Recogniser, cache: Path) -> None:
    config = SpeechConfig(WhisperConfig(cache), max_length_s=60.0)
    events = [event async for event in Transcriber(config, LocalAudio(DATA), recogniser).transcribe(TALK.name)]
    found = events[-1]
    assert isinstance(found, Transcript)
    assert found.language == "en"
    (sentence,) = to_sentences(found.cues, found.language)
    assert "had then leisure to consider how much there might be prudently in his power" in sentence.text
    assert sentence.start_s == pytest.approx(0.25, abs=0.3)
    assert sentence.end_s == pytest.approx(6.66, abs=0.3)


async def test_nobody_speaks_in_silence_and_in_noise(recogniser: Recogniser, tmp_path: Path) -> None:
    rng = np.random.default_rng(7)
    (tmp_path / "silence").write_bytes(wav(np.zeros(3 * SAMPLE_RATE, np.int16)))
    (tmp_path / "noise").write_bytes(wav(rng.normal(0, 800, 3 * SAMPLE_RATE).astype(np.int16)))
    config = SpeechConfig(WhisperConfig(tmp_path), max_length_s=60.0)
    for name in ("silence", "noise"):
        events = [event async for event in Transcriber(config, LocalAudio(tmp_path), recogniser).transcribe(name)]
        assert events[-1] == NoSpeech("Nobody speaks in it.", 3.0)


def test_a_language_that_the_model_does_not_know_is_found_out(recogniser: Recogniser) -> None:
    samples = samples_of(TALK).astype(np.float32) / np.float32(32_768)
    assert recogniser.listen(samples, "tlh").language == "en"


def test_two_at_once_join_the_model_to_one_folder(tmp_path: Path) -> None:
    with ThreadPoolExecutor(2) as threads:
        folders = list(threads.map(packaged_model, (tmp_path, tmp_path)))
    assert folders[0] == folders[1]
    assert [one.name for one in tmp_path.iterdir()] == [folders[0].name]
