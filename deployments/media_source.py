"""Where recordings come from: what a link lists, what one recording is, and its caption file."""

import asyncio
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import Any, Protocol, Self
from urllib.parse import urlsplit

from core.addresses import checked_url
from core.captiontracks import CaptionSource, choose_track
from core.errors import BadInput, Unavailable
from core.feeds import Feed, parse_feed
from core.following import Chapter
from core.messages import Recording
from core.uploads import Channel, Polled, Upload, UploadKind, Uploads, Validator
from core.web import Page
from deployments.http_client import HttpClient
from deployments.upload_listings import MEDIA_TYPES, Lister, UploadListings
from deployments.ytdlp import DEFAULT_MEMORY_BYTES, Extraction, YtDlp, YtDlpOptions
from deployments.ytdlp_info import Entry, details_of, entries_of, recording_of, require_readable, title_of

# YouTube's pages are 1 to 2 MB; a feed of a thousand episodes is as large.
MAX_PAGE_BYTES = 16_000_000
_PLAYLISTS = ("playlist", "multi_video")


class Extractor(Lister, Protocol):
    """yt-dlp, as far as it is needed here."""

    async def recording_id(self, url: str) -> str: ...

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
    """A recording and where its captions are; `skip` says why it has no words to read, or is empty.

    `upload` has its kind, state and exact date; `channel` is its uploader's, None where the site does not say. Of
    `view_count`, None is not known.
    """

    recording: Recording
    captions: CaptionSource | None = None
    skip: str = ""
    upload: Upload | None = None
    channel: Channel | None = None
    description: str = ""
    chapters: tuple[Chapter, ...] = ()
    view_count: int | None = None


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
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._extractor = extractor
        self._language = language
        self._max_recordings = max_recordings
        self._max_page_bytes = max_page_bytes
        self._max_caption_bytes = max_caption_bytes
        self._allow_loopback = allow_loopback
        self._now = now
        self._listings = UploadListings(
            http, extractor, max_page_bytes=max_page_bytes, allow_loopback=allow_loopback, now=now
        )

    @classmethod
    def of_the_web(
        cls,
        *,
        language: str,
        max_recordings: int,
        max_caption_bytes: int,
        timeout_s: float,
        allow_loopback: bool,
        listing_timeout_s: float = 900.0,
        options: YtDlpOptions | None = None,
        memory_bytes: int = DEFAULT_MEMORY_BYTES,
        http: HttpClient | None = None,
    ) -> Self:
        """The real one: yt-dlp and feeds over one HTTP client. `timeout_s` bounds each page, file and extraction.

        `http` is a client with a gate, proxy or cookies, where there are any. `listing_timeout_s` bounds the listing of
        a whole channel, `memory_bytes` one process of yt-dlp.
        """
        http = http or HttpClient(timeout_s=timeout_s, max_bytes=MAX_PAGE_BYTES, allow_loopback=allow_loopback)
        extractor = YtDlp(
            http,
            timeout_s=timeout_s,
            max_page_bytes=MAX_PAGE_BYTES,
            max_entries=max_recordings,
            listing_timeout_s=listing_timeout_s,
            options=options,
            memory_bytes=memory_bytes,
        )
        return cls(
            http,
            extractor,
            language=language,
            max_recordings=max_recordings,
            max_page_bytes=MAX_PAGE_BYTES,
            max_caption_bytes=max_caption_bytes,
            allow_loopback=allow_loopback,
        )

    async def close(self) -> None:
        """Close every connection."""
        await self._http.close()

    async def recording_id(self, url: str) -> str:
        """One id for every link to the same recording, YouTube's mirrors too; nothing is fetched."""
        return await self._extractor.recording_id(url)

    async def resolve(self, url: str) -> Channel:
        """The channel, playlist or feed behind `url`: see `UploadListings.resolve`."""
        return await self._listings.resolve(url)

    async def list_uploads(self, channel: Channel, kinds: Collection[UploadKind], limit: int) -> Uploads:
        """The newest `limit` uploads of these kinds: see `UploadListings.list_uploads`."""
        return await self._listings.list_uploads(channel, kinds, limit)

    async def poll(self, channel: Channel, kinds: Collection[UploadKind], validator: Validator) -> Polled:
        """What is new, as cheaply as the source allows: see `UploadListings.poll`."""
        return await self._listings.poll(channel, kinds, validator)

    async def list(self, url: str) -> Listing:
        """The recordings behind `url`, at most `max_recordings`, at least one; a recording's own link lists itself.

        Raises RefusedUrl, BadInput (nothing to read there), DeadlineExceeded or Unavailable; never an empty listing.
        """
        checked_url(url, allow_loopback=self._allow_loopback)
        if not await self._extractor.knows_site(url):
            page = await self._http.fetch(url, max_bytes=self._max_page_bytes, keep_partial=True, head_only=MEDIA_TYPES)
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
        """The recording that `entry` stands for.

        Raises as `list` does, RefusedUrl for the entry's own link, and NotReadable with the state it is in where it
        cannot be read now: a premiere, live, private, members only, a bot check, and so on.
        """
        checked_url(entry.url, allow_loopback=self._allow_loopback)
        extraction = await self._one_recording(entry)
        info = extraction.info
        track = choose_track(info.get("subtitles") or {}, info.get("automatic_captions") or {}, self._language)
        recording = recording_of(entry, info, extraction.head, track)
        require_readable(extraction, entry.url, track is not None, self._now())
        details = details_of(recording, info, self._now())
        skip = "" if track else "It has no captions."
        return Described(
            recording,
            track,
            skip,
            details.upload,
            details.channel,
            details.description,
            details.chapters,
            details.view_count,
        )

    async def _one_recording(self, entry: Entry) -> Extraction:
        """The extraction of the entry's recording; of a page that lists several, the first one's."""
        extraction = entry.extraction or await self._extractor.extract(entry.url)
        if extraction.info.get("_type") not in _PLAYLISTS:
            return extraction
        inner: Mapping[str, Any] | None = next(filter(None, extraction.info.get("entries") or ()), None)
        if inner is None:
            raise BadInput(f"{_host(entry.url)} has no recording at that link.", "Link to the recording's page.")
        if inner.get("_type") in ("url", "url_transparent"):
            return await self._extractor.extract(str(inner.get("url")))
        return replace(extraction, info=inner)

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
    if start.startswith((b"<", b"#extm3u")) or (page.body and page.content_type.startswith(MEDIA_TYPES)):
        return
    what = "a text that is neither a page nor a feed" if start else "nothing: the page is empty"
    raise BadInput(f"{_host(page.url)} answered with {what}.", "Link to a recording, a channel or a feed.")


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The site"
