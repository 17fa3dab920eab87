"""Runs yt-dlp in a thread, with every request that it makes going through the one HTTP client.

yt-dlp follows what pages say, and pages are written by anybody; so it gets no network of its own. Its requests are
handed to `HttpClient` in the event loop, which checks, pins and bounds them like any other. Not covered: ffmpeg, which
a few extractors start for some streams, and a page that keeps its regular expressions busy: the caller gets
DeadlineExceeded in time, but the thread ends only when they do. Where JavaScript is on, yt-dlp runs YouTube's player
script in deno without any permission: no network, no files, no environment.
"""

import asyncio
import functools
import importlib
from collections.abc import Callable
from typing import TypeVar
from urllib.parse import urlsplit

from core.errors import BotError, DeadlineExceeded
from core.links import recording_id_of
from deployments.daemon_thread import in_daemon_thread
from deployments.http_client import HttpClient
from deployments.ytdlp_calls import Collected, Extraction, FlatListing, YtDlpOptions, collect, extract, youtube_id
from deployments.ytdlp_network import Bridge

T = TypeVar("T")

_MAX_AT_ONCE = 4
# A long channel takes minutes: it must not keep those waiting who want one recording.
_MAX_LISTINGS = 2


class YtDlp:
    """yt-dlp for links of any site. `timeout_s` bounds one extraction; `max_page_bytes` bounds each page it reads.

    `listing_timeout_s` bounds the listing of a whole channel, which takes a page for each thirty uploads.
    """

    def __init__(
        self,
        http: HttpClient,
        *,
        timeout_s: float,
        max_page_bytes: int,
        max_entries: int,
        listing_timeout_s: float = 900.0,
        options: YtDlpOptions | None = None,
    ) -> None:
        self._http = http
        self._timeout_s = timeout_s
        self._listing_timeout_s = listing_timeout_s
        self._max_page_bytes = max_page_bytes
        self._max_entries = max_entries
        self._options = options or YtDlpOptions()
        # Made where they are used: this object travels to its process.
        self._places: asyncio.Semaphore | None = None
        self._listings: asyncio.Semaphore | None = None

    async def knows_site(self, url: str) -> bool:
        """Whether yt-dlp has an extractor of its own for this link (not only the generic one)."""
        return await self._in_thread(url, lambda: _knows_site(url), lambda: None)

    async def recording_id(self, url: str) -> str:
        """`core.links.recording_id_of`, also for YouTube's mirrors, whose videos yt-dlp fetches from YouTube."""
        known = recording_id_of(url)
        if known.partition(":")[0] in ("youtube", "vimeo", "twitch"):
            return known
        found = await self._in_thread(url, lambda: youtube_id(url), lambda: None)
        return f"youtube:{found}" if found else known

    async def extract(self, url: str) -> Extraction:
        """The recording at `url`, or a flat list: one entry more than `max_entries` says that there are more.

        Raises BadInput (no recording there), NotReadable, RefusedUrl, DeadlineExceeded or Unavailable.
        """
        bridge = Bridge(self._http, asyncio.get_running_loop(), self._max_page_bytes)
        params = self._options.params(self._timeout_s) | {"playlist_items": f"1:{self._max_entries + 1}"}
        return await self._in_thread(url, lambda: extract(url, bridge, params), bridge.stop)

    async def list_flat(self, url: str, limit: int, *, first_page: bool = False) -> FlatListing:
        """What `url` lists, as far as it can be read and at most `limit` entries; `error` says what ended it early.

        With `first_page`, only what the page says of itself. Raises nothing but defects: what was read is kept.
        """
        bridge = Bridge(self._http, asyncio.get_running_loop(), self._max_page_bytes)
        params = self._options.params(self._timeout_s) | ({"playlist_items": "0"} if first_page else {})
        found = Collected()
        work = functools.partial(collect, url, bridge, params, limit, found)
        self._listings = self._listings or asyncio.Semaphore(_MAX_LISTINGS)
        try:
            if first_page:
                await self._in_thread(url, work, bridge.stop)
            else:
                async with self._listings:
                    await _given(url, work, bridge.stop, self._listing_timeout_s)
        except BotError as error:
            found.error = error
        return found.listing(limit)

    async def _in_thread(self, url: str, work: Callable[[], T], stop: Callable[[], None]) -> T:
        self._places = self._places or asyncio.Semaphore(_MAX_AT_ONCE)
        async with self._places:
            return await _given(url, work, stop, self._timeout_s)


async def _given(url: str, work: Callable[[], T], stop: Callable[[], None], timeout_s: float) -> T:
    """Run `work` in a daemon thread, for `timeout_s` seconds at most; `stop` makes it end with its next request."""
    result = in_daemon_thread(work, "yt-dlp")
    try:
        return await asyncio.wait_for(asyncio.shield(result), timeout_s)
    except TimeoutError:
        host = urlsplit(url).hostname or "The site"
        raise DeadlineExceeded(host, f"It was given {timeout_s:g} s; try again later.") from None
    finally:
        stop()


def _knows_site(url: str) -> bool:
    extractors = importlib.import_module("yt_dlp.extractor").gen_extractor_classes()
    return any(extractor.suitable(url) and extractor.IE_NAME != "generic" for extractor in extractors)


__all__ = ["Extraction", "FlatListing", "YtDlp", "YtDlpOptions"]
