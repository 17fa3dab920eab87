"""A real ingest queue on a journal, between a bell and a wall that record what they get."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from actors.ingest_queue import IngestQueue
from actors.runtime_host import ShardConfig
from core.errors import Unavailable
from core.following import Announcement
from core.ingest_messages import Job, Leased, NewJob


class FakeBell:
    """`rings` are (key, urgency); while it is `broken` nobody hears it, and `tries` counts."""

    def __init__(self) -> None:
        self.rings: list[tuple[str, int]] = []
        self.tries = 0
        self.broken = False

    async def ring(self, key: str, urgency: int) -> None:
        self.tries += 1
        if self.broken:
            raise Unavailable("Ingest", "It is being started.")
        self.rings.append((key, urgency))


class FakeWall:
    """`posts` are the announcements that came; while it is `broken` none is taken, and `tries` counts."""

    def __init__(self) -> None:
        self.posts: list[Announcement] = []
        self.tries = 0
        self.broken = False

    async def deliver(self, announcement: Announcement) -> None:
        self.tries += 1
        if self.broken:
            raise Unavailable("Whoever posts on Discord", "Later.")
        self.posts.append(announcement)


class Clock:
    """Tells the time that it is set to, unix seconds."""

    def __init__(self) -> None:
        self.now = time.time()

    def __call__(self) -> float:
        return self.now


def shard_in(folder: Path, clock: Callable[[], float] = time.time) -> ShardConfig:
    """A shard whose journal lies in `folder`."""
    return ShardConfig(f"sqlite:///{folder}/journal.db", clock=clock)


@asynccontextmanager
async def opened(
    folder: Path, bell: FakeBell | None = None, wall: FakeWall | None = None, clock: Callable[[], float] = time.time
) -> AsyncIterator[IngestQueue]:
    """A queue whose journal lies in `folder`; what is there already it goes on with."""
    queue = IngestQueue(shard_in(folder, clock), bell or FakeBell(), wall or FakeWall())
    try:
        yield queue
    finally:
        await queue.close()


async def leased(queue: IngestQueue, key: str, job: NewJob, lease_s: float = 30.0) -> Job:
    """`job`, put into the queue and taken out of it to be worked on."""
    await queue.add(key, [job])
    found = await queue.lease(key, lease_s)
    assert isinstance(found, Leased), found
    assert found.job.job_id == job.job_id
    return found.job


async def until(is_so: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something that goes on elsewhere has come to that."""
    async with asyncio.timeout(20):
        while not await is_so():  # noqa: ASYNC110 - an outbox tells nobody
            await asyncio.sleep(0.01)
