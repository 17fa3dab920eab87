"""Followed channels, announcements, the queue and what was forgotten, as people read them."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot import render_announcement, render_following, render_queue
from bot.embeds import MAX_DESCRIPTION, embeds, one_embed
from bot.page import Page, Tone
from core.following import (
    Announcement,
    Chapter,
    Completeness,
    Count,
    ForgetReport,
    JobState,
    JobView,
    Priority,
    QueueView,
)
from core.uploads import UploadKind
from tests.fakes.curator import FOLLOWED, QUEUE, REPORT, SINCE

NOW = SINCE + 60.0


def said(page: Page) -> str:
    return "\n".join("".join(span.text for span in line.spans) for line in page.lines)


# ---------------------------------------------------------------- channels
def test_a_followed_channel_is_told_with_all_that_is_known() -> None:
    full = replace(
        FOLLOWED,
        kinds=(UploadKind.VIDEO, UploadKind.STREAM),
        announce_to="123",
        only=("live coding", "q&a"),
        without=("trailer",),
        problem="The site asked for a proof that we are human.",
    )
    page = render_following.followed(full, "Followed", NOW)
    assert page.lines[0].spans[0].url == FOLLOWED.channel.url
    for told in (
        "Ada's kitchen — videos, streams since 2026-03-01; only “live coding, q&a”; without “trailer”; news is posted",
        "312 listed = 200 ingested + 50 waiting + 62 refused (40 older than 12 months, 22 members only)",
        "Next look in 9 min",
        "Last problem: The site asked for a proof that we are human.",
    ):
        assert told in said(page)


def test_a_channel_that_rests_tells_why_and_has_no_next_look() -> None:
    shown = said(render_following.followed(replace(FOLLOWED, paused="The budget is spent."), "", NOW))
    assert "Paused: The budget is spent." in shown
    assert "Next look" not in shown


def test_a_look_that_is_due_is_now() -> None:
    assert "Next look now" in said(render_following.followed(FOLLOWED, "", FOLLOWED.next_look_at + 1))


def test_a_channel_without_a_title_is_known_by_its_address() -> None:
    nameless = replace(FOLLOWED, channel=replace(FOLLOWED.channel, title=" \u202e"))
    assert render_following.name(nameless) == FOLLOWED.channel.url


def test_no_channel_says_what_to_do() -> None:
    page = render_following.following((), NOW)
    assert (page.tone, "/follow" in said(page)) == (Tone.NOTHING, True)


def test_many_channels_are_counted_and_the_rest_named() -> None:
    page = render_following.following((FOLLOWED,) * 100, NOW)
    assert page.title == "100 channels followed"
    assert "… and 85 more" in said(page)
    assert all(len(embed) <= 6000 for embed in embeds(page))
    assert "… and 85 more" in (embeds(page)[-1].description or "")


_COUNTS = st.lists(st.builds(Count, st.text(max_size=20), st.integers(1, 1000)), max_size=12)


@given(_COUNTS, st.integers(0, 10_000), st.integers(0, 10_000))
def test_a_report_that_adds_up_is_shown_as_a_sum_of_all_its_reasons(
    refused: list[Count], ingested: int, waiting: int
) -> None:
    total = sum(count.uploads for count in refused)
    report = Completeness(ingested + waiting + total, ingested, waiting, tuple(refused), True)
    shown = render_following.completeness(report)
    start = f"{report.listed:,} listed = {ingested:,} ingested + {waiting:,} waiting + {total:,} refused"
    assert shown.startswith(start)
    assert "does not add up" not in shown
    assert ("for other reasons" in shown) == (len(refused) > render_following.MAX_REASONS)


def test_a_report_says_where_it_does_not_add_up_and_where_it_is_not_done() -> None:
    assert "does not add up" in render_following.completeness(replace(REPORT, ingested=199))
    assert "still being read" in render_following.completeness(replace(REPORT, listing_done=False))


def test_progress_has_an_end_once_the_list_is_read() -> None:
    shown = render_following.progress(FOLLOWED)
    assert (shown.done, shown.total, shown.title) == (262, 312, "Ada's kitchen")
    reading = replace(FOLLOWED, completeness=replace(REPORT, listing_done=False))
    assert render_following.progress(reading).total == 0


# ---------------------------------------------------------------- forgetting
def test_what_was_forgotten_is_told_in_numbers_with_its_notes() -> None:
    page = render_following.forgotten(ForgetReport(3, 40, 5, 2, 1, ("Backups lose it tomorrow.",)))
    for told in (
        "3 recordings",
        "40 passages",
        "5 logged documents",
        "2 queued jobs",
        "1 followed channel",
        "tomorrow",
    ):
        assert told in said(page)
    assert "recording" not in said(render_following.forgotten(ForgetReport(passages=1)))


def test_nothing_to_forget_keeps_its_notes() -> None:
    page = render_following.forgotten(ForgetReport(notes=("Backups may hold it.",)))
    assert (page.tone, "Backups may hold it." in said(page)) == (Tone.NOTHING, True)


# ---------------------------------------------------------------- the queue
def test_jobs_are_told_with_what_holds_them_up() -> None:
    shown = said(render_queue.queue(QUEUE, NOW))
    assert "0 at work, 1 waiting, 1 given up, 7 done" in shown
    assert "• Brewing tea [j-1]: given up, backfill — gone" in shown
    assert "• https://talks.example/2 [j-2]: waiting, somebody waits, done: captions, try 2, next in 30 s" in shown
    assert "/queue retry" in shown


def test_an_empty_queue_says_what_to_do() -> None:
    page = render_queue.queue(QueueView(done=7), NOW)
    assert (page.tone, "7 done" in said(page), "/follow" in said(page)) == (Tone.NOTHING, True, True)


def test_a_long_queue_is_cut_and_the_rest_is_counted() -> None:
    job = JobView("j", "https://talks.example/1", "t", JobState.WORKING, Priority.NEWS)
    page = render_queue.queue(QueueView(waiting=990, working=10, jobs=(job,) * 50), NOW)
    assert "… and 985 more" in said(page)
    assert "given up with" not in said(page)


@pytest.mark.parametrize(("number", "told"), [(1, "1 job is"), (1_234, "1,234 jobs are"), (0, "No such job")])
def test_moved_jobs_are_counted(number: int, told: str) -> None:
    assert told in said(render_queue.moved(number, "tried again"))


# ---------------------------------------------------------------- announcements
NEWS = Announcement("n", "1", "2", "https://talks.example/1", "Brewing tea", "Ada", 65.0)


def test_an_announcement_leaves_out_what_is_not_known() -> None:
    page = render_announcement.announcement(replace(NEWS, creator="", length_s=0.0))
    assert (page.lines, page.title, page.url) == ((), "Brewing tea", NEWS.url)
    assert said(render_announcement.announcement(NEWS)) == "Ada · 1:05"


def test_chapters_beyond_the_most_are_counted() -> None:
    chapters = tuple(Chapter(float(number), f"Part {number}") for number in range(30))
    assert "… and 10 more" in said(render_announcement.announcement(replace(NEWS, chapters=chapters)))


_WORDS = st.text(max_size=400)


@given(_WORDS, _WORDS, st.lists(st.tuples(_WORDS, st.floats()), max_size=40), st.lists(_WORDS, max_size=40))
def test_any_announcement_is_one_embed_within_the_limits(
    title: str, creator: str, summary: list[tuple[str, float]], topics: list[str]
) -> None:
    chapters = tuple(Chapter(start_s, text) for text, start_s in summary)
    news = replace(NEWS, title=title, creator=creator, summary=tuple(summary), chapters=chapters, topics=tuple(topics))
    embed = one_embed(render_announcement.announcement(news))
    assert embed.title
    assert len(embed.title) <= 256
    assert len(embed.description or "") <= MAX_DESCRIPTION
    assert len(embed) <= 6000
    assert "@everyone" not in (embed.description or "")
