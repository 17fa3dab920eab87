"""The embedding model as a service: batches the texts of all callers."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.errors import StartupFailed
from core.ports import Vectors
from deployments.batching import Batcher
from deployments.encoder import Encoder, load_encoder


@dataclass(frozen=True, slots=True)
class EmbedderConfig:
    """Which model to load, and how. `cache` is a folder for what is derived from it."""

    model: str
    dimensions: int
    backend: str
    cache: Path
    max_batch: int
    threads: int

    def load(self) -> Encoder:
        """The model, ready to encode. Raises StartupFailed where it cannot be had or has other dimensions."""
        encoder = load_encoder(self.model, self.backend, self.cache, self.threads, has_gpu=_has_gpu)
        if encoder.dimensions != self.dimensions:
            problem = f"The vectors of {self.model!r} have {encoder.dimensions} numbers, not {self.dimensions}."
            raise StartupFailed(problem, f"Set EMBEDDING_DIMENSIONS={encoder.dimensions}.")
        return encoder


def _has_gpu() -> bool:
    # Ray shows a replica only the GPUs that it was given; asking it avoids loading PyTorch to find out.
    import ray

    return ray.is_initialized() and bool(ray.get_gpu_ids())


class Embedder:
    """Implements `core.ports.Embedder`. Keeps nothing; a restart loads the model again."""

    def __init__(self, config: EmbedderConfig, encoder: Encoder | None = None) -> None:
        self._encoder = encoder or config.load()
        self._batcher = Batcher(self._encoder.encode, config.max_batch)

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (len(texts), dimensions), each row of length 1."""
        if not texts:
            return np.empty((0, self._encoder.dimensions), dtype=np.float32)
        return await self._batcher.embed(texts)

    async def embed_counted(self, texts: Sequence[str]) -> tuple[Vectors, int]:
        """Like `embed`, with the tokens of `texts` by the model's own tokenizer, before any cut."""
        return await self.embed(texts), await asyncio.to_thread(self._encoder.count_tokens, texts)
