"""A source of recordings without a web, and what an ingest says."""

import asyncio

from core.captiontracks import CaptionSource
from core.messages import IngestProgress, IngestReport, IngestRequest, Recording
from core.tenancy import TenantContext
from deployments.ingest import Ingest
from deployments.media_source import Described, Listing
from deployments.ytdlp_info import Entry
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

    async def captions(self, source: CaptionSource) -> bytes:
        assert source.data is not None
        return source.data


async def report_of(ingest: Ingest, url: str) -> tuple[IngestReport, list[IngestProgress]]:
    events = [event async for event in ingest.run(IngestRequest(TENANT, url))]
    report = events.pop()
    assert isinstance(report, IngestReport)
    progress = [event for event in events if isinstance(event, IngestProgress)]
    assert len(progress) == len(events)
    return report, progress
