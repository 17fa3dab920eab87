"""Reading a recording without captions: what is heard, and what it costs of the month's budget."""

from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest

from core.errors import BadInput, NotReadable, RateLimited
from core.ingest_messages import NewJob, Urgency
from core.messages import IngestStep
from core.source_states import SourceState
from core.speech import NoSpeech, SpeechProgress, SpeechStep
from deployments.reading import ReadingRules, job_id_of
from deployments.recording_work import Refused
from tests.deployments.reading_desk import HEARD, RECORDING, TIDES, URL, Desk, Ear, Page, item
from tests.fakes.queue import opened

ENDS = NotReadable(SourceState.SITE_DOWN, "It ends.")


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with opened(tmp_path) as queue:
        yield Desk(queue)


# ---------------------------------------------------------------- speech
async def test_what_has_no_captions_is_listened_to_and_told(desk: Desk) -> None:
    ear = Ear(SpeechProgress(SpeechStep.LISTENING, 900.0, 1_800.0), HEARD)
    read = await desk.read(Page(captions=None), listener=ear, rules=ReadingRules(max_speech_s=7_200.0))
    assert [sentence.text for sentence in read.sentences] == ["Sea stars have no brain."]
    assert read.recording.language == "en"
    assert ear.asked == [(URL, "", "", 7_200.0)]
    assert desk.told == [(IngestStep.SPEECH, "Tides"), (IngestStep.SPEECH, "Tides (50% listened to)")]


@pytest.mark.parametrize(
    ("ear", "charged_s", "error"),
    [
        (Ear(HEARD), 1_800.0, None),
        (Ear(NoSpeech("Nobody speaks in it.", 120.0)), 120.0, Refused),
        (Ear(SpeechProgress(SpeechStep.LISTENING, 600.0, 3_600.0), error=ENDS), 600.0, NotReadable),
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
    page.entries = [item(1), item(2)]
    await desk.read(page, NewJob(job_id_of(item(2)), URL, "Clip 2", Urgency.PERSON), listener=ear)
    assert ear.asked[0][2] == "clip2"
