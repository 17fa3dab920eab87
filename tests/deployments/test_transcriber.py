"""Speech recognition: progress, transcripts, long recordings in pieces, and media that nobody should trust."""

import asyncio
import threading
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, DeadlineExceeded, StartupFailed, Unavailable
from core.speech import NoSpeech, SpeechProgress, SpeechStep, Transcript
from deployments import whisper
from deployments.transcriber import SpeechConfig, SpeechEvent, Transcriber
from deployments.whisper import WhisperConfig
from tests.fakes.speech import FakeRecogniser, LocalAudio, tone

CONFIG = SpeechConfig(WhisperConfig(Path("models")), max_length_s=600.0, progress_s=0.01)
BURSTS = (1.0, 3.0, 9.5, 14.0, 18.0)


def transcriber(folder: Path, recogniser: FakeRecogniser | None = None, **options: Any) -> Transcriber:
    return Transcriber(replace(CONFIG, **options), LocalAudio(folder), recogniser or FakeRecogniser())


async def last(events: AsyncIterator[SpeechEvent]) -> SpeechEvent:
    return [event async for event in events][-1]


async def transcript(parts: Transcriber, url: str, language: str = "", **options: Any) -> Transcript:
    found = await last(parts.transcribe(url, language, **options))
    assert isinstance(found, Transcript)
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "talk.wav").write_bytes(tone(20.0, BURSTS))
    return tmp_path


async def test_words_come_with_the_times_at_which_they_are_said(folder: Path) -> None:
    found = await transcript(transcriber(folder), "talk.wav")
    assert [cue.text for cue in found.cues] == ["word1", "word2", "word3", "word4", "word5"]
    assert [cue.start_s for cue in found.cues] == pytest.approx(BURSTS, abs=0.03)
    assert found.language == "en"
    assert found.audio_s == pytest.approx(20.0, abs=0.01)


@pytest.mark.parametrize("piece_s", [3.0, 5.0, 7.3, 19.0])
async def test_a_long_recording_in_pieces_gives_what_it_gives_as_a_whole(folder: Path, piece_s: float) -> None:
    whole = await transcript(transcriber(folder), "talk.wav")
    recogniser = FakeRecogniser()
    parts = await transcript(transcriber(folder, recogniser, piece_s=piece_s), "talk.wav")
    assert [cue.text for cue in parts.cues] == [cue.text for cue in whole.cues]
    assert [cue.start_s for cue in parts.cues] == pytest.approx([cue.start_s for cue in whole.cues], abs=0.03)
    assert parts.audio_s == whole.audio_s
    assert max(recogniser.seconds) <= piece_s  # what is in memory at a time
    assert sum(recogniser.seconds) == pytest.approx(20.0, abs=0.01)


async def test_the_language_is_found_out_once_and_kept(folder: Path) -> None:
    recogniser = FakeRecogniser("fi")
    found = await transcript(transcriber(folder, recogniser, piece_s=5.0), "talk.wav")
    assert found.language == "fi"
    assert recogniser.languages[0] == ""
    assert set(recogniser.languages[1:]) == {"fi"}
    given = FakeRecogniser("fi")
    assert (await transcript(transcriber(folder, given), "talk.wav", "de")).language == "de"


async def test_progress_only_grows_and_ends_at_the_length(folder: Path) -> None:
    recogniser = FakeRecogniser()
    recogniser.go.clear()
    done: list[float] = []
    steps: list[SpeechStep] = []
    async for event in transcriber(folder, recogniser).transcribe("talk.wav"):
        recogniser.go.set()
        if isinstance(event, SpeechProgress):
            steps.append(event.step)
            done.append(event.done_s)
    assert steps
    assert steps[-1] is SpeechStep.LISTENING
    assert done == sorted(done)


async def test_silence_is_an_outcome_and_no_error(tmp_path: Path) -> None:
    (tmp_path / "quiet.wav").write_bytes(tone(5.0, ()))
    found = await last(transcriber(tmp_path).transcribe("quiet.wav"))
    assert found == NoSpeech("Nobody speaks in it.", 5.0)


# ---------------------------------------------------------------- limits, leaving, hanging
async def test_a_recording_over_the_limit_is_refused_before_anybody_listens(folder: Path) -> None:
    recogniser = FakeRecogniser()
    with pytest.raises(BadInput, match=r"It lasts 20 s; at most 15 s can be transcribed"):
        await last(transcriber(folder, recogniser, max_length_s=15.0).transcribe("talk.wav"))
    with pytest.raises(BadInput, match="at most 10 s"):
        await last(transcriber(folder, recogniser).transcribe("talk.wav", at_most_s=10.0))
    assert recogniser.seconds == []


async def test_whoever_leaves_stops_the_work_and_frees_the_model(folder: Path) -> None:
    recogniser = FakeRecogniser()
    recogniser.go.clear()
    parts = transcriber(folder, recogniser)
    async with aclosing(parts.transcribe("talk.wav")) as events:  # type: ignore[type-var]
        async for event in events:
            if isinstance(event, SpeechProgress) and event.step is SpeechStep.LISTENING:
                break
    recogniser.go.set()
    found = await transcript(parts, "talk.wav")
    # The first one was given up with the word that it was at.
    assert recogniser.heard <= len(BURSTS) + 1
    assert len(found.cues) == len(BURSTS)


async def test_one_is_listened_to_at_a_time_and_the_others_hear_that_they_wait(folder: Path) -> None:
    recogniser = FakeRecogniser()
    recogniser.go.clear()
    parts = transcriber(folder, recogniser)
    first = asyncio.ensure_future(transcript(parts, "talk.wav"))
    await asyncio.to_thread(recogniser.begun.wait, 20)
    waiting = parts.transcribe("talk.wav")
    for _ in range(3):
        event = await anext(waiting)
        assert isinstance(event, SpeechProgress)
        assert event.step is not SpeechStep.LISTENING
    assert len(recogniser.seconds) == 1
    recogniser.go.set()
    await asyncio.gather(first, last(waiting))
    assert len(recogniser.seconds) == 2


async def test_a_model_that_hangs_is_given_up_and_told_to_whoever_looks_after_the_replica(folder: Path) -> None:
    recogniser = FakeRecogniser()
    parts = transcriber(folder, recogniser, stall_s=0.05)
    await parts.check_health()
    recogniser.go.clear()
    with pytest.raises(DeadlineExceeded, match="Speech recognition did not answer in time"):
        await last(parts.transcribe("talk.wav"))
    with pytest.raises(DeadlineExceeded):
        await parts.check_health()
    recogniser.go.set()


async def test_two_files_at_most_wait_on_the_disk(folder: Path) -> None:
    recogniser = FakeRecogniser()
    recogniser.go.clear()
    audio = LocalAudio(folder)
    parts = Transcriber(CONFIG, audio, recogniser)
    everybody = [asyncio.ensure_future(transcript(parts, "talk.wav")) for _ in range(5)]
    await asyncio.to_thread(recogniser.begun.wait, 20)
    assert audio.open == 2
    recogniser.go.set()
    assert len({found.audio_s for found in await asyncio.gather(*everybody)}) == 1
    assert audio.open == 0


# ---------------------------------------------------------------- a model that cannot be had
async def test_missing_packages_say_what_to_set(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(whisper, "PACKAGES", ("no_such_part1", "no_such_part2"))
    config = replace(CONFIG, whisper=WhisperConfig(folder / "models"))
    with pytest.raises(Unavailable, match=r"no-such-part1 is missing.*Set SPEECH_MODEL to a hub name"):
        await last(Transcriber(config, LocalAudio(folder)).transcribe("talk.wav"))


def test_packages_that_are_not_the_official_model_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in (1, 2):
        data = tmp_path / f"fake_part{number}" / "data"
        data.mkdir(parents=True)
        (data.parent / "__init__.py").touch()
        (data / f"model.bin.part{number}").write_bytes(b"not a model")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(whisper, "PACKAGES", ("fake_part1", "fake_part2"))
    with pytest.raises(StartupFailed, match=r"not the official one.*Reinstall fake-part1 and fake-part2"):
        whisper.packaged_model(tmp_path / "cache")


def test_a_folder_without_a_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(StartupFailed, match="cannot be loaded"):
        WhisperConfig(tmp_path, model=str(tmp_path)).load()


def test_the_thread_that_listens_keeps_no_process_alive(folder: Path) -> None:
    recogniser = FakeRecogniser()
    recogniser.go.clear()

    async def leave() -> list[bool]:
        events = transcriber(folder, recogniser).transcribe("talk.wav")
        while not recogniser.seconds:
            await anext(events)
        daemons = [thread.daemon for thread in threading.enumerate() if thread.name == "speech"]
        recogniser.go.set()
        await last(events)
        return daemons

    assert asyncio.run(leave()) == [True]
