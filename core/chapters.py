"""Chapters of a recording: from the times in its description, or as its site tells them.

A description names chapters by lines with a time at their beginning or end: `0:00 Intro`, `1:02:03 - Title`,
`• (12:30) Title`, `Title [4:05]`. Times in prose are none: a list has at least `MIN_CHAPTERS` rising times (two, if
the first is 0:00), and begins within `FIRST_WITHIN_S` seconds.
"""

import html
import math
import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from core.following import Chapter

MIN_CHAPTERS = 3
FIRST_WITHIN_S = 30.0
# The longest list of a concert or a 12-hour stream is shorter; a description that is longer is no description.
MAX_CHAPTERS = 400
MAX_DESCRIPTION_CHARS = 100_000
MAX_TITLE_CHARS = 200
_MAX_LINE_CHARS = 400

_TIME = r"(?<![\d:.,])(?:([0-9]{1,2}):([0-5]?[0-9])|([0-9]{1,3})):([0-5][0-9])(?:\.[0-9]{1,3})?(?!\d|:\d)"
_STAMP = re.compile(_TIME)
_BEFORE = re.compile(r"\A(?:[^\w]*[0-9]{1,3}[.)]\s)?[^\w]*\Z")
_UNTIL = re.compile(rf"\A\s*(?:-|–|—|→|to)\s*{_TIME}")
_SEPARATORS = " \t\u00a0-–—:|.,)]}>»→•·~="
_OPENING = " \t\u00a0-–—:|([{<«→•·~="
_AFTER = re.compile(r"\A[\s)\]}>»]*\Z")
_CLOCK = re.compile(r"\A(?:[ap]\.?m\b|o['’]?clock\b|uhr\b)", re.IGNORECASE)
_BREAK = re.compile(r"<(?:br|/p|/li|/div|/tr|/h[1-6])\b[^<>]{0,200}>", re.IGNORECASE)
_TAG = re.compile(r"</?[a-z][^<>]{0,500}>", re.IGNORECASE)
_BULLET = re.compile(r"\A[^\w(\[{\"'“‘«¿¡#@$€£]+(?=\w)|\A[0-9]{1,3}[.)]\s+")
_UNTITLED = re.compile(r"<Untitled Chapter \d+>")


def chapters_of(
    description: str, told: Iterable[Mapping[str, Any]] | None = None, length_s: float = 0.0
) -> tuple[Chapter, ...]:
    """The chapters in time order: those that the site tells (`told`, as yt-dlp's `chapters`), else the description's.

    `length_s` is the recording's length in seconds, 0.0 where unknown: a chapter does not begin after the end.
    """
    chapters = _told(told or ()) or described(description)
    return tuple(chapter for chapter in chapters if not length_s or chapter.start_s < length_s)


def described(description: str) -> tuple[Chapter, ...]:
    """The chapters that a description lists, empty where it lists none; of two lists the longer, or the first."""
    runs: list[list[Chapter]] = []
    for line in _lines(description):
        chapter = _chapter(line)
        if chapter is None:
            continue
        if runs and chapter.start_s > runs[-1][-1].start_s:
            runs[-1].append(chapter)
        elif chapter.start_s <= FIRST_WITHIN_S:
            runs.append([chapter])  # a second list; any other time that goes back is a slip of the pen
    longest = max(runs, key=len, default=[])
    needed = MIN_CHAPTERS - 1 if longest and longest[0].start_s == 0 else MIN_CHAPTERS
    return tuple(longest[:MAX_CHAPTERS]) if len(longest) >= needed else ()


def heading_at(chapters: Sequence[Chapter], at_s: float) -> str:
    """The title of the chapter in which `at_s` lies; empty before the first one. `chapters` are in time order."""
    index = chapter_at(chapters, at_s)
    return chapters[index].title if index >= 0 else ""


def chapter_at(chapters: Sequence[Chapter], at_s: float) -> int:
    """The place in `chapters` of the one in which `at_s` lies, -1 before the first one."""
    return bisect_right(chapters, at_s, key=lambda chapter: chapter.start_s) - 1


def _told(items: Iterable[Mapping[str, Any]]) -> tuple[Chapter, ...]:
    by_start: dict[float, str] = {}
    for item in items:
        start, title = item.get("start_time"), item.get("title")
        known = isinstance(start, int | float) and math.isfinite(start) and start >= 0 and isinstance(title, str)
        # yt-dlp calls what lies before the first chapter untitled: it has no heading.
        if known and (shown := _plain(str(title))) and not _UNTITLED.fullmatch(str(title).strip()):
            by_start.setdefault(float(start or 0.0), shown)
    chapters = tuple(Chapter(start_s, by_start[start_s]) for start_s in sorted(by_start))
    return chapters[:MAX_CHAPTERS] if len(chapters) > 1 else ()


def _lines(description: str) -> Iterator[str]:
    text = description[:MAX_DESCRIPTION_CHARS]
    if _BREAK.search(text):  # a podcast's notes
        text = html.unescape(_TAG.sub("", _BREAK.sub("\n", text)))
    return (line for line in text.splitlines() if len(line) <= _MAX_LINE_CHARS)


def _chapter(line: str) -> Chapter | None:
    match = _STAMP.search(line)
    if match is None:
        return None
    before, after = line[: match.start()], line[match.end() :]
    if _BEFORE.match(before):
        title = _UNTIL.sub("", after).lstrip(_SEPARATORS)
    elif _AFTER.match(after):
        title = _BULLET.sub("", before).rstrip(_OPENING)
    else:
        return None
    title = _plain(title)
    if not any(char.isalnum() for char in title) or _CLOCK.match(title):
        return None
    return Chapter(_seconds(match), title)


def _seconds(match: re.Match[str]) -> float:
    hours, minutes_of_hour, minutes, seconds = match.groups()
    return int(hours or 0) * 3600.0 + int(minutes_of_hour or minutes or 0) * 60.0 + int(seconds)


def _plain(title: str) -> str:
    return " ".join(title.encode("utf-8", "replace").decode().split())[:MAX_TITLE_CHARS].strip()
