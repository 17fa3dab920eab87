"""Group commit: the writes of many callers go to disk together, and each caller waits for its own.

While one batch is being committed in a thread, the next one fills. So a busy shard writes once for hundreds of calls
and an idle one at once for the only call.
"""

import asyncio
import logging
import time
from collections.abc import Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from core.errors import BotError, Fenced, WriteFailed
from core.journal import Journal, Step, Write

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Batch:
    """Writes that are committed together."""

    __slots__ = ("_error", "_lost", "_waiting", "done", "writes")

    def __init__(self) -> None:
        self.writes: list[Write] = []
        self.done = False
        self._waiting: list[asyncio.Future[None]] = []
        self._error: BotError | None = None
        self._lost: dict[str, BotError] = {}

    @property
    def whole(self) -> bool:
        """Whether all of it is on disk."""
        return self.done and self._error is None and not self._lost

    async def wait(self) -> None:
        """Until the batch is committed or has failed."""
        if not self.done:
            waiter = asyncio.get_running_loop().create_future()
            self._waiting.append(waiter)
            await waiter

    def on_disk(self, tell: Callable[[], None]) -> None:
        """Call `tell` when the batch has ended."""
        if self.done:
            tell()
        else:
            waiter = asyncio.get_running_loop().create_future()
            waiter.add_done_callback(lambda _: tell())
            self._waiting.append(waiter)

    def error_of(self, stream: str) -> BotError | None:
        """Why what `stream` wrote is not on disk; None where it is."""
        return self._error or self._lost.get(stream)

    def lose(self, streams: Collection[str], error: BotError) -> None:
        """Take out what these streams wrote: it depends on something that is not on disk."""
        self.writes = [write for write in self.writes if write.stream not in streams]
        self._lost |= dict.fromkeys(streams, error)

    def end(self, error: BotError | None = None) -> None:
        self.done, self._error, self.writes = True, error, []
        for waiter in self._waiting:
            if not waiter.done():
                waiter.set_result(None)
        self._waiting.clear()


class GroupCommit:
    """Commits what one incarnation of a shard writes, in order, one batch at a time.

    `on_lost(streams)` is called, in the event loop and before anybody is answered, with the streams whose state in
    memory is ahead of the disk; what they wrote since is taken back too. `on_failed(error)` where nothing could be
    written.
    """

    def __init__(
        self,
        journal: Journal,
        shard: str,
        incarnation: str,
        on_lost: Callable[[Collection[str]], None],
        on_failed: Callable[[BotError], None],
        at_step: Callable[[Step], None],
    ) -> None:
        self._journal, self._shard, self.incarnation = journal, shard, incarnation
        self._on_lost, self._on_failed, self._at_step = on_lost, on_failed, at_step
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="commit")
        self._filling = Batch()
        self._running: asyncio.Task[None] | None = None
        self._began_s = 0.0

    @property
    def writing_s(self) -> float:
        """For how long the commit under way has been going on, in seconds; 0 where there is none."""
        return time.monotonic() - self._began_s if self._running else 0.0

    def append(self, write: Write) -> Batch:
        """Add to the batch that goes to disk next, and return it."""
        self._filling.writes.append(write)
        if self._running is None:
            self._began_s = time.monotonic()
            self._running = asyncio.get_running_loop().create_task(self._commit_all())
        return self._filling

    async def run(self, work: Callable[[], T]) -> T:
        """Run other work on the journal in the writer's thread, so that it never meets a commit."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, work)

    async def drained(self) -> None:
        """Until everything appended so far is on disk or has failed."""
        while self._running is not None:
            await asyncio.wait({self._running})

    def close(self) -> None:
        self._thread.shutdown(wait=True)

    async def _commit_all(self) -> None:
        try:
            while self._filling.writes:
                batch, self._filling = self._filling, Batch()
                await self._commit(batch)
        finally:
            self._running = None

    async def _commit(self, batch: Batch) -> None:
        self._began_s = time.monotonic()
        try:
            lost = await asyncio.get_running_loop().run_in_executor(self._thread, self._in_thread, tuple(batch.writes))
        except BotError as error:
            self._fail(batch, error)
        except Exception as error:  # noqa: BLE001  # the thread's outermost edge: whoever waits must be told
            _log.exception("A commit of %s failed for a reason that nobody foresaw", self._shard)
            advice = f"Tell the people who run this bot ({error!r})."
            self._fail(batch, WriteFailed(f"The journal of {self._shard}", advice))
        else:
            if lost:
                fenced = Fenced(self._shard, "What was acknowledged is kept; try again.")
                batch.lose(lost, fenced)
                self._take_back(lost, fenced)
            batch.end()

    def _in_thread(self, writes: tuple[Write, ...]) -> frozenset[str]:
        lost = self._journal.commit(self._shard, self.incarnation, writes)
        self._at_step(Step.BEFORE_REPLY)
        return lost

    def _fail(self, batch: Batch, error: BotError) -> None:
        self._on_failed(error)
        self._take_back({write.stream for write in batch.writes}, error)
        batch.end(error)

    def _take_back(self, streams: Collection[str], error: BotError) -> None:
        self._filling.lose(streams, error)
        if not self._filling.writes:
            # Nothing is left to commit, but callers wait on it.
            self._filling.end()
            self._filling = Batch()
        self._on_lost(streams)
