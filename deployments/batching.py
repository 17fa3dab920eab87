"""Continuous batching: while one batch is computed, the texts of all waiting calls gather for the next.

Ray's own `serve.batch` waits for a timer and works inside a replica only; this one adds no wait at low load and runs in
process as well.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence

import numpy as np

from core.errors import BadInput, Unavailable
from core.ports import Vectors

Compute = Callable[[Sequence[str]], Vectors]
# Texts that a call may put into a batch before the next call's turn: a question does not wait for a whole talk.
TURN_TEXTS = 16


class _Call:
    """One caller's texts: the first `taken` of them are in a batch or done."""

    def __init__(self, texts: Sequence[str], done: asyncio.Future[Vectors]) -> None:
        self.texts, self.done = texts, done
        self.taken = 0
        self.rows: list[Vectors] = []

    def give(self, rows: Vectors) -> None:
        self.rows.extend(rows)
        if len(self.rows) == len(self.texts) and not self.done.done():
            self.done.set_result(np.stack(self.rows))

    def fail(self, error: Exception) -> None:
        if not self.done.done():
            self.done.set_exception(error)


class Batcher:
    """Runs `compute` in a thread over batches of at most `max_texts` texts; one batch at a time.

    Waiting calls take turns, so that a call with few texts is not held up by one with many. At most `max_waiting` texts
    wait: a call beyond that is refused with Unavailable, one that never fits with BadInput.
    """

    def __init__(self, compute: Compute, max_texts: int, max_waiting: int = 20_000) -> None:
        self._compute = compute
        self._max_texts = max_texts
        self._max_waiting = max_waiting
        self._calls: deque[_Call] = deque()
        self._worker: asyncio.Task[None] | None = None

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Vectors of `texts`, shape (len(texts), dimensions); `texts` must not be empty."""
        if len(texts) > self._max_waiting:
            raise BadInput(f"{len(texts):,} texts are too many for one call.", f"Send at most {self._max_waiting:,}.")
        waiting = sum(len(call.texts) - call.taken for call in self._calls)
        if waiting + len(texts) > self._max_waiting:
            raise Unavailable("The embedding model", f"{waiting:,} texts wait already; try again in a moment.")
        loop = asyncio.get_running_loop()
        call = _Call(texts, loop.create_future())
        self._calls.append(call)
        if self._worker is None or self._worker.done():
            self._worker = loop.create_task(self._work())
        return await call.done

    async def _work(self) -> None:
        while batch := self._next_batch():
            texts = [text for call, start, end in batch for text in call.texts[start:end]]
            try:
                rows = await asyncio.to_thread(self._compute, texts)
            except Exception as error:  # noqa: BLE001 - whatever it was belongs to the callers of this batch
                for call, _, _ in batch:
                    call.fail(error)
                continue
            first = 0
            for call, start, end in batch:
                call.give(rows[first : first + end - start])
                first += end - start

    def _next_batch(self) -> list[tuple[_Call, int, int]]:
        """Parts of the waiting calls in turn, as (call, start, end); a call that nobody awaits any more is left out."""
        batch: list[tuple[_Call, int, int]] = []
        room = self._max_texts
        while self._calls and room:
            call = self._calls.popleft()
            if call.done.done():
                continue
            start, end = call.taken, min(len(call.texts), call.taken + min(TURN_TEXTS, room))
            batch.append((call, start, end))
            room -= end - start
            call.taken = end
            if end < len(call.texts):
                self._calls.append(call)
        return batch
