"""Reading with all that it works with: a page and an ear that give what they are told to, and a real queue."""

from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from actors.ingest_queue import IngestQueue
from core.captiontracks import CaptionSource
from core.ingest_messages import Job, NewJob, SpeechTaken, Urgency
from core.messages import Cue, IngestStep, Recording
from core.speech import NoSpeech, SpeechProgress
from core.speech import Transcript as Heard
from core.transcripts import Transcript
from core.uploads import Upload
from deployments.media_source import Described, Listing
from deployments.reading import Handed, Reading, ReadingRules
from deployments.ytdlp import Extraction
from deployments.ytdlp_info import Entry
from tests.fakes.queue import leased
from tests.fakes.site import VTT

KEY, URL, DAY_S = "guild|channel", "https://shore.example/tides", 86_400.0
NOW = 1_790_000_000.0
TIDES = NewJob("shore.example/tides", URL, "Tides", Urgency.NEWS)
RECORDING = Recording("shore.example/tides", URL, "Tides", "Ada Example", 3_600.0)
SPOKEN = CaptionSource("", "en", data=VTT.encode())


class Page:
    """A source with one recording; `described` is what its page says."""

    def __init__(self, **more: Any) -> None:
        self.described = replace(Described(RECORDING, SPOKEN), **more)
        self.entries: list[Entry] = []
        self.asked: list[Entry] = []

    async def list(self, url: str) -> Listing:
        return Listing(url, "Shore", tuple(self.entries))

    async def describe(self, entry: Entry) -> Described:
        self.asked.append(entry)
        return self.described

    async def captions(self, source: CaptionSource) -> bytes:
        assert source.data is not None
        return source.data


class Ear:
    """Hears what it is told to; `asked` are its calls."""

    def __init__(self, *events: SpeechProgress | Heard | NoSpeech, error: Exception | None = None) -> None:
        self.events, self.error = events, error
        self.asked: list[tuple[str, str, str, float | None]] = []

    async def transcribe(
        self, url: str, language: str = "", *, item: str = "", at_most_s: float | None = None
    ) -> AsyncIterator[SpeechProgress | Heard | NoSpeech]:
        self.asked.append((url, language, item, at_most_s))
        for event in self.events:
            yield event
        if self.error is not None:
            raise self.error


HEARD = Heard("en", (Cue(0.0, 2.0, "Sea stars have no brain."),), 1_800.0)


class Desk:
    def __init__(self, queue: IngestQueue) -> None:
        self.queue = queue
        self.told: list[tuple[IngestStep, str]] = []
        self.handed = Handed()

    async def read(self, page: Page, job: NewJob = TIDES, **more: Any) -> Transcript:
        rules = more.pop("rules", ReadingRules())
        reading = Reading(
            page,
            self.queue,
            self.handed,
            rules,
            told=lambda _key, _job, step, title: self.told.append((step, title)),
            clock=lambda: NOW,
            **more,
        )
        return await reading.read(KEY, await leased(self.queue, KEY, job))

    async def charged_s(self, job: Job | None = None) -> float:
        """Seconds of speech that this month was charged."""
        job = job or await leased(self.queue, KEY, NewJob("probe", URL, urgency=Urgency.PERSON))
        spent = await self.queue.take_speech(KEY, job.job_id, job.lease, 1e9, 1e9)
        return 0.0 if isinstance(spent, SpeechTaken) else 1e9 - spent.left_s  # type: ignore[union-attr]


def upload(**more: Any) -> Upload:
    return replace(Upload("shore.example/tides", URL, "Tides"), **more)


def item(number: int) -> Entry:
    info = {"id": f"clip{number}", "playlist_index": number}
    return Entry(URL, f"Clip {number}", extraction=Extraction(info, b""))
