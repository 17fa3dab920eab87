"""A shard serves the entities that live in it, and refuses what is not for it, too late, or too much."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.runtime_calls import Moved
from actors.runtime_entities import query
from actors.runtime_host import ShardConfig
from core.entities import MAX_KEY_CHARS
from core.errors import BadInput, DeadlineExceeded, Fenced, Unavailable
from core.placement import shard_of
from tests.actors.counters import Add, Counter, Total
from tests.actors.shards import Clock, Disk, asked, journal_url, outcome, running, turned, until


async def test_a_shard_serves_its_own_keys_and_tells_of_others_that_they_moved(tmp_path: Path) -> None:
    keys = [f"key {n}" for n in range(60)]
    async with running(tmp_path, index=1, shards=3) as counter:
        came = await counter.perform([asked("add", key) for key in keys])
        for key, each in zip(keys, came, strict=True):
            if shard_of(key, 3) == 1:
                assert each.value == Total(1.0, 1)
            else:
                assert isinstance(each.error, Moved)
                assert each.error.shards == 3
        assert {*counter._host.live} == {key for key in keys if shard_of(key, 3) == 1}


async def test_the_placement_that_was_written_first_counts_whatever_a_shard_is_started_with(tmp_path: Path) -> None:
    async with running(tmp_path, index=0, shards=2), running(tmp_path, index=1, shards=7) as counter:
        assert counter.pulse().shards == 2
    async with running(tmp_path, index=4, shards=7) as leftover:
        for n in range(20):
            with pytest.raises(Moved):
                await leftover.add(f"key {n}")


async def test_a_shard_that_drains_takes_nothing_and_goes_on_when_it_is_told_to(tmp_path: Path) -> None:
    disk = Disk()
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        begun = asyncio.ensure_future(counter.add("a"))
        await disk.reached()
        draining = asyncio.ensure_future(counter.drain())
        await turned()
        assert not draining.done(), "it did not wait for what was begun"
        for call in (counter.add("a"), counter.total("a"), counter.notes("b")):
            with pytest.raises(Moved):
                await call
        disk.release()
        await draining
        assert await begun == Total(1.0, 1)
        await counter.adopt()
        assert await counter.add("a") == Total(2.0, 2)


@pytest.mark.parametrize("adopted", [False, True])
async def test_a_query_that_outlasts_a_move_changes_nothing_where_the_entity_was(tmp_path: Path, adopted: bool) -> None:
    go_on, waits = asyncio.Event(), asyncio.Event()

    class Waiting(Counter):
        @query
        async def add_later(self, key: str) -> Total:
            waits.set()
            await go_on.wait()
            reply: Total = await self.submit(key, Add())
            return reply

    disk, key = Disk(), next(f"key {n}" for n in range(100) if shard_of(f"key {n}", 4) != 0)
    counter = Waiting(ShardConfig(journal_url(tmp_path), at_step=disk))
    later = asyncio.ensure_future(outcome(counter, asked("add_later", key)))
    await waits.wait()
    await counter.drain()
    if adopted:
        journal = counter._host.journal
        assert journal
        journal.place("Counter", 4)
        await counter.adopt()
    commits = disk.commits
    go_on.set()
    assert isinstance((await later).error, Moved)
    assert disk.commits == commits
    assert counter.pulse().resident == 0
    await counter.close()


async def test_drains_and_adoptions_at_once_end_in_one_shard_that_serves(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        adopting, fenced = asyncio.gather(*(counter.adopt() for _ in range(20)), counter.drain(), counter.adopt()), 0

        async def call() -> None:
            nonlocal fenced
            while not adopting.done():
                fenced += isinstance((await outcome(counter, asked("add", "a"))).error, Fenced)
                await asyncio.sleep(0)

        await asyncio.gather(adopting, *(call() for _ in range(5)))
        assert not fenced, "it fenced itself"
        adds = (await counter.total("a")).adds
        assert await counter.add("a") == Total(adds + 1.0, adds + 1)


async def test_an_idle_entity_leaves_nothing_in_memory_and_is_loaded_again(tmp_path: Path) -> None:
    disk = Disk()
    async with running(tmp_path, at_step=disk, idle_s=0.0) as counter:
        await asyncio.gather(*(counter.add(f"key {n}") for n in range(50)))
        assert counter.pulse().resident == 50
        disk.hold()
        writing = asyncio.ensure_future(counter.add("key 7"))
        await disk.reached()
        counter._host.drop_idle()
        assert {*counter._host.live} == {"key 7"}, "what is being written must stay"
        disk.release()
        await writing
        counter._host.drop_idle()
        assert counter.pulse().resident == 0
        assert await counter.add("key 7") == Total(3.0, 3)


async def test_an_entity_that_is_called_now_and_then_is_not_idle(tmp_path: Path) -> None:
    async with running(tmp_path, idle_s=60.0) as counter:
        await counter.add("a")
        counter._host.drop_idle()
        assert counter.pulse().resident == 1


async def test_a_call_that_comes_after_its_deadline_changes_nothing(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path, clock=clock) as counter:
        late = asked("add", "a", at=clock.now - 20, deadline_s=15)
        assert isinstance((await outcome(counter, late)).error, DeadlineExceeded)
        assert await counter.total("a") == Total(0.0, 0)
        in_time = asked("add", "a", at=clock.now - 20, deadline_s=21)
        assert (await outcome(counter, in_time)).value == Total(1.0, 1)


BAD_KEYS: list[Any] = [
    "",
    " ",
    "\t",
    "a\nb",
    "a\0",
    "\ud800",
    "\u202e",
    "k" * (MAX_KEY_CHARS + 1),
    None,
    7,
    ["a"],
    b"a",
]


@pytest.mark.parametrize("key", BAD_KEYS, ids=repr)
async def test_a_key_that_can_name_nothing_is_refused_and_loads_nothing(tmp_path: Path, key: Any) -> None:
    async with running(tmp_path) as counter:
        bad, good = await counter.perform([asked("add", key, command_id="one"), asked("add", "a")])
        assert isinstance(bad.error, BadInput)
        assert good.value == Total(1.0, 1)
        assert counter.pulse().resident == 1


@pytest.mark.parametrize(
    "key", ["a/b", "../a", "Counter/a", "a-0", "%s", "'; --", "naïve", "鍵", "🔑", "k" * MAX_KEY_CHARS]
)
async def test_a_key_is_only_a_name(tmp_path: Path, key: str) -> None:
    for n in (1, 2):
        async with running(tmp_path) as counter:
            assert await counter.add(key) == Total(float(n), n)
    async with running(tmp_path) as counter:
        await counter.remind(key, "tick")
        await until(lambda: counter._host.live[key].state.adds == 3)
        assert await counter.total("other") == Total(0.0, 0)


@pytest.mark.parametrize("method", ["no_such", "perform", "decide", "close", "_run", "__init__", "state", "drain"])
async def test_only_the_methods_of_the_kind_can_be_called(tmp_path: Path, method: str) -> None:
    async with running(tmp_path) as counter:
        each = await outcome(counter, asked(method, "a"))
        assert isinstance(each.error, BadInput)
        assert method in str(each.error)
        assert counter.pulse().resident == 0


async def test_a_journal_that_is_gone_is_told_to_whoever_needs_it(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.add("a")
        (tmp_path / "journal.db").rename(tmp_path / "elsewhere.db")
        for key, method in (("a", "add"), ("never called", "total"), ("never called", "add")):
            error = (await outcome(counter, asked(method, key))).error
            assert isinstance(error, Unavailable)
            assert "journal.db" in str(error)


async def test_without_a_journal_it_counts_and_keeps_nothing() -> None:
    for _ in range(2):
        async with running("") as counter:
            assert [(await counter.add("a")).adds for _ in range(3)] == [1, 2, 3]
            twice = asked("add", "a")
            assert [each.value.adds for each in await counter.perform([twice, twice])] == [4, 4]
            assert await counter.notes("a") == []
            await counter.remind("a", "tick")
            assert not counter.pulse().problem
