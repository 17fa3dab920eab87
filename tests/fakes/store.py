"""A transcript store in memory."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.messages import Hit, Library, Passage, SearchQuery
from core.ports import Vectors
from core.tenancy import TenantContext


@dataclass(frozen=True, slots=True)
class Stored:
    """One recording as it was stored."""

    passages: tuple[Passage, ...]
    vectors: Vectors
    sentence_vectors: tuple[Vectors, ...]


class MemoryStore:
    """Keeps recordings by workspace and id; checks the shapes that it is given."""

    def __init__(self) -> None:
        self.stored: dict[tuple[str, str], dict[str, Stored]] = {}

    def of(self, tenant: TenantContext) -> dict[str, Stored]:
        return self.stored.setdefault((tenant.tenant, tenant.workspace), {})

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        assert len(vectors) == len(passages) == len(sentence_vectors)
        for passage, rows in zip(passages, sentence_vectors, strict=True):
            assert rows.shape == (len(passage.sentences), vectors.shape[1])
        if await self.is_stored(tenant, passages):
            return False
        recording_id = passages[0].recording.recording_id
        self.of(tenant)[recording_id] = Stored(tuple(passages), vectors, tuple(sentence_vectors))
        return True

    async def is_stored(self, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
        held = self.of(tenant).get(passages[0].recording.recording_id)
        return held is not None and held.passages == tuple(passages)

    async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
        hits = []
        for stored in self.of(query.tenant).values():
            if query.recording_ids and stored.passages[0].recording.recording_id not in query.recording_ids:
                continue
            for passage, row, rows in zip(stored.passages, stored.vectors, stored.sentence_vectors, strict=True):
                relevance = tuple(float(value) for value in rows @ vector)
                kept = np.asarray(rows, dtype="<f2").tobytes()
                hits.append(Hit(passage, float(np.dot(row, vector)), relevance, kept))
        return tuple(sorted(hits, key=lambda hit: -hit.score)[: query.limit])

    async def library(self, tenant: TenantContext) -> Library:
        held = self.of(tenant).values()
        recordings = tuple(stored.passages[0].recording for stored in held)
        return Library(recordings, sum(len(stored.passages) for stored in held))

    async def version(self, tenant: TenantContext, recording_ids: Sequence[str] = ()) -> str:
        held = self.of(tenant)
        return repr(
            [(each, held[each].passages) for each in sorted(held) if not recording_ids or each in recording_ids]
        )

    async def forget_recording(self, tenant: TenantContext, recording_id: str) -> int:
        stored = self.of(tenant).pop(recording_id, None)
        return len(stored.passages) if stored else 0
