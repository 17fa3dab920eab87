"""A fake of `core.ports.Announcer`: an outbox that outlives whoever posts from it."""

import asyncio
from dataclasses import replace

from core.errors import Unavailable
from core.following import Announcement


class FakeAnnouncer:
    """Hands out each announcement once, until `release` puts what was never confirmed back, as its leases' end would.

    `failing` counts the calls of each method that raise first, `deaf` the confirmations that get lost after those;
    `confirmed` and `given_up` are what it was told.
    """

    def __init__(self, *announcements: Announcement) -> None:
        self._waiting = list(announcements)
        self._out: dict[str, Announcement] = {}
        self.failing = {"next": 0, "posted": 0, "refused": 0}
        self.deaf = 0
        self.confirmed: list[str] = []
        self.given_up: dict[str, str] = {}
        self.changed = asyncio.Condition()

    async def add(self, *announcements: Announcement) -> None:
        self._waiting.extend(announcements)
        await self._tell()

    async def release(self) -> None:
        """Whoever had the unconfirmed ones is gone, or was too slow: they are given out again, marked so."""
        self._waiting.extend(replace(one, repeated=True) for one in self._out.values())
        self._out.clear()
        await self._tell()

    async def until_settled(self, number: int = 1) -> None:
        """Wait until `number` announcements are confirmed or given up."""
        async with self.changed:
            settled = self.changed.wait_for(lambda: len(self.confirmed) + len(self.given_up) >= number)
            await asyncio.wait_for(settled, 20)

    async def _tell(self) -> None:
        async with self.changed:
            self.changed.notify_all()

    async def _fail(self, method: str) -> None:
        if self.failing[method]:
            self.failing[method] -= 1
            await self._tell()
            raise Unavailable("IngestQueue")

    async def next(self, wait_s: float) -> Announcement | None:
        await self._fail("next")
        async with self.changed:
            try:
                await asyncio.wait_for(self.changed.wait_for(lambda: self._waiting), wait_s)
            except TimeoutError:
                return None
        given = self._waiting.pop(0)
        self._out[given.announcement_id] = given
        return given

    async def posted(self, announcement_id: str) -> None:
        await self._fail("posted")
        if self.deaf:
            self.deaf -= 1
            await self._tell()
            return
        self._out.pop(announcement_id, None)
        self.confirmed.append(announcement_id)
        await self._tell()

    async def refused(self, announcement_id: str, reason: str) -> None:
        await self._fail("refused")
        self._out.pop(announcement_id, None)
        self.given_up[announcement_id] = reason
        await self._tell()
