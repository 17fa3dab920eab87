"""Hands announcements to whoever is on Discord: the ports `core.ports.Announcer` and `core.ingest_ports.Post`."""

import asyncio
import logging
import time
from collections import deque
from collections.abc import Callable
from dataclasses import replace

from core.errors import Unavailable
from core.following import Announcement

PATIENCE_S = 20.0
# After a start nobody knows what was given out before it; whoever posts looks for what may be there already.
UNSURE_S = 900.0
MAX_REMEMBERED = 10_000
_log = logging.getLogger(__name__)


class Announcer:
    """A counter between the queues, whose outboxes deliver here, and the bot, which fetches and posts.

    It keeps nothing: what was not confirmed is delivered again by the outbox that has it, with `repeated` set.
    """

    def __init__(self, patience_s: float = PATIENCE_S, clock: Callable[[], float] = time.monotonic) -> None:
        """`deliver` waits `patience_s` seconds for somebody to post."""
        self._patience_s, self._clock = patience_s, clock
        self._began_s = clock()
        self._offered: dict[str, tuple[Announcement, asyncio.Future[None]]] = {}
        self._next: deque[str] = deque()
        self._given: dict[str, None] = {}
        self._arrived = asyncio.Event()

    async def deliver(self, announcement: Announcement) -> None:
        """Return when it was posted, or can never be. Raises Unavailable where nobody did so in time."""
        name = announcement.announcement_id
        if name in self._offered:
            done = self._offered[name][1]
        else:
            done = asyncio.get_running_loop().create_future()
            unsure = name in self._given or self._clock() - self._began_s < UNSURE_S
            self._offered[name] = replace(announcement, repeated=unsure), done
            self._next.append(name)
            self._arrived.set()
        try:
            async with asyncio.timeout(self._patience_s):
                await asyncio.shield(done)
        except TimeoutError:
            raise Unavailable("Whoever posts on Discord", "It is tried again by itself.") from None
        finally:
            if self._offered.get(name, (None, None))[1] is done:
                del self._offered[name]

    async def next(self, wait_s: float) -> Announcement | None:
        """The next announcement to post; None where none came within `wait_s` seconds."""
        try:
            async with asyncio.timeout(wait_s):
                while True:
                    while self._next:
                        name = self._next.popleft()
                        if name in self._offered:
                            self._remember(name)
                            return self._offered[name][0]
                    self._arrived.clear()
                    await self._arrived.wait()
        except TimeoutError:
            return None

    async def posted(self, announcement_id: str) -> None:
        """It stands in its channel: it is never given out again."""
        self._end(announcement_id)

    async def refused(self, announcement_id: str, reason: str) -> None:
        """It can never be posted: it is given up, and the reason logged."""
        _log.warning("An announcement was given up: %s", reason)
        self._end(announcement_id)

    def _remember(self, name: str) -> None:
        self._given[name] = None
        while len(self._given) > MAX_REMEMBERED:
            del self._given[next(iter(self._given))]

    def _end(self, announcement_id: str) -> None:
        offered = self._offered.get(announcement_id)
        if offered is not None and not offered[1].done():
            offered[1].set_result(None)
