"""The work on recordings, with all that it works with: a real queue, and a reader and a store of this process."""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace

from actors.ingest_queue import IngestQueue
from core.ingest_messages import Done, Fail, Finish, Job, Leased, NewJob, Urgency
from core.messages import IngestStep, Passage, Recording, Sentence
from core.ports import Vectors
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.posts import Posts
from deployments.recording_work import RecordingWork, WorkRules
from deployments.storing import Storing
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.queue import Clock, leased
from tests.fakes.store import MemoryStore

TENANT, KEY = TenantContext("guild-1", "guild"), "guild-1|guild"
URL = "https://shore.example/tides"
TIDES = NewJob("tides", URL, "Tides", Urgency.NEWS)
KEEPS = WorkRules()
SAID = ("Tidal pools are home to sea stars.", "A sea star can grow back a lost arm.")


def transcript(*said: str, **more: object) -> Transcript:
    recording = Recording("tides", URL, "Tides", "Ada Example")
    sentences = tuple(Sentence(float(at), at + 1.0, text) for at, text in enumerate(said or SAID))
    return replace(Transcript(recording, sentences), **more)  # type: ignore[arg-type]


class Reader:
    """Gives a transcript, or raises; `reads` counts."""

    def __init__(self) -> None:
        self.gives: Transcript | Exception = transcript()
        self.reads = 0
        self.meanwhile: Callable[[], Awaitable[object]] | None = None

    async def read(self, key: str, job: Job) -> Transcript:  # noqa: ARG002
        self.reads += 1
        if self.meanwhile is not None:
            await self.meanwhile()
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


class SlowStore(MemoryStore):
    """`meanwhile` happens while something is stored."""

    meanwhile: Callable[[], Awaitable[object]] | None = None

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        stored = await super().replace_recording(tenant, passages, vectors, sentence_vectors)
        if self.meanwhile is not None:
            await self.meanwhile()
        return stored


class Desk:
    """The work, and all that it works with."""

    def __init__(self, queue: IngestQueue, clock: Clock, rules: WorkRules = KEEPS) -> None:
        self.clock = clock
        self.queue, self.reader, self.store, self.embedder = queue, Reader(), SlowStore(), FakeEmbedder()
        self.steps: list[IngestStep] = []
        self.after: list[str] = []
        self.work = RecordingWork(
            self.reader,
            Storing(self.embedder, self.store),
            queue,
            Posts(),
            rules,
            told=lambda _key, _job, step, _title: self.steps.append(step),
            after=self._after,
            clock=clock,
        )

    async def _after(self, key: str, job: Job, found: Transcript) -> None:  # noqa: ARG002
        self.after.append(job.job_id)

    async def do(self, job: NewJob = TIDES) -> Finish | Fail:
        """Do a new job from the queue, and tell the queue how it ended."""
        return await self.end(await leased(self.queue, KEY, job))

    async def end(self, job: Job) -> Finish | Fail:
        """Do a job, and tell the queue how it ended."""
        ended = await self.work(KEY, job)
        told = self.queue.finish(KEY, ended) if isinstance(ended, Finish) else self.queue.fail(KEY, ended)
        assert isinstance(await told, Done)
        return ended

    def texts(self) -> list[str]:
        return [passage.text for stored in self.store.of(TENANT).values() for passage in stored.passages]


def raising(error: Exception) -> Callable[[], Awaitable[object]]:
    async def fail() -> None:
        raise error

    return fail


async def failed_again(desk: Desk, ended: Finish | Fail) -> Job:
    """The job that failed, taken again when its next try has come."""
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    return await taken_at(desk, ended.retry_at)


async def taken_at(desk: Desk, at: float) -> Job:
    assert not isinstance(await desk.queue.lease(KEY, 30.0), Leased)
    desk.clock.now = at + 1.0
    found = await desk.queue.lease(KEY, 30.0)
    assert isinstance(found, Leased)
    return found.job
