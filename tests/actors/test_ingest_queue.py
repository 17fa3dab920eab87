"""The ingest queue on a journal: what survives a restart, and bells and posts that are not lost."""

import asyncio
from pathlib import Path

import pytest

from actors.ingest_queue import IngestQueue
from core.entity_codec import to_json
from core.errors import BadInput
from core.following import Announcement, JobState
from core.ingest_messages import (
    TEXT,
    Done,
    Enrol,
    Fail,
    Finish,
    Leased,
    LeaseLost,
    NewJob,
    NoSpeech,
    NothingToDo,
    SpeechTaken,
    Urgency,
)
from tests.fakes.queue import Clock, FakeBell, FakeWall, leased, opened, until

KEY, OTHER = "guild-1|guild", "guild-2|guild"
POST = Announcement("n1", "guild-1", "42", "https://shore.example/tides", "Tides")


def job(name: str, urgency: Urgency = Urgency.NEWS, **more: object) -> NewJob:
    return NewJob(name, f"https://shore.example/{name}", name, urgency, **more)  # type: ignore[arg-type]


async def test_jobs_their_text_and_what_was_done_survive_a_restart(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        done = await leased(queue, KEY, job("done"))
        await queue.finish(KEY, Finish("done", done.lease, also_known_as=("mirror",)))
        old = await leased(queue, KEY, job("old"))
        await queue.finish(KEY, Finish("old", old.lease, "old", "older than was asked for"))
        half = await leased(queue, KEY, job("half"))
        await queue.keep(KEY, "half", half.lease, TEXT, "what was said")
        await queue.add(KEY, [job("waits", Urgency.BACKFILL)])
    async with opened(tmp_path) as queue:
        assert await queue.became(KEY, ["done", "mirror", "old", "half"]) == {
            "done": "",
            "mirror": "",
            "old": "older than was asked for",
        }
        views = await queue.under_way(KEY, ["done", "half", "waits"])
        assert {name: (view.state, view.step) for name, view in views.items()} == {
            "half": (JobState.WORKING, TEXT),
            "waits": (JobState.WAITING, ""),
        }
        assert await queue.kept(KEY, "half") == "what was said"
        assert isinstance(await queue.renew(KEY, "half", half.lease, 30.0), Done)
        assert (await queue.add(KEY, [job("done"), job("new")])).known == ("done",)


async def test_what_was_kept_of_a_job_goes_with_it(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        half = await leased(queue, KEY, job("half"))
        await queue.keep(KEY, "half", half.lease, TEXT, "SECRET WORDS")
        await queue.finish(KEY, Finish("half", half.lease))
        assert await queue.kept(KEY, "half") == ""


async def test_a_worker_that_died_with_the_process_loses_its_lease_to_the_next(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        first = await leased(queue, KEY, job("a"))
    clock.now += 31.0
    async with opened(tmp_path, clock=clock) as queue:
        second = await queue.lease(KEY, 30.0)
        assert isinstance(second, Leased)
        assert (second.job.job_id, second.job.crashes) == ("a", 1)
        assert isinstance(await queue.finish(KEY, Finish("a", first.lease)), LeaseLost)
        assert isinstance(await queue.finish(KEY, Finish("a", second.job.lease)), Done)


async def test_a_job_that_ends_its_worker_each_time_is_given_up_and_the_others_go_on(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        await queue.add(KEY, [job("poison", Urgency.PERSON), job("fine")])
        taken: list[str] = []
        for _ in range(40):
            found = await queue.lease(KEY, 1.0)
            if isinstance(found, Leased):
                taken.append(found.job.job_id)
                if found.job.job_id == "fine":
                    await queue.finish(KEY, Finish("fine", found.job.lease))
            clock.now += 10.0
        assert taken.count("fine") == 1
        assert taken.count("poison") == 5
        (view,) = (await queue.view(KEY)).jobs
        assert (view.job_id, view.state) == ("poison", JobState.DEAD)


async def test_workers_are_rung_for_and_rung_again_when_nobody_heard(tmp_path: Path) -> None:
    bell = FakeBell()
    bell.broken = True

    async def tried() -> bool:
        return bell.tries >= 2

    async def heard() -> bool:
        return bool(bell.rings)

    async with opened(tmp_path, bell) as queue:
        await queue.add(KEY, [job("a", Urgency.BACKFILL), job("b", Urgency.PERSON)])
        await until(tried)
        bell.broken = False
        await until(heard)
        assert bell.rings[0] == (KEY, Urgency.PERSON)


async def test_a_bell_that_nobody_heard_before_a_restart_rings_after_it(tmp_path: Path) -> None:
    bell = FakeBell()
    bell.broken = True

    async def tried() -> bool:
        return bool(bell.tries)

    async def heard() -> bool:
        return bool(later.rings)

    async with opened(tmp_path, bell) as queue:
        await queue.add(KEY, [job("a")])
        await until(tried)
    later = FakeBell()
    async with opened(tmp_path, later):
        await until(heard)
    assert later.rings[0] == (KEY, Urgency.NEWS)


async def test_an_announcement_that_nobody_took_survives_a_restart_and_comes_once(tmp_path: Path) -> None:
    wall = FakeWall()
    wall.broken = True

    async def tried() -> bool:
        return bool(wall.tries)

    async def posted() -> bool:
        return bool(later.posts)

    async with opened(tmp_path, wall=wall) as queue:
        taken = await leased(queue, KEY, job("tides"))
        await queue.finish(KEY, Finish("tides", taken.lease, announcement=to_json(POST)))
        await until(tried)
    later = FakeWall()
    async with opened(tmp_path, wall=later) as queue:
        await until(posted)
        assert isinstance(await queue.finish(KEY, Finish("tides", taken.lease, announcement=to_json(POST))), LeaseLost)
        await asyncio.sleep(0.05)
    async with opened(tmp_path, wall=later):
        await asyncio.sleep(0.05)
    assert later.posts == [POST]


async def test_a_recording_that_is_here_already_is_not_announced_again(tmp_path: Path) -> None:
    wall = FakeWall()
    async with opened(tmp_path, wall=wall) as queue:
        taken = await leased(queue, KEY, job("tides"))
        await queue.finish(KEY, Finish("tides", taken.lease))
        again = await leased(queue, KEY, job("tides", again=True))
        await queue.finish(KEY, Finish("tides", again.lease, announcement=to_json(POST)))
        await asyncio.sleep(0.05)
    assert wall.posts == []


async def test_workspaces_share_nothing(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        mine = await leased(queue, KEY, job("a"))
        await queue.keep(KEY, "a", mine.lease, TEXT, "mine")
        assert await queue.kept(OTHER, "a") == ""
        assert isinstance(await queue.lease(OTHER, 30.0), NothingToDo)
        assert isinstance(await queue.finish(OTHER, Finish("a", mine.lease)), LeaseLost)
        assert isinstance(await queue.forget(OTHER, ["a"]), Done)
        assert (await queue.view(OTHER)).working == 0
        assert (await queue.view(KEY)).working == 1


async def test_the_months_speech_is_charged_across_restarts_and_begins_anew_with_the_month(tmp_path: Path) -> None:
    clock = Clock()
    async with opened(tmp_path, clock=clock) as queue:
        taken = await leased(queue, KEY, job("a"))
        assert isinstance(await queue.take_speech(KEY, "a", taken.lease, 70.0, 100.0), SpeechTaken)
    async with opened(tmp_path, clock=clock) as queue:
        refused = await queue.take_speech(KEY, "a", taken.lease, 31.0, 100.0)
        assert isinstance(refused, NoSpeech)
        assert refused.left_s == pytest.approx(30.0)
        assert isinstance(await queue.take_speech(KEY, "a", taken.lease, -50.0, 100.0), SpeechTaken)
        assert isinstance(await queue.take_speech(KEY, "a", taken.lease, 31.0, 100.0), SpeechTaken)
        clock.now = refused.resets_at + 1.0
        later = await leased(queue, KEY, job("b", Urgency.PERSON))
        assert isinstance(await queue.take_speech(KEY, "b", later.lease, 100.0, 100.0), SpeechTaken)


async def test_dead_jobs_wait_for_a_person_through_restarts(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        for name in ("a", "b"):
            taken = await leased(queue, KEY, job(name))
            await queue.fail(KEY, Fail(name, taken.lease, "defect", "It is odd.", None))
    async with opened(tmp_path) as queue:
        assert (await queue.view(KEY)).dead == 2
        assert await queue.became(KEY, ["a"]) == {"a": "given up: It is odd."}
        assert (await queue.retry(KEY, "a")).count == 1
        assert (await queue.drop(KEY)).count == 1
        for change in (queue.retry, queue.drop):
            with pytest.raises(BadInput):
                await change(KEY, "nothing of that name")
        assert isinstance(await queue.lease(KEY, 30.0), Leased)


async def test_what_a_follower_alone_wanted_goes_with_it_and_what_a_person_wants_stays(tmp_path: Path) -> None:
    async with opened(tmp_path) as queue:
        await _enrolled(queue, followed=True)
        await queue.add(KEY, [job("theirs", follower="f"), job("both", follower="f")])
        await queue.add(KEY, [job("both", Urgency.PERSON)])
        await _enrolled(queue, followed=True, rests=True)
        first = await queue.lease(KEY, 30.0)
        assert isinstance(first, Leased)
        assert first.job.job_id == "both"
        assert isinstance(await queue.lease(KEY, 30.0), NothingToDo)
        await _enrolled(queue, followed=False)
        assert set(await queue.under_way(KEY, ["theirs", "both"])) == {"both"}
        assert await queue.channels(KEY) == {}


async def _enrolled(queue: IngestQueue, *, followed: bool, rests: bool = False) -> None:
    told = Enrol("f", "shore", "https://shore.example/feed", "Shore Talks", followed, rests)
    assert isinstance(await queue.enrol(KEY, told), Done)
