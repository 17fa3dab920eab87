"""Reads one recording: its page -> captions, or speech where there are none -> sentences, fit to be stored."""

import asyncio
import logging
import time
from collections import OrderedDict
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from core.captions import parse
from core.captiontracks import CaptionSource
from core.early_exits import EarlyExit, ExitRules, Facts, exit_by_facts, exit_by_text
from core.errors import BadInput, NotReadable, RateLimited
from core.ingest_messages import Job, NoSpeech, Urgency
from core.ingest_ports import IngestQueue
from core.links import recording_id_of
from core.messages import Cue, IngestStep, Recording, Sentence
from core.personal_data import PersonalData, without_personal_data
from core.sentences import to_sentences
from core.source_states import SourceState
from core.speakers import with_speakers
from core.speech import NoSpeech as NobodySpeaks
from core.speech import SpeechProgress, length_text
from core.speech import Transcript as Heard
from core.transcripts import Transcript, in_whole_characters
from core.uploads import Upload
from deployments.media_source import Described, Listing
from deployments.recording_work import Refused, Told
from deployments.ytdlp_info import Entry

# Somebody who talks for 24 hours says about 220,000 words in 20,000 sentences; more is no talk, and a vector of each
# sentence is kept in memory until all are stored.
MAX_WORDS = 400_000
MAX_SENTENCES = 40_000
# Sites write captions by machine some hours after an upload.
_CAPTIONS_COME_S = 2 * 86_400.0
# Each may hold all that a page says, some hundred kilobytes.
_HANDED = 200
ORIGINAL_RULES = ExitRules()
_log = logging.getLogger(__name__)


class Source(Protocol):
    """`deployments.media_source.MediaSource`, as far as it is needed here."""

    async def list(self, url: str) -> Listing: ...

    async def describe(self, entry: Entry) -> Described: ...

    async def captions(self, source: CaptionSource) -> bytes: ...


class Listener(Protocol):
    """`deployments.transcriber.Transcriber`, as far as it is needed here."""

    def transcribe(
        self, url: str, language: str = "", *, item: str = "", at_most_s: float | None = None
    ) -> AsyncIterator[SpeechProgress | Heard | NobodySpeaks]: ...


@dataclass(frozen=True, slots=True)
class ReadingRules:
    """What is read, and how. `enforce_exits` False: what `exits` would leave out is logged, and taken.

    `speech_s_a_month` is how many seconds of speech are recognised for a workspace in a month (None: no limit), and
    `max_speech_s` for one recording.
    """

    exits: ExitRules = ORIGINAL_RULES
    enforce_exits: bool = False
    speech_s_a_month: float | None = None
    max_speech_s: float = 6 * 3_600.0


class Handed:
    """What a listing read of a job's recording, so that it is not fetched again by the worker in the same process."""

    def __init__(self) -> None:
        self._entries: OrderedDict[tuple[str, str], Entry] = OrderedDict()

    def put(self, key: str, job_id: str, entry: Entry) -> None:
        """Keep `entry` for the job; the oldest of too many goes."""
        self._entries[key, job_id] = entry
        while len(self._entries) > _HANDED:
            self._entries.popitem(last=False)

    def clear(self) -> None:
        """Keep nothing; workers fetch for themselves."""
        self._entries.clear()

    def take(self, key: str, job_id: str) -> Entry | None:
        """The entry for the job, once."""
        return self._entries.pop((key, job_id), None)


def job_id_of(entry: Entry) -> str:
    """The id of the recording that `entry` stands for; of a page with several, each has its own."""
    name = recording_id_of(entry.url)
    info = entry.extraction.info if entry.extraction else {}
    return f"{name}#{info.get('id')}" if info.get("playlist_index") else name


class Reading:
    """Reads recordings; each that is not brought in is `Refused` with a reason, or not readable with a state."""

    def __init__(
        self,
        source: Source,
        queue: IngestQueue,
        handed: Handed,
        rules: ReadingRules = ReadingRules(),
        *,
        listener: Listener | None = None,
        personal_data: PersonalData | None = None,
        told: Told = lambda _key, _job, _step, _title: None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Without a `listener` what has no captions is refused; without `personal_data` nothing is masked."""
        self._source, self._queue, self._handed, self._rules = source, queue, handed, rules
        self._listener, self._personal_data = listener, personal_data
        self._told, self._clock = told, clock

    async def read(self, key: str, job: Job) -> Transcript:
        """The recording's text. Raises Refused, NotReadable, BadInput, RateLimited or Unavailable."""
        entry = await self._entry(key, job)
        described = await self._source.describe(entry)
        upload = described.upload or Upload(job.job_id, job.url)
        self._check_wanted(job, upload)
        self._check(job, exit_by_facts(self._rules.exits, _facts(described, upload), self._clock()))
        recording = described.recording
        if described.captions is not None:
            data = await self._source.captions(described.captions)
            # Parsing an hour of captions takes tens of milliseconds: not in the loop that others wait for.
            sentences = await asyncio.to_thread(_sentences, recording, data)
        elif self._listener is not None:
            self._told(key, job, IngestStep.SPEECH, recording.title)
            heard = await self._heard(key, job, described)
            recording = replace(recording, language=recording.language or heard.language)
            sentences = await asyncio.to_thread(_of_cues, recording, heard.cues)
        else:
            raise self._without_captions(job, upload)
        if not sentences:
            raise Refused("no_captions", "Its captions hold no words.")
        self._check(job, exit_by_text(self._rules.exits, recording, sentences))
        chapters = described.chapters
        if self._personal_data is not None:
            recording, sentences, chapters = await without_personal_data(
                self._personal_data, recording, sentences, chapters
            )
        published_at = upload.published_at or 0.0
        read = Transcript(recording, tuple(sentences), chapters, described.channel, published_at)
        return in_whole_characters(read)

    async def _entry(self, key: str, job: Job) -> Entry:
        if entry := self._handed.take(key, job.job_id):
            return entry
        if "#" not in job.job_id.removeprefix(recording_id_of(job.url)):
            return Entry(job.url, job.title)
        # One of several of a page, and what was read of it is gone with the process that read it.
        listing = await self._source.list(job.url)
        found = next((entry for entry in listing.entries if job_id_of(entry) == job.job_id), None)
        if found is None:
            raise Refused(SourceState.DELETED, "Its page does not have it any more.")
        return found

    # ------------------------------------------------------------ what is not taken
    def _check_wanted(self, job: Job, upload: Upload) -> None:
        """What a listing took for young enough, or for a video, may turn out not to be."""
        if job.kinds and upload.kind not in job.kinds:
            raise Refused("kind", "not of the kinds that are followed")
        if job.since and upload.exact and upload.published_at is not None and upload.published_at < job.since:
            raise Refused("old", "older than was asked for")

    def _check(self, job: Job, found: EarlyExit | None) -> None:
        if found is None:
            return
        # What somebody asks for by its link he wants, however short it is.
        if not self._rules.enforce_exits or job.urgency is Urgency.PERSON:
            _log.info("%s would be left out (%s): %s", job.job_id, found.reason, found.because)
            return
        raise Refused("exit", found.because)

    def _without_captions(self, job: Job, upload: Upload) -> Exception:
        age_s = self._clock() - (upload.published_at or 0.0)
        if job.urgency is not Urgency.PERSON and upload.exact and age_s < _CAPTIONS_COME_S:
            return NotReadable(SourceState.PROCESSING, "It has no captions yet.")
        return Refused("no_captions", "It has no captions.")

    # ------------------------------------------------------------ listening
    async def _heard(self, key: str, job: Job, described: Described) -> Heard:
        """What is said in it. What it may take of the month's budget is set aside first, and corrected afterwards."""
        assert self._listener is not None
        length_s = described.recording.duration_s or self._rules.max_speech_s
        await self._take(key, job, length_s)
        done_s = 0.0
        try:
            _, _, item = job.job_id.removeprefix(recording_id_of(job.url)).partition("#")
            events = self._listener.transcribe(
                described.recording.url, described.recording.language, item=item, at_most_s=self._rules.max_speech_s
            )
            async for event in events:
                match event:
                    case SpeechProgress():
                        done_s = event.done_s
                        self._told(key, job, IngestStep.SPEECH, _how_far(described.recording, event))
                    case NobodySpeaks():
                        done_s = event.audio_s
                        raise Refused("no_speech", event.reason)
                    case Heard():
                        done_s = event.audio_s
                        return event
            raise BadInput("Nothing could be heard in it.", "Link to a recording with captions.")
        finally:
            await self._queue.take_speech(key, job.job_id, job.lease, done_s - length_s, None)

    async def _take(self, key: str, job: Job, seconds: float) -> None:
        taken = await self._queue.take_speech(key, job.job_id, job.lease, seconds, self._rules.speech_s_a_month)
        if isinstance(taken, NoSpeech):
            problem = (
                f"It has no captions, and of this month's speech recognition {length_text(taken.left_s)} are left."
            )
            raise RateLimited(problem, max(1.0, taken.resets_at - self._clock()))


def _how_far(recording: Recording, progress: SpeechProgress) -> str:
    if not progress.total_s:
        return recording.title
    return f"{recording.title} ({progress.done_s / progress.total_s:.0%} listened to)"


def _facts(described: Described, upload: Upload) -> Facts:
    return Facts(
        upload.kind,
        described.recording.duration_s or upload.length_s,
        described.view_count,
        upload.published_at if upload.exact else None,
        described.recording.title,
        described.description,
    )


def _sentences(recording: Recording, data: bytes) -> Sequence[Sentence]:
    return _of_cues(recording, parse(data).cues)


def _of_cues(recording: Recording, cues: Sequence[Cue]) -> Sequence[Sentence]:
    spoken = with_speakers(cues, recording.speaker)
    words = sum(cue.text.count(" ") + 1 for cue in spoken)
    if words > MAX_WORDS:
        problem = f"Its captions have {words:,} words; at most {MAX_WORDS:,} can be read."
        raise BadInput(problem, "Link to a part of it.")
    sentences = to_sentences(spoken, recording.language)
    if len(sentences) > MAX_SENTENCES:
        problem = f"Its captions have {len(sentences):,} sentences; at most {MAX_SENTENCES:,} can be read."
        raise BadInput(problem, "Link to a part of it.")
    return sentences
