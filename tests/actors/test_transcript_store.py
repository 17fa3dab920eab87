"""The store over both back ends: the embedded engine, and the server's client in its local mode."""

import asyncio
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from actors import qdrant_edge_index, qdrant_server_index
from actors.qdrant_points import Scope
from actors.transcript_store import TranscriptStore
from core.errors import BadInput, TenantRequired
from core.messages import Passage, SearchQuery, Sentence
from core.passages import to_passages
from core.ports import Vectors
from core.tenancy import TenantContext
from tests.actors.stores import (
    ALICE,
    BOB,
    DIMENSIONS,
    EMBEDDER,
    NO_INDEXES,
    SIDE_ROOM,
    TOKENIZERS,
    edge,
    find,
    put,
    server,
    talk,
)

pytestmark = pytest.mark.filterwarnings(NO_INDEXES)


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


async def test_library_is_in_order_of_titles_and_whole(store: TranscriptStore, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in (qdrant_edge_index, qdrant_server_index):
        monkeypatch.setattr(module, "_PAGE", 2)
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


@pytest.mark.parametrize(("tenant", "workspace"), [("", "general"), ("guild-a", "")])
def test_no_call_is_about_nobodys_data(tenant: str, workspace: str) -> None:
    with pytest.raises(TenantRequired, match="no tenant's data"):
        Scope(tenant, workspace)


async def test_how_rare_a_word_is_is_judged_in_ones_own_workspace_alone(store: TranscriptStore) -> None:
    two = talk("t1", "The zebra crossed the wide and dusty road.", "The padding filled the wide and dusty row.")
    await store.replace_recording(ALICE, two, many(2), [many(1), many(1)])
    for tenant in (BOB, SIDE_ROOM):
        for number in range(5):
            await put(store, tenant, talk(f"z{number}", "A zebra here.", "Another zebra there, and one more zebra."))
    # In the whole store the zebra is common; here each word is in one passage, so the first passage comes first.
    hits = await store.search(SearchQuery(ALICE, "zebra padding"), many(1)[0])
    assert [hit.passage for hit in hits] == list(two)


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
