"""The store on a server: one that does not answer, refuses, or holds something else."""

from typing import Any

import httpx
import pytest
from qdrant_client import AsyncQdrantClient
from qdrant_client.http.exceptions import UnexpectedResponse

from actors.qdrant_points import Scope
from actors.qdrant_server_index import ServerIndex
from actors.transcript_store import TranscriptStore
from core.errors import StartupFailed, Unavailable
from tests.actors.stores import ALICE, DIMENSIONS, NO_INDEXES

pytestmark = pytest.mark.filterwarnings(NO_INDEXES)


async def test_a_server_that_does_not_answer_is_reported() -> None:
    store = TranscriptStore("unused", DIMENSIONS, url="http://127.0.0.1:9", api_key="")
    with pytest.raises(Unavailable, match="STORE_URL"):
        await store.forget_recording(ALICE, "t1")
    await store.close()


async def test_a_server_with_other_vectors_is_reported() -> None:
    client = AsyncQdrantClient(":memory:")
    await ServerIndex(client, 8).count(Scope("a", "b"))
    with pytest.raises(StartupFailed, match="8 numbers, not 32"):
        await ServerIndex(client, DIMENSIONS).count(Scope("a", "b"))


class Late(AsyncQdrantClient):
    """A client that finds the collection missing when another process has just made it, or whose server refuses."""

    def __init__(self, status: int) -> None:
        super().__init__(":memory:")
        self._status = status

    async def create_collection(self, *args: Any, **kwargs: Any) -> bool:
        await super().create_collection(*args, **kwargs)
        raise UnexpectedResponse(self._status, "no", b"", httpx.Headers())


async def test_a_collection_that_somebody_else_made_meanwhile_is_used() -> None:
    assert await ServerIndex(Late(409), DIMENSIONS).count(Scope("a", "b")) == 0
    with pytest.raises(Unavailable, match="STORE_API_KEY"):
        await ServerIndex(Late(403), DIMENSIONS).count(Scope("a", "b"))
