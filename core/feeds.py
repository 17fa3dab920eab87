"""Reads RSS 0.9x/2.0, RSS 1.0 and Atom feeds, as far as they go: a feed that breaks off gives what came before."""

import html
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urljoin
from xml.etree.ElementTree import Element, ParseError, XMLPullParser

_TAGS = re.compile(r"<[^>]*>")
_ENTRY_TAGS = frozenset({"item", "entry"})
_ROOTS = frozenset({"rss", "rdf", "feed"})
# Feeds have no use for entities of their own; what uses them are attacks that grow a small file to gigabytes.
_ENTITY = b"<!ENTITY"


@dataclass(frozen=True, slots=True)
class FeedEntry:
    """One item of a feed. `published` is an ISO date, or empty; `url` is absolute."""

    url: str
    title: str = ""
    author: str = ""
    published: str = ""


@dataclass(frozen=True, slots=True)
class Feed:
    """A feed's items in its order. `cut` says where it broke off (empty: it was whole)."""

    title: str
    author: str
    language: str
    entries: tuple[FeedEntry, ...]
    cut: str = ""


def parse_feed(data: bytes, base_url: str) -> Feed | None:
    """The feed in `data`, or None if it is none. Links are made absolute against `base_url`.

    An item gives its page, or its media file where it has no page or shares one with other items. An item that breaks
    off is left out.
    """
    if _ENTITY in data:
        return None
    parser: XMLPullParser[Any] = XMLPullParser(events=("start", "end"))
    reader = _Reader(base_url)
    cut = ""
    try:
        parser.feed(data.lstrip())
        reader.take(parser.read_events())
        parser.close()
    except ParseError as error:
        cut = f"line {error.position[0]}"
    if not reader.is_feed:
        return None
    return Feed(reader.title, reader.author, reader.language, reader.entries(), cut)


class _Reader:
    """Takes elements as they come; what it holds is true at every moment."""

    def __init__(self, base_url: str) -> None:
        self.base_url = base_url
        self.is_feed = False
        self.title = self.author = self.language = ""
        self._found: list[tuple[FeedEntry, str]] = []
        self._open: list[str] = []

    def take(self, events: Iterable[Any]) -> None:
        for event, element in events:
            name = _name(element)
            if event == "start":
                if not self._open:
                    if name not in _ROOTS:
                        return
                    self.is_feed = True
                self._open.append(name)
            else:
                self._open.pop()
                self._end(element, name)

    def entries(self) -> tuple[FeedEntry, ...]:
        # Some podcasts link every episode to the show's home page: then the media file tells them apart.
        uses = Counter(entry.url for entry, _ in self._found)
        return tuple(
            replace(entry, url=media) if media and uses[entry.url] > 1 else entry for entry, media in self._found
        )

    def _end(self, element: Element, name: str) -> None:
        if name in _ENTRY_TAGS:
            page, media = (_absolute(self.base_url, link) for link in _links(element))
            if page or media:
                self._found.append((_entry(element, page or media, self.author), media))
            element.clear()
        elif self._open in (["rss", "channel"], ["rdf", "channel"], ["feed"]):
            text = _text(element)
            if name == "title":
                self.title = text
            elif name == "language":
                self.language = text.lower()
            elif name in ("author", "creator") and text:
                self.author = text


def _entry(item: Element, url: str, feed_author: str) -> FeedEntry:
    author = next((_text(child) for child in item if _name(child) in ("author", "creator") and _text(child)), "")
    dates = {_name(child): _text(child) for child in item}
    published = dates.get("pubdate") or dates.get("published") or dates.get("date") or ""
    title = next((_text(child) for child in item if _name(child) == "title"), "")
    return FeedEntry(url, title, author or feed_author, _iso_date(published))


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


def _name(element: Element) -> str:
    return element.tag.rpartition("}")[2].lower()


def _text(element: Element) -> str:
    """An element's words: Atom keeps an author's in <name>, and titles may carry markup."""
    name = next((child for child in element if _name(child) == "name"), None)
    raw = "".join((element if name is None else name).itertext())
    return " ".join(_TAGS.sub(" ", html.unescape(raw)).split())


def _iso_date(value: str) -> str:
    try:
        return datetime.fromisoformat(value).date().isoformat()
    except ValueError:
        pass
    try:
        moment = parsedate_to_datetime(value)
    except ValueError:
        return ""
    return (moment.astimezone(UTC) if moment.tzinfo else moment).date().isoformat()
