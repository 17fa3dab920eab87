"""A shard serves the entities that live in it, and refuses what is not for it, too late, or too much."""

import asyncio
import gc
import tracemalloc
from pathlib import Path
from typing import Any

import pytest

from actors.runtime_calls import Moved, request
from core.entities import MAX_KEY_CHARS
from core.errors import BadInput, Busy, DeadlineExceeded
from core.placement import shard_of
from tests.actors.counters import Total
from tests.actors.shards import Clock, Disk, asked, outcome, running, turned, until


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


async def test_drains_and_adoptions_at_once_end_in_one_shard_that_serves(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.add("a")
        await asyncio.gather(counter.adopt(), counter.drain(), counter.adopt(), counter.adopt())
        for n in range(2, 20):
            assert await counter.add("a") == Total(float(n), n)
        assert not counter.pulse().fenced


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


async def test_a_flood_is_refused_with_a_time_to_come_back_and_leaves_nothing_behind(tmp_path: Path) -> None:
    disk = Disk()
    async with running(tmp_path, at_step=disk, mailbox=1_000) as counter:
        await counter.add("a")
        disk.hold()
        inside = [asyncio.ensure_future(counter.add("a")) for _ in range(1_000)]
        await disk.reached()
        gc.collect()
        tracemalloc.start()
        try:
            before, _ = tracemalloc.get_traced_memory()
            for _ in range(49_000):
                each = await outcome(counter, request("add", "a", (), {}, 60.0))
                assert isinstance(each.error, Busy)
                assert 0 < each.error.retry_after_s <= 60
            gc.collect()
            after, peak = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        assert after - before < 1_000_000
        assert peak - before < 5_000_000
        assert counter.pulse().waiting == 1_000
        disk.release()
        assert sorted(reply.adds for reply in await asyncio.gather(*inside)) == [*range(2, 1_002)]
        assert await counter.add("a") == Total(1_002.0, 1_002)
        assert counter.pulse().waiting == 0


async def test_a_flood_at_once_is_answered_or_refused_each_call_for_itself(tmp_path: Path) -> None:
    async with running(tmp_path, mailbox=500) as counter:
        came = await asyncio.gather(*(counter.add(f"key {n % 7}") for n in range(20_000)), return_exceptions=True)
        done = [each for each in came if isinstance(each, Total)]
        assert all(isinstance(each, Total | Busy) for each in came)
        assert 500 <= len(done) < 20_000
        totals = [await counter.total(f"key {n}") for n in range(7)]
        assert sum(total.adds for total in totals) == len(done)


async def test_a_message_of_many_is_taken_whole_where_nothing_else_waits(tmp_path: Path) -> None:
    async with running(tmp_path, mailbox=10) as counter:
        came = await counter.perform([asked("add", f"key {n}") for n in range(100)])
        assert [each.value for each in came] == [Total(1.0, 1)] * 100


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


async def test_thousands_of_entities_are_loaded_at_once_and_the_loop_goes_on_turning(tmp_path: Path) -> None:
    keys = [f"key {n}" for n in range(5_000)]
    async with running(tmp_path) as counter:
        for _ in range(3):
            await counter.perform([asked("add", key) for key in keys])
    async with running(tmp_path, mailbox=10_000) as counter:
        turns = 0

        async def turn() -> None:
            nonlocal turns
            while True:
                await asyncio.sleep(0)
                turns += 1

        turning = asyncio.ensure_future(turn())
        calls = [asyncio.ensure_future(counter.perform([asked("total", key) for key in keys])) for _ in range(2)]
        first, second = await asyncio.gather(*calls)
        turning.cancel()
        assert [each.value for each in first] == [each.value for each in second] == [Total(3.0, 3)] * 5_000
        assert counter.pulse().resident == 5_000
        assert turns > 100


async def test_a_long_history_is_replayed_beside_the_loop(tmp_path: Path) -> None:
    async with running(tmp_path, snapshot_every=100_000) as counter:
        await counter.perform([asked("add", "a") for _ in range(20_000)])
    async with running(tmp_path) as counter:
        longest, now = 0.0, asyncio.get_running_loop().time
        loading = asyncio.ensure_future(counter.total("a"))
        began = last = now()
        while not loading.done():
            await asyncio.sleep(0)
            longest, last = max(longest, now() - last), now()
        assert await loading == Total(20_000.0, 20_000)
        # Relative, for slow machines: were it replayed in the loop, one turn would take most of the time.
        assert longest < 0.5 * (last - began)
