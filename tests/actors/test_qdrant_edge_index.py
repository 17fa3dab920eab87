"""The store on disk: crashes, kills, restarts, damaged and foreign folders."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from actors.qdrant_edge_index import EdgeIndex
from actors.qdrant_points import Scope, StoredPoint
from actors.transcript_store import TranscriptStore
from core.errors import StartupFailed, WriteFailed
from tests.actors.stores import ALICE, BOB, DIMENSIONS, TOKENIZERS, edge, find, put, talk


class DiesAfter(EdgeIndex):
    """An index whose process ends, as it were, after so many writes to the engine."""

    def __init__(self, folder: Path, writes: int) -> None:
        super().__init__(folder, DIMENSIONS)
        self._left = writes

    async def replace(self, points: Sequence[StoredPoint], stale: Scope) -> None:
        for point in points:
            if not self._left:
                raise WriteFailed("The disk")
            self._left -= 1
            await super().replace([point], Scope(stale.tenant, stale.workspace, ("nothing",)))
        if not self._left:
            raise WriteFailed("The disk")
        await super().replace([], stale)


@pytest.mark.parametrize("writes", range(5))
async def test_a_crash_in_the_middle_is_repaired_by_bringing_it_in_again(tmp_path: Path, writes: int) -> None:
    old, new = talk("t1", *TOKENIZERS), talk("t1", *reversed(TOKENIZERS))[:3]
    store = edge(tmp_path)
    await put(store, ALICE, old)
    await put(store, BOB, old)
    await store.close()
    dying = TranscriptStore(tmp_path, DIMENSIONS, index=DiesAfter(tmp_path, writes))
    if writes <= len(new):
        with pytest.raises(WriteFailed):
            await put(dying, ALICE, new)
    else:
        assert await put(dying, ALICE, new)
    await dying.close()
    store = edge(tmp_path)
    assert await put(store, ALICE, new) == (writes <= len(new))
    assert {hit.passage for hit in await find(store, ALICE, "padding model")} == set(new)
    assert (await store.library(ALICE)).passages == len(new)
    assert (await store.library(BOB)).passages == len(old)
    await store.close()


CHILD = """
import asyncio, sys
from tests.actors.stores import ALICE, TOKENIZERS, edge, put, talk
async def main():
    store = edge(sys.argv[1])
    for number in range(1000):
        await put(store, ALICE, talk(f"t{number:03}", *TOKENIZERS))
        print(number, flush=True)
asyncio.run(main())
"""


def killed_while_writing(folder: Path) -> list[int]:
    """The writes that a child process acknowledged before it was killed."""
    child = subprocess.Popen([sys.executable, "-c", CHILD, str(folder)], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(3)]
    os.kill(child.pid, signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().split("\n")[:-1]]
    child.wait()
    child.stdout.close()
    return acknowledged


async def test_what_was_acknowledged_survives_kill_9(tmp_path: Path) -> None:
    acknowledged = await asyncio.to_thread(killed_while_writing, tmp_path)
    assert len(acknowledged) >= 3
    store = edge(tmp_path)
    for number in acknowledged:
        assert await store.is_stored(ALICE, talk(f"t{number:03}", *TOKENIZERS))
    assert await put(store, ALICE, talk("t999", *TOKENIZERS))
    await store.close()


async def test_what_was_stored_is_there_after_a_restart(tmp_path: Path) -> None:
    first = edge(tmp_path)
    await put(first, ALICE, talk("t1", *TOKENIZERS))
    before = await find(first, ALICE, "padding")
    await first.close()
    second = edge(tmp_path)
    assert await find(second, ALICE, "padding") == before
    await second.close()


async def test_a_second_owner_is_told_to_stop_the_first(tmp_path: Path) -> None:
    store = edge(tmp_path)
    with pytest.raises(StartupFailed, match="Another process has the transcript store"):
        edge(tmp_path)
    await store.close()


async def test_other_vectors_are_refused_by_what_they_were_made_with(tmp_path: Path) -> None:
    await TranscriptStore(tmp_path, DIMENSIONS, model="packaged").close()
    with pytest.raises(StartupFailed, match=r"dimensions 32, not 384.*ingest again"):
        TranscriptStore(tmp_path, 384)
    with pytest.raises(StartupFailed, match="model packaged, not other"):
        TranscriptStore(tmp_path, DIMENSIONS, model="other")
    await TranscriptStore(tmp_path, DIMENSIONS).close()


@pytest.mark.parametrize("damaged", ["store.json", "shard/edge_config.json"])
async def test_a_damaged_folder_is_reported(tmp_path: Path, damaged: str) -> None:
    await edge(tmp_path).close()
    (tmp_path / damaged).write_bytes(b"\x00\x01")
    with pytest.raises(StartupFailed, match="ingest again"):
        edge(tmp_path)


async def test_a_crash_while_the_folder_was_made_is_repaired(tmp_path: Path) -> None:
    (tmp_path / "shard.new" / "segments").mkdir(parents=True)
    (tmp_path / "shard.new" / "edge_config.json").write_text("{")
    store = edge(tmp_path)
    assert await put(store, ALICE, talk("t1", *TOKENIZERS))
    await store.close()


def test_a_folder_that_cannot_be_written_is_reported_with_advice(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for folder in (tmp_path / "file", tmp_path / "file" / "below", Path("/proc/store")):
        with pytest.raises(WriteFailed, match="set DATA_DIR"):
            edge(folder)


async def test_a_call_after_closing_is_an_error_that_names_the_store(tmp_path: Path) -> None:
    store = edge(tmp_path)
    await store.close()
    with pytest.raises(WriteFailed, match="transcript store"):
        await store.forget_recording(ALICE, "t1")
