"""The interfaces between the rooms. Each has one real implementation, or one for each kind of host, and one fake.

A port's method that may be called across processes is `async`; the same class serves in process (tests) and as a Ray
actor or Serve replica (production).
"""

from collections.abc import AsyncIterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.messages import (
    Answer,
    Ask,
    Health,
    Hit,
    IngestProgress,
    IngestReport,
    IngestRequest,
    Library,
    Passage,
    SearchQuery,
)
from core.prompting import Completion, Prompt
from core.results import StepResult
from core.tenancy import TenantContext

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`; returns an array of shape (len(texts), dimensions), each row of length 1."""
        ...


class TranscriptStore(Protocol):
    """Keeps the passages and vectors of every tenant; a call carries its tenant or is refused."""

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        """Store all passages of one recording in place of what was there; False if the same was there already.

        Shapes: `vectors` (passages, dimensions); `sentence_vectors[i]` (sentences of passage i, dimensions).
        """
        ...

    async def is_stored(self, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
        """Whether exactly these passages of a recording are stored already: then they need no vectors."""
        ...

    async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
        """The best passages for `query`, best first; `vector` is the question's, of shape (dimensions,)."""
        ...

    async def library(self, tenant: TenantContext) -> Library:
        """What the tenant's workspace holds."""
        ...

    async def forget_recording(self, tenant: TenantContext, recording_id: str) -> int:
        """Delete a recording; returns how many passages were deleted."""
        ...


class ChatModel(Protocol):
    """Writes an answer from evidence."""

    async def complete(self, prompt: Prompt) -> StepResult[Completion]:
        """Ask the models in order until one answers; the local extractive one stands last."""
        ...


class Assistant(Protocol):
    """The whole product as the bot, the console and the HTTP API see it."""

    async def ask(self, ask: Ask) -> StepResult[Answer]: ...

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]: ...

    def ingest(self, request: IngestRequest) -> AsyncIterator[IngestProgress | IngestReport]:
        """Progress while it goes on, and the report last."""
        ...

    async def library(self, tenant: TenantContext) -> Library: ...

    async def health(self) -> Health: ...
