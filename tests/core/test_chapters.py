from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chapters import MAX_CHAPTERS, chapters_of, described, heading_at
from core.following import Chapter

DESCRIPTION = """\
A talk about caches. We started at 9:30 in the big hall.

Chapters:
0:00 Intro
(2:15) Why caches lie
• 12:05: 3 things to measure
1. [45:10] – "Invalidation"
1:02:03 - Questions

Follow us at https://example.org/1:00
"""
clocks = st.integers(1, 40_000)


def stamp(at_s: int) -> str:
    hours, minutes, seconds = at_s // 3600, at_s // 60 % 60, at_s % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def test_a_list_of_times_in_any_dress_is_read() -> None:
    assert described(DESCRIPTION) == (
        Chapter(0.0, "Intro"),
        Chapter(135.0, "Why caches lie"),
        Chapter(725.0, "3 things to measure"),
        Chapter(2710.0, '"Invalidation"'),
        Chapter(3723.0, "Questions"),
    )


@pytest.mark.parametrize(
    "line",
    ["{} Title", "({}) Title", "- {} - Title", "Title {}", "Title – ({})", "⏱ {} | Title", "{} – 9:59:59 Title"],
)
def test_each_form_of_a_line_gives_its_title(line: str) -> None:
    text = "\n".join(line.format(time) for time in ("00:00", "01:30", "1:00:00"))
    assert described(text) == (Chapter(0.0, "Title"), Chapter(90.0, "Title"), Chapter(3600.0, "Title"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "It was 3:10 to Yuma.",
        "See 0:12 for the joke.\nThen 4:10 is when it lands, I think.",
        "0:45 is all you need",
        "9:00 Doors\n10:00 First talk\n11:00 Second talk",
        "0:00 AM opens\n1:00 AM closes\n2:00 AM cleaned",
        "0:10 One\n0:20 Two",
        "0:00\n1:00\n2:00",
        "0:00 Only one",
        "1:75 No\n2:99 time\n3:60 at all",
    ],
)
def test_what_is_no_list_of_chapters_gives_none(text: str) -> None:
    assert described(text) == ()


def test_a_slip_of_the_pen_is_left_out_and_the_rest_stays() -> None:
    text = "0:00 A\n1:00 B\n10:00 C\n2:00 D\n12:00 E"
    assert [chapter.title for chapter in described(text)] == ["A", "B", "C", "E"]


def test_of_two_lists_the_longer_one_counts() -> None:
    assert [it.title for it in described("0:00 A\n1:00 B\n0:00 One\n2:00 Two\n3:00 Three")] == ["One", "Two", "Three"]


def test_a_podcasts_notes_are_read_without_their_markup() -> None:
    notes = "<p>Today:</p><ul><li>0:00 Q&amp;A</li><li>1:00 <b>More</b></li><li>2:00 End</li></ul>"
    assert [chapter.title for chapter in described(notes)] == ["Q&A", "More", "End"]


@given(st.lists(clocks, min_size=2, max_size=30, unique=True))
def test_rising_times_come_back_as_they_were_written(times: list[int]) -> None:
    rising = [0, *sorted(times)]
    text = "\n".join(f"{stamp(at_s)} Part {number}" for number, at_s in enumerate(rising))
    expected = tuple(Chapter(float(at_s), f"Part {number}") for number, at_s in enumerate(rising))
    assert described(text) == expected


@given(st.text(alphabet="0123456789:.-() \nabAM<>/br[]•–", max_size=300))
def test_whatever_a_description_holds_chapters_rise_and_have_titles(text: str) -> None:
    chapters = described(text)
    assert all(one.start_s < other.start_s for one, other in pairwise(chapters))
    assert all(chapter.title.strip() and chapter.start_s >= 0 for chapter in chapters)
    assert len(chapters) != 1


def test_what_the_site_tells_comes_first_and_in_order() -> None:
    told: list[dict[str, object]] = [
        {"start_time": 60.0, "end_time": 90.0, "title": " Second\n one "},
        {"start_time": 0.0, "end_time": 60.0, "title": "First"},
        {"start_time": None, "title": "Nowhere"},
        {"start_time": float("nan"), "title": "Nowhere"},
        {"start_time": 70.0, "title": None},
    ]
    assert chapters_of(DESCRIPTION, told) == (Chapter(0.0, "First"), Chapter(60.0, "Second one"))
    assert chapters_of(DESCRIPTION, [told[0]]) == described(DESCRIPTION)
    assert chapters_of(DESCRIPTION, None) == described(DESCRIPTION)


def test_what_lies_before_the_first_chapter_has_no_heading() -> None:
    told = [
        {"start_time": 0, "title": "<Untitled Chapter 1>"},
        {"start_time": 30, "title": "Begin"},
        {"start_time": 60, "title": "End"},
    ]
    chapters = chapters_of("", told)
    assert [heading_at(chapters, at_s) for at_s in (0, 29.9, 30, 59, 60, 1e9)] == [
        "",
        "",
        "Begin",
        "Begin",
        "End",
        "End",
    ]
    assert heading_at((), 5.0) == ""


def test_no_chapter_begins_after_the_end() -> None:
    assert [it.title for it in chapters_of(DESCRIPTION, length_s=800)][-1] == "3 things to measure"


def test_a_list_without_end_is_bounded() -> None:
    text = "\n".join(f"{stamp(at_s)} Part" for at_s in range(5_000))
    assert len(described(text)) == MAX_CHAPTERS
    assert len(chapters_of("", [{"start_time": at_s, "title": "Part"} for at_s in range(5_000)])) == MAX_CHAPTERS
