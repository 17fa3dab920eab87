"""The store over both back ends: the embedded engine, and the server's client in its local mode."""

import asyncio
import os
import signal
import subprocess
import sys
import warnings
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from qdrant_client import AsyncQdrantClient

from actors.qdrant_edge_index import EdgeIndex
from actors.qdrant_points import Scope, StoredPoint
from actors.qdrant_server_index import ServerIndex
from actors.transcript_store import TranscriptStore
from core.errors import BadInput, StartupFailed, Unavailable, WriteFailed
from core.messages import Hit, Passage, Recording, SearchQuery, Sentence
from core.passages import to_passages
from core.ports import Vectors
from core.tenancy import TenantContext
from tests.fakes.embedder import FakeEmbedder

DIMENSIONS = 32
EMBEDDER = FakeEmbedder(DIMENSIONS)
ALICE = TenantContext("guild-a", "general")
BOB = TenantContext("guild-b", "general")
SIDE_ROOM = TenantContext("guild-a", "side-room")
TOKENIZERS = (
    "Tokenizers split words into pieces.",
    "Padding makes all rows of a batch equally long.",
    "An attention mask hides the padding.",
    "Perplexity measures how surprised a model is.",
)


def talk(recording_id: str, *said: str, title: str = "") -> tuple[Passage, ...]:
    recording = Recording(recording_id, f"https://talks.example/{recording_id}", title or recording_id, "Ada")
    return to_passages(recording, [Sentence(n * 4.0, n * 4.0 + 3, text, "Ada") for n, text in enumerate(said)], 10)


async def put(store: TranscriptStore, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
    vectors = EMBEDDER.vectors([passage.text for passage in passages])
    of_sentences = [EMBEDDER.vectors([it.text for it in passage.sentences]) for passage in passages]
    return await store.replace_recording(tenant, passages, vectors, of_sentences)


async def find(store: TranscriptStore, tenant: TenantContext, text: str, *ids: str, limit: int = 8) -> Sequence[Hit]:
    return await store.search(SearchQuery(tenant, text, limit, ids), EMBEDDER.vectors([text])[0])


def edge(folder: Path) -> TranscriptStore:
    return TranscriptStore(folder, DIMENSIONS)


def server() -> TranscriptStore:
    index = ServerIndex(AsyncQdrantClient(":memory:"), DIMENSIONS)
    return TranscriptStore("unused", DIMENSIONS, index=index)


@pytest.fixture(params=["edge", "server"])
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[TranscriptStore]:
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Payload indexes have no effect")
        opened = edge(tmp_path) if request.param == "edge" else server()
        yield opened
        await opened.close()


async def test_what_was_stored_is_found_whole(store: TranscriptStore) -> None:
    passages = talk("t1", *TOKENIZERS)
    assert await put(store, ALICE, passages)
    hits = await find(store, ALICE, "What does perplexity measure?")
    assert hits[0].passage == passages[-1]
    assert {hit.passage for hit in hits} == set(passages)
    assert [hit.score for hit in hits] == sorted((hit.score for hit in hits), reverse=True)


async def test_relevance_is_the_cosine_of_each_sentence(store: TranscriptStore) -> None:
    await put(store, ALICE, talk("t1", *TOKENIZERS))
    question = EMBEDDER.vectors(["padding of a batch"])[0]
    for hit in await store.search(SearchQuery(ALICE, "padding of a batch"), question * 7):
        cosines = EMBEDDER.vectors([it.text for it in hit.passage.sentences]) @ question
        assert hit.relevance == pytest.approx(cosines.tolist(), abs=2e-3)


async def test_words_find_what_vectors_do_not(store: TranscriptStore) -> None:
    await put(store, ALICE, talk("t1", *TOKENIZERS, "The zebra crossed."))
    vector = EMBEDDER.vectors(["attention mask"])[0]
    hits = await store.search(SearchQuery(ALICE, "zebra", 2), vector)
    assert any("zebra" in hit.passage.text for hit in hits)


async def test_storing_the_same_again_changes_nothing(store: TranscriptStore) -> None:
    passages = talk("t1", *TOKENIZERS)
    assert not await store.is_stored(ALICE, passages)
    assert await put(store, ALICE, passages)
    before = await find(store, ALICE, "padding")
    assert await store.is_stored(ALICE, passages)
    assert not await put(store, ALICE, passages)
    assert await find(store, ALICE, "padding") == before
    assert (await store.library(ALICE)).passages == len(passages)


@pytest.mark.parametrize("now", [TOKENIZERS[:1], (*TOKENIZERS, "One more sentence about something else entirely.")])
async def test_a_changed_recording_takes_the_place_of_the_old_one(store: TranscriptStore, now: Sequence[str]) -> None:
    await put(store, ALICE, talk("t1", *TOKENIZERS))
    changed = talk("t1", *now, title="A new title")
    assert not await store.is_stored(ALICE, changed)
    assert await put(store, ALICE, changed)
    library = await store.library(ALICE)
    assert (library.recordings, library.passages) == ((changed[0].recording,), len(changed))
    assert {hit.passage for hit in await find(store, ALICE, "padding perplexity sentence")} == set(changed)


async def test_the_same_recording_in_two_tenants_and_workspaces_is_three_recordings(store: TranscriptStore) -> None:
    passages = talk("t1", *TOKENIZERS)
    for tenant in (ALICE, BOB, SIDE_ROOM):
        assert await put(store, tenant, passages)
    assert await store.forget_recording(ALICE, "t1") == len(passages)
    assert await find(store, ALICE, "padding") == ()
    for tenant in (BOB, SIDE_ROOM):
        assert (await store.library(tenant)).passages == len(passages)
        assert len(await find(store, tenant, "padding")) == len(passages)


async def test_a_search_can_be_narrowed_to_recordings(store: TranscriptStore) -> None:
    for name in ("t1", "t2", "t3"):
        await put(store, ALICE, talk(name, *TOKENIZERS))
    found = await find(store, ALICE, "padding", "t1", "t3", limit=50)
    assert {hit.passage.recording.recording_id for hit in found} == {"t1", "t3"}
    assert await find(store, ALICE, "padding", "t9") == ()


async def test_library_is_in_order_of_titles(store: TranscriptStore) -> None:
    for name, title in (("t1", "Zebras"), ("t2", "Ants"), ("t3", "Moths")):
        await put(store, ALICE, talk(name, *TOKENIZERS, title=title))
    library = await store.library(ALICE)
    assert [recording.title for recording in library.recordings] == ["Ants", "Moths", "Zebras"]
    assert (await store.library(BOB)).recordings == ()


async def test_forgetting_deletes_one_recording(store: TranscriptStore) -> None:
    passages = talk("t1", *TOKENIZERS)
    await put(store, ALICE, passages)
    await put(store, ALICE, talk("t2", *TOKENIZERS))
    assert await store.forget_recording(ALICE, "t1") == len(passages)
    assert await store.forget_recording(ALICE, "t1") == 0
    assert [it.recording_id for it in (await store.library(ALICE)).recordings] == ["t2"]
    with pytest.raises(BadInput, match="No recording is named"):
        await store.forget_recording(ALICE, "")


async def test_an_empty_store_or_limit_gives_no_hits(store: TranscriptStore) -> None:
    assert await find(store, ALICE, "padding") == ()
    await put(store, ALICE, talk("t1", *TOKENIZERS))
    assert await find(store, ALICE, "padding", limit=0) == ()
    assert len(await find(store, ALICE, "?!", limit=2)) == 2


async def test_odd_names_and_text_come_back_as_they_were(store: TranscriptStore) -> None:
    tenant = TenantContext('g"1\x1f', "a b\n'\\")
    passages = talk("id\x1f'\"", 'He said “ça va?” — "oui" \U0001f600\x00 and left the padding.')
    await put(store, tenant, passages)
    (hit,) = await find(store, tenant, "padding")
    assert hit.passage == passages[0]
    assert await store.forget_recording(tenant, "id\x1f'\"") == 1


@pytest.mark.parametrize(
    ("passages", "problem"),
    [
        ((), "0 recordings"),
        ((*talk("t1", "One."), *talk("t2", "Two.")), "2 recordings"),
        (talk("t1", *TOKENIZERS)[1:], "not numbered from 0"),
        (talk("", "One."), "has no id"),
        (talk("t1", "One.", title="half \ud83d of it"), "half a character"),
        (to_passages(talk("t1", "x")[0].recording, [Sentence(float("nan"), 1.0, "One.")]), "no finite time"),
    ],
)
async def test_passages_that_cannot_be_kept_are_refused(
    store: TranscriptStore, passages: Sequence[Passage], problem: str
) -> None:
    blank = [np.zeros((len(it.sentences), DIMENSIONS), np.float32) for it in passages]
    with pytest.raises(BadInput, match=problem):
        await store.replace_recording(ALICE, passages, np.zeros((len(passages), DIMENSIONS), np.float32), blank)


async def test_vectors_that_do_not_fit_are_refused(store: TranscriptStore) -> None:
    (passage,) = talk("t1", "One.")
    good, bad = np.ones((1, DIMENSIONS), np.float32), np.ones((1, DIMENSIONS - 1), np.float32)
    for vectors, of_sentences in ((bad, [good]), (good, [bad]), (good, []), (good * np.nan, [good])):
        with pytest.raises(BadInput, match="vector"):
            await store.replace_recording(ALICE, [passage], vectors, of_sentences)
    for vector in (bad[0], good[0] * np.inf, good[0] * 0):
        with pytest.raises(BadInput, match="question's vector"):
            await store.search(SearchQuery(ALICE, "x"), vector)


words = st.sampled_from(["padding", "mask", "model", "zebra", "batch", "perplexity"])
talks = st.lists(st.lists(words, min_size=3, max_size=8).map(" ".join), min_size=1, max_size=5)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
@given(mine=talks, theirs=talks, question=st.lists(words, min_size=1, max_size=3).map(" ".join))
async def test_what_others_store_never_changes_what_is_found(
    tmp_path_factory: pytest.TempPathFactory, mine: list[str], theirs: list[str], question: str
) -> None:
    for opened in (edge(tmp_path_factory.mktemp("store")), server()):
        await put(opened, ALICE, talk("t1", *mine))
        before = await find(opened, ALICE, question), await store_view(opened)
        for tenant in (BOB, SIDE_ROOM):
            await put(opened, tenant, talk("t1", *theirs))
            await put(opened, tenant, talk("t2", *theirs))
        assert (await find(opened, ALICE, question), await store_view(opened)) == before
        await opened.forget_recording(BOB, "t1")
        assert (await find(opened, ALICE, question), await store_view(opened)) == before
        await opened.close()


async def store_view(store: TranscriptStore) -> object:
    return await store.library(ALICE)


class DiesAfter(EdgeIndex):
    """An index whose process ends, as it were, after so many writes to the engine."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder, DIMENSIONS)
        self._left = writes

    async def replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        for point in points:
            if not self._left:
                raise WriteFailed("The disk")
            self._left -= 1
            await super().replace([point], Scope(stale.tenant, stale.workspace, ("nothing",)))
        if not self._left:
            raise WriteFailed("The disk")
        await super().replace([], stale)


@pytest.mark.parametrize("writes", range(5))
async def test_a_crash_in_the_middle_is_repaired_by_bringing_it_in_again(tmp_path: Path, writes: int) -> None:
    old, new = talk("t1", *TOKENIZERS), talk("t1", *reversed(TOKENIZERS))[:3]
    store = edge(tmp_path)
    await put(store, ALICE, old)
    await put(store, BOB, old)
    await store.close()
    dying = TranscriptStore(tmp_path, DIMENSIONS, index=DiesAfter(tmp_path, writes))
    if writes <= len(new):
        with pytest.raises(WriteFailed):
            await put(dying, ALICE, new)
    else:
        assert await put(dying, ALICE, new)
    await dying.close()
    store = edge(tmp_path)
    assert await put(store, ALICE, new) == (writes <= len(new))
    assert {hit.passage for hit in await find(store, ALICE, "padding model")} == set(new)
    assert (await store.library(ALICE)).passages == len(new)
    assert (await store.library(BOB)).passages == len(old)
    await store.close()


CHILD = """
import asyncio, sys
from tests.actors.test_transcript_store import ALICE, TOKENIZERS, edge, put, talk
async def main():
    store = edge(sys.argv[1])
    for number in range(1000):
        await put(store, ALICE, talk(f"t{number:03}", *TOKENIZERS))
        print(number, flush=True)
asyncio.run(main())
"""


def killed_while_writing(folder: Path) -> list[int]:
    """The writes that a child process acknowledged before it was killed."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(3)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.wait()
    child.stdout.close()
    return acknowledged


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged = await asyncio.to_thread(killed_while_writing, tmp_path)
    assert len(acknowledged) >= 3
    store = edge(tmp_path)
    for number in acknowledged:
        assert await store.is_stored(ALICE, talk(f"t{number:03}", *TOKENIZERS))
    assert await put(store, ALICE, talk("t999", *TOKENIZERS))
    await store.close()


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    first = edge(tmp_path)
    await put(first, ALICE, talk("t1", *TOKENIZERS))
    before = await find(first, ALICE, "padding")
    await first.close()
    second = edge(tmp_path)
    assert await find(second, ALICE, "padding") == before
    await second.close()


async def test_a_second_owner_is_told_to_stop_the_first(tmp_path: Path) -> None:
    store = edge(tmp_path)
    with pytest.raises(StartupFailed, match="Another process has the transcript store"):
        edge(tmp_path)
    await store.close()


async def test_other_vectors_are_refused_by_what_they_were_made_with(tmp_path: Path) -> None:
    await TranscriptStore(tmp_path, DIMENSIONS, model="packaged").close()
    with pytest.raises(StartupFailed, match=r"dimensions 32, not 384.*ingest again"):
        TranscriptStore(tmp_path, 384)
    with pytest.raises(StartupFailed, match="model packaged, not other"):
        TranscriptStore(tmp_path, DIMENSIONS, model="other")
    await TranscriptStore(tmp_path, DIMENSIONS).close()


@pytest.mark.parametrize("damaged", ["store.json", "shard/edge_config.json"])
async def test_a_damaged_folder_is_reported(tmp_path: Path, damaged: str) -> None:
    await edge(tmp_path).close()
    (tmp_path / damaged).write_bytes(b"\x00\x01")
    with pytest.raises(StartupFailed, match="ingest again"):
        edge(tmp_path)


async def test_a_crash_while_the_folder_was_made_is_repaired(tmp_path: Path) -> None:
    (tmp_path / "shard.new" / "segments").mkdir(parents=True)
    (tmp_path / "shard.new" / "edge_config.json").write_text("{")
    store = edge(tmp_path)
    assert await put(store, ALICE, talk("t1", *TOKENIZERS))
    await store.close()


def test_a_folder_that_cannot_be_written_is_reported_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/store")):
        with pytest.raises(WriteFailed, match="set DATA_DIR"):
            edge(folder)


async def test_a_call_after_closing_is_an_error_that_names_the_store(tmp_path: Path) -> None:
    store = edge(tmp_path)
    await store.close()
    with pytest.raises(WriteFailed, match="transcript store"):
        await store.forget_recording(ALICE, "t1")


async def test_a_server_that_does_not_answer_is_reported() -> None:
    store = TranscriptStore("unused", DIMENSIONS, url="http://127.0.0.1:9", api_key="")
    with pytest.raises(Unavailable, match="STORE_URL"):
        await store.forget_recording(ALICE, "t1")
    await store.close()


async def test_a_server_with_other_vectors_is_reported() -> None:
    client = AsyncQdrantClient(":memory:")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="Payload indexes have no effect")
        await ServerIndex(client, 8).count(Scope("a", "b"))
    with pytest.raises(StartupFailed, match="8 numbers, not 32"):
        await ServerIndex(client, DIMENSIONS).count(Scope("a", "b"))


async def test_many_calls_at_once_leave_one_whole_version(store: TranscriptStore) -> None:
    versions = [talk("t1", *TOKENIZERS[:length]) for length in (1, 2, 3, 4)]
    await asyncio.gather(*(put(store, ALICE, version) for version in versions for _ in range(3)))
    found = {hit.passage for hit in await find(store, ALICE, "padding words perplexity")}
    assert found in [set(version) for version in versions]


def many(count: int) -> Vectors:
    return np.ones((count, DIMENSIONS), np.float32)


async def test_a_recording_of_many_passages_goes_in_batches(store: TranscriptStore) -> None:
    passages = talk("t1", *(f"Sentence number {number} stands here all by itself today." for number in range(150)))
    assert len(passages) == 150
    assert await store.replace_recording(ALICE, passages, many(150), [many(1)] * 150)
    assert (await store.library(ALICE)).passages == 150
    assert len(await find(store, ALICE, "number 77", limit=500)) == 100
