"""What a queue and its followers tell each other arrives late, twice or never: no look is lost, nothing comes back."""

import asyncio
from collections.abc import Sequence
from pathlib import Path

import pytest
from msgspec.structs import replace

from actors.channel_follower import ChannelFollower
from actors.ingest_queue import IngestQueue
from actors.runtime_host import ShardConfig
from core.errors import Unavailable
from core.follow_messages import ChannelInfo, Found, FoundUpload, Wish
from core.ingest_messages import TEXT, AddReply, Done, Enrol, Finish, Leased, NewJob, Urgency
from tests.deployments.dying_workers import KEY, LEASE_S, NEWS, URL, Place

LOOK = NewJob("list shore", URL, "Shore", Urgency.NEWS, "guild|talks|1", again=True)


async def test_a_look_that_was_asked_for_while_one_was_under_way_comes_after_it(tmp_path: Path) -> None:
    async with Place(tmp_path).worker() as worker:
        await worker.queue.add(KEY, [LOOK])
        first = await worker.queue.lease(KEY, LEASE_S)
        assert isinstance(first, Leased)
        await worker.queue.add(KEY, [LOOK])
        await worker.queue.finish(KEY, Finish(LOOK.job_id, first.job.lease))
        second = await worker.queue.lease(KEY, LEASE_S)
        assert isinstance(second, Leased)
        assert second.job.followers == (LOOK.follower,)
        await worker.queue.finish(KEY, Finish(LOOK.job_id, second.job.lease))
        assert not isinstance(await worker.queue.lease(KEY, LEASE_S), Leased)


@pytest.mark.parametrize("urgency", [Urgency.NEWS, Urgency.PERSON])
async def test_a_look_that_ended_its_workers_too_often_is_taken_again_when_it_is_asked_for(
    tmp_path: Path, urgency: Urgency
) -> None:
    place = Place(tmp_path)
    async with place.worker() as worker:
        await worker.queue.add(KEY, [LOOK])
        for _ in range(6):
            place.clock.now += 10 * LEASE_S
            await worker.queue.lease(KEY, LEASE_S)
        assert not isinstance(await worker.queue.lease(KEY, LEASE_S), Leased)
        await worker.queue.add(KEY, [replace(LOOK, urgency=urgency)])
        again = await worker.queue.lease(KEY, LEASE_S)
        assert isinstance(again, Leased)
        assert again.job.followers == (LOOK.follower,)


async def test_what_a_follower_could_not_send_in_time_is_not_sent_after_it_is_gone(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.worker() as worker:
        deaf = Deaf(worker.queue)
        follower = ChannelFollower(ShardConfig(place.url, clock=place.clock), deaf, 600.0)  # type: ignore[arg-type]
        wish = Wish(("video",), 0.0, 10)
        await follower.follow(LOOK.follower, ChannelInfo("shore", URL), wish)
        found = Found((FoundUpload("a", f"{URL}/a"),), True, 900.0, 600.0)
        await follower.found(LOOK.follower, found)
        await follower.unfollow(LOOK.follower)
        deaf.hears.set()
        async with asyncio.timeout(20):
            while deaf.enrolled != [False]:
                place.clock.now += 10.0
                await asyncio.sleep(0.01)
        for _ in range(20):
            place.clock.now += 400.0
            await asyncio.sleep(0.01)
        await follower.close()
        assert deaf.added == []


class Deaf:
    """A queue that does not answer until it `hears`; `enrolled` and `added` are what it was told then."""

    def __init__(self, queue: IngestQueue) -> None:
        self._queue = queue
        self.hears = asyncio.Event()
        self.enrolled: list[bool] = []
        self.added: list[str] = []

    async def add(self, key: str, jobs: Sequence[NewJob]) -> AddReply:
        self._listen()
        self.added += [job.job_id for job in jobs]
        return await self._queue.add(key, jobs)

    async def enrol(self, key: str, enrol: Enrol) -> Done:
        self._listen()
        self.enrolled.append(enrol.followed)
        return await self._queue.enrol(key, enrol)

    def _listen(self) -> None:
        if not self.hears.is_set():
            raise Unavailable("The queue", "Later.")


async def test_what_was_kept_of_a_job_goes_with_it_when_its_channel_is_followed_no_more(tmp_path: Path) -> None:
    place = Place(tmp_path)
    async with place.worker() as worker:
        await worker.queue.add(KEY, [replace(NEWS, follower=LOOK.follower)])
        leased = await worker.queue.lease(KEY, LEASE_S)
        assert isinstance(leased, Leased)
        await worker.queue.keep(KEY, URL, leased.job.lease, TEXT, '"what was said"')
        assert await worker.queue.kept(KEY, URL)
        place.clock.now += 2 * LEASE_S
        done = await worker.queue.enrol(KEY, Enrol(LOOK.follower, "shore", URL, "Shore", followed=False))
        assert done.count == 1
        assert await worker.queue.kept(KEY, URL) == ""
