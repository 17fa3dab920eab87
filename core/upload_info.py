"""What yt-dlp's info dicts say of an upload, a recording's own or a listing's entry: `Upload` and `Channel`."""

import math
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from core.links import is_youtube, recording_id_of, youtube_channel_of, youtube_id_of
from core.source_signs import state_of_info
from core.source_states import SourceState
from core.uploads import Channel, Upload, UploadKind

# Nothing was put on the web before it was there: an older date is a clock that was never set.
_FIRST_AT = datetime(1990, 1, 1, tzinfo=UTC).timestamp()
# Clocks differ, and a site in the east is half a day ahead where it tells a day alone.
_AHEAD_S = 86_400.0
_MAX_TITLE_CHARS = 300
_MEDIA_KINDS = {"short": UploadKind.SHORT, "livestream": UploadKind.STREAM, "video": UploadKind.VIDEO}


def plausible(published_at: float | None, now: float) -> float | None:
    """`published_at`, or None where a clock was wrong: before the web, or more than a day after `now` (unix s).

    An upload of 1970 would fall before every cut-off and be lost; one of the future would stay the newest for years.
    """
    if published_at is None or not math.isfinite(published_at):
        return None
    return published_at if _FIRST_AT <= published_at <= now + _AHEAD_S else None


def upload_of(info: Mapping[str, Any], *, exact: bool, now: float, kind: UploadKind | None = None) -> Upload:
    """The upload in `info`. `exact` says whether its dates are; `kind` is that of the tab which lists it.

    A date without a time of day is its noon in UTC, so that it is off by half a day at most.
    """
    url = page_of(info)
    video_id = _youtube_id(info, url)
    if video_id and youtube_id_of(url) != video_id:
        url = f"https://www.youtube.com/watch?v={video_id}"
    told = kind_of(info)
    return Upload(
        f"youtube:{video_id}" if video_id else recording_id_of(url),
        url,
        " ".join(str(info.get("title") or "").split())[:_MAX_TITLE_CHARS],
        told or kind or UploadKind.VIDEO,
        plausible(published_at(info), now),
        exact=exact and published_at(info) is not None,
        length_s=_number(info.get("duration")) or 0.0,
        state=state_of_info(info),
        starts_at=_number(info.get("release_timestamp")) or 0.0,
        kind_is_certain=bool(told or kind),
    )


def page_of(info: Mapping[str, Any]) -> str:
    """The page of a recording or of a listing's entry, "" where it has none of its own."""
    url = str(info.get("webpage_url") or info.get("url") or info.get("original_url") or "")
    return url.partition("#__youtubedl_smuggle")[0]  # what yt-dlp tells itself


def kind_of(info: Mapping[str, Any]) -> UploadKind | None:
    """The kind that an info dict names, by `media_type`, its live status or a shorts link; None where it does not."""
    if named := _MEDIA_KINDS.get(str(info.get("media_type") or "")):
        return named
    premiere = state_of_info(info) is SourceState.PREMIERE
    if info.get("was_live") or (info.get("live_status") in ("is_live", "was_live", "post_live") and not premiere):
        return UploadKind.STREAM
    url = str(info.get("webpage_url") or info.get("url") or "")
    if is_youtube(url) and urlsplit(url).path.startswith("/shorts/"):
        return UploadKind.SHORT
    return None


def published_at(info: Mapping[str, Any]) -> float | None:
    """When it was published, in unix seconds: its `timestamp`, or the noon (UTC) of its `upload_date`."""
    moment = _number(info.get("timestamp"))
    if moment is not None:
        return moment
    try:
        return datetime.strptime(f"{info.get('upload_date') or ''} 12 +0000", "%Y%m%d %H %z").timestamp()
    except ValueError:
        return None


def channel_of(info: Mapping[str, Any]) -> Channel | None:
    """The channel of a recording's uploader; None where the site does not say."""
    named = str(info.get("channel_id") or info.get("uploader_id") or "")
    url = str(info.get("channel_url") or info.get("uploader_url") or "")
    title = str(info.get("channel") or info.get("uploader") or "")[:_MAX_TITLE_CHARS]
    page = str(info.get("webpage_url") or info.get("url") or url)
    if youtube_channel := youtube_channel_of(url) or (youtube_channel_of(named) if is_youtube(page) else ""):
        return youtube(youtube_channel, title)
    if not url:
        return None
    return Channel(recording_id_of(url), url, title, urlsplit(url).hostname or "")


def youtube(channel_id: str, title: str = "") -> Channel:
    """The YouTube channel ("UC…") or playlist with this id."""
    page = f"channel/{channel_id}" if is_channel_id(channel_id) else f"playlist?list={channel_id}"
    return Channel(f"youtube:{channel_id}", f"https://www.youtube.com/{page}", title, "www.youtube.com")


def is_channel_id(channel_id: str) -> bool:
    """Whether a YouTube id is a channel's and not a playlist's."""
    return len(channel_id) == 24 and channel_id.startswith("UC")


def _youtube_id(info: Mapping[str, Any], url: str) -> str:
    extractor = str(info.get("extractor_key") or info.get("ie_key") or "").lower()
    if extractor == "youtube":
        return youtube_id_of(str(info.get("id") or "")) or youtube_id_of(url)
    return youtube_id_of(url) if is_youtube(url) else ""


def _number(value: Any) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        return None
    return float(value)
