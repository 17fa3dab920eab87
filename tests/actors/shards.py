"""What the tests of what runs entities share: a clock and a disk in the test's hands, and shards over them."""

import asyncio
import math
import threading
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from actors.runtime_calls import Outcome, Request
from actors.runtime_host import ShardConfig
from actors.runtime_outbox import Handler
from core.journal import Step
from tests.actors.counters import Counter

PATIENCE_S = 20.0


class Clock:
    """The time, which goes on only when the test says so."""

    def __init__(self, now: float = 1_800_000_000.0) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


class Disk:
    """What happens at the steps of a write: every commit can be held, or made to fail. `commits` counts those begun."""

    def __init__(self) -> None:
        self.commits = 0
        self._allowed = math.inf
        self._changed = threading.Condition()
        self._errors: list[tuple[Step, Exception]] = []

    def __call__(self, step: Step) -> None:
        if step is Step.BEFORE_APPEND:
            with self._changed:
                self.commits += 1
                self._changed.notify_all()
                assert self._changed.wait_for(lambda: self.commits <= self._allowed, PATIENCE_S)
        for each in [each for each in self._errors if each[0] is step]:
            raise each[1]

    def hold(self) -> None:
        """Let the next commit wait before it writes."""
        self._allowed = self.commits

    async def reached(self) -> None:
        """Until a commit is held."""
        await until(lambda: self.commits > self._allowed)

    def release(self, commits: float = math.inf) -> None:
        """Let so many commits go on, and hold the next one after them."""
        with self._changed:
            self._allowed += commits
            self._changed.notify_all()

    def fail(self, error: Exception, step: Step = Step.BEFORE_COMMIT) -> None:
        """Raise `error` at each `step` from now on."""
        self._errors.append((step, error))

    def mend(self) -> None:
        self._errors.clear()


def journal_url(folder: Path) -> str:
    return f"sqlite:///{folder}/journal.db"


@asynccontextmanager
async def running(
    where: Path | str, handlers: dict[str, Handler] | None = None, **config: Any
) -> AsyncIterator[Counter]:
    """A shard on the journal in a folder, or at a URL; it ends as a clean stop does."""
    url = journal_url(where) if isinstance(where, Path) else where
    disk = config.get("at_step")
    counter = Counter(ShardConfig(url, **config), handlers)
    try:
        yield counter
    finally:
        if isinstance(disk, Disk):
            disk.release()
        await counter.close()


def asked(
    method: str, key: str, *args: Any, command_id: str = "", at: float | None = None, deadline_s: float = 60.0
) -> Request:
    """A request as a reference sends it, at the time `at` (unix s; None: now)."""
    now = time.time() if at is None else at
    return Request(
        method, key, args, {}, command_id or f"{method}-{key}-{time.perf_counter_ns()}", now, now + deadline_s
    )


async def outcome(counter: Counter, request: Request) -> Outcome:
    (came,) = await counter.perform([request])
    return came


async def settled(*tasks: asyncio.Task[Any]) -> Sequence[Any]:
    """What came of tasks: results and exceptions."""
    async with asyncio.timeout(PATIENCE_S):
        return await asyncio.gather(*tasks, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds, which it must before long."""
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110 - what is waited for happens in threads, too
            await asyncio.sleep(0.005)


async def turned() -> None:
    """Give everything that can go on the time to do so."""
    for _ in range(10):
        await asyncio.sleep(0.005)
