"""Bringing recordings in: order, failures, how far it fetches ahead, and what it sends to be embedded."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest

from core.errors import BadInput, RateLimited, Unavailable
from core.messages import IngestOutcome, IngestRequest, IngestState, Passage
from core.ports import Vectors
from core.rate_limit_messages import Refused
from core.tenancy import TenantContext
from deployments.ingest import IngestConfig
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.ingest import house
from tests.fakes.pace import FakePace
from tests.fakes.recordings import TENANT, Recordings, report_of, said
from tests.fakes.store import MemoryStore


async def test_one_failure_does_not_stop_the_others_and_order_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    broken: dict[int, Exception] = {1: BadInput("It is odd."), 2: Unavailable("The site", "Later."), 3: KeyError("x")}
    report, _ = await report_of(Recordings(5, broken), "https://shore.example/")
    failed, done = IngestState.FAILED, IngestState.INGESTED
    assert [(one.title, one.state) for one in report.outcomes] == [
        ("0", done), ("1", failed), ("2", failed), ("3", failed), ("4", done)
    ]  # fmt: skip
    assert report.outcomes[1].reason == "It is odd."
    assert "its operator finds it in the log" in report.outcomes[3].reason
    assert "KeyError" in caplog.text


async def test_who_asks_too_much_at_once_fetches_nothing() -> None:
    source, pace = Recordings(2), FakePace()
    pace.refusal = Refused("user", 3.0, "It is empty.")
    request = IngestRequest(TenantContext("guild-1", "guild", "member-1"), "https://shore.example/")
    async with house(source, pace=pace) as made:
        with pytest.raises(RateLimited) as caught:
            await anext(made.ingest.run(request))
        assert caught.value.retry_after_s == 3.0
        assert str(caught.value) == "You ask for more than is allowed now. It is empty. Try again in 3 s."
        assert source.described == []
        pace.refusal = None
        assert [event async for event in made.ingest.run(request)]
    assert pace.calls == [("tenant:guild-1", "member-1", 1.0)] * 2


class FailingStore(MemoryStore):
    """A store whose disk is full."""

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        if passages[0].recording.title == "0":
            raise Unavailable("The store", "Its disk is full.")
        return await super().replace_recording(tenant, passages, vectors, sentence_vectors)


async def test_a_store_that_fails_is_an_outcome() -> None:
    report, _ = await report_of(Recordings(2), "https://shore.example/", store=FailingStore())
    assert report.outcomes[0] == IngestOutcome(
        "https://shore.example/0",
        "0",
        IngestState.FAILED,
        reason="The store is not available. Its disk is full. It is tried again by itself.",
    )
    assert report.outcomes[1].state is IngestState.INGESTED


async def test_no_more_recordings_are_fetched_at_once_than_there_are_workers() -> None:
    source = Recordings(10)
    source.gate.clear()
    async with house(source, config=IngestConfig(at_once=3)) as made:
        asking = asyncio.ensure_future(said(made.ingest, "https://shore.example/"))
        await source.third.wait()
        await asyncio.sleep(0.05)
        assert len(source.described) == 3
        source.gate.set()
        report, _ = await asking
    assert report.count(IngestState.INGESTED) == 10


async def test_who_stops_listening_stops_nothing() -> None:
    source, store = Recordings(10), MemoryStore()
    source.gate.clear()
    async with house(source, store=store) as made:
        listening = asyncio.ensure_future(said(made.ingest, "https://shore.example/"))
        await source.third.wait()
        listening.cancel()
        with pytest.raises(asyncio.CancelledError):
            await listening
        source.gate.set()
        async with asyncio.timeout(20):
            while len(store.of(TENANT)) < 10:  # noqa: ASYNC110 - the work goes on meanwhile
                await asyncio.sleep(0.01)


def long_talk() -> bytes:
    """Captions of many sentences, half of which are the same."""
    cues = [
        f"00:{second // 60:02}:{second % 60:02}.000 --> 00:{second // 60:02}:{second % 60:02}.900\n"
        f"Wave number {second if second % 2 else 'zero'} comes in.\n"
        for second in range(1200)
    ]
    return ("WEBVTT\n\n" + "\n".join(cues)).encode()


async def test_a_long_recording_is_embedded_in_parts_and_each_text_once() -> None:
    store, embedder = MemoryStore(), FakeEmbedder()
    await report_of(Recordings(1, data=long_talk()), "https://shore.example/", embedder=embedder, store=store)
    texts = [text for call in embedder.calls for text in call]
    assert len(embedder.calls) > 1
    assert max(len(call) for call in embedder.calls) <= 256
    assert len(texts) == len(set(texts))
    (stored,) = store.of(TENANT).values()
    for passage, vector, rows in zip(stored.passages, stored.vectors, stored.sentence_vectors, strict=True):
        np.testing.assert_allclose(vector, embedder.vectors([passage.text])[0])
        np.testing.assert_allclose(rows, embedder.vectors([it.text for it in passage.sentences]))


async def test_captions_without_words_are_named() -> None:
    source = Recordings(1, data=b"WEBVTT\n\n00:00.000 --> 00:01.000\n \n")
    report, _ = await report_of(source, "https://shore.example/")
    (outcome,) = report.outcomes
    assert outcome.state in (IngestState.SKIPPED, IngestState.FAILED)
    assert outcome.reason.endswith(".")
