"""Reads RSS 0.9x/2.0, RSS 1.0 and Atom feeds, as far as they go: a feed that breaks off gives what came before."""

import html
import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin, urlsplit
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

from core.links import recording_id_of, youtube_channel_of, youtube_id_of
from core.uploads import Upload, UploadKind

# A podcast of twenty years with two episodes a day has fewer; a feed of a million items is none that people follow.
MAX_ENTRIES = 20_000
_MAX_ELEMENTS = 1_000_000
_MAX_DEPTH = 100
_PIECE_BYTES = 64 * 1024
_MAX_TEXT_CHARS = 20_000
_TAGS = re.compile(r"<[^>]*>")
_ENTRY_TAGS = frozenset({"item", "entry"})
_TOPS = (["rss", "channel"], ["rdf", "channel"], ["rdf"], ["feed"])
_ROOTS = frozenset({"rss", "rdf", "feed"})
# Feeds have no use for entities of their own; what uses them are attacks that grow a small file to gigabytes.
_ENTITIES = tuple("<!ENTITY".encode(encoding) for encoding in ("utf-8", "utf-16-le", "utf-16-be"))
_CLOCK = re.compile(r"(?:(\d{1,3}):)?(\d{1,4}):(\d{1,2})(?:\.\d+)?")


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One item of a feed. `published` is an ISO date, or empty; `url` is absolute.

    `published_at` is unix seconds, None without a date; `length_s` is 0.0 where it is not told.
    """

    url: str
    title: str = ""
    author: str = ""
    published: str = ""
    published_at: float | None = None
    length_s: float = 0.0
    kind: UploadKind = UploadKind.VIDEO

    def upload(self, published_at: float | None) -> Upload:
        """The item as an upload of that time (unix s). YouTube's feeds do not tell streams from videos."""
        known = self.kind is UploadKind.SHORT or not youtube_id_of(self.url)
        return Upload(
            recording_id_of(self.url),
            self.url,
            self.title,
            self.kind,
            published_at,
            exact=published_at is not None,
            length_s=self.length_s,
            kind_is_certain=known,
        )


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's items in its order. `cut` says where it broke off (empty: it was whole).

    `channel_id` is the id of the YouTube channel or playlist that the feed is of, or empty.
    """

    title: str
    author: str
    language: str
    entries: tuple[FeedEntry, ...]
    cut: str = ""
    channel_id: str = ""


class _TooMuch(Exception):
    """A feed that goes on beyond what is read of one; its argument says where."""


def parse_feed(data: bytes, base_url: str, *, max_entries: int = MAX_ENTRIES) -> Feed | None:
    """The feed in `data`, or None if it is none. Links are made absolute against `base_url`.

    An item gives its page, or its media file where it has no page or shares one with other items. An item that breaks
    off is left out, and so is what comes after `max_entries` items or lies too deep.
    """
    if any(entity in data for entity in _ENTITIES):
        return None
    reader = _Reader(base_url, max_entries)
    cut = ""
    try:
        for events in _events(data.lstrip(b"\xef\xbb\xbf \t\r\n")):
            reader.take(events)
    except ParseError as error:
        cut = f"line {error.position[0]}"
    except _TooMuch as error:
        cut = str(error)
    except (LookupError, ValueError):
        cut = "an encoding that is not known"
    if not reader.is_feed:
        return None
    return Feed(reader.title, reader.author, reader.language, reader.entries(), cut, reader.channel_id)


def _events(data: bytes) -> Iterator[Iterable[Any]]:
    """The parser's events, in pieces, so that an item is dropped before the next ones are built."""
    parser: XMLPullParser[Any] = XMLPullParser(events=("start", "end"))
    for start in range(0, len(data), _PIECE_BYTES):
        parser.feed(data[start : start + _PIECE_BYTES])
        yield parser.read_events()
    parser.close()
    yield parser.read_events()


class _Reader:
    """Takes elements as they come; what it holds is true at every moment."""

    def __init__(self, base_url: str, max_entries: int) -> None:
        self.base_url = base_url
        self.is_feed = False
        self.title = self.author = self.language = self.channel_id = ""
        self._max_entries = max_entries
        self._found: list[tuple[FeedEntry, str]] = []
        self._open: list[tuple[str, Element]] = []
        self._elements = 0

    def take(self, events: Iterable[Any]) -> None:
        for event, element in events:
            name = _name(element)
            if event == "end":
                self._open.pop()
                self._end(element, name)
                continue
            self.is_feed = self.is_feed or (not self._open and name in _ROOTS)
            self._elements += 1
            if not self.is_feed or len(self._open) >= _MAX_DEPTH or self._elements > _MAX_ELEMENTS:
                raise _TooMuch(f"element {self._elements:,}, {len(self._open)} levels deep")
            self._open.append((name, element))

    def entries(self) -> tuple[FeedEntry, ...]:
        # Some podcasts link every episode to the show's home page: then the media file tells them apart.
        uses = Counter(entry.url for entry, _ in self._found)
        return tuple(
            replace(entry, url=media) if media and uses[entry.url] > 1 else entry for entry, media in self._found
        )

    def _end(self, element: Element, name: str) -> None:
        above = [each for each, _ in self._open]
        if not _ENTRY_TAGS.isdisjoint(above):
            return
        if name in _ENTRY_TAGS:
            self._add(element)
        elif above in _TOPS:
            self._note(_text(element), name)
        if name in _ENTRY_TAGS or above in _TOPS:
            del self._open[-1][1][-1]  # what was read goes: a feed may have a million of them

    def _add(self, element: Element) -> None:
        page, media = (_absolute(self.base_url, link) for link in _links(element))
        entry = _entry(element, page, media, self.author)
        if entry.url:
            self._found.append((entry, media))
        if len(self._found) >= self._max_entries:
            raise _TooMuch(f"item {self._max_entries:,}")

    def _note(self, text: str, name: str) -> None:
        if name == "title":
            self.title = text
        elif name == "language":
            self.language = text.lower()
        elif name in ("author", "creator") and text:
            self.author = text
        elif name == "id" and text.startswith(("yt:channel:", "yt:playlist:")):
            self.channel_id = youtube_channel_of(f"https://youtube.com/playlist?list={_channel_of(text)}")


def _channel_of(feed_id: str) -> str:
    kind, _, named = feed_id.removeprefix("yt:").partition(":")
    # YouTube's own feeds of 2024 and later leave the "UC" away here.
    return f"UC{named}" if kind == "channel" and not named.startswith("UC") else named


def _entry(item: Element, page: str, media: str, feed_author: str) -> FeedEntry:
    texts: dict[str, str] = {}
    for child in _fields(item):
        if text := _text(child):
            texts.setdefault(_name(child), text)
    url, kind = page or media, UploadKind.VIDEO
    named = texts.get("id", "")
    if video_id := youtube_id_of(texts.get("videoid") or (named[9:] if named.startswith("yt:video:") else "")):
        # The id leads to YouTube itself, whatever place the feed came from.
        kind = UploadKind.SHORT if _path(page).startswith("/shorts/") else kind
        url = f"https://www.youtube.com/{'shorts/' if kind is UploadKind.SHORT else 'watch?v='}{video_id}"
    elif youtube_id_of(page) and _path(page).startswith("/shorts/"):
        kind = UploadKind.SHORT
    moment = _moment(texts.get("pubdate") or texts.get("published") or texts.get("date") or "")
    return FeedEntry(
        url,
        texts.get("title", ""),
        texts.get("author") or texts.get("creator") or feed_author,
        "" if moment is None else moment.date().isoformat(),
        None if moment is None else moment.timestamp(),
        _length_s(texts.get("duration", ""), item),
        kind,
    )


def _fields(item: Element) -> Iterable[Element]:
    """The item's fields, its own before those of a media group."""
    groups = [child for child in item if _name(child) == "group"]
    yield from (child for child in item if _name(child) != "group")
    for group in groups:
        yield from group


def _length_s(clock: str, item: Element) -> float:
    """A duration in seconds or as a clock shows it (itunes:duration), or as an attribute of media:content."""
    if clock.isascii() and clock.isdigit() and len(clock) < 8:
        return float(clock)
    if match := _CLOCK.fullmatch(clock):
        hours, minutes, seconds = (int(part or 0) for part in match.groups())
        return float(hours * 3600 + minutes * 60 + seconds)
    for child in _fields(item):
        value = child.get("duration") or child.get("seconds") or ""
        if _name(child) in ("content", "duration") and re.fullmatch(r"[0-9]{1,7}(?:\.[0-9]{1,9})?", value):
            return float(value)
    return 0.0


def _links(item: Element) -> tuple[str, str]:
    """The item's page and its media file, each empty if there is none."""
    page = media = ""
    for child in item:
        name, href, rel = _name(child), (child.get("href") or "").strip(), child.get("rel", "alternate")
        if name == "link" and rel == "alternate":
            page = page or (child.text or "").strip() or href
        elif name in ("link", "enclosure") and (name == "enclosure" or rel == "enclosure"):
            media = media or (child.get("url") or href).strip()
    return page, media


def _absolute(base_url: str, link: str) -> str:
    try:
        return urljoin(base_url, link) if link else ""
    except ValueError:
        return ""


def _path(url: str) -> str:
    try:
        return urlsplit(url).path
    except ValueError:
        return ""


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def _text(element: Element) -> str:
    """An element's words: Atom keeps an author's in <name>, and titles may carry markup."""
    name = next((child for child in element if _name(child) == "name"), None)
    raw = "".join((element if name is None else name).itertext())[:_MAX_TEXT_CHARS]
    return " ".join(_TAGS.sub(" ", html.unescape(raw)).split())


def _moment(value: str) -> datetime | None:
    """The moment, in UTC, of a date as Atom (RFC 3339) or RSS (RFC 822) write it; UTC too where it names no zone."""
    try:
        moment = datetime.fromisoformat(value)
    except ValueError:
        try:
            moment = parsedate_to_datetime(value)
        except (ValueError, TypeError, OverflowError):
            return None
    try:
        moment = moment.astimezone(UTC) if moment.tzinfo else moment.replace(tzinfo=UTC)
        return moment if math.isfinite(moment.timestamp()) else None
    except (ValueError, OverflowError):
        return None
