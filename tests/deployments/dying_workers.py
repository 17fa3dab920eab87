"""Workers of ingest that die or stand still at any wait, and what outlives them."""

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine, Generator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from actors.ingest_queue import IngestQueue
from actors.runtime_host import ShardConfig
from core.captiontracks import CaptionSource
from core.following import Announcement
from core.ingest_keys import queue_key
from core.ingest_messages import Finish, Leased, LeaseLost, NewJob, Urgency
from core.messages import Recording
from core.tenancy import TenantContext
from deployments.ingest import Ingest
from deployments.media_source import Described
from deployments.ytdlp_info import Entry
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.pace import FakePace
from tests.fakes.recordings import Recordings
from tests.fakes.site import VTT
from tests.fakes.store import MemoryStore

TENANT = TenantContext("guild", "talks")
KEY = queue_key(TENANT)
URL = "https://shore.example/0"
NEWS = NewJob(URL, URL, "0", Urgency.NEWS, announce_to="42")
LEASE_S = 30.0


class Steps:
    """Runs `work` up to its wait number `at`; there it stops until `go_on`, which for a dead worker nobody calls."""

    def __init__(self, work: Coroutine[Any, Any, Any], at: int) -> None:
        self._work, self._at = work, at
        self._goes_on = asyncio.Event()
        self.stands = asyncio.Event()
        self.waits = 0

    def go_on(self, at: int = -1) -> None:
        """Up to the wait `at`, if there is one."""
        self._at = at
        self.stands.clear()
        self._goes_on.set()

    def __await__(self) -> Generator[Any, Any, Any]:
        inner = self._work.__await__()
        while True:
            try:
                waiting = inner.send(None)
            except StopIteration as ended:
                return ended.value
            if self.waits == self._at:
                self._goes_on.clear()
                self.stands.set()
                yield from self._goes_on.wait().__await__()
            self.waits += 1
            yield waiting


class Slow:
    """Waits a moment before and after each call, as what is far away does."""

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def call(*args: Any, **kwargs: Any) -> Any:
            await asyncio.sleep(0)
            reply = await getattr(self._inner, name)(*args, **kwargs)
            await asyncio.sleep(0)
            return reply

        return call


class Talks(Recordings):
    """One recording, under whatever link; `fetched` are the links of those whose captions were read."""

    def __init__(self) -> None:
        super().__init__(1)
        self.fetched: list[str] = []

    async def describe(self, entry: Entry) -> Described:
        return Described(Recording(URL, URL, "Tides"), CaptionSource(entry.url, "en", data=VTT.encode()))

    async def captions(self, source: CaptionSource) -> bytes:
        self.fetched.append(source.url)
        return await super().captions(source)


class Wall:
    """Where announcements end up, and the workers' bell, which nobody hears."""

    def __init__(self) -> None:
        self.posted: list[str] = []

    async def deliver(self, announcement: Announcement) -> None:
        self.posted.append(announcement.announcement_id)

    async def ring(self, key: str, urgency: int) -> None:
        pass


class Clock:
    """A clock that goes when it is told to."""

    def __init__(self) -> None:
        self.now = 1_750_000_000.0

    def __call__(self) -> float:
        return self.now


class Place:
    """What outlives a worker: the journal, the store, the web, the wall, and time."""

    def __init__(self, folder: Path) -> None:
        self.url = f"sqlite:///{folder}/journal.db"
        self.store, self.talks, self.wall, self.clock = MemoryStore(), Talks(), Wall(), Clock()

    @asynccontextmanager
    async def worker(self) -> AsyncIterator["Worker"]:
        """A process with a queue's shard and a worker, until it ends."""
        queue = IngestQueue(ShardConfig(self.url, clock=self.clock), self.wall, self.wall)
        try:
            yield Worker(self, queue)
        finally:
            await queue.close()

    async def finished(self) -> None:
        """What is left to do is done by a new process, after the leases of those before have run out."""
        async with self.worker() as worker:
            for _ in range(3):
                self.clock.now += 2 * LEASE_S
                await worker.work()
            async with asyncio.timeout(5):
                while not self.wall.posted:  # noqa: ASYNC110 - the outbox delivers meanwhile
                    await asyncio.sleep(0.005)

    async def judged(self) -> None:
        """It is there once, as it was said, and told of once; nothing is left in the queue."""
        (stored,) = self.store.of(TENANT).values()
        assert [sentence.text for passage in stored.passages for sentence in passage.sentences] == SAID
        assert len(self.wall.posted) == 1
        async with self.worker() as worker:
            view = await worker.queue.view(KEY)
            assert (view.jobs, view.done) == ((), 1)
            assert await worker.queue.kept(KEY, URL) == ""
            await asyncio.sleep(0.02)
        assert len(self.wall.posted) == 1


SAID = ["Tidal pools are home to sea stars.", "A sea star can grow back a lost arm."]


class Worker:
    """Works on the queue, one job after the other."""

    def __init__(self, place: Place, queue: IngestQueue) -> None:
        self.queue = queue
        far: Any = Slow
        ingest = Ingest(
            far(place.talks), FakeEmbedder(), far(place.store), far(queue), far(None), FakePace(), clock=place.clock
        )
        self._work = ingest._work

    async def work(self) -> bool:
        """Do a job, if there is one; whether its end was heard."""
        leased = await self.queue.lease(KEY, LEASE_S)
        if not isinstance(leased, Leased):
            return False
        ended = await self._work(KEY, leased.job)
        told = self.queue.finish(KEY, ended) if isinstance(ended, Finish) else self.queue.fail(KEY, ended)
        return not isinstance(await told, LeaseLost)


@asynccontextmanager
async def stopped(work: Coroutine[Any, Any, bool], at: int) -> AsyncIterator[tuple[Steps, "asyncio.Task[bool]"]]:
    """`work` as it stands at its wait `at`, or has ended before; what still stands in the end never goes on."""

    async def run() -> bool:
        heard: bool = await steps
        return heard

    steps = Steps(work, at)
    task = asyncio.ensure_future(run())
    standing = asyncio.ensure_future(steps.stands.wait())
    await asyncio.wait({task, standing}, return_when=asyncio.FIRST_COMPLETED)
    try:
        yield steps, task
    finally:
        for each in (task, standing):
            each.cancel()
            with suppress(asyncio.CancelledError):
                await each


async def every_wait(tmp_path: Path, case: Callable[[Place, int], Awaitable[bool]]) -> int:
    """Do `case` for the first wait, the second, and so on, until it says that there were no more; how many."""
    at, empty = 0, tmp_path / "empty"
    empty.mkdir()
    async with Place(empty).worker():
        pass  # its journal is made: a copy is quicker than a new one
    while True:
        folder = tmp_path / str(at)
        shutil.copytree(empty, folder)
        try:
            if not await case(Place(folder), at):
                return at
        except Exception as error:
            error.add_note(f"at wait {at}")
            raise
        at += 1
