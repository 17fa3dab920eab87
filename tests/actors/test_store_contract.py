"""The store's promises, by one body, in process and as the Ray actor that production uses."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from actors.runtime import ActorSpec, reference
from actors.transcript_store import TranscriptStore
from core.errors import BadInput, StartupFailed, Unavailable
from core.messages import Recording
from tests.actors.stores import ALICE, BOB, DIMENSIONS, SIDE_ROOM, TOKENIZERS, find, put, talk

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]


class Contract:
    """What holds wherever the store lives."""

    async def test_what_was_stored_is_found_with_its_relevance(self, store: TranscriptStore) -> None:
        passages = talk("t1", *TOKENIZERS)
        assert await put(store, ALICE, passages) is True
        hits = await find(store, ALICE, TOKENIZERS[3])
        assert hits[0].passage in passages
        assert len(hits[0].relevance) == len(hits[0].passage.sentences)
        assert max(hits[0].relevance) > 0.9
        # Two bytes a number: what trimming compares sentences with.
        assert len(hits[0].vectors) == 2 * DIMENSIONS * len(hits[0].passage.sentences)

    async def test_again_changes_nothing(self, store: TranscriptStore) -> None:
        passages = talk("t1", *TOKENIZERS)
        assert not await store.is_stored(ALICE, passages)
        assert await put(store, ALICE, passages) is True
        assert await store.is_stored(ALICE, passages)
        assert await put(store, ALICE, passages) is False
        assert (await store.library(ALICE)).passages == len(passages)

    async def test_no_other_tenant_or_workspace_sees_it(self, store: TranscriptStore) -> None:
        await put(store, ALICE, talk("t1", *TOKENIZERS))
        for other in (BOB, SIDE_ROOM):
            assert list(await find(store, other, TOKENIZERS[0])) == []
            assert await store.forget_recording(other, "t1") == 0
        assert await store.forget_recording(ALICE, "t1") > 0
        assert list(await find(store, ALICE, TOKENIZERS[0])) == []

    async def test_a_workspace_has_another_version_as_soon_as_anything_in_it_changes(
        self, store: TranscriptStore
    ) -> None:
        empty = await store.version(ALICE)
        await put(store, ALICE, talk("t1", *TOKENIZERS))
        one = await store.version(ALICE)
        await put(store, ALICE, talk("t2", *TOKENIZERS[:2]))
        two, of_t1 = await store.version(ALICE), await store.version(ALICE, ["t1", "t3"])
        assert len({empty, one, two}) == 3
        assert await store.version(BOB) == await store.version(SIDE_ROOM) == empty
        await put(store, ALICE, talk("t2", *TOKENIZERS[1:]))
        assert await store.version(ALICE) != two
        assert await store.version(ALICE, ["t1"]) == of_t1 == one
        await store.forget_recording(ALICE, "t2")
        assert await store.version(ALICE) == one
        assert await put(store, ALICE, talk("t1", *TOKENIZERS)) is False
        assert await store.version(ALICE) == one

    async def test_a_refusal_arrives_whole(self, store: TranscriptStore) -> None:
        with pytest.raises(BadInput) as refused:
            await store.forget_recording(ALICE, "")
        assert refused.value.advice

    async def test_the_library_lists_recordings(self, store: TranscriptStore) -> None:
        await put(store, ALICE, talk("t1", *TOKENIZERS, title="Tokens"))
        library = await store.library(ALICE)
        assert [recording.title for recording in library.recordings] == ["Tokens"]
        assert isinstance(library.recordings[0], Recording)


class TestInProcess(Contract):
    @pytest.fixture
    async def store(self, tmp_path: Path) -> AsyncIterator[TranscriptStore]:
        opened = TranscriptStore(tmp_path, DIMENSIONS)
        yield opened
        await opened.close()


class StoreWithPid(TranscriptStore):
    """The store, which can also tell which process to kill."""

    async def pid(self) -> int:
        return os.getpid()


def actor(name: str, folder: Path) -> StoreWithPid:
    return reference(ActorSpec(f"Store-{name}"), StoreWithPid, folder, DIMENSIONS)


@pytest.mark.cluster
@pytest.mark.usefixtures("bot")
class TestAsActor(Contract):
    @pytest.fixture
    def store(self, request: pytest.FixtureRequest, tmp_path: Path) -> TranscriptStore:
        return actor(request.node.name, tmp_path)

    async def test_what_was_acknowledged_survives_kill_9_of_the_actor(self, tmp_path: Path) -> None:
        store = actor("killed", tmp_path)
        passages = talk("t1", *TOKENIZERS)
        await put(store, ALICE, passages)
        os.kill(await store.pid(), signal.SIGKILL)
        for _ in range(100):
            try:
                assert await store.is_stored(ALICE, passages)
                break
            except Unavailable:
                await asyncio.sleep(0.1)
        else:
            pytest.fail("the store did not come back")
        assert (await find(store, ALICE, TOKENIZERS[0]))[0].passage in passages

    async def test_a_folder_of_other_vectors_is_refused_as_what_it_is(self, tmp_path: Path) -> None:
        await TranscriptStore(tmp_path, DIMENSIONS).close()
        wrong = reference(ActorSpec("Store-wrong"), TranscriptStore, tmp_path, DIMENSIONS + 1)
        with pytest.raises(StartupFailed, match="dimensions"):
            await wrong.library(ALICE)
