"""Reads the data that YouTube's channel and playlist pages carry (`ytInitialData`): which videos, and of what kind.

The pages change their form every year or two. A video is known by the renderer that shows it, not by where it stands;
a page that has none of the known forms is a failure, not an empty channel.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from core.links import youtube_id_of
from core.source_signs import not_readable, state_of_page, state_of_words
from core.source_states import SourceState
from core.uploads import UploadKind

_HOST = "www.youtube.com"
# Renderers of one video each. Those of a header, a trailer or a side bar repeat a video that stands in the list.
_RENDERERS = ("gridVideoRenderer", "playlistVideoRenderer", "videoRenderer", "reelItemRenderer", "compactVideoRenderer")
_LISTS = ("contents", "continuationContents", "onResponseReceivedActions", "onResponseReceivedEndpoints")
_DATA = re.compile(
    r"(?:ytInitialData|window\s*\[\s*[\"']ytInitialData[\"']\s*\])\s*=\s*(?=\{)"
    r"|<script[^>]{0,200}\bid=[\"']yt-initial-data[\"'][^>]{0,200}>\s*(?=\{)"
)
_MAX_STEPS = 2_000_000
_LIVE_BADGES = ("BADGE_STYLE_TYPE_LIVE_NOW", "LIVE")


@dataclass(frozen=True, slots=True)
class PageVideo:
    """A video of a page. `state` is PREMIERE, LIVE or MEMBERS_ONLY where the page says so."""

    video_id: str
    title: str = ""
    kind: UploadKind = UploadKind.VIDEO
    state: SourceState = SourceState.AVAILABLE


@dataclass(frozen=True, slots=True)
class PageListing:
    """A page of a channel or playlist: its videos in order, each once. `goes_on` where further pages follow."""

    channel_id: str
    title: str
    videos: tuple[PageVideo, ...]
    goes_on: bool = False


def page_data(page: str) -> Mapping[str, Any]:
    """The `ytInitialData` of an HTML page. Raises NotReadable (CONSENT_PAGE, BOT_CHECK, …) where it has none."""
    if found := _DATA.search(page):
        try:
            data, _ = json.JSONDecoder().raw_decode(page, found.end())
        except (ValueError, RecursionError):
            data = None
        if isinstance(data, dict):
            return data
    raise not_readable(state_of_page(page.encode("utf-8", "replace")), _HOST)


def parse_page(data: Any) -> PageListing:
    """The listing in a page's `ytInitialData`, or in the answer for a further page.

    Raises NotReadable for an alert in place of a list, and for data that holds no list that is known.
    """
    if isinstance(data, list):  # the page and its answer, as YouTube once sent them
        data = next((part["response"] for part in data if isinstance(part, dict) and "response" in part), None)
    if not isinstance(data, dict):
        raise not_readable(SourceState.UNKNOWN, _HOST, "Its page data has no list.")
    found: dict[str, PageVideo] = {}
    goes_on = says_none = False
    for name, value in _walk({key: data[key] for key in _LISTS if key in data}):
        goes_on = goes_on or name in ("continuationItemRenderer", "nextContinuationData")
        says_none = says_none or name == "messageRenderer"
        if video := _video(name, value):
            found.setdefault(video.video_id, video)
    if not found and (said := _alert(data)):
        raise not_readable(state_of_words(said), _HOST, said)
    if not found and (goes_on or not says_none):
        raise not_readable(SourceState.UNKNOWN, _HOST, "Its page has no list of a form that is known.")
    return PageListing(*_names(data), tuple(found.values()), goes_on)


def _walk(root: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Every object below `root` with its name, in document order and without recursion."""
    waiting: list[tuple[str, Any]] = [("", root)]
    for _ in range(_MAX_STEPS):
        if not waiting:
            return
        name, value = waiting.pop()
        if isinstance(value, dict):
            yield name, value
            waiting += reversed(value.items())
        elif isinstance(value, list):
            waiting += (("", item) for item in reversed(value))


def _video(name: str, value: Mapping[str, Any]) -> PageVideo | None:
    if name in _RENDERERS:
        return _of_renderer(value)
    if name == "shortsLockupViewModel":
        video_id = _at(value, "onTap", "innertubeCommand", "reelWatchEndpoint", "videoId")
        title = _at(value, "overlayMetadata", "primaryText", "content")
        return _checked(video_id, title, UploadKind.SHORT, SourceState.AVAILABLE)
    if name == "lockupViewModel" and value.get("contentType") == "LOCKUP_CONTENT_TYPE_VIDEO":
        title = _at(value, "metadata", "lockupMetadataViewModel", "title", "content")
        styles = {below.get("badgeStyle") for _, below in _walk(value) if isinstance(below.get("badgeStyle"), str)}
        state = SourceState.LIVE if "THUMBNAIL_OVERLAY_BADGE_STYLE_LIVE" in styles else SourceState.AVAILABLE
        state = SourceState.MEMBERS_ONLY if "BADGE_MEMBERS_ONLY" in styles else state
        kind = UploadKind.STREAM if state is SourceState.LIVE else UploadKind.VIDEO
        return _checked(value.get("contentId"), title, kind, state)
    return None


def _of_renderer(value: Mapping[str, Any]) -> PageVideo | None:
    overlays = [
        _at(overlay, "thumbnailOverlayTimeStatusRenderer", "style") for overlay in _list(value, "thumbnailOverlays")
    ]
    badges = [_at(badge, "metadataBadgeRenderer", "style") for badge in _list(value, "badges")]
    link = str(_at(value, "navigationEndpoint", "commandMetadata", "webCommandMetadata", "url") or "")
    when = (_words(value.get("publishedTimeText")) or _words(value.get("videoInfo"))).lower()
    state = SourceState.AVAILABLE
    if value.get("upcomingEventData"):
        state = SourceState.PREMIERE
    elif any(style in _LIVE_BADGES for style in (*overlays, *badges)):
        state = SourceState.LIVE
    elif "BADGE_STYLE_TYPE_MEMBERS_ONLY" in badges:
        state = SourceState.MEMBERS_ONLY
    kind = UploadKind.VIDEO
    if "SHORTS" in overlays or "/shorts/" in link or _at(value, "navigationEndpoint", "reelWatchEndpoint"):
        kind = UploadKind.SHORT
    elif state is SourceState.LIVE or "streamed" in when:
        kind = UploadKind.STREAM
    title = _words(value.get("title")) or _words(value.get("headline"))
    return _checked(value.get("videoId"), title, kind, state)


def _checked(video_id: Any, title: Any, kind: UploadKind, state: SourceState) -> PageVideo | None:
    known = youtube_id_of(video_id) if isinstance(video_id, str) else ""
    return PageVideo(known, str(title or ""), kind, state) if known else None


def _words(text: Any) -> str:
    """The words of one of YouTube's texts: {"simpleText"}, {"runs": [{"text"}]} or {"content"}."""
    if not isinstance(text, dict):
        return ""
    joined = "".join(str(run.get("text", "")) for run in _list(text, "runs") if isinstance(run, dict))
    return str(text.get("simpleText") or text.get("content") or joined)


def _list(value: Mapping[str, Any], name: str) -> list[Any]:
    found = value.get(name)
    return found if isinstance(found, list) else []


def _at(value: Any, *path: str) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value


def _alert(data: Mapping[str, Any]) -> str:
    for alert in _list(data, "alerts"):
        renderer = _at(alert, "alertRenderer") or _at(alert, "alertWithButtonRenderer")
        if _at(renderer, "type") == "ERROR":
            return _words(_at(renderer, "text"))
    return ""


def _names(data: Mapping[str, Any]) -> tuple[str, str]:
    """The id and the title of the channel or playlist, each empty where the page does not say."""
    metadata = data.get("metadata")
    channel, playlist = _at(metadata, "channelMetadataRenderer"), _at(metadata, "playlistMetadataRenderer")
    if isinstance(channel, dict):
        return str(channel.get("externalId") or ""), str(channel.get("title") or "")
    canonical = str(_at(data, "microformat", "microformatDataRenderer", "urlCanonical") or "")
    return canonical.partition("list=")[2].partition("&")[0], str(_at(playlist, "title") or "")
