"""The job of one recording over the real queue: what is stored, and how each way of failing ends it."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from actors.ingest_queue import IngestQueue
from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited, Unavailable
from core.following import Announcement, JobState
from core.ingest_messages import Done, Fail, Finish, Job, Leased, LeaseLost, NewJob, Urgency
from core.messages import IngestState, IngestStep, Passage, Recording, Sentence
from core.ports import Vectors
from core.source_states import CLOSED_STATES, SourceState
from core.tenancy import TenantContext
from core.transcripts import Transcript
from deployments.posts import Posts
from deployments.recording_work import RecordingWork, Refused, WorkRules
from deployments.storing import Storing
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.queue import Clock, leased, opened
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


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        yield Desk(queue, clock)


# ---------------------------------------------------------------- the way in
async def test_a_recording_is_read_embedded_and_stored_once(desk: Desk) -> None:
    ended = await desk.do()
    assert isinstance(ended, Finish)
    assert (ended.state, ended.announcement, ended.check_at) == ("", "", 0.0)
    assert desk.texts() == [" ".join(SAID)]
    assert desk.steps == [IngestStep.CAPTIONS, IngestStep.EMBEDDING, IngestStep.STORING]
    assert desk.after == ["tides"]
    assert await desk.queue.became(KEY, ["tides"]) == {"tides": ""}
    assert await desk.queue.kept(KEY, "tides") == ""


async def test_what_was_read_before_a_crash_is_not_read_again(desk: Desk) -> None:
    job = await leased(desk.queue, KEY, TIDES)
    desk.store.meanwhile = _raising(Unavailable("The store", "Later."))
    ended = await desk.work(KEY, job)
    assert isinstance(ended, Fail)
    assert await desk.queue.kept(KEY, "tides")
    await desk.queue.fail(KEY, ended)
    desk.store.meanwhile = None
    ended = await desk.work(KEY, await _again(desk, ended))
    assert isinstance(ended, Finish)
    assert (desk.reader.reads, desk.texts()) == (1, [" ".join(SAID)])


async def test_text_kept_by_another_release_is_read_anew(desk: Desk) -> None:
    job = await leased(desk.queue, KEY, TIDES)
    await desk.queue.keep(KEY, "tides", job.lease, "text", "of another form")
    ended = await desk.work(KEY, msgspec.structs.replace(job, step="text"))
    assert isinstance(ended, Finish)
    assert (desk.reader.reads, len(desk.texts())) == (1, 1)


async def test_news_come_with_their_post(desk: Desk) -> None:
    ended = await desk.do(msgspec.structs.replace(TIDES, announce_to="42"))
    assert isinstance(ended, Finish)
    post = msgspec.json.decode(ended.announcement, type=Announcement)
    assert (post.tenant, post.channel, post.title, post.url) == ("guild-1", "42", "Tides", URL)


async def test_a_young_recording_is_looked_at_again_and_corrected_captions_replace_it(desk: Desk) -> None:
    uploaded_at = desk.clock.now - 3_600
    desk.reader.gives = transcript(published_at=uploaded_at)
    first = await desk.do()
    assert isinstance(first, Finish)
    assert first.check_at == uploaded_at + 86_400
    desk.reader.gives = transcript("Tidal pools are home to seals.", published_at=uploaded_at)
    second = await desk.end(await _taken_at(desk, first.check_at))
    assert isinstance(second, Finish)
    assert (desk.texts(), second.check_at) == (["Tidal pools are home to seals."], uploaded_at + 7 * 86_400)
    calls = len(desk.embedder.calls)
    third = await desk.end(await _taken_at(desk, second.check_at))
    assert isinstance(third, Finish)
    assert (third.check_at, len(desk.embedder.calls)) == (0.0, calls)
    assert desk.work.outcomes[KEY, "tides"].state is IngestState.UNCHANGED
    assert await desk.queue.became(KEY, ["tides"]) == {"tides": ""}


async def test_the_same_recording_under_another_link_is_known_and_not_embedded_again(desk: Desk) -> None:
    await desk.do()
    calls = len(desk.embedder.calls)
    ended = await desk.do(NewJob("mirror", "https://mirror.example/tides", "Tides", Urgency.BACKFILL, announce_to="4"))
    assert isinstance(ended, Finish)
    assert (ended.also_known_as, ended.announcement, len(desk.embedder.calls)) == (("tides",), "", calls)
    assert await desk.queue.became(KEY, ["tides", "mirror"]) == {"tides": "", "mirror": ""}


# ---------------------------------------------------------------- how it fails
@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
async def test_a_person_is_told_at_once_of_what_is_closed(desk: Desk, state: SourceState) -> None:
    desk.reader.gives = NotReadable(state, "It is closed.")
    ended = await desk.do(msgspec.structs.replace(TIDES, urgency=Urgency.PERSON, again=True))
    assert isinstance(ended, Finish)
    if state is not SourceState.DELETED:
        assert (ended.state, desk.work.outcomes[KEY, "tides"].state) == (state, IngestState.FAILED)


@pytest.mark.parametrize("state", sorted(CLOSED_STATES - {SourceState.DELETED}))
async def test_what_is_closed_is_looked_at_again_for_a_follower_after_days_and_waited_for_by_nobody(
    desk: Desk, state: SourceState
) -> None:
    desk.reader.gives = NotReadable(state, "It is closed.")
    ended = await desk.do()
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    assert ended.retry_at > desk.clock.now + 2 * 86_400
    assert await desk.queue.became(KEY, ["tides"]) == {"tides": "It is closed."}


async def test_what_was_deleted_before_it_came_is_never_tried_again(desk: Desk) -> None:
    desk.reader.gives = NotReadable(SourceState.DELETED, "It is gone.")
    ended = await desk.do()
    assert isinstance(ended, Finish)
    assert (ended.state, await desk.queue.under_way(KEY, ["tides"])) == (SourceState.DELETED, {})


@pytest.mark.parametrize("removes", [False, True])
async def test_what_is_here_and_was_deleted_at_its_source_stays_or_goes(tmp_path: Path, removes: bool) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        desk = Desk(queue, clock, WorkRules(removes_deleted=removes))
        await desk.do()
        desk.reader.gives = NotReadable(SourceState.DELETED, "It is gone.")
        ended = await desk.do(msgspec.structs.replace(TIDES, again=True, urgency=Urgency.BACKFILL))
        assert isinstance(ended, Finish)
        assert bool(desk.texts()) is not removes
        became = await queue.became(KEY, ["tides"])
        assert became == {"tides": "It is gone. It was removed here too." if removes else ""}


async def test_what_a_site_asks_to_wait_is_never_undercut(desk: Desk) -> None:
    desk.reader.gives = NotReadable(SourceState.RATE_LIMITED, "Too many requests.", "", 50_000.0)
    ended = await desk.do()
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    assert ended.retry_at >= desk.clock.now + 49_900


async def test_a_state_that_lasts_waits_longer_each_time_and_is_given_up_in_the_end(desk: Desk) -> None:
    desk.reader.gives = NotReadable(SourceState.UNKNOWN, "Nobody knows.")
    job = await leased(desk.queue, KEY, TIDES)
    waits: list[float | None] = []
    for attempts in range(10):
        tried = msgspec.structs.replace(job, attempts=attempts, state=SourceState.UNKNOWN if attempts else "")
        ended = await desk.work(KEY, tried)
        assert isinstance(ended, Fail)
        waits.append(ended.retry_at and ended.retry_at - desk.clock.now)
    assert waits[-1] is None
    known = [wait_s for wait_s in waits if wait_s is not None]
    assert len(known) >= 5
    assert known[0] < known[1] < known[2]


@pytest.mark.parametrize(
    "error", [Busy("shore.example", 120.0), RateLimited("The month's speech is used up.", 120.0)], ids=["busy", "limit"]
)
async def test_standing_in_a_line_costs_no_try(desk: Desk, error: BotError) -> None:
    desk.reader.gives = error
    job = await leased(desk.queue, KEY, TIDES)
    ended = await desk.work(KEY, msgspec.structs.replace(job, attempts=500, state="part"))
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    assert ended.retry_at >= desk.clock.now + 119


async def test_a_part_that_is_away_is_waited_for_and_not_for_ever(desk: Desk) -> None:
    desk.reader.gives = Unavailable("The store", "Later.")
    ended = await desk.do()
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    assert desk.clock.now < ended.retry_at < desk.clock.now + 60
    job = msgspec.structs.replace(await _again(desk, ended), attempts=19, state=ended.state)
    last = await desk.work(KEY, job)
    assert isinstance(last, Fail)
    assert last.retry_at is None


async def test_a_defect_is_tried_a_few_times_then_waits_for_a_person(
    desk: Desk, caplog: pytest.LogCaptureFixture
) -> None:
    desk.reader.gives = KeyError("secret detail")
    ended = await desk.do()
    for _ in range(2):
        assert isinstance(ended, Fail)
        assert ended.retry_at is not None
        ended = await desk.end(await _again(desk, ended))
    assert isinstance(ended, Fail)
    assert ended.retry_at is None
    assert "KeyError" in ended.reason
    assert "secret detail" not in ended.reason
    assert "secret detail" in caplog.text
    (view,) = (await desk.queue.view(KEY)).jobs
    assert (view.state, view.attempts) == (JobState.DEAD, 3)


async def test_odd_captions_are_refused_to_a_person_and_looked_at_again_for_a_follower(desk: Desk) -> None:
    desk.reader.gives = BadInput("Its captions are odd.")
    told = await desk.do(msgspec.structs.replace(TIDES, urgency=Urgency.PERSON))
    assert isinstance(told, Finish)
    assert told.reason == "Its captions are odd."
    ended: Finish | Fail = await desk.do(NewJob("reefs", URL, "Reefs", Urgency.NEWS))
    tries = 1
    while isinstance(ended, Fail):
        assert ended.retry_at is not None
        assert ended.retry_at > desk.clock.now + 3_600
        ended = await desk.end(await _again(desk, ended))
        tries += 1
    assert (tries, ended.reason) == (3, "Its captions are odd.")


@pytest.mark.parametrize(
    ("state", "becomes"), [("no_captions", IngestState.SKIPPED), ("no_speech", IngestState.FAILED)]
)
async def test_what_is_refused_is_left_out_or_failed(desk: Desk, state: str, becomes: IngestState) -> None:
    desk.reader.gives = Refused(state, "It has none.")
    ended = await desk.do()
    assert isinstance(ended, Finish)
    assert (desk.work.outcomes[KEY, "tides"].state, ended.state) == (becomes, state)
    assert await desk.queue.became(KEY, ["tides"]) == {"tides": "It has none."}


# ---------------------------------------------------------------- while others do things
async def test_what_is_forgotten_while_it_is_stored_is_deleted_again(desk: Desk) -> None:
    desk.store.meanwhile = lambda: desk.queue.forget(KEY, ["tides"])
    job = await leased(desk.queue, KEY, TIDES)
    ended = await desk.work(KEY, job)
    assert desk.texts() == []
    assert isinstance(ended, Finish)
    assert isinstance(await desk.queue.finish(KEY, ended), LeaseLost)
    assert await desk.queue.became(KEY, ["tides"]) == {}
    assert desk.after == []


async def test_what_is_forgotten_while_it_is_read_is_neither_embedded_nor_stored(desk: Desk) -> None:
    desk.reader.meanwhile = lambda: desk.queue.forget(KEY, ["tides"])
    await desk.work(KEY, await leased(desk.queue, KEY, TIDES))
    assert (desk.texts(), desk.embedder.calls) == ([], [])


async def test_who_lost_the_lease_deletes_nothing_of_who_has_it(desk: Desk) -> None:
    job = await leased(desk.queue, KEY, TIDES)

    async def others_have_it() -> None:
        desk.clock.now += 40.0
        assert isinstance(await desk.queue.lease(KEY, 30.0), Leased)

    desk.store.meanwhile = others_have_it
    ended = await desk.work(KEY, job)
    assert isinstance(ended, Finish)
    assert isinstance(await desk.queue.finish(KEY, ended), LeaseLost)
    assert desk.texts() == [" ".join(SAID)]


def _raising(error: Exception) -> Callable[[], Awaitable[object]]:
    async def fail() -> None:
        raise error

    return fail


async def _again(desk: Desk, ended: Finish | Fail) -> Job:
    """The job that failed, taken again when its next try has come."""
    assert isinstance(ended, Fail)
    assert ended.retry_at is not None
    return await _taken_at(desk, ended.retry_at)


async def _taken_at(desk: Desk, at: float) -> Job:
    assert not isinstance(await desk.queue.lease(KEY, 30.0), Leased)
    desk.clock.now = at + 1.0
    found = await desk.queue.lease(KEY, 30.0)
    assert isinstance(found, Leased)
    return found.job
