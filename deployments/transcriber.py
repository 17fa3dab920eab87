"""Speech recognition as a service: a link -> its sound in a temporary file -> words with times."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Protocol, TypeAlias

from core.errors import DeadlineExceeded, StartupFailed, Unavailable
from core.messages import Cue
from core.speech import NoSpeech, Segment, SpeechProgress, SpeechStep, Transcript, check_length, to_cues
from deployments.audio_decoding import Piece, length_of, pieces
from deployments.daemon_thread import in_daemon_thread
from deployments.whisper import Recogniser, WhisperConfig

log = logging.getLogger(__name__)

_PART = "Speech recognition"
_FILES_AT_ONCE = 2

SpeechEvent: TypeAlias = SpeechProgress | Transcript | NoSpeech


@dataclass(frozen=True, slots=True)
class SpeechConfig:
    """How speech is recognised. `piece_s` of sound are in memory at a time; `progress_s` apart are signs of life.

    `stall_s` is how long the model may take for one step (half a minute of sound, or being loaded) before it is given
    up.
    """

    whisper: WhisperConfig
    max_length_s: float
    piece_s: float = 600.0
    progress_s: float = 2.0
    stall_s: float = 900.0


class AudioSource(Protocol):
    """`deployments.audio.AudioSource`, as far as it is needed here."""

    def fetched(self, url: str, *, item: str, most_s: float) -> AbstractAsyncContextManager[Path]: ...


class _Run:
    """One transcription, as the loop and the thread that listens both see it."""

    def __init__(self, most_s: float) -> None:
        self.most_s = most_s
        self.stopped = threading.Event()
        self.tell(SpeechProgress(SpeechStep.WAITING))

    def tell(self, progress: SpeechProgress) -> None:
        self.progress = progress
        self.told_at = time.monotonic()

    def watched(self, segments: Iterable[Segment], piece: Piece, total_s: float) -> Iterator[Segment]:
        """The segments as they are heard. Raises Unavailable once nobody wants them any more."""
        for segment in segments:
            if self.stopped.is_set():
                raise Unavailable(_PART, "It was given up.")
            done_s = min(piece.start_s + segment.end_s, piece.end_s)
            self.tell(SpeechProgress(SpeechStep.LISTENING, done_s, total_s))
            yield segment

    def is_stalled(self, stall_s: float) -> bool:
        listening = self.progress.step is SpeechStep.LISTENING
        return listening and time.monotonic() - self.told_at > stall_s


class Transcriber:
    """Transcribes recordings, one at a time; while it listens to one, the sound of the next is fetched.

    It keeps nothing but the model, which is loaded when first needed; a restart loses the transcriptions at work.
    """

    def __init__(self, config: SpeechConfig, audio: AudioSource, recogniser: Recogniser | None = None) -> None:
        self._config = config
        self._audio = audio
        self._recogniser = recogniser
        self._files = asyncio.Semaphore(_FILES_AT_ONCE)
        self._model_free = asyncio.Semaphore(1)
        self._listening: _Run | None = None

    async def transcribe(
        self, url: str, language: str = "", *, item: str = "", at_most_s: float | None = None
    ) -> AsyncIterator[SpeechEvent]:
        """Progress every `progress_s` seconds, waiting too; last the transcript, or that nobody speaks.

        `language` is a tag ("en-US"), found out where empty or not known; `item` is which recording of a page that has
        several; `at_most_s` lowers the longest recording that is taken. It stops where nobody listens any more.

        Raises BadInput (too long, too large, broken, no sound, no recording there), and where something is missing
        RefusedUrl, NotReadable, DeadlineExceeded, WriteFailed or Unavailable, in each case with a sentence.
        """
        most_s = self._config.max_length_s if at_most_s is None else min(at_most_s, self._config.max_length_s)
        run = _Run(most_s)
        work = asyncio.ensure_future(self._transcribe(run, url, language, item))
        try:
            while True:
                await asyncio.wait((work,), timeout=self._config.progress_s)
                if work.done():
                    yield work.result()
                    return
                if run.is_stalled(self._config.stall_s):
                    raise self._stalled()
                yield run.progress
        finally:
            run.stopped.set()
            work.cancel()
            await asyncio.wait((work,))
            if not work.cancelled():
                work.exception()  # seen, also where nobody listens any more

    async def check_health(self) -> None:
        """For Serve, which replaces a replica where this raises: a thread that hangs cannot be ended otherwise."""
        if self._listening is not None and self._listening.is_stalled(self._config.stall_s):
            raise self._stalled()

    def _stalled(self) -> DeadlineExceeded:
        return DeadlineExceeded(
            _PART, f"It was at one place for more than {self._config.stall_s:g} s; try again later."
        )

    async def _transcribe(self, run: _Run, url: str, language: str, item: str) -> Transcript | NoSpeech:
        async with self._files:
            run.tell(SpeechProgress(SpeechStep.FETCHING))
            async with self._audio.fetched(url, item=item, most_s=run.most_s) as path:
                run.tell(SpeechProgress(SpeechStep.WAITING))
                await self._model_free.acquire()
                run.tell(SpeechProgress(SpeechStep.LISTENING))
                self._listening = run
                listening = in_daemon_thread(partial(self._listen, run, path, language), "speech")
                # The model is free when the thread has ended, which may be after this task.
                listening.add_done_callback(self._free)
                return await asyncio.shield(listening)

    def _free(self, _: object) -> None:
        self._listening = None
        self._model_free.release()

    def _listen(self, run: _Run, path: Path, language: str) -> Transcript | NoSpeech:
        recogniser = self._loaded()
        total_s = length_of(path)
        check_length(total_s, run.most_s)
        cues: list[Cue] = []
        done_s = 0.0
        for piece in pieces(path, self._config.piece_s):
            check_length(piece.end_s, run.most_s)
            run.tell(SpeechProgress(SpeechStep.LISTENING, done_s, total_s))
            heard = recogniser.listen(piece.samples, language)
            found = tuple(to_cues(run.watched(heard.segments, piece, total_s), piece.start_s, piece.end_s))
            # Found out once: music before the talk must not make the model change its mind in the middle of it.
            language = heard.language if found else language
            cues += found
            done_s = piece.end_s
        return Transcript(language, tuple(cues), done_s) if cues else NoSpeech("Nobody speaks in it.", done_s)

    def _loaded(self) -> Recogniser:
        """The model; loaded now if it was not. It is asked for by one thread at a time."""
        if self._recogniser is None:
            try:
                self._recogniser = self._config.whisper.load()
            except StartupFailed as error:
                log.warning("no speech model: %s", error)
                raise Unavailable(_PART, str(error)) from error
        return self._recogniser
