"""What yt-dlp's info dicts say, in our own terms."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from typing import Any
from urllib.parse import urlsplit

from core.captiontracks import CaptionSource
from core.chapters import chapters_of
from core.following import Chapter
from core.links import recording_id_of
from core.messages import Recording
from core.pagehints import page_hints
from core.source_signs import not_readable, state_of_info, state_of_words
from core.source_states import CLOSED_STATES, SourceState
from core.upload_info import channel_of, plausible, upload_of
from core.uploads import Channel, Upload
from deployments.ytdlp_calls import Extraction
from deployments.ytdlp_errors import sentence_of

# Extractors that know nothing of a site: what they call an id, a title or a date is a guess.
_GUESSING = ("generic", "html5mediaembed")
_PLACE_IN_PAGE = re.compile(r" \(1\)$")
_MAX_TITLE_CHARS = 300
_MAX_DESCRIPTION_CHARS = 100_000
# Warnings that follow from how we ask, whatever the reason is that nothing plays.
_OUR_DOING = re.compile(r"JavaScript runtime|JS runtime|No video formats found|Requested format is not available")
_NOT_ENDED = (SourceState.PREMIERE, SourceState.LIVE)


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording of a listing, with what the listing says about it; `extraction` if it was read on the way."""

    url: str
    title: str = ""
    speaker: str = ""
    published: str = ""
    extraction: Extraction | None = None


@dataclass(frozen=True, slots=True)
class Details:
    """What else a recording's page says: see `deployments.media_source.Described`."""

    upload: Upload
    channel: Channel | None
    description: str
    chapters: tuple[Chapter, ...]
    view_count: int | None


def entry_of(upload: Upload) -> Entry:
    """The entry that `MediaSource.describe` takes for an upload of a listing."""
    at = upload.published_at if upload.exact else None
    published = "" if at is None else datetime.fromtimestamp(at, UTC).date().isoformat()
    return Entry(upload.url, upload.title, published=published)


def details_of(recording: Recording, info: Mapping[str, Any], now: float) -> Details:
    """What the page says besides; `now` is unix seconds. Only a date of the page itself is exact."""
    upload = replace(upload_of(info, exact=True, now=now), recording_id=recording.recording_id, url=recording.url)
    if upload.published_at is None and recording.published:
        day = datetime.fromisoformat(recording.published).replace(hour=12, tzinfo=UTC)
        upload = replace(upload, published_at=plausible(day.timestamp(), now), exact=True)
    description = str(info.get("description") or "")[:_MAX_DESCRIPTION_CHARS]
    views = info.get("view_count")
    return Details(
        replace(upload, title=recording.title),
        channel_of(info),
        description,
        chapters_of(description, info.get("chapters"), recording.duration_s),
        views if isinstance(views, int) and views >= 0 else None,
    )


def require_readable(extraction: Extraction, url: str, has_captions: bool, now: float) -> None:
    """Raises NotReadable with the state that the recording is in, where neither its captions nor its sound are there.

    yt-dlp hands back an info dict for what does not play too, and says why in a warning alone.
    """
    info, host = extraction.info, urlsplit(url).hostname or "The site"
    state = state_of_info(info)
    starts_at = upload_of(info, exact=True, now=now).starts_at
    wait_s = starts_at - now if state is SourceState.PREMIERE and starts_at > now else None
    if state in _NOT_ENDED or (state is SourceState.PROCESSING and not has_captions):
        raise not_readable(state, host, retry_after_s=wait_s)
    if has_captions or info.get("formats") or info.get("url"):
        return
    warnings = [sentence_of(warning) for warning in extraction.warnings if not _OUR_DOING.search(warning)]
    telling = next((said for said in warnings if state_of_words(said) is not SourceState.UNKNOWN), "")
    said = telling or " ".join(warnings)[:_MAX_TITLE_CHARS]
    if said and state not in CLOSED_STATES:
        state = state_of_words(said)
    if state is SourceState.AVAILABLE and extraction.warnings:
        state, said = SourceState.UNKNOWN, "It has neither captions nor sound that can be read."
    if state is not SourceState.AVAILABLE:
        raise not_readable(state, host, said)


def entries_of(page_url: str, items: Iterable[Mapping[str, Any] | None], head: bytes) -> Iterable[Entry]:
    for item in items:
        if not item:
            continue
        read = "subtitles" in item or "formats" in item
        url = str(page_url if read else item.get("url") or item.get("webpage_url") or "")
        if url:
            extraction = Extraction(item, head) if read else None
            yield Entry(url.partition("#__youtubedl_smuggle")[0], title_of(item, ""), speaker_of(item), "", extraction)


def recording_of(entry: Entry, info: Mapping[str, Any], head: bytes, track: CaptionSource | None) -> Recording:
    language = (track.language if track else "") or str(info.get("language") or "")
    duration_s = float(info.get("duration") or 0.0)
    if str(info.get("extractor_key") or _GUESSING[0]).lower() not in _GUESSING:
        url, title = str(info.get("webpage_url") or entry.url), title_of(info, entry.title or entry.url)
        speaker, published = speaker_of(info) or entry.speaker, _published(info) or entry.published
        return Recording(recording_id_of(url), url, title, speaker, duration_s, published, language)
    # Of a page with two videos each is a recording: its id in the page tells them apart.
    is_one_of_many = bool(entry.extraction and info.get("playlist_index"))
    return Recording(
        recording_id=recording_id_of(entry.url) + (f"#{info.get('id')}" if is_one_of_many else ""),
        url=entry.url,
        title=entry.title or title_of(info, entry.url),
        speaker=speaker_of(info) or entry.speaker or page_hints(head).author,
        duration_s=duration_s,
        published=entry.published or page_hints(head).published,
        language=language,
    )


def title_of(info: Mapping[str, Any], fallback: str) -> str:
    title = str(info.get("title") or fallback)
    if info.get("extractor") == "html5" and not info.get("playlist_index"):
        title = _PLACE_IN_PAGE.sub("", title)  # the only video of its page is numbered too
    return " ".join(html.unescape(title).split())[:_MAX_TITLE_CHARS]


def speaker_of(info: Mapping[str, Any]) -> str:
    for name in ("uploader", "channel", "creator", "artist", "author"):
        if value := info.get(name):
            return str(value)[:_MAX_TITLE_CHARS]
    return ""


def _published(info: Mapping[str, Any]) -> str:
    try:
        return date.fromisoformat(str(info.get("upload_date") or "")).isoformat()
    except ValueError:
        return ""
