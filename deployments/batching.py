"""Continuous batching: while one batch is computed, the texts of all waiting calls gather for the next.

Ray's own `serve.batch` waits for a timer and works inside a replica only; this one adds no wait at low load and runs in
process as well.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import Unavailable
from core.ports import Vectors

Compute = Callable[[Sequence[str]], Vectors]


class Batcher:
    """Runs `compute` in a thread over batches of at most `max_texts` texts; one batch at a time.

    Calls are served in order; a call with many texts is spread over batches. At most `max_waiting` texts wait: a call
    beyond that is refused with Unavailable.
    """

    def __init__(self, compute: Compute, max_texts: int, max_waiting: int = 20_000) -> None:
        self._compute = compute
        self._max_texts = max_texts
        self._max_waiting = max_waiting
        self._waiting: deque[tuple[str, asyncio.Future[Vectors]]] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (len(texts), dimensions); `texts` must not be empty."""
        if len(self._waiting) + len(texts) > self._max_waiting:
            raise Unavailable("The embedding model", f"{len(self._waiting)} texts wait already; try again in a moment.")
        loop = asyncio.get_running_loop()
        futures = [loop.create_future() for _ in texts]
        self._waiting.extend(zip(texts, futures, strict=True))
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return np.stack(await asyncio.gather(*futures))

    async def _work(self) -> None:
        while self._waiting:
            count = min(self._max_texts, len(self._waiting))
            batch = [item for item in (self._waiting.popleft() for _ in range(count)) if not item[1].done()]
            if not batch:
                continue
            try:
                rows = await asyncio.to_thread(self._compute, [text for text, _ in batch])
            except Exception as error:  # noqa: BLE001 - whatever it was belongs to the callers of this batch
                for _, future in batch:
                    if not future.done():
                        future.set_exception(error)
                continue
            for (_, future), row in zip(batch, rows, strict=True):
                if not future.done():
                    future.set_result(row)
