"""YouTube's parts on this machine, for the real yt-dlp: channels with tabs, further pages, feeds, players, troubles.

`TubeClient` is the product's HTTP client with YouTube's hosts led to the site. The pages have the form of 2026, as far
as yt-dlp reads them: https://github.com/yt-dlp/yt-dlp, extractor/youtube/_tab.py.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from html import escape
from typing import Any
from urllib.parse import parse_qs, urlsplit

from aiohttp import web

from core.web import WebRequest
from deployments.http_client import HttpClient
from deployments.web_reply import WebReply
from tests.fakes.site import Reply, Seen, Site

_HOSTS = ("www.youtube.com", "youtube.com", "m.youtube.com")
_PAGE = 30
CONSENT = (
    b"<!doctype html><html><head><title>Before you continue to YouTube</title></head><body>"
    b"<form action='https://consent.youtube.com/s' method='POST'><button>Accept all</button></form></body></html>"
)


@dataclass(frozen=True, slots=True)
class Clip:
    """An upload as a tab shows it. `ago` is YouTube's words for its age; `published` the feed's date."""

    video_id: str
    title: str
    ago: str = "2 weeks ago"
    published: str = "2025-01-15T12:00:00+00:00"
    length: str = "10:00"
    members_only: bool = False
    live: bool = False
    starts_at: int = 0


@dataclass(slots=True)
class TubeChannel:
    """A channel. `tabs` are its clips, newest first, by the tab that shows them."""

    channel_id: str
    title: str
    handle: str = ""
    tabs: dict[str, list[Clip]] = field(default_factory=dict)


class Tube(Site):
    """`async with Tube() as tube`: put channels into it. A path in `replies` is answered before them, while it lasts.

    `broken` are the further pages ("videos:30") that fail, and with what; `players` what is said of a video.
    """

    def __init__(self) -> None:
        super().__init__()
        self.channels: list[TubeChannel] = []
        self.broken: dict[str, Reply] = {}
        self.players: dict[str, Mapping[str, Any]] = {}

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        if request.path in self.replies:
            return await super()._answer(request)
        body = await request.read()
        self.seen.append(Seen(request.method, request.path_qs, dict(request.headers), body))
        return await self._send(request, self._tube(request.path, request.query, body))

    def _tube(self, path: str, query: Mapping[str, str], body: bytes) -> Reply:
        if path == "/youtubei/v1/browse":
            return self._further(json.loads(body))
        if path == "/youtubei/v1/player":
            return self._player(str(json.loads(body).get("videoId")))
        if path == "/watch" or path.startswith("/shorts/"):
            answer = self._player(query.get("v") or path.rpartition("/")[2]).body.decode()
            around = json.dumps({"contents": {"twoColumnWatchNextResults": {"results": {}}}})
            scripts = f"var ytInitialPlayerResponse = {answer};</script><script>var ytInitialData = {around};"
            return Reply(f"<html><script>{scripts}</script></html>".encode())
        if path == "/feeds/videos.xml":
            channel = self._named(query.get("channel_id", ""))
            return Reply(atom(channel), "text/xml", headers={"ETag": f'"{len(atom(channel))}"'}) if channel else _GONE
        named, _, tab = path.strip("/").removeprefix("channel/").removeprefix("c/").removeprefix("user/").partition("/")
        channel = self._named(named)
        return Reply(_html(_page(channel, tab))) if channel else _GONE

    def _player(self, video_id: str) -> Reply:
        answer = self.players.get(video_id) or {"playabilityStatus": {"status": "ERROR", "reason": "Video unavailable"}}
        return Reply(json.dumps(answer).encode(), "application/json")

    def _further(self, asked: Mapping[str, Any]) -> Reply:
        if "continuation" not in asked:
            return Reply(b'{"error": {"message": "Requested entity was not found."}}', "application/json", 404)
        channel_id, tab, start = str(asked["continuation"]).split(":")
        if trouble := self.broken.get(f"{tab}:{start}"):
            return trouble
        channel = self._named(channel_id)
        items = _items(channel, tab, int(start)) if channel else []
        answer = {"onResponseReceivedActions": [{"appendContinuationItemsAction": {"continuationItems": items}}]}
        return Reply(json.dumps(answer).encode(), "application/json")

    def _named(self, name: str) -> TubeChannel | None:
        return next((one for one in self.channels if name and name in (one.channel_id, one.handle)), None)


class TubeClient(HttpClient):
    """The HTTP client, with YouTube's hosts led to `tube`; everything else goes where it went."""

    def __init__(self, tube: Tube, **options: Any) -> None:
        super().__init__(**({"timeout_s": 20.0, "max_bytes": 4_000_000, "attempts": 1} | options), allow_loopback=True)
        self._tube = tube

    async def open(self, request: WebRequest, *, max_bytes: int | None = None) -> WebReply:
        parts = urlsplit(request.url)
        if parts.hostname not in _HOSTS:
            return await super().open(request, max_bytes=max_bytes)
        query = f"?{parts.query}" if parts.query else ""
        reply = await super().open(replace(request, url=self._tube.url(f"{parts.path}{query}")), max_bytes=max_bytes)
        reply.url = request.url
        return reply


_GONE = Reply(b"<!doctype html><html><head><title>404 Not Found</title></head><body></body></html>", status=404)


def atom(channel: TubeChannel, count: int = 15) -> bytes:
    """The channel's feed: its newest uploads of all tabs."""
    clips = [(clip, tab) for tab, clips in channel.tabs.items() for clip in clips if not clip.members_only]
    clips = sorted(clips, key=lambda each: each[0].published, reverse=True)[:count]
    entries = "".join(
        f"<entry><id>yt:video:{clip.video_id}</id><yt:videoId>{clip.video_id}</yt:videoId>"
        f"<title>{escape(clip.title)}</title><link rel='alternate' href='https://www.youtube.com/{_path(clip, tab)}'/>"
        f"<published>{clip.published}</published></entry>"
        for clip, tab in clips
    )
    return (
        '<?xml version="1.0" encoding="UTF-8"?><feed xmlns:yt="http://www.youtube.com/xml/schemas/2015" '
        f'xmlns="http://www.w3.org/2005/Atom"><id>yt:channel:{channel.channel_id[2:]}</id>'
        f"<title>{escape(channel.title)}</title>{entries}</feed>"
    ).encode()


def _path(clip: Clip, tab: str) -> str:
    return f"shorts/{clip.video_id}" if tab == "shorts" else f"watch?v={clip.video_id}"


def _html(data: Mapping[str, Any]) -> bytes:
    return f"<!doctype html><html><body><script>var ytInitialData = {json.dumps(data)};</script></body></html>".encode()


def _page(channel: TubeChannel, tab: str) -> dict[str, Any]:
    """A channel's page: the tab that was asked for, or its first page where it has none of that name."""
    shown = tab if tab in channel.tabs else "featured"
    base = f"/channel/{channel.channel_id}"
    tabs = [
        {
            "tabRenderer": {
                "title": name.title(),
                "endpoint": {"commandMetadata": {"webCommandMetadata": {"url": f"{base}/{name}"}}},
                **({"selected": True, "content": _content(channel, name)} if name == shown else {}),
            }
        }
        for name in ("featured", *channel.tabs)
    ]
    about = {"externalId": channel.channel_id, "title": channel.title, "channelUrl": f"https://www.youtube.com{base}"}
    return {
        "contents": {"twoColumnBrowseResultsRenderer": {"tabs": tabs}},
        "metadata": {"channelMetadataRenderer": about},
    }


def _content(channel: TubeChannel, tab: str) -> dict[str, Any]:
    return {"richGridRenderer": {"contents": _items(channel, tab, 0)}}


def _items(channel: TubeChannel, tab: str, start: int) -> list[dict[str, Any]]:
    clips: Sequence[Clip] = channel.tabs.get(tab, [])
    items = [{"richItemRenderer": {"content": _renderer(clip, tab)}} for clip in clips[start : start + _PAGE]]
    if len(clips) > start + _PAGE:
        token = f"{channel.channel_id}:{tab}:{start + _PAGE}"
        items.append({"continuationItemRenderer": {"continuationEndpoint": {"continuationCommand": {"token": token}}}})
    return items


def _renderer(clip: Clip, tab: str) -> dict[str, Any]:
    if tab == "shorts":
        return {
            "shortsLockupViewModel": {
                "entityId": f"shorts-shelf-item-{clip.video_id}",
                "onTap": {"innertubeCommand": {"reelWatchEndpoint": {"videoId": clip.video_id}}},
                "overlayMetadata": {"primaryText": {"content": clip.title}},
            }
        }
    link = {"commandMetadata": {"webCommandMetadata": {"url": f"/{_path(clip, tab)}"}}}
    renderer: dict[str, Any] = {
        "videoId": clip.video_id,
        "title": {"runs": [{"text": clip.title}]},
        "publishedTimeText": {"simpleText": f"Streamed {clip.ago}" if tab == "streams" else clip.ago},
        "lengthText": {"simpleText": clip.length},
        "navigationEndpoint": link,
    }
    badges = [name for name, on in (("MEMBERS_ONLY", clip.members_only), ("LIVE_NOW", clip.live)) if on]
    renderer["badges"] = [{"metadataBadgeRenderer": {"style": f"BADGE_STYLE_TYPE_{name}"}} for name in badges]
    if clip.live or clip.starts_at:
        del renderer["publishedTimeText"], renderer["lengthText"]
    if clip.starts_at:
        renderer["upcomingEventData"] = {"startTime": str(clip.starts_at)}
    return {"videoRenderer": renderer}


_DATES = {"publishDate": "2025-03-10T05:00:00-07:00", "uploadDate": "2025-03-10T05:00:00-07:00"}


def player(
    video_id: str, *, status: str = "OK", reason: str = "", captions: Sequence[str] = (), **more: Any
) -> dict[str, Any]:
    """A player's answer: `captions` are languages, with "a." before those of speech recognition."""
    tracks = [
        {
            "baseUrl": f"https://www.youtube.com/api/timedtext?v={video_id}&lang={name.removeprefix('a.')}",
            "languageCode": name.removeprefix("a."),
            "vssId": name if name.startswith("a.") else f".{name}",
            "name": {"simpleText": name},
            **({"kind": "asr"} if name.startswith("a.") else {}),
        }
        for name in captions
    ]
    details = {"videoId": video_id, "title": f"Talk {video_id}", "lengthSeconds": "600", "channelId": "UC" + "a" * 22}
    return {
        "playabilityStatus": {"status": status, **({"reason": reason} if reason else {})},
        "videoDetails": details | {"author": "Shore Talks", "shortDescription": "0:00 Tides\n5:00 Reefs"} | more,
        "captions": {"playerCaptionsTracklistRenderer": {"captionTracks": tracks}},
        "microformat": {"playerMicroformatRenderer": _DATES},
    }


def clips(prefix: str, count: int) -> list[Clip]:
    """`count` clips, newest first, one a day."""
    made = []
    for number in range(count):
        month, day = divmod(number, 28)
        year, month = 2025 - month // 12, 12 - month % 12
        published = f"{year}-{month:02}-{28 - day:02}T12:00:00+00:00"
        made.append(
            Clip(f"{prefix}{number:0{11 - len(prefix)}}", f"{prefix} {number}", f"{number + 1} days ago", published)
        )
    return made


def query_of(path: str) -> dict[str, list[str]]:
    """The parameters of a path that was seen."""
    return parse_qs(urlsplit(path).query)
