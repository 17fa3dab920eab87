"""The job of one recording over the real queue: how each way of failing ends it."""

from collections.abc import AsyncIterator
from pathlib import Path

import msgspec
import pytest

from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited, Unavailable
from core.following import JobState
from core.ingest_messages import Fail, Finish, NewJob, Urgency
from core.messages import IngestState
from core.source_states import CLOSED_STATES, SourceState
from deployments.recording_work import Refused, WorkRules
from tests.deployments.recording_desk import KEY, TIDES, URL, Desk, failed_again
from tests.fakes.queue import Clock, leased, opened


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        yield Desk(queue, clock)


# ---------------------------------------------------------------- how it fails
@pytest.mark.parametrize("state", sorted(CLOSED_STATES))
async def test_a_person_is_told_at_once_of_what_is_closed(desk: Desk, state: SourceState) -> None:
    desk.reader.gives = NotReadable(state, "It is closed.")
    ended = await desk.do(msgspec.structs.replace(TIDES, urgency=Urgency.PERSON, again=True))
    assert isinstance(ended, Finish)
    assert (ended.state, desk.work.outcomes[KEY, "tides"].state) == (state, IngestState.FAILED)
    assert await desk.queue.became(KEY, ["tides"]) == {"tides": "It is closed."}


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
        told = desk.work.outcomes[KEY, "tides"]
        assert told.state is IngestState.FAILED
        assert told.reason == f"It is gone. {'It was removed here too.' if removes else 'What is here of it stays.'}"


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
    job = msgspec.structs.replace(await failed_again(desk, ended), attempts=19, state=ended.state)
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
        ended = await desk.end(await failed_again(desk, ended))
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
        ended = await desk.end(await failed_again(desk, ended))
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
