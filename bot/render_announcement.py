"""From an announcement to the page that is posted. Pure, like bot/render.py."""

from bot.page import BLANK, Line, Page, Span, Style, line
from bot.plain_text import clock, one_line, shorten
from core.following import Announcement, Chapter
from core.links import link_at

MAX_TITLE_CHARS = 200
MAX_SENTENCE_CHARS = 300
MAX_SENTENCES = 8
MAX_CHAPTERS = 20
MAX_TOPICS = 12
MAX_LINK_CHARS = 200
_CHAPTER_CHARS, _TOPIC_CHARS, _NAME_CHARS = 80, 40, 100


def announcement(value: Announcement) -> Page:
    """A new recording: who made it, how long it is, what it says, its chapters and topics, linked to the second."""
    lines: list[Line] = []
    byline = _byline(value)
    if byline:
        lines.append(line(Span(byline, Style.BOLD)))
    for text, start_s in value.summary[:MAX_SENTENCES]:
        said = shorten(one_line(text), MAX_SENTENCE_CHARS)
        if said:
            lines.append(line(f"{said} ", _moment(value, start_s)))
    if value.chapters:
        lines += [BLANK, line(Span("Chapters", Style.BOLD)), *_chapters(value, value.chapters)]
    topics = [shorten(one_line(topic), _TOPIC_CHARS) for topic in value.topics[:MAX_TOPICS]]
    if any(topics):
        lines += [BLANK, line(Span("Topics: ", Style.BOLD), " · ".join(filter(None, topics)))]
    title = shorten(one_line(value.title), MAX_TITLE_CHARS) or "A new recording"
    return Page(tuple(lines), title, "Ask about it with /ask", url=value.url)


def _byline(value: Announcement) -> str:
    creator = shorten(one_line(value.creator), _NAME_CHARS)
    length = clock(value.length_s) if value.length_s >= 1 else ""
    return " · ".join(filter(None, (creator, length)))


def _chapters(value: Announcement, chapters: tuple[Chapter, ...]) -> list[Line]:
    shown = [
        line(_moment(value, chapter.start_s), f" {shorten(one_line(chapter.title), _CHAPTER_CHARS)}")
        for chapter in chapters[:MAX_CHAPTERS]
    ]
    left_out = len(chapters) - len(shown)
    return [*shown, line(f"… and {left_out} more")] if left_out else shown


def _moment(value: Announcement, start_s: float) -> Span:
    link = link_at(value.url, start_s)
    # A longer one, written two dozen times, would leave no room for words.
    return Span(clock(start_s), url=link if len(link) <= MAX_LINK_CHARS else "")
