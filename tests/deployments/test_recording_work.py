"""The job of one recording over the real queue: what is stored, once, whatever others do meanwhile."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core.errors import Unavailable
from core.following import Announcement
from core.ingest_messages import Fail, Finish, Leased, LeaseLost, NewJob, Urgency
from core.messages import IngestState, IngestStep
from tests.deployments.recording_desk import KEY, SAID, TIDES, URL, Desk, failed_again, raising, taken_at, transcript
from tests.fakes.queue import Clock, leased, opened


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
    desk.store.meanwhile = raising(Unavailable("The store", "Later."))
    ended = await desk.work(KEY, job)
    assert isinstance(ended, Fail)
    assert await desk.queue.kept(KEY, "tides")
    await desk.queue.fail(KEY, ended)
    desk.store.meanwhile = None
    ended = await desk.work(KEY, await failed_again(desk, ended))
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
    second = await desk.end(await taken_at(desk, first.check_at))
    assert isinstance(second, Finish)
    assert (desk.texts(), second.check_at) == (["Tidal pools are home to seals."], uploaded_at + 7 * 86_400)
    calls = len(desk.embedder.calls)
    third = await desk.end(await taken_at(desk, second.check_at))
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
