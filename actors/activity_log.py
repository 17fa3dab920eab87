"""The actor that keeps what was answered, used and thought of it, for each tenant."""

import asyncio
import math
import time
from collections.abc import Sequence
from weakref import WeakValueDictionary

from actors.runtime_entities import EntityActor, query
from actors.runtime_host import ShardConfig
from core.activity import (
    KIND,
    Activity,
    ActivityReport,
    Command,
    Erase,
    Event,
    Forgotten,
    Log,
    Noted,
    Retention,
    SetRetention,
    report,
)
from core.activity_documents import (
    KINDS,
    MAX_FOUND,
    AnswerActivity,
    Counts,
    Document,
    Forget,
    Found,
    checked_find,
    found,
    quoting,
)
from core.entities import Find


class ActivityLog(EntityActor[Activity, Command, Event]):
    """Keeps a tenant's documents until they are too old or somebody has them deleted; the key is the tenant's id.

    A document that was acknowledged survives a restart; one that was deleted stays deleted. What people wrote and who
    they are stands in records alone, never in an event, a reply or the state.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, retention_days: int, keep_text: bool = False) -> None:
        """`retention_days` is for tenants that chose none; without `keep_text` answers keep numbers alone."""
        super().__init__(config)
        self._retention_days, self._keep_text = retention_days, keep_text
        # By tenant, while one is being forgotten in.
        self._forgetting: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()
        self._scrubbing, self._scrubbed_s = asyncio.Lock(), -math.inf

    async def log(self, key: str, documents: Sequence[Document]) -> Noted:
        """Keep `documents`; one with the same id replaces the older. Raises BadInput for what cannot be kept."""
        reply: Noted = self.decide(key, Log(tuple(documents), self._retention_days, self._keep_text))
        return reply

    async def set_retention(self, key: str, days: int | None) -> Retention:
        """Keep documents for `days` from now on (None: as the settings say); what is older goes at once."""
        reply: Retention = self.decide(key, SetRetention(days))
        return reply

    async def report(self, key: str) -> ActivityReport:
        """The log in numbers."""
        return report(self.state(key))

    @query
    async def documents(self, key: str, find: Find) -> Sequence[Found]:
        """The documents that match, newest first. Raises BadInput for what cannot be looked for."""
        return tuple(found(record) for record in await self.find(key, checked_find(find)))

    @query
    async def forget(self, key: str, whose: Forget) -> Forgotten:
        """Delete for good what was logged until now; returns what was deleted. Doing it again deletes nothing.

        When it returns, a SQLite journal holds no copy either. Where it raises, some may be left: call it again.
        """
        # One at a time: two that found the same documents would both report them as deleted.
        async with self._forgetting.setdefault(key, asyncio.Lock()):
            counts = await self._erase(key, whose)
        await self._leave_no_copy()
        return Forgotten(counts)

    @query
    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> Forgotten:
        """Delete for good the answers with words of these recordings, as `forget` does."""
        async with self._forgetting.setdefault(key, asyncio.Lock()):
            counts, until = Counts(), math.inf
            while True:
                records = await self.find(key, Find(kind=KINDS[AnswerActivity], until=until, limit=MAX_FOUND))
                if ids := quoting(records, recording_ids):
                    erased: Forgotten = await self.submit(key, Erase(ids, "recording"))
                    counts += erased.counts
                if len(records) < MAX_FOUND:
                    break
                # The page's last moment once more: not all of it need have been on the page.
                until = min(math.nextafter(records[-1].at, math.inf), records[0].at)
        await self._leave_no_copy()
        return Forgotten(counts)

    async def _erase(self, key: str, whose: Forget) -> Counts:
        counts = Counts()
        newest = await self.find(key, whose.find(limit=1))
        until = math.nextafter(newest[0].at, math.inf) if newest else 0.0
        while records := await self.find(key, whose.find(until)):
            ids = tuple(record.record_id for record in records)
            erased: Forgotten = await self.submit(key, Erase(ids, whose.reason))
            counts += erased.counts
        return counts

    async def _leave_no_copy(self) -> None:
        erased_s = time.monotonic()
        async with self._scrubbing:
            # One that began since does for all who waited.
            if self._scrubbed_s < erased_s:
                began_s = time.monotonic()
                await self.scrub()
                self._scrubbed_s = began_s
