"""Opened stores and small recordings for the store's tests."""

from collections.abc import Sequence
from pathlib import Path

from qdrant_client import AsyncQdrantClient

from actors.qdrant_server_index import ServerIndex
from actors.transcript_store import TranscriptStore
from core.messages import Hit, Passage, Recording, SearchQuery, Sentence
from core.passages import to_passages
from core.tenancy import TenantContext
from tests.fakes.embedder import FakeEmbedder

# The client's local mode, which the server's tests use, says at each index that it does without.
NO_INDEXES = "ignore:Payload indexes have no effect"
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
