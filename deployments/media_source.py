"""Where recordings come from: what a link lists, what one recording is, and its caption file."""

import asyncio
from dataclasses import dataclass, replace
from typing import Protocol, Self
from urllib.parse import urlsplit

from core.addresses import checked_url
from core.captiontracks import CaptionSource, choose_track
from core.errors import BadInput, Unavailable
from core.feeds import Feed, parse_feed
from core.messages import Recording
from core.web import Page
from deployments.http_client import HttpClient
from deployments.ytdlp import Extraction, YtDlp
from deployments.ytdlp_info import Entry, entries_of, recording_of, title_of

# YouTube's pages are 1 to 2 MB; a feed of a thousand episodes is as large.
_MAX_PAGE_BYTES = 16_000_000
_PLAYLISTS = ("playlist", "multi_video")
_MEDIA_TYPES = (
    "audio/",
    "video/",
    "application/octet-stream",
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
)


class Extractor(Protocol):
    """yt-dlp, as far as it is needed here."""

    async def knows_site(self, url: str) -> bool: ...

    async def extract(self, url: str) -> Extraction: ...


@dataclass(frozen=True, slots=True)
class Listing:
    """The recordings behind a link.

    `problem` is a sentence about what could not be read of it, `left_out` one about what was not taken; or empty.
    """

    url: str
    title: str
    entries: tuple[Entry, ...]
    problem: str = ""
    left_out: str = ""


@dataclass(frozen=True, slots=True)
class Described:
    """A recording and where its captions are; `skip` says why it cannot be read yet, or is empty."""

    recording: Recording
    captions: CaptionSource | None = None
    skip: str = ""


class MediaSource:
    """Recordings of any site that yt-dlp reads, and of RSS and Atom feeds. Sizes are bytes.

    Feeds are read here and not by yt-dlp, which takes a feed that was cut for a page without recordings.
    """

    def __init__(
        self,
        http: HttpClient,
        extractor: Extractor,
        *,
        language: str,
        max_recordings: int,
        max_page_bytes: int,
        max_caption_bytes: int,
        allow_loopback: bool = False,
    ) -> None:
        self._http = http
        self._extractor = extractor
        self._language = language
        self._max_recordings = max_recordings
        self._max_page_bytes = max_page_bytes
        self._max_caption_bytes = max_caption_bytes
        self._allow_loopback = allow_loopback

    @classmethod
    def of_the_web(
        cls, *, language: str, max_recordings: int, max_caption_bytes: int, timeout_s: float, allow_loopback: bool
    ) -> Self:
        """The real one: yt-dlp and feeds over one HTTP client. `timeout_s` bounds each page, file and extraction."""
        http = HttpClient(timeout_s=timeout_s, max_bytes=_MAX_PAGE_BYTES, allow_loopback=allow_loopback)
        extractor = YtDlp(http, timeout_s=timeout_s, max_page_bytes=_MAX_PAGE_BYTES, max_entries=max_recordings)
        return cls(
            http,
            extractor,
            language=language,
            max_recordings=max_recordings,
            max_page_bytes=_MAX_PAGE_BYTES,
            max_caption_bytes=max_caption_bytes,
            allow_loopback=allow_loopback,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def list(self, url: str) -> Listing:
        """The recordings behind `url`, at most `max_recordings`, at least one; a recording's own link lists itself.

        Raises RefusedUrl, BadInput (nothing to read there), DeadlineExceeded or Unavailable; never an empty listing.
        """
        checked_url(url, allow_loopback=self._allow_loopback)
        if not await self._extractor.knows_site(url):
            page = await self._http.fetch(
                url, max_bytes=self._max_page_bytes, keep_partial=True, head_only=_MEDIA_TYPES
            )
            feed = await asyncio.to_thread(parse_feed, page.body, page.url)
            if feed is not None:
                return self._bounded(_feed_listing(url, feed, page.complete))
            _require_page(page)
        extraction = await self._extractor.extract(url)
        if extraction.info.get("_type") not in _PLAYLISTS:
            title = title_of(extraction.info, "")
            return Listing(url, title, (Entry(url, title, extraction=extraction),))
        return self._bounded(await self._playlist(url, extraction))

    async def describe(self, entry: Entry) -> Described:
        """The recording that `entry` stands for. Raises as `list` does, and RefusedUrl for the entry's own link."""
        checked_url(entry.url, allow_loopback=self._allow_loopback)
        extraction = entry.extraction or await self._extractor.extract(entry.url)
        info = extraction.info
        if info.get("_type") in _PLAYLISTS:
            inner = [item for item in info.get("entries") or () if item]
            if not inner:
                raise BadInput(f"{_host(entry.url)} has no recording at that link.", "Link to the recording's page.")
            info = inner[0]
            if info.get("_type") in ("url", "url_transparent"):
                extraction = await self._extractor.extract(str(info.get("url")))
                info = extraction.info
        track = choose_track(info.get("subtitles") or {}, info.get("automatic_captions") or {}, self._language)
        recording = recording_of(entry, info, extraction.head, track)
        if info.get("live_status") in ("is_live", "is_upcoming"):
            return Described(recording, skip="It has not ended yet: its captions come when the stream is over.")
        if track is None:
            return Described(recording, skip="It has no captions.")
        return Described(recording, track)

    async def captions(self, source: CaptionSource) -> bytes:
        """The caption file's bytes. Raises as `HttpClient.fetch` does, BadInput if it is too large."""
        if source.data is not None:
            return source.data
        return (await self._http.fetch(source.url, max_bytes=self._max_caption_bytes)).body

    async def _playlist(self, url: str, extraction: Extraction) -> Listing:
        entries: list[Entry] = []
        for item in extraction.info.get("entries") or ():
            # A channel's root lists its tabs ("/videos", "/shorts"), and each of them lists recordings.
            if item and str(item.get("ie_key") or "").endswith("Tab") and item.get("url") != url:
                tab = await self._extractor.extract(str(item["url"]))
                entries += entries_of(url, tab.info.get("entries") or (), extraction.head)
            else:
                entries += entries_of(url, (item,), extraction.head)
            if len(entries) > self._max_recordings:
                break
        return Listing(url, title_of(extraction.info, ""), tuple(entries))

    def _bounded(self, listing: Listing) -> Listing:
        if not listing.entries:
            if listing.problem:
                raise Unavailable(_host(listing.url), listing.problem)
            raise BadInput(
                f"{_host(listing.url)} lists no recordings at that link.", "Link to a recording or a channel."
            )
        kept = tuple(
            {entry.url if entry.extraction is None else id(entry): entry for entry in listing.entries}.values()
        )
        if len(kept) <= self._max_recordings:
            return replace(listing, entries=kept)
        left_out = f"Only the first {self._max_recordings} recordings of the list were taken; bring in others singly."
        return replace(listing, entries=kept[: self._max_recordings], left_out=left_out)


def _feed_listing(url: str, feed: Feed, complete: bool) -> Listing:
    problem = ""
    if feed.cut or not complete:
        count = len(feed.entries)
        after = f"after {count} recording{'s' if count > 1 else ''}" if count else "before its first recording"
        problem = f"The feed breaks off {after}; what comes later in it is missing. Try again later."
    entries = tuple(Entry(item.url, item.title, item.author, item.published) for item in feed.entries)
    return Listing(url, feed.title, entries, problem)


def _require_page(page: Page) -> None:
    """Raises BadInput for what is neither a page nor a recording."""
    start = page.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").lower()
    if start.startswith((b"<", b"#extm3u")) or (page.body and page.content_type.startswith(_MEDIA_TYPES)):
        return
    what = "a text that is neither a page nor a feed" if start else "nothing: the page is empty"
    raise BadInput(f"{_host(page.url)} answered with {what}.", "Link to a recording, a channel or a feed.")


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The site"
