"""Work that nobody waits for: it is kept from being collected, its errors are logged, and the end waits for it."""

import asyncio
import logging
from collections.abc import Coroutine
from typing import Any, TypeVar

from core.errors import BotError

T = TypeVar("T")

_log = logging.getLogger(__name__)


class Background:
    """Tasks of one event loop. A restart loses those that were not done: start nothing here that must happen."""

    def __init__(self) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()

    @property
    def busy(self) -> bool:
        return bool(self._tasks)

    def start(self, work: Coroutine[Any, Any, T], what: str) -> asyncio.Task[T]:
        """Run `work` from now on. `what` names it in the log, should it fail."""
        task = asyncio.get_running_loop().create_task(work, name=what)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    async def drain(self, timeout_s: float) -> None:
        """Wait until all is done, for at most `timeout_s` seconds; what still runs then is stopped, and logged."""
        loop = asyncio.get_running_loop()
        ends = loop.time() + timeout_s
        # What is done may have started more.
        while self._tasks:
            await asyncio.wait(tuple(self._tasks), timeout=max(0.0, ends - loop.time()))
            if loop.time() >= ends:
                break
        late = tuple(self._tasks)
        for task in late:
            _log.warning("%s was stopped: it took more than %g s", task.get_name(), timeout_s)
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        error = None if task.cancelled() else task.exception()
        if isinstance(error, BotError):
            _log.warning("%s failed: %s", task.get_name(), error)
        elif error is not None:
            _log.error("%s failed", task.get_name(), exc_info=error)
