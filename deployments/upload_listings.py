"""What can be followed: a link -> its channel, a channel -> its uploads, and a cheap look for news.

YouTube's channels are listed by their tabs, each by itself, and looked at by their Atom feed; feeds serve for both;
everything else is listed by yt-dlp. A page that could not be read is an error or a `problem`, never an empty channel.
"""

import asyncio
import time
from collections.abc import Callable, Collection, Sequence
from typing import Protocol
from urllib.parse import urljoin, urlsplit

from core.addresses import checked_url
from core.errors import BadInput, BotError, NotReadable
from core.feeds import Feed, parse_feed
from core.links import is_youtube, recording_id_of, youtube_channel_of, youtube_id_of
from core.pagehints import page_hints
from core.source_signs import not_readable, state_of_error, state_of_page, state_of_status
from core.source_states import TURNED_AWAY_STATES, SourceState
from core.upload_info import is_channel_id, plausible, upload_of, youtube
from core.upload_lists import merged
from core.uploads import ALL_KINDS, Channel, Polled, Upload, UploadKind, Uploads, Validator
from core.web import Page, WebRequest, conditions
from deployments.http_client import HttpClient
from deployments.ytdlp_calls import FlatListing

MEDIA_TYPES = (
    "audio/",
    "video/",
    "application/octet-stream",
    "application/vnd.apple.mpegurl",
    "application/x-mpegurl",
)
_TABS = {UploadKind.VIDEO: "videos", UploadKind.SHORT: "shorts", UploadKind.STREAM: "streams"}
_FEED = "https://www.youtube.com/feeds/videos.xml?channel_id="
# What a look for news takes of sources without a feed; of a playlist more, because its newest may stand at its end.
_NEWS = 30
_MAX_PLAYLIST = 1_000
_ONE_RECORDING = (
    "That is one recording, which cannot be followed.",
    "Link to its channel, or bring it in with /analyze.",
)


class Lister(Protocol):
    """yt-dlp, as far as it is needed here."""

    async def knows_site(self, url: str) -> bool: ...

    async def list_flat(self, url: str, limit: int, *, first_page: bool = False) -> FlatListing: ...


class UploadListings:
    """Channels and their uploads, over one HTTP client. `now` gives unix seconds."""

    def __init__(
        self,
        http: HttpClient,
        lister: Lister,
        *,
        max_page_bytes: int,
        allow_loopback: bool = False,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._http = http
        self._lister = lister
        self._max_page_bytes = max_page_bytes
        self._allow_loopback = allow_loopback
        self._now = now

    # ------------------------------------------------------------ which channel
    async def resolve(self, url: str) -> Channel:
        """The channel, playlist or feed behind `url`: the same one for every link to it.

        Raises RefusedUrl, BadInput (a single recording, nothing that can be followed), NotReadable, DeadlineExceeded or
        Unavailable.
        """
        if youtube_id_of(url):
            raise BadInput(*_ONE_RECORDING)
        if named := youtube_channel_of(url):
            url = youtube(named).url
        checked_url(url, allow_loopback=self._allow_loopback)
        if await self._lister.knows_site(url):
            return await self._resolve_listing(url)
        page = await self._page(url)
        feed = await self._feed_in(page)
        if feed is None and (link := page_hints(page.body[:256_000]).feed):
            # A podcast's home page names its feed.
            page = await self._page(urljoin(page.url, link))
            feed = await self._feed_in(page)
        if feed is None:
            _refuse_odd_page(page)
            return await self._resolve_listing(url)
        if feed.channel_id:
            return await self._resolve_listing(youtube(feed.channel_id).url)
        return Channel(recording_id_of(page.url), page.url, feed.title, _host(page.url))

    async def _resolve_listing(self, url: str) -> Channel:
        listing = await self._lister.list_flat(url, 1, first_page=True)
        if not listing.info and listing.error is not None:
            raise listing.error
        info = listing.info
        if not listing.is_list:
            raise listing.error or BadInput(*_ONE_RECORDING)
        title = str(info.get("channel") or info.get("uploader") or info.get("title") or "")
        key = str(info.get("extractor_key") or "generic").lower()
        if not key.startswith("youtube"):
            named = str(info.get("id") or "")
            page = str(info.get("webpage_url") or url)
            own_id = recording_id_of(page) if key == "generic" or not named else f"{key}:{named}"
            return Channel(own_id, page, str(info.get("title") or title), _host(page))
        listed = youtube_channel_of(str(info.get("id") or ""))
        known = listed or youtube_channel_of(str(info.get("channel_id") or ""))
        if not known:
            raise BadInput("That page of YouTube is no channel and no playlist.", "Link to a channel or a playlist.")
        return youtube(known, title if is_channel_id(known) else str(info.get("title") or ""))

    # ------------------------------------------------------------ all uploads
    async def list_uploads(self, channel: Channel, kinds: Collection[UploadKind], limit: int) -> Uploads:
        """The newest `limit` uploads of these kinds. Dates of YouTube are approximate, of shorts there are none.

        What was read before something failed is kept, and `problem` says what is missing. Raises as `resolve` does
        where nothing could be read.
        """
        checked_url(channel.url, allow_loopback=self._allow_loopback)
        named = _youtube_name(channel)
        if is_channel_id(named):
            return await self._youtube_tabs(channel, [kind for kind in ALL_KINDS if kind in kinds], limit)
        if not named and not await self._lister.knows_site(channel.url):
            page = await self._page(channel.url)
            if feed := await self._feed_in(page):
                return self._of_feed(channel, feed, page, kinds, limit)
            _refuse_odd_page(page)
        # A playlist is in its owner's order: the newest may stand anywhere.
        listing = await self._lister.list_flat(channel.url, max(limit, _MAX_PLAYLIST) if named else limit)
        found = _Found(channel, kinds, limit)
        found.add("list", listing, self._of_listing(listing, None))
        return found.uploads()

    async def _youtube_tabs(self, channel: Channel, kinds: Sequence[UploadKind], limit: int) -> Uploads:
        found, lacking = _Found(channel, kinds, limit), 0
        for kind in kinds:
            listing = await self._lister.list_flat(f"{channel.url}/{_TABS[kind]}", limit)
            if listing.lacks_tab or _is_other_tab(listing, _TABS[kind]):
                lacking += 1
            else:
                found.add(_TABS[kind], listing, self._of_listing(listing, kind))
        if lacking == len(kinds) and UploadKind.VIDEO in kinds:
            # Channels that YouTube makes of an artist's music have no tabs, but the list of all uploads.
            listing = await self._lister.list_flat(_all_uploads(channel), limit)
            if not isinstance(listing.error, NotReadable) or listing.error.state is not SourceState.UNKNOWN:
                found.add("uploads", listing, self._of_listing(listing, None))
        return found.uploads()

    def _of_listing(self, listing: FlatListing, kind: UploadKind | None) -> list[Upload]:
        now = self._now()
        # A list in the list (of a channel's first page) is no upload.
        found = (entry for entry in listing.entries if not str(entry.get("ie_key") or "").endswith("Tab"))
        return [upload_of(entry, exact=False, now=now, kind=kind) for entry in found]

    # ------------------------------------------------------------ news
    async def poll(self, channel: Channel, kinds: Collection[UploadKind], validator: Validator) -> Polled:
        """What is new, as cheaply as the source allows: `uploads` is None where nothing changed since `validator`.

        Raises as `list_uploads` does. An upload whose kind is not certain may be of another one.
        """
        named = _youtube_name(channel)
        if named and not is_channel_id(named):
            return Polled(await self.list_uploads(channel, kinds, _MAX_PLAYLIST))
        url = f"{_FEED}{named}" if named else channel.url
        if not named and await self._lister.knows_site(url):
            return Polled(await self.list_uploads(channel, kinds, _NEWS))
        page = await self._page(url, validator)
        if page.not_modified:
            return Polled(None, page.validator)
        feed = await self._feed_in(page)
        if feed is None:
            _refuse_odd_page(page)
            if named:
                raise not_readable(SourceState.NOT_A_FEED, _host(url))
            return Polled(await self.list_uploads(channel, kinds, _NEWS))
        return Polled(self._of_feed(channel, feed, page, kinds, len(feed.entries)), page.validator)

    # ------------------------------------------------------------ feeds
    async def _page(self, url: str, validator: Validator | None = None) -> Page:
        """The page at `url`, or what came of it. A status that is no success is raised as NotReadable."""
        request = WebRequest(url, headers=conditions(validator))
        reply = await self._http.open(request, max_bytes=self._max_page_bytes)
        if not (200 <= reply.status < 300 or reply.not_modified):
            reply.close()
            said = f"It answered with status {reply.status}."
            raise not_readable(state_of_status(reply.status), reply.host, said, reply.retry_after_s)
        return await reply.page(keep_partial=True, head_only=MEDIA_TYPES, asked_with=validator)

    async def _feed_in(self, page: Page) -> Feed | None:
        return await asyncio.to_thread(parse_feed, page.body, page.url)

    def _of_feed(self, channel: Channel, feed: Feed, page: Page, kinds: Collection[UploadKind], limit: int) -> Uploads:
        now = self._now()
        uploads = [entry.upload(plausible(entry.published_at, now)) for entry in feed.entries]
        found = _Found(channel, kinds, limit)
        if feed.cut or not page.complete:
            after = f"after {len(uploads)} recordings" if uploads else "before its first recording"
            said = f"Its feed breaks off {after}; what comes later is missing."
            found.note(not_readable(SourceState.SITE_DOWN, _host(channel.url), said), said)
        found.lists.append(uploads)
        return found.uploads()


class _Found:
    """What the lists of a channel gave so far, and what of them could not be read."""

    def __init__(self, channel: Channel, kinds: Collection[UploadKind], limit: int) -> None:
        self.lists: list[Sequence[Upload]] = []
        self._channel, self._kinds, self._limit = channel, kinds, limit
        self._errors: list[BotError] = []
        self._problems: list[str] = []
        self._more = False
        self._named: Channel | None = None

    def add(self, name: str, listing: FlatListing, uploads: Sequence[Upload]) -> None:
        """The list `name` and what it gave; a list that came without entries is no empty one."""
        if error := listing.error or (None if uploads else _nothing_in(listing, self._channel)):
            self.note(error, f"Of its {name}, {len(uploads)} could be read: {error}")
        if placeless := sum(not upload.url for upload in uploads):
            self._problems.append(
                f"{placeless} in its {name} have no page of their own; bring in their page by itself."
            )
        self.lists.append([upload for upload in uploads if upload.url])
        self._more = self._more or listing.more
        self._named = self._named or _named_now(listing)

    def note(self, error: BotError, problem: str) -> None:
        self._errors.append(error)
        self._problems.append(problem)

    def uploads(self) -> Uploads:
        """All of it. Raises the first error where nothing could be read."""
        if self._errors and not any(self.lists):
            raise self._errors[0]
        wanted = [one for one in merged(self.lists) if one.kind in self._kinds or not one.kind_is_certain]
        states = [state_of_error(error) or SourceState.UNKNOWN for error in self._errors]
        asked_s = [wait_s for error in self._errors if (wait_s := getattr(error, "retry_after_s", None)) is not None]
        return Uploads(
            tuple(wanted[: self._limit]),
            " ".join(self._problems),
            self._more or len(wanted) > self._limit,
            self._named,
            states[0] if states else SourceState.AVAILABLE,
            max(asked_s, default=None),
        )


def _nothing_in(listing: FlatListing, channel: Channel) -> BotError | None:
    """What an empty list means: nothing, where the page says so; else that its form is not known (any more)."""
    if listing.info.get("playlist_count") == 0:
        return None
    if not listing.is_list:
        return BadInput(*_ONE_RECORDING)
    return not_readable(SourceState.UNKNOWN, _host(channel.url), "Its list came without any entries.")


def _is_other_tab(listing: FlatListing, tab: str) -> bool:
    """Whether YouTube showed the channel's first page in place of the tab: then there is no such tab."""
    shown = str(listing.info.get("webpage_url") or "")
    return listing.error is None and bool(shown) and f"/{tab}" not in urlsplit(shown).path


def _all_uploads(channel: Channel) -> str:
    return youtube(f"UU{_youtube_name(channel)[2:]}").url


def _named_now(listing: FlatListing) -> Channel | None:
    """What the channel is called now: it may have been renamed, or merged into another one."""
    known = youtube_channel_of(str(listing.info.get("channel_id") or ""))
    return youtube(known, str(listing.info.get("channel") or "")) if is_channel_id(known) else None


def _youtube_name(channel: Channel) -> str:
    return channel.channel_id.removeprefix("youtube:") if is_youtube(channel.url) else ""


def _refuse_odd_page(page: Page) -> None:
    """Raises NotReadable for a page that stands in another's place, BadInput for what is no page."""
    if (state := state_of_page(page.body, page.url)) in TURNED_AWAY_STATES:
        raise not_readable(state, _host(page.url))
    if state is SourceState.UNKNOWN and not page.body[:512].lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<"):
        raise not_readable(SourceState.NOT_A_FEED, _host(page.url))


def _host(url: str) -> str:
    return urlsplit(url).hostname or "The site"
