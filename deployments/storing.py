"""From passages to the store: embeds what is new, and stores it in place of what was there."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.messages import Passage
from core.ports import Embedder, TranscriptStore, Vectors
from core.tenancy import TenantContext

# Texts in one call of the embedder: enough to fill its batches, few enough for a message.
_TEXTS_A_CALL = 256


@dataclass(frozen=True, slots=True)
class Embedded:
    """Vectors of passages, of shape (passages, dimensions), and of each passage's sentences."""

    passages: Vectors
    sentences: tuple[Vectors, ...]


class Storing:
    """Embeds and stores recordings; the same one again costs no model call."""

    def __init__(self, embedder: Embedder, store: TranscriptStore) -> None:
        self._embedder, self._store = embedder, store

    async def is_stored(self, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
        """Whether exactly these passages are there."""
        return await self._store.is_stored(tenant, passages)

    async def store(self, tenant: TenantContext, passages: Sequence[Passage], embedded: Embedded) -> bool:
        """Store a recording's passages; False where the store held the same already."""
        return await self._store.replace_recording(tenant, passages, embedded.passages, embedded.sentences)

    async def forget(self, tenant: TenantContext, recording_id: str) -> int:
        """Delete a recording; how many passages were deleted."""
        return await self._store.forget_recording(tenant, recording_id)

    async def embedded(self, passages: Sequence[Passage]) -> Embedded:
        """The vectors of passages and of their sentences; a text that occurs twice is sent once."""
        texts = [passage.text for passage in passages]
        for passage in passages:
            texts += [sentence.text for sentence in passage.sentences]
        unique = list(dict.fromkeys(texts))
        parts = [
            await self._embedder.embed(unique[start : start + _TEXTS_A_CALL])
            for start in range(0, len(unique), _TEXTS_A_CALL)
        ]
        row_of = {text: row for row, text in enumerate(unique)}
        rows = np.concatenate(parts)[[row_of[text] for text in texts]]
        ends = np.cumsum([len(passages), *(len(passage.sentences) for passage in passages)])
        vectors, *sentence_vectors = np.split(rows, ends[:-1])
        return Embedded(vectors, tuple(sentence_vectors))
