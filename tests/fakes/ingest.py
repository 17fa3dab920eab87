"""Ingest in one process: the real queue and followers on a journal, or on none, and a bell that rings at the door."""

import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from actors.announcer import Announcer
from actors.channel_follower import ChannelFollower
from actors.ingest_queue import IngestQueue
from actors.runtime_host import ShardConfig
from core.errors import Unavailable
from core.ports import Embedder, Pace, TranscriptStore
from deployments.ingest import Ingest, IngestConfig, Source
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.pace import FakePace
from tests.fakes.store import MemoryStore

CONFIG = IngestConfig()


class Doorbell:
    """Rings at the ingest of this process, once there is one."""

    def __init__(self) -> None:
        self.ingest: Ingest | None = None

    async def ring(self, key: str, urgency: int) -> None:
        if self.ingest is None:
            raise Unavailable("Ingest", "It is not there yet.")
        await self.ingest.ring(key, urgency)


class House:
    """Ingest, and the parts that it is made of."""

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        store: TranscriptStore,
        pace: Pace,
        journal_url: str,
        config: IngestConfig,
        **parts: Any,
    ) -> None:
        bell, shard = Doorbell(), ShardConfig(journal_url)
        self.announcer = Announcer()
        self.queue = IngestQueue(shard, bell, self.announcer)
        self.followers = ChannelFollower(shard, self.queue, config.looks.full_s)
        self.ingest = Ingest(source, embedder, store, self.queue, self.followers, pace, config, **parts)
        bell.ingest = self.ingest

    async def close(self) -> None:
        await self.ingest.close()
        await self.followers.close()
        await self.queue.close()


@asynccontextmanager
async def house(
    source: Source,
    *,
    embedder: Embedder | None = None,
    store: TranscriptStore | None = None,
    pace: Pace | None = None,
    journal_url: str = "",
    config: IngestConfig = CONFIG,
    **parts: Any,
) -> AsyncIterator[House]:
    """An ingest over `source`; without a `journal_url` on a journal that goes with it."""
    with tempfile.TemporaryDirectory(prefix="ingest-") as folder:
        url = journal_url or f"sqlite:///{folder}/journal.db"
        made = House(
            source, embedder or FakeEmbedder(), store or MemoryStore(), pace or FakePace(), url, config, **parts
        )
        try:
            yield made
        finally:
            await made.close()
