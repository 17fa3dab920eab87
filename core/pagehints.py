"""What the head of a web page says about who made it and when, and where its feed is."""

from dataclasses import dataclass
from html.parser import HTMLParser

_AUTHOR = ("author", "article:author", "og:video:director", "twitter:creator", "dc.creator", "og:site_name")
_PUBLISHED = ("article:published_time", "datepublished", "og:video:release_date", "date", "dc.date")
_FEED_TYPES = ("application/rss+xml", "application/atom+xml")
MAX_FIELD_CHARS = 200


@dataclass(frozen=True, slots=True)
class PageHints:
    """The author and the ISO date in a page's <meta> tags, its feed in a <link>; empty where the page does not say."""

    author: str = ""
    published: str = ""
    feed: str = ""


def page_hints(head: bytes) -> PageHints:
    """The hints in the first part of an HTML page; anything else gives none. Links in place of names are left out."""
    parser = _MetaTags()
    parser.feed(head.decode("utf-8", errors="replace"))
    author = next((value for name in _AUTHOR if (value := parser.found.get(name, "")) and "://" not in value), "")
    published = next((value for name in _PUBLISHED if (value := parser.found.get(name, ""))), "")
    return PageHints(author[:MAX_FIELD_CHARS], published[:10] if _is_date(published[:10]) else "", parser.feed_link)


class _MetaTags(HTMLParser):
    """Collects <meta name|property|itemprop content>, the first of each name, and the first <link> to a feed."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, str] = {}
        self.feed_link = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "link" and given.get("type", "").lower() in _FEED_TYPES:
            is_alternate = "alternate" in given.get("rel", "").lower().split()
            self.feed_link = self.feed_link or (given.get("href", "").strip() if is_alternate else "")
        if tag != "meta":
            return
        name = given.get("name") or given.get("property") or given.get("itemprop") or ""
        content = " ".join(given.get("content", "").split())
        if name and content:
            self.found.setdefault(name.lower(), content)


def _is_date(value: str) -> bool:
    year, _, rest = value.partition("-")
    month, _, day = rest.partition("-")
    return len(value) == 10 and all(part.isascii() and part.isdigit() for part in (year, month, day))
