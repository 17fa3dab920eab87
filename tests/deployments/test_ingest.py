"""Bringing recordings in from a site on this machine, through the real yt-dlp."""

from collections.abc import AsyncIterator

import numpy as np
import pytest

from core.messages import IngestState, IngestStep
from deployments import reading as reading_module
from deployments.media_source import MediaSource
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.recordings import TENANT, report_of
from tests.fakes.site import VTT, Reply, Site
from tests.fakes.store import MemoryStore

CAPTIONS = Reply(VTT.encode(), "text/vtt")
ROLL_UP = """WEBVTT
Kind: captions
Language: en

00:00:00.000 --> 00:00:02.000 align:start position:0%

tidal<00:00:00.500><c> pools</c><00:00:01.000><c> are</c>

00:00:02.000 --> 00:00:02.010 align:start position:0%
tidal pools are


00:00:02.010 --> 00:00:04.000 align:start position:0%
tidal pools are
home<00:00:02.500><c> to</c><00:00:03.000><c> sea</c><00:00:03.500><c> stars</c>

00:00:04.000 --> 00:00:04.010 align:start position:0%
home to sea stars

"""


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def web() -> AsyncIterator[MediaSource]:
    source = MediaSource.of_the_web(
        language="en", max_recordings=20, max_caption_bytes=50_000, timeout_s=20.0, allow_loopback=True
    )
    yield source
    await source.close()


# ---------------------------------------------------------------- over the real yt-dlp
async def test_a_feed_is_ingested_and_again_nothing_changes(site: Site, web: MediaSource) -> None:
    for name in ("Tides", "Reefs"):
        site.talk(name, CAPTIONS)
    feed = site.feed("/feed.xml", ["Tides", "Reefs"])
    store, embedder = MemoryStore(), FakeEmbedder()
    report, progress = await report_of(web, feed, embedder=embedder, store=store)
    assert [(one.title, one.state, one.passages) for one in report.outcomes] == [
        ("Tides", IngestState.INGESTED, 1),
        ("Reefs", IngestState.INGESTED, 1),
    ]
    library = await store.library(TENANT)
    assert [recording.speaker for recording in library.recordings] == ["Ada Example"] * 2
    assert (progress[0].step, progress[-1].step) == (IngestStep.LISTING, IngestStep.STORING)
    assert {step.total for step in progress[1:]} == {2}
    done = [step.done for step in progress]
    assert done == sorted(done)
    assert done[-1] == 2
    again, _ = await report_of(web, feed, embedder=embedder, store=store)
    assert [one.state for one in again.outcomes] == [IngestState.UNCHANGED] * 2


async def test_what_is_stored_already_is_not_embedded_again(site: Site, web: MediaSource) -> None:
    url = site.talk("Tides", CAPTIONS)
    store, embedder = MemoryStore(), FakeEmbedder()
    await report_of(web, url, embedder=embedder, store=store)
    calls = len(embedder.calls)
    report, _ = await report_of(web, url, embedder=embedder, store=store)
    assert report.count(IngestState.UNCHANGED) == 1
    assert len(embedder.calls) == calls


@pytest.mark.parametrize(("text", "unit"), [("word " * 100, "words"), ("Yes. " * 50, "sentences")])
async def test_captions_beyond_any_talk_are_refused(
    site: Site, web: MediaSource, monkeypatch: pytest.MonkeyPatch, text: str, unit: str
) -> None:
    monkeypatch.setattr(reading_module, "MAX_WORDS", 99)
    monkeypatch.setattr(reading_module, "MAX_SENTENCES", 49)
    captions = f"WEBVTT\n\n00:01.000 --> 00:04.000\n{text}\n"
    embedder = FakeEmbedder()
    link = site.talk("Endless", Reply(captions.encode(), "text/vtt"))
    report, _ = await report_of(web, link, embedder=embedder)
    assert report.outcomes[0].state is IngestState.FAILED
    assert unit in report.outcomes[0].reason
    assert embedder.calls == []


async def test_the_words_are_stored_with_their_times_and_vectors(site: Site, web: MediaSource) -> None:
    store, embedder = MemoryStore(), FakeEmbedder()
    await report_of(web, site.talk("Tides", CAPTIONS), embedder=embedder, store=store)
    (stored,) = store.of(TENANT).values()
    (passage,) = stored.passages
    assert [sentence.text for sentence in passage.sentences] == [
        "Tidal pools are home to sea stars.",
        "A sea star can grow back a lost arm.",
    ]
    assert [sentence.start_s for sentence in passage.sentences] == [1.0, 4.0]
    np.testing.assert_allclose(stored.vectors, embedder.vectors([passage.text]))
    np.testing.assert_allclose(stored.sentence_vectors[0], embedder.vectors([it.text for it in passage.sentences]))


async def test_captions_that_roll_up_are_stored_once(site: Site, web: MediaSource) -> None:
    store = MemoryStore()
    await report_of(web, site.talk("Roll", Reply(ROLL_UP.encode(), "text/vtt")), store=store)
    (stored,) = store.of(TENANT).values()
    assert " ".join(passage.text for passage in stored.passages) == "tidal pools are home to sea stars"


@pytest.mark.parametrize(
    ("captions", "state", "reason"),
    [
        (None, IngestState.SKIPPED, "no captions"),
        (Reply(b"<!doctype html><html><body>Log in</body></html>", "text/vtt"), IngestState.FAILED, ""),
        (Reply(b"", "text/vtt"), IngestState.FAILED, ""),
        (Reply(bytes(range(256)) * 40, "text/vtt"), IngestState.FAILED, ""),
        (Reply(b"WEBVTT\n", "text/vtt"), None, ""),
        (Reply(b"x" * 60_000, "text/vtt"), IngestState.FAILED, "larger than"),
        (Reply(b"gone", status=404), IngestState.FAILED, "no such page"),
        (Reply(VTT.encode(), cut_after=40), IngestState.FAILED, "broke off"),
    ],
)
async def test_bad_captions_are_named_and_do_not_stop_the_others(
    site: Site, web: MediaSource, captions: Reply | None, state: IngestState | None, reason: str
) -> None:
    site.talk("Bad", captions)
    site.talk("Good", CAPTIONS)
    report, _ = await report_of(web, site.feed("/feed.xml", ["Bad", "Good"]))
    bad, good = report.outcomes
    assert bad.state in ((state,) if state else (IngestState.FAILED, IngestState.SKIPPED))
    assert reason in bad.reason
    assert bad.reason.endswith(".")
    assert good.state is IngestState.INGESTED


async def test_a_feed_that_was_cut_is_ingested_as_far_as_it_goes_and_reported(site: Site, web: MediaSource) -> None:
    for name in ("Tides", "Reefs"):
        site.talk(name, CAPTIONS)
    feed = site.feed("/feed.xml", ["Tides", "Reefs", "Kelp"], until="<title>Kelp")
    report, _ = await report_of(web, feed)
    assert report.count(IngestState.INGESTED) == 2
    last = report.outcomes[-1]
    assert (last.state, last.url) == (IngestState.FAILED, feed)
    assert "breaks off after 2 recordings" in last.reason


async def test_what_a_long_list_leaves_out_is_reported(site: Site) -> None:
    source = MediaSource.of_the_web(
        language="en", max_recordings=1, max_caption_bytes=50_000, timeout_s=20.0, allow_loopback=True
    )
    site.talk("Tides", CAPTIONS)
    feed = site.feed("/feed.xml", ["Tides", "Reefs"])
    report, _ = await report_of(source, feed)
    assert [one.state for one in report.outcomes] == [IngestState.INGESTED, IngestState.SKIPPED]
    assert "Only the first 1" in report.outcomes[1].reason
    await source.close()


@pytest.mark.parametrize("url", ["https://10.0.0.1/", "https://localhost/", "http://shore.example/", "nonsense", ""])
async def test_a_link_that_may_not_be_fetched_is_one_failure_with_a_sentence(web: MediaSource, url: str) -> None:
    report, _ = await report_of(web, url)
    (outcome,) = report.outcomes
    assert outcome.state is IngestState.FAILED
    assert outcome.reason.endswith(".")
