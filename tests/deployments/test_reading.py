"""Reading a recording: what reaches the store of it, and what is refused and why."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.captiontracks import CaptionSource
from core.early_exits import ExitRules
from core.errors import BadInput, NotReadable
from core.following import Chapter
from core.ingest_messages import NewJob, Urgency
from core.source_states import SourceState
from core.speech import Transcript as Heard
from core.transcripts import packed
from core.uploads import Channel, UploadKind
from deployments.reading import Handed, ReadingRules, job_id_of
from deployments.recording_work import Refused
from deployments.ytdlp_info import Entry
from tests.deployments.reading_desk import (
    DAY_S,
    KEY,
    NOW,
    RECORDING,
    TIDES,
    URL,
    Desk,
    Ear,
    Page,
    item,
    upload,
)
from tests.fakes.personal_data import MaskEmails
from tests.fakes.queue import opened
from tests.fakes.site import VTT


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as queue:
        yield Desk(queue)


# ---------------------------------------------------------------- text
async def test_captions_become_sentences_with_all_that_the_page_says(desk: Desk) -> None:
    channel, chapters = Channel("shore", "https://shore.example/"), (Chapter(0.0, "Pools"),)
    page = Page(channel=channel, chapters=chapters, upload=upload(published_at=NOW - DAY_S, exact=True))
    read = await desk.read(page)
    assert [sentence.text for sentence in read.sentences] == [
        "Tidal pools are home to sea stars.",
        "A sea star can grow back a lost arm.",
    ]
    assert (read.recording, read.channel, read.chapters) == (RECORDING, channel, chapters)
    assert read.published_at == NOW - DAY_S


async def test_personal_data_is_masked_in_words_title_and_chapters(desk: Desk) -> None:
    data = VTT.replace("a lost arm", "an arm, ask ada@shore.example").encode()
    page = Page(
        recording=replace(RECORDING, title="Write to bob@shore.example"),
        captions=CaptionSource("", "en", data=data),
        chapters=(Chapter(0.0, "By eve@shore.example"),),
    )
    read = await desk.read(page, personal_data=MaskEmails())
    everything = str(msgspec.json.encode(read))
    assert "@" not in everything
    assert "EMAIL" in everything


async def test_half_a_character_in_a_sites_words_ends_no_job(desk: Desk) -> None:
    read = await desk.read(Page(recording=replace(RECORDING, title="Tides \ud83d"), chapters=(Chapter(0.0, "\udc00"),)))
    assert (read.recording.title, read.chapters) == ("Tides ?", (Chapter(0.0, "?"),))
    assert packed(read)


async def test_what_holds_no_words_is_no_recording_without_passages(desk: Desk) -> None:
    with pytest.raises(BadInput, match="no words"):
        await desk.read(Page(captions=CaptionSource("", "en", data=b"WEBVTT\n\n00:01.000 --> 00:02.000\n \n")))
    job = msgspec.structs.replace(TIDES, job_id="silent")
    with pytest.raises(Refused, match="no words"):
        await desk.read(Page(captions=None), job, listener=Ear(Heard("en", (), 10.0)))


async def test_what_a_listing_read_already_is_not_fetched_again_and_given_once(desk: Desk) -> None:
    page, entry = Page(), Entry(URL, "From the listing")
    desk.handed.put(KEY, TIDES.job_id, entry)
    await desk.read(page)
    assert page.asked == [entry]
    assert desk.handed.take(KEY, TIDES.job_id) is None


async def test_what_is_handed_over_is_bounded_and_the_oldest_goes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deployments.reading._HANDED", 2)
    handed = Handed()
    for name in ("a", "b", "c"):
        handed.put(KEY, name, Entry(URL, name))
    assert handed.take(KEY, "a") is None
    assert handed.take("other|guild", "b") is None
    assert [entry.title for name in ("b", "c") if (entry := handed.take(KEY, name))] == ["b", "c"]


async def test_one_of_several_of_a_page_is_found_again_after_a_restart(desk: Desk) -> None:
    page = Page()
    page.entries = [item(1), item(2)]
    await desk.read(page, NewJob(job_id_of(item(2)), URL, "Clip 2", Urgency.PERSON))
    assert [entry.title for entry in page.asked] == ["Clip 2"]
    with pytest.raises(Refused, match="does not have it any more") as caught:
        await desk.read(page, NewJob(job_id_of(item(7)), URL, "Clip 7", Urgency.PERSON))
    assert caught.value.state == SourceState.DELETED


async def test_what_turns_out_to_be_of_another_kind_is_refused(desk: Desk) -> None:
    """YouTube's feed names a stream and a video alike; the page tells."""
    page = Page(upload=upload(kind=UploadKind.STREAM))
    assert (await desk.read(page, msgspec.structs.replace(TIDES, kinds=("video", "stream")))).sentences
    with pytest.raises(Refused) as caught:
        await desk.read(page, msgspec.structs.replace(TIDES, job_id="other", kinds=("video", "short")))
    assert caught.value.state == "kind"


# ---------------------------------------------------------------- what is not taken
@pytest.mark.parametrize(
    ("published_at", "exact", "is_taken"),
    [
        (NOW - 11 * DAY_S, True, False),
        (NOW - 9 * DAY_S, True, True),
        (NOW - 11 * DAY_S, False, True),
        (None, True, True),
    ],
)
async def test_only_an_exact_date_refuses_what_is_older_than_asked_for(
    desk: Desk, published_at: float | None, exact: bool, is_taken: bool
) -> None:
    page = Page(upload=upload(published_at=published_at, exact=exact))
    job = msgspec.structs.replace(TIDES, since=NOW - 10 * DAY_S)
    if is_taken:
        assert (await desk.read(page, job)).sentences
        return
    with pytest.raises(Refused) as caught:
        await desk.read(page, job)
    assert caught.value.state == "old"


async def test_what_is_too_short_is_left_out_before_its_captions_are_read(desk: Desk) -> None:
    page = Page(recording=replace(RECORDING, duration_s=10.0), captions=CaptionSource("", "en", data=None))
    with pytest.raises(Refused) as caught:
        await desk.read(page, rules=ReadingRules(ExitRules(), enforce_exits=True))
    assert caught.value.state == "exit"


async def test_what_says_too_little_is_left_out_by_its_text(desk: Desk) -> None:
    with pytest.raises(Refused):
        await desk.read(Page(), rules=ReadingRules(ExitRules(min_transcript_chars=10_000), enforce_exits=True))


@pytest.mark.parametrize(("urgency", "enforce"), [(Urgency.NEWS, False), (Urgency.PERSON, True)])
async def test_exits_that_only_watch_or_a_persons_link_are_logged_and_taken(
    desk: Desk, caplog: pytest.LogCaptureFixture, urgency: Urgency, enforce: bool
) -> None:
    page = Page(recording=replace(RECORDING, duration_s=10.0))
    with caplog.at_level(logging.INFO, logger="deployments.reading"):
        job = msgspec.structs.replace(TIDES, urgency=urgency)
        read = await desk.read(page, job, rules=ReadingRules(ExitRules(), enforce_exits=enforce))
    assert read.sentences
    assert "would be left out (too_short)" in caplog.text


@pytest.mark.parametrize(
    ("urgency", "age_s", "comes_again"),
    [(Urgency.NEWS, 3_600.0, True), (Urgency.NEWS, 3 * DAY_S, False), (Urgency.PERSON, 3_600.0, False)],
)
async def test_news_without_captions_come_again_while_a_site_may_still_write_them(
    desk: Desk, urgency: Urgency, age_s: float, comes_again: bool
) -> None:
    page = Page(captions=None, upload=upload(published_at=NOW - age_s, exact=True))
    with pytest.raises(NotReadable if comes_again else Refused) as caught:
        await desk.read(page, msgspec.structs.replace(TIDES, urgency=urgency))
    assert caught.value.state == (SourceState.PROCESSING if comes_again else "no_captions")  # type: ignore[attr-defined]
