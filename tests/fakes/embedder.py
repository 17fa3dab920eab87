"""An embedder with no model: related texts are near each other because they share word stems."""

from collections.abc import Sequence
from hashlib import blake2b

import numpy as np

from core.ports import Vectors
from core.words import content_stems, words


class FakeEmbedder:
    """Hashes each word stem to a direction and adds them up: the same in every process and on every machine.

    A text without words gets the last axis, so that every row has length 1. `calls` records what was embedded.
    """

    def __init__(self, dimensions: int = 64) -> None:
        self.dimensions = dimensions
        self.calls: list[tuple[str, ...]] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`; returns shape (len(texts), dimensions), each row of length 1."""
        self.calls.append(tuple(texts))
        return self.vectors(texts)

    def vectors(self, texts: Sequence[str]) -> Vectors:
        """`embed` without the await and without being recorded."""
        rows = np.zeros((len(texts), self.dimensions), dtype=np.float32)
        for row, text in zip(rows, texts, strict=True):
            for word in content_stems(text) or words(text):
                row += self._direction(word)
            if not np.any(row):
                row[-1] = 1.0
            row /= np.linalg.norm(row)
        return rows

    def _direction(self, word: str) -> Vectors:
        seed = int.from_bytes(blake2b(word.encode("utf-8", "replace"), digest_size=8).digest(), "little")
        return np.random.default_rng(seed).standard_normal(self.dimensions).astype(np.float32)
