"""A source whose fetches are shared: what several workspaces follow or ask for is fetched once."""

import asyncio
import sys
from collections.abc import Collection
from typing import Any

from core.captiontracks import CaptionSource
from core.uploads import Channel, Polled, UploadKind, Uploads, Validator
from deployments.media_source import Described, Listing, MediaSource
from deployments.shared_fetches import SharedFetches
from deployments.ytdlp_info import Entry

# Followers of a channel look at the same moment; their workers come to it one after the other.
LOOK_FRESH_S = 120.0
# Backfills of one channel for several workspaces go on beside each other for longer.
RECORDING_FRESH_S = 1_800.0
_MAX_ENTRIES = 2_000
_MAX_BYTES = 64_000_000
_ENTRY_BYTES = 400


class SharedSource:
    """A `MediaSource`; the same question asked again within minutes gets the same answer, without a request.

    Failures are not kept: only those who wait for a fetch together share its failure.
    """

    def __init__(self, source: MediaSource) -> None:
        self._source = source
        self._looks: SharedFetches[Any, Any] = SharedFetches(
            fresh_s=LOOK_FRESH_S, max_entries=_MAX_ENTRIES, max_bytes=_MAX_BYTES, size_of=_size
        )
        self._recordings: SharedFetches[Any, Any] = SharedFetches(
            fresh_s=RECORDING_FRESH_S, max_entries=_MAX_ENTRIES, max_bytes=_MAX_BYTES, size_of=_size
        )

    async def list(self, url: str) -> Listing:
        """As `MediaSource.list`: a person who asks again wants to know what is there now."""
        return await self._source.list(url)

    async def resolve(self, url: str) -> Channel:
        """As `MediaSource.resolve`."""
        channel: Channel = await self._looks.get(("resolve", url), lambda: self._source.resolve(url))
        return channel

    async def list_uploads(self, channel: Channel, kinds: Collection[UploadKind], limit: int) -> Uploads:
        """As `MediaSource.list_uploads`."""
        key = ("list", channel.channel_id, tuple(sorted(kinds)), limit)
        listed: Uploads = await self._looks.get(key, lambda: self._source.list_uploads(channel, kinds, limit))
        return listed

    async def poll(self, channel: Channel, kinds: Collection[UploadKind], validator: Validator) -> Polled:
        """As `MediaSource.poll`."""
        key = ("poll", channel.channel_id, tuple(sorted(kinds)), validator)
        polled: Polled = await self._looks.get(key, lambda: self._source.poll(channel, kinds, validator))
        return polled

    async def describe(self, entry: Entry) -> Described:
        """As `MediaSource.describe`."""
        if entry.extraction is not None:
            return await self._source.describe(entry)
        described: Described = await self._recordings.get(
            ("describe", entry.url, entry.title), lambda: self._source.describe(entry)
        )
        return described

    async def captions(self, source: CaptionSource) -> bytes:
        """As `MediaSource.captions`."""
        if source.data is not None:
            return source.data
        data: bytes = await self._recordings.get(("captions", source.url), lambda: self._source.captions(source))
        return data

    def forget(self) -> None:
        """Hold nothing any more of what was fetched."""
        self._looks.clear()
        self._recordings.clear()

    async def close(self) -> None:
        """Close every connection."""
        await asyncio.gather(self._looks.close(), self._recordings.close())
        await self._source.close()


def _size(found: object) -> int:
    """About how many bytes a result takes."""
    match found:
        case bytes():
            return len(found)
        case Uploads():
            return _ENTRY_BYTES * (1 + len(found.uploads))
        case Polled():
            return _size(found.uploads)
        case Described():
            inline = found.captions.data if found.captions is not None else None
            return (
                len(inline or b"")
                + _ENTRY_BYTES
                + sys.getsizeof(found.description)
                + _ENTRY_BYTES * len(found.chapters)
            )
        case _:
            return _ENTRY_BYTES
