"""A source of recordings without a web, and what an ingest says."""

import asyncio
from collections.abc import Sequence
from typing import Any

from core.captiontracks import CaptionSource
from core.messages import IngestProgress, IngestReport, IngestRequest, Recording
from core.tenancy import TenantContext
from core.uploads import Channel, Polled, UploadKind, Uploads, Validator
from deployments.ingest import Ingest, Source
from deployments.media_source import Described, Listing
from deployments.ytdlp_info import Entry
from tests.fakes.ingest import house
from tests.fakes.site import VTT

TENANT = TenantContext("guild", "channel")


class Recordings:
    """A source of recordings that counts how far it was asked ahead, and fails where it is told to."""

    def __init__(self, count: int, broken: dict[int, Exception] | None = None, data: bytes = VTT.encode()) -> None:
        self.data = data
        self.entries = tuple(Entry(f"https://shore.example/{number}", str(number)) for number in range(count))
        self.broken = broken or {}
        self.described: list[str] = []
        self.cancelled: list[str] = []
        self.third = asyncio.Event()
        self.gate = asyncio.Event()
        self.gate.set()

    async def list(self, url: str) -> Listing:
        return Listing(url, "Shore", self.entries)

    async def describe(self, entry: Entry) -> Described:
        self.described.append(entry.title)
        if len(self.described) == 3:
            self.third.set()
        try:
            await self.gate.wait()
        except asyncio.CancelledError:
            self.cancelled.append(entry.title)
            raise
        if error := self.broken.get(int(entry.title)):
            raise error
        return Described(Recording(entry.url, entry.url, entry.title), CaptionSource("", "en", data=self.data))

    async def resolve(self, url: str) -> Channel:
        return Channel(url, url, "Shore", "shore.example")

    async def list_uploads(self, channel: Channel, kinds: Sequence[UploadKind], limit: int) -> Uploads:
        raise NotImplementedError

    async def poll(self, channel: Channel, kinds: Sequence[UploadKind], validator: Validator) -> Polled:
        raise NotImplementedError

    async def captions(self, source: CaptionSource) -> bytes:
        assert source.data is not None
        return source.data


async def report_of(source: Source, url: str, **parts: Any) -> tuple[IngestReport, list[IngestProgress]]:
    """What a new ingest over `source` says of a link; `parts` are those of `tests.fakes.ingest.house`."""
    async with house(source, **parts) as made:
        return await said(made.ingest, url)


async def said(ingest: Ingest, url: str) -> tuple[IngestReport, list[IngestProgress]]:
    """What an ingest says of a link: the report, and the progress on the way."""
    events = [event async for event in ingest.run(IngestRequest(TENANT, url))]
    report = events.pop()
    assert isinstance(report, IngestReport)
    progress = [event for event in events if isinstance(event, IngestProgress)]
    assert len(progress) == len(events)
    return report, progress
