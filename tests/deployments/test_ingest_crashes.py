"""A worker dies, or is late, at every wait of its work on a recording: it is there once, and told of once."""

import asyncio
from pathlib import Path

import pytest

from core.ingest_messages import NOTHING, NewJob, Urgency
from tests.deployments.dying_workers import KEY, LEASE_S, NEWS, TENANT, URL, Place, every_wait, stopped

ASKED = NewJob(URL, URL, "0", Urgency.PERSON, again=True)


@pytest.mark.parametrize("jobs", [(NEWS,), (NEWS, ASKED)], ids=["news", "news that somebody asked for"])
@pytest.mark.parametrize("times", [1, 2])
async def test_a_worker_that_dies_at_any_wait_loses_and_doubles_nothing(
    tmp_path: Path, times: int, jobs: tuple[NewJob, ...]
) -> None:
    async def case(place: Place, at: int) -> bool:
        more = False
        for time in range(times):
            async with place.worker() as worker:
                if not time:
                    await worker.queue.add(KEY, jobs)
                place.clock.now += 2 * LEASE_S
                async with stopped(worker.work(), at) as (steps, _):
                    more = more or steps.stands.is_set()
                    view = await worker.queue.view(KEY)
                    kept = bool(view.jobs) and view.jobs[0].step != NOTHING
            fetched = len(place.talks.fetched)
            if kept:
                assert fetched == 1
        await place.finished()
        await place.judged()
        if kept:
            assert len(place.talks.fetched) == 1, "what was kept was fetched again"
        return more

    assert await every_wait(tmp_path, case) > 15


async def test_a_worker_that_is_late_at_any_wait_changes_nothing(tmp_path: Path) -> None:
    async def case(place: Place, at: int) -> bool:
        async with place.worker() as worker:
            await worker.queue.add(KEY, [NEWS])
            async with stopped(worker.work(), at) as (steps, late):
                if more := steps.stands.is_set():
                    place.clock.now += 2 * LEASE_S
                    await worker.work()
                    steps.go_on()
                    await late
        await place.finished()
        await place.judged()
        return more

    assert await every_wait(tmp_path, case) > 15


@pytest.mark.parametrize("lives", [0, 1, 3, 100])
async def test_what_is_forgotten_at_any_wait_of_its_worker_stays_forgotten(tmp_path: Path, lives: int) -> None:
    async def case(place: Place, at: int) -> bool:
        async with place.worker() as worker:
            await worker.queue.add(KEY, [NEWS])
            async with stopped(worker.work(), at) as (steps, task):
                more = steps.stands.is_set()
                await worker.queue.forget(KEY, [URL])
                await place.store.forget_recording(TENANT, URL)
                steps.go_on(at + lives)
                standing = asyncio.ensure_future(steps.stands.wait())
                await asyncio.wait({task, standing}, return_when=asyncio.FIRST_COMPLETED)
                standing.cancel()
        async with place.worker() as worker:
            for _ in range(3):
                place.clock.now += 10 * LEASE_S
                await worker.work()
            assert place.store.of(TENANT) == {}
            assert await worker.queue.kept(KEY, URL) == ""
            # Nothing of it is in the way of having it again.
            await worker.queue.add(KEY, [NEWS])
            await worker.work()
        assert list(place.store.of(TENANT)) == [URL]
        return more

    assert await every_wait(tmp_path, case) > 15


async def test_two_links_to_one_recording_are_announced_once(tmp_path: Path) -> None:
    other = "https://shore.example/other"

    async def case(place: Place, at: int) -> bool:
        async with place.worker() as worker:
            await worker.queue.add(KEY, [NewJob(other, other, "0", Urgency.NEWS, announce_to="42"), NEWS])
            async with stopped(worker.work(), at) as (steps, late):
                more = steps.stands.is_set()
                await worker.work()
                if more:
                    steps.go_on()
                    await late
            await asyncio.sleep(0.02)
            assert (await worker.queue.view(KEY)).jobs == ()
            assert await worker.queue.became(KEY, [URL, other]) == {URL: "", other: ""}
        assert len(place.wall.posted) == 1
        assert list(place.store.of(TENANT)) == [URL]
        return more

    assert await every_wait(tmp_path, case) > 15
