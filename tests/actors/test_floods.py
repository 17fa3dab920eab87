"""Many calls, many entities and long histories at once: memory stays bounded, refusals say when to come back."""

import asyncio
import gc
import tracemalloc
from pathlib import Path

from actors.runtime_calls import request
from core.errors import Busy
from tests.actors.counters import Total
from tests.actors.shards import Disk, asked, outcome, running


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
