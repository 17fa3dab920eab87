"""A journal that cannot be written: whoever depends on it is told, nothing is made up, and it goes on by itself."""

import asyncio
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from actors.runtime_host import BREAK_S
from actors.runtime_journal import SqlJournal
from core.errors import Fenced, JournalUnreadable, WriteFailed
from core.journal import Entry, Step, Write
from tests.actors.counters import Counter, Total
from tests.actors.shards import Disk, asked, journal_url, running, settled, turned, until

FULL = WriteFailed("The journal", "Make room on its disk.")


@pytest.fixture
def disk() -> Disk:
    return Disk()


def begun(counter: Counter, *keys: str) -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(counter.add(key)) for key in keys]


async def mended(counter: Counter, key: str = "a") -> Total:
    """Add once more, as soon as that is taken again."""
    async with asyncio.timeout(20):
        while True:
            try:
                return await counter.add(key)
            except WriteFailed:
                await asyncio.sleep(0.05)


async def test_everybody_who_depends_on_a_failed_commit_is_told_and_nobody_else(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await asyncio.gather(*begun(counter, "a", "b", "c"))
        disk.hold()
        failing = begun(counter, "a", "a", "b")
        await disk.reached()
        disk.fail(FULL)
        # These are in the batch that fills meanwhile; the first stands on what is about to fail, the other does not.
        depending, independent = begun(counter, "b", "c")
        await turned()
        disk.release(1)
        assert await settled(*failing) == [FULL] * 3
        await disk.reached()
        disk.mend()
        disk.release()
        assert await settled(depending) == [FULL]
        assert await independent == Total(2.0, 2)
        totals = [await counter.total(key) for key in "abc"]
        assert totals == [Total(1.0, 1), Total(1.0, 1), Total(2.0, 2)]


async def test_while_it_is_broken_writes_are_refused_and_reads_go_on(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await asyncio.gather(*begun(counter, "a", "b"))
        disk.fail(FULL)
        with pytest.raises(WriteFailed):
            await counter.add("a")
        disk.mend()
        commits = disk.commits
        for key in "ab":
            with pytest.raises(WriteFailed, match="Make room on its disk"):
                await counter.add(key)
        assert disk.commits == commits, "each refused call tried the disk again"
        assert "Make room" in counter.pulse().problem
        assert await counter.total("a") == await counter.total("b") == Total(1.0, 1)
        assert await mended(counter) == Total(2.0, 2)
        assert not counter.pulse().problem


async def test_it_stays_refused_while_it_stays_broken_and_goes_on_afterwards(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await counter.add("a")
        disk.fail(FULL)
        commits = disk.commits
        for _ in range(2):
            with pytest.raises(WriteFailed):
                await counter.add("a")
            await asyncio.sleep(BREAK_S + 0.05)
        assert disk.commits == commits + 2
        disk.mend()
        assert await mended(counter) == Total(2.0, 2)


@pytest.mark.parametrize("step", [Step.BEFORE_APPEND, Step.BEFORE_COMMIT, Step.BEFORE_REPLY])
async def test_a_fault_that_nobody_foresaw_reaches_the_callers_and_ends_with_them(
    tmp_path: Path, disk: Disk, step: Step
) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await counter.add("a")
        disk.fail(ZeroDivisionError("a defect"), step)
        refused, unwritten = asked("add", "a"), asked("add", "b")
        came = await counter.perform([refused, unwritten])
        for each in came:
            assert isinstance(each.error, WriteFailed)
            assert "a defect" in str(each.error)
        disk.mend()
        await asyncio.sleep(BREAK_S + 0.05)
        # Whether it was written is found out by asking again: in either case it is done once.
        (again,) = await counter.perform([refused])
        assert again.value == Total(2.0, 2)
        assert await counter.total("a") == Total(2.0, 2)


@contextmanager
def no_room(file: Path) -> Iterator[None]:
    """While this process can make no file longer than `file` is."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (file.stat().st_size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


async def test_a_disk_without_room_loses_nothing_and_is_used_again_when_it_has_some(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.note("a", "first", "short")
        with no_room(tmp_path / "journal.db-wal"), pytest.raises(WriteFailed):
            await counter.note("a", "second", "long" * 10_000)
        assert await mended(counter) == Total(1.0, 1)
        assert await counter.notes("a") == ["first"]
    async with running(tmp_path) as counter:
        assert await counter.total("a") == Total(1.0, 1)
        assert await counter.notes("a") == ["first"]


async def test_a_fenced_shard_takes_nothing_more_until_it_is_told_to_go_on(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as old, running(tmp_path) as new:
        with pytest.raises(Fenced):
            await old.add("a")
        commits = disk.commits
        await asyncio.sleep(BREAK_S + 0.05)
        calls = [old.add("a"), old.total("a"), old.notes("a"), old.add("never called")]
        for came in await asyncio.gather(*calls, return_exceptions=True):
            assert isinstance(came, Fenced)
        assert disk.commits == commits
        assert old.pulse().fenced
        assert await new.add("a") == Total(1.0, 1)
        await old.adopt()
        assert not old.pulse().fenced
        assert await old.add("a") == Total(2.0, 2)
        with pytest.raises(Fenced):
            await new.add("a")


async def test_a_disk_that_fails_later_does_not_hide_that_the_shard_is_fenced(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as old, running(tmp_path):
        disk.hold()
        first = begun(old, "a")
        await disk.reached()
        second = begun(old, "b")
        await turned()
        disk.release(1)
        assert isinstance((await settled(*first))[0], Fenced)
        await disk.reached()
        disk.fail(FULL, Step.BEFORE_APPEND)
        disk.release()
        assert await settled(*second) == [FULL]
        await asyncio.sleep(BREAK_S + 0.05)
        assert old.pulse().fenced
        with pytest.raises(Fenced):
            await old.add("a")


def foreign(url: str, stream: str, seq: int, event: str = '{"type":"Added","by":10.0,"luck":0.5}') -> None:
    """Write an entry of a stream past the shard that it belongs to."""
    journal = SqlJournal(url)
    try:
        journal.claim("Other-0", "one")
        entry = Entry(stream, seq, 1.0, f"foreign {seq}", 1, "", f"[{event}]", "{}")
        assert not journal.commit("Other-0", "one", [Write(stream, entry)])
    finally:
        journal.close()


async def test_a_stream_that_somebody_else_wrote_is_reloaded_and_only_its_callers_are_told(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await asyncio.gather(*begun(counter, "a", "b"))
        await asyncio.to_thread(foreign, journal_url(tmp_path), "Counter/a", 2)
        lost, kept, lost_too = await settled(*begun(counter, "a", "b", "a"))
        assert isinstance(lost, Fenced)
        assert isinstance(lost_too, Fenced)
        assert kept == Total(2.0, 2)
        # The shard is not fenced: it looked again, and goes on.
        assert not counter.pulse().fenced
        assert await counter.add("a") == Total(12.0, 3)


async def test_a_stream_that_cannot_be_read_keeps_nobody_from_the_others(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await asyncio.gather(*begun(counter, "gap", "burst", "odd", "a"))
        await asyncio.to_thread(foreign, journal_url(tmp_path), "Counter/gap", 3)
        await asyncio.to_thread(foreign, journal_url(tmp_path), "Counter/burst", 2, '{"type":"Burst"}')
        await asyncio.to_thread(foreign, journal_url(tmp_path), "Counter/odd", 2, '{"type":"Odd"}')
    async with running(tmp_path) as counter:
        *bad, good = await counter.perform([asked("add", key) for key in ("gap", "burst", "odd", "a")])
        assert good.value == Total(2.0, 2)
        for each, key in zip(bad, ("gap", "burst", "odd"), strict=True):
            assert isinstance(each.error, JournalUnreadable)
            assert f"Counter/{key}" in str(each.error)
        with pytest.raises(JournalUnreadable, match="entry 2 is missing"):
            await counter.total("gap")


async def test_a_disk_that_hangs_is_seen_in_the_pulse(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        assert counter.pulse().writing_s == 0
        disk.hold()
        waiting = begun(counter, "a")
        await disk.reached()
        first = counter.pulse().writing_s
        await turned()
        assert counter.pulse().writing_s > first > 0
        disk.release()
        await settled(*waiting)
        await until(lambda: counter.pulse().writing_s == 0)


async def test_a_caller_who_leaves_takes_nobody_with_it(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        leaving, staying = begun(counter, "a", "a")
        await disk.reached()
        leaving.cancel()
        await until(leaving.done)
        disk.release()
        assert await staying == Total(2.0, 2)


async def test_a_caller_who_leaves_while_entities_are_loaded_takes_nobody_with_it(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        # More than are loaded at once, so that some are still to be read when the first caller is gone.
        requests = [asked("add", f"key {n}") for n in range(1_500)]
        leaving = asyncio.ensure_future(counter.perform(requests))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        leaving.cancel()
        came: Sequence[Any] = await asyncio.wait_for(counter.perform([asked("add", "key 1499")]), 30)
        assert came[0].value == Total(1.0, 1)
