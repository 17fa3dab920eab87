"""What yt-dlp's info dicts say, in our own terms."""

import html
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from core.captiontracks import CaptionSource
from core.links import recording_id_of
from core.messages import Recording
from core.pagehints import page_hints
from deployments.ytdlp import Extraction

# Extractors that know nothing of a site: what they call an id, a title or a date is a guess.
_GUESSING = ("generic", "html5mediaembed")
_PLACE_IN_PAGE = re.compile(r" \(1\)$")
_MAX_TITLE_CHARS = 300


@dataclass(frozen=True, slots=True)
class Entry:
    """One recording of a listing, with what the listing says about it; `extraction` if it was read on the way."""

    url: str
    title: str = ""
    speaker: str = ""
    published: str = ""
    extraction: Extraction | None = None


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
