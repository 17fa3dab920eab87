"""Reading a recording: what is refused and why, speech and its budget, and what reaches the store of it."""

import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from actors.ingest_queue import IngestQueue
from core.captiontracks import CaptionSource
from core.early_exits import ExitRules
from core.errors import BadInput, NotReadable, RateLimited
from core.following import Chapter
from core.ingest_messages import Job, NewJob, SpeechTaken, Urgency
from core.messages import Cue, IngestStep, Recording
from core.source_states import SourceState
from core.speech import NoSpeech, SpeechProgress, SpeechStep
from core.speech import Transcript as Heard
from core.transcripts import Transcript
from core.uploads import Channel, Upload
from deployments.media_source import Described, Listing
from deployments.reading import Handed, Reading, ReadingRules, job_id_of
from deployments.recording_work import Refused
from deployments.ytdlp import Extraction
from deployments.ytdlp_info import Entry
from tests.fakes.personal_data import MaskEmails
from tests.fakes.queue import leased, opened
from tests.fakes.site import VTT

KEY, URL, DAY_S = "guild|channel", "https://shore.example/tides", 86_400.0
NOW = 1_790_000_000.0
TIDES = NewJob("shore.example/tides", URL, "Tides", Urgency.NEWS)
RECORDING = Recording("shore.example/tides", URL, "Tides", "Ada Example", 3_600.0)
SPOKEN = CaptionSource("", "en", data=VTT.encode())


class Page:
    """A source with one recording; `described` is what its page says."""

    def __init__(self, **more: Any) -> None:
        self.described = replace(Described(RECORDING, SPOKEN), **more)
        self.entries: list[Entry] = []
        self.asked: list[Entry] = []

    async def list(self, url: str) -> Listing:
        return Listing(url, "Shore", tuple(self.entries))

    async def describe(self, entry: Entry) -> Described:
        self.asked.append(entry)
        return self.described

    async def captions(self, source: CaptionSource) -> bytes:
        assert source.data is not None
        return source.data


class Ear:
    """Hears what it is told to; `asked` are its calls."""

    def __init__(self, *events: SpeechProgress | Heard | NoSpeech, error: Exception | None = None) -> None:
        self.events, self.error = events, error
        self.asked: list[tuple[str, str, str, float | None]] = []

    async def transcribe(
        self, url: str, language: str = "", *, item: str = "", at_most_s: float | None = None
    ) -> AsyncIterator[SpeechProgress | Heard | NoSpeech]:
        self.asked.append((url, language, item, at_most_s))
        for event in self.events:
            yield event
        if self.error is not None:
            raise self.error


HEARD = Heard("en", (Cue(0.0, 2.0, "Sea stars have no brain."),), 1_800.0)


class Desk:
    def __init__(self, queue: IngestQueue) -> None:
        self.queue = queue
        self.told: list[tuple[IngestStep, str]] = []
        self.handed = Handed()

    async def read(self, page: Page, job: NewJob = TIDES, **more: Any) -> Transcript:
        rules = more.pop("rules", ReadingRules())
        reading = Reading(
            page,
            self.queue,
            self.handed,
            rules,
            told=lambda _key, _job, step, title: self.told.append((step, title)),
            clock=lambda: NOW,
            **more,
        )
        return await reading.read(KEY, await leased(self.queue, KEY, job))

    async def charged_s(self, job: Job | None = None) -> float:
        """Seconds of speech that this month was charged."""
        job = job or await leased(self.queue, KEY, NewJob("probe", URL, urgency=Urgency.PERSON))
        spent = await self.queue.take_speech(KEY, job.job_id, job.lease, 1e9, 1e9)
        return 0.0 if isinstance(spent, SpeechTaken) else 1e9 - spent.left_s  # type: ignore[union-attr]


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as queue:
        yield Desk(queue)


def upload(**more: Any) -> Upload:
    return replace(Upload("shore.example/tides", URL, "Tides"), **more)


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
    assert (read.published_at, read.heard_s) == (NOW - DAY_S, 0.0)


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


def _item(number: int) -> Entry:
    info = {"id": f"clip{number}", "playlist_index": number}
    return Entry(URL, f"Clip {number}", extraction=Extraction(info, b""))


async def test_one_of_several_of_a_page_is_found_again_after_a_restart(desk: Desk) -> None:
    page = Page()
    page.entries = [_item(1), _item(2)]
    await desk.read(page, NewJob(job_id_of(_item(2)), URL, "Clip 2", Urgency.PERSON))
    assert [entry.title for entry in page.asked] == ["Clip 2"]
    with pytest.raises(Refused, match="does not have it any more") as caught:
        await desk.read(page, NewJob(job_id_of(_item(7)), URL, "Clip 7", Urgency.PERSON))
    assert caught.value.state == SourceState.DELETED


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


# ---------------------------------------------------------------- speech
async def test_what_has_no_captions_is_listened_to_and_told(desk: Desk) -> None:
    ear = Ear(SpeechProgress(SpeechStep.LISTENING, 900.0, 1_800.0), HEARD)
    read = await desk.read(Page(captions=None), listener=ear, rules=ReadingRules(max_speech_s=7_200.0))
    assert [sentence.text for sentence in read.sentences] == ["Sea stars have no brain."]
    assert (read.heard_s, read.recording.language) == (1_800.0, "en")
    assert ear.asked == [(URL, "", "", 7_200.0)]
    assert desk.told == [(IngestStep.SPEECH, "Tides"), (IngestStep.SPEECH, "Tides (50% listened to)")]


@pytest.mark.parametrize(
    ("ear", "charged_s", "error"),
    [
        (Ear(HEARD), 1_800.0, None),
        (Ear(NoSpeech("Nobody speaks in it.", 120.0)), 120.0, Refused),
        (Ear(SpeechProgress(SpeechStep.LISTENING, 600.0, 3_600.0), error=NotReadable("site_down", "It ends.")), 600.0,
         NotReadable),
        (Ear(), 0.0, BadInput),
    ],
    ids=["heard", "nobody", "broken off", "nothing"],
)  # fmt: skip
async def test_what_was_set_aside_of_the_budget_is_corrected_to_what_was_heard(
    desk: Desk, ear: Ear, charged_s: float, error: type[Exception] | None
) -> None:
    rules = ReadingRules(speech_s_a_month=10_000.0)
    if error is None:
        await desk.read(Page(captions=None), listener=ear, rules=rules)
    else:
        with pytest.raises(error):
            await desk.read(Page(captions=None), listener=ear, rules=rules)
    assert await desk.charged_s() == pytest.approx(charged_s)


async def test_what_the_months_budget_does_not_hold_waits_for_the_next_one_unheard(desk: Desk) -> None:
    ear = Ear(HEARD)
    with pytest.raises(RateLimited) as caught:
        await desk.read(Page(captions=None), listener=ear, rules=ReadingRules(speech_s_a_month=3_599.0))
    assert (ear.asked, await desk.charged_s()) == ([], 0.0)
    assert caught.value.retry_after_s is not None
    assert caught.value.retry_after_s > 0


async def test_of_unknown_length_the_longest_is_set_aside(desk: Desk) -> None:
    page = Page(captions=None, recording=replace(RECORDING, duration_s=0.0))
    with pytest.raises(RateLimited):
        await desk.read(page, listener=Ear(HEARD), rules=ReadingRules(speech_s_a_month=7_000.0, max_speech_s=7_200.0))
    await desk.read(
        page,
        msgspec.structs.replace(TIDES, job_id="other"),
        listener=Ear(HEARD),
        rules=ReadingRules(speech_s_a_month=7_300.0, max_speech_s=7_200.0),
    )
    assert await desk.charged_s() == pytest.approx(1_800.0)


async def test_an_item_of_a_page_is_listened_to_by_its_name(desk: Desk) -> None:
    page, ear = Page(captions=None), Ear(HEARD)
    page.entries = [_item(1), _item(2)]
    await desk.read(page, NewJob(job_id_of(_item(2)), URL, "Clip 2", Urgency.PERSON), listener=ear)
    assert ear.asked[0][2] == "clip2"
