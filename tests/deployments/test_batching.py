"""Continuous batching: every call gets its own rows, batches fill while one is computed."""

import asyncio
import threading
from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import BadInput, Unavailable
from core.ports import Vectors
from deployments.batching import Batcher


def lengths(texts: Sequence[str]) -> Vectors:
    return np.array([[len(text)] for text in texts], dtype=np.float32)


@given(st.lists(st.lists(st.text(max_size=8), min_size=1, max_size=7), min_size=1, max_size=12))
@settings(max_examples=30, deadline=None)
def test_every_call_gets_the_rows_of_its_own_texts(calls: list[list[str]]) -> None:
    sizes: list[int] = []

    def compute(texts: Sequence[str]) -> Vectors:
        sizes.append(len(texts))
        return lengths(texts)

    async def run() -> list[Vectors]:
        batcher = Batcher(compute, max_texts=5)
        return await asyncio.gather(*(batcher.embed(call) for call in calls))

    for call, rows in zip(calls, asyncio.run(run()), strict=True):
        assert rows.tolist() == [[len(text)] for text in call]
    assert max(sizes) <= 5
    assert sum(sizes) == sum(len(call) for call in calls)


async def test_calls_that_come_during_a_batch_share_the_next() -> None:
    started, release = threading.Event(), threading.Event()
    sizes: list[int] = []

    def compute(texts: Sequence[str]) -> Vectors:
        sizes.append(len(texts))
        started.set()
        release.wait(10)
        return lengths(texts)

    batcher = Batcher(compute, max_texts=64)
    first = asyncio.create_task(batcher.embed(["a"]))
    await asyncio.to_thread(started.wait, 10)
    others = [asyncio.create_task(batcher.embed(["bb"])) for _ in range(20)]
    await asyncio.sleep(0)
    release.set()
    await asyncio.gather(first, *others)
    assert sizes == [1, 20]


async def test_an_error_reaches_its_callers_and_the_next_call_works() -> None:
    def compute(texts: Sequence[str]) -> Vectors:
        if "bad" in texts:
            raise ValueError("bad text")
        return lengths(texts)

    batcher = Batcher(compute, max_texts=1)
    with pytest.raises(ValueError, match="bad text"):
        await batcher.embed(["bad"])
    assert (await batcher.embed(["good"])).tolist() == [[4]]


async def test_a_queue_that_is_too_long_refuses() -> None:
    batcher = Batcher(lengths, max_texts=2, max_waiting=3)
    with pytest.raises(BadInput, match="at most 3"):
        await batcher.embed(["a"] * 4)
    first = asyncio.create_task(batcher.embed(["a"] * 3))
    await asyncio.sleep(0)
    with pytest.raises(Unavailable, match="try again"):
        await batcher.embed(["a"] * 3)
    assert (await first).tolist() == [[1]] * 3


async def test_a_question_does_not_wait_for_a_whole_talk() -> None:
    sizes: list[int] = []

    def compute(texts: Sequence[str]) -> Vectors:
        sizes.append(len(texts))
        return lengths(texts)

    batcher = Batcher(compute, max_texts=32)
    talk = asyncio.create_task(batcher.embed(["sentence"] * 1000))
    await asyncio.sleep(0)
    question = asyncio.create_task(batcher.embed(["question"]))
    await question
    assert len(sizes) <= 3
    assert len(await talk) == 1000


async def test_texts_of_a_cancelled_call_are_not_computed() -> None:
    release = threading.Event()
    seen: list[str] = []

    def compute(texts: Sequence[str]) -> Vectors:
        seen.extend(texts)
        release.wait(10)
        return lengths(texts)

    batcher = Batcher(compute, max_texts=1)
    first = asyncio.create_task(batcher.embed(["first"]))
    await asyncio.sleep(0.01)
    dropped = asyncio.create_task(batcher.embed(["dropped"]))
    last = asyncio.create_task(batcher.embed(["last"]))
    await asyncio.sleep(0.01)
    dropped.cancel()
    release.set()
    await asyncio.gather(first, last)
    assert seen == ["first", "last"]
