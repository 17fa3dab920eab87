from dataclasses import replace
from pathlib import Path

import numpy as np

from actors.qdrant_points import passage_of, to_payload
from tests.actors.stores import ALICE, EMBEDDER, TOKENIZERS, edge, find, put, talk


def test_a_passage_comes_back_from_its_payload_with_its_heading() -> None:
    passage = replace(talk("t1", *TOKENIZERS)[0], heading="Splitting words")
    payload = to_payload(ALICE, passage, "g", EMBEDDER.vectors([it.text for it in passage.sentences]))
    assert passage_of(payload) == passage


def test_a_payload_of_before_there_were_headings_is_read() -> None:
    passage = talk("t1", *TOKENIZERS)[0]
    payload = to_payload(ALICE, passage, "g", np.zeros((len(passage.sentences), 4), dtype=np.float32))
    del payload["heading"]
    assert passage_of(payload) == passage


async def test_other_headings_alone_replace_what_is_stored(tmp_path: Path) -> None:
    store = edge(tmp_path)
    plain = talk("t1", *TOKENIZERS)
    headed = [replace(passage, heading=f"Part {passage.index}") for passage in plain]
    assert await put(store, ALICE, plain)
    assert await put(store, ALICE, headed)
    assert not await put(store, ALICE, headed)
    assert {hit.passage for hit in await find(store, ALICE, TOKENIZERS[0])} == set(headed)
    await store.close()
