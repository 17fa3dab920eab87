"""Durable entities on a real Ray: what hangs, floods, slows down or dies, and what becomes of it by itself."""

import asyncio
import os
import signal
import time
from collections import Counter as Tally
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

import pytest
import ray
from ray.util.state import list_actors

from actors.runtime import ActorRef, ActorSpec, spawn
from actors.runtime_host import ShardConfig
from actors.runtime_journal import SqlJournal
from actors.runtime_references import EntityRef, entity
from actors.supervisor import Supervisor
from core.errors import Busy, Unavailable
from core.supervision import Rules
from evals.measure.memory import pss_mb
from tests.actors.counters import Counter, Total
from tests.actors.shards import journal_url
from tests.cluster.counters import Flooded, Hanging, Reminded, SlowDisk, Slowed, Watched, flood, pid_of, retired

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.timeout(300),
    pytest.mark.asyncio(loop_scope="session"),
    pytest.mark.usefixtures("bot"),
]

PATIENCE_S = 90.0


@asynccontextmanager
async def watched(name: str, *counters: Counter, **rules: Any) -> AsyncIterator[Supervisor]:
    """A supervisor of its own that watches over these; everything is ended afterwards."""
    kinds = [cast(EntityRef, counter) for counter in counters]
    supervisor = await spawn(ActorSpec(name), Supervisor, kinds, rules=Rules(**rules))
    await supervisor.start()
    try:
        yield supervisor
    finally:
        await cast(ActorRef[Supervisor], supervisor).kill(restart=False)
        await retired(counters)


async def pid(counter: Counter) -> int:
    return (await cast(EntityRef, counter).shard(0).pulse()).pid


async def until(holds: Callable[[], Awaitable[bool]]) -> None:
    """Wait until something holds. What does not answer just now may come back."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            with suppress(Unavailable):
                if await holds():
                    return
            await asyncio.sleep(0.2)


async def test_an_event_loop_that_hangs_is_seen_and_its_process_replaced(tmp_path: Path) -> None:
    counter = entity(Hanging, ShardConfig(journal_url(tmp_path)))
    async with watched("HangingSupervisor", counter, hung_s=2.0) as supervisor:
        for _ in range(5):
            await counter.add("a")
        before = await pid(counter)
        hanging = asyncio.ensure_future(counter.hang("b", 600.0))
        reasons: list[str] = []

        async def is_seen() -> bool:
            reasons.extend(part.detail for part in await supervisor.health() if not part.healthy)
            return any("hangs since" in reason for reason in reasons)

        async def is_replaced() -> bool:
            return await pid(counter) != before

        await until(is_seen)
        hanging.cancel()  # it would be sent again, and the next process would hang as well
        await until(is_replaced)
        assert await counter.add("a") == Total(6.0, 6)


async def test_a_slow_disk_is_answered_slowly_or_refused_with_a_time_to_wait(tmp_path: Path) -> None:
    slow, fast_s = tmp_path / "slow", []
    counter = entity(Slowed, ShardConfig(journal_url(tmp_path), mailbox=50, at_step=SlowDisk(slow, 0.3)))
    for _ in range(5):
        began_s = time.monotonic()
        await counter.add("a")
        fast_s.append(time.monotonic() - began_s)
    slow.touch()
    began_s = time.monotonic()
    came = await asyncio.gather(*(counter.add("a") for _ in range(200)), return_exceptions=True)
    slowly_s = time.monotonic() - began_s
    done = [each for each in came if isinstance(each, Total)]
    refused = [each for each in came if isinstance(each, Busy)]
    assert len(done) + len(refused) == 200
    assert done
    assert refused
    assert all(0 < each.retry_after_s <= 60 for each in refused)
    assert slowly_s > 0.3 > min(fast_s)
    slow.unlink()
    # Who waits as long as it was told is served, and what was refused was not done.
    await asyncio.sleep(max(each.retry_after_s for each in refused))
    assert (await counter.add("a")).adds == 5 + len(done) + 1
    await retired([counter])


async def test_a_flood_from_several_processes_is_refused_with_a_time_to_wait_and_takes_little_memory(
    tmp_path: Path,
) -> None:
    config = ShardConfig(journal_url(tmp_path), mailbox=500)
    counter = entity(Flooded, config)
    await counter.add("key 0")
    actor, peak_mb = await pid(counter), 0.0
    before_mb = pss_mb(actor)
    # Callers without manners: their references let everything travel, and the shard alone refuses.
    rude = entity(Flooded, replace(config, mailbox=1_000_000))
    floods = asyncio.gather(*(flood.remote(rude, 500, 25) for _ in range(4)))
    while not floods.done():
        peak_mb = max(peak_mb, pss_mb(actor))
        await asyncio.sleep(0.1)
    came = await floods
    outcomes = sum((each.outcomes for each in came), Tally[str]())
    assert outcomes.total() == 50_000
    assert set(outcomes) <= {"Total", "Busy", "DeadlineExceeded"}
    assert outcomes["Busy"]
    assert len({each.pid for each in came} | {os.getpid()}) == 5
    assert all(0 < wait_s <= 60 for each in came for wait_s in each.waits_s)
    assert peak_mb < before_mb + 100
    # It is the same process, which goes on, and what was refused was not done.
    assert await pid(counter) == actor
    totals = [await counter.total(f"key {number}") for number in range(25)]
    done = sum(total.adds for total in totals) - 1
    assert outcomes["Total"] <= done <= outcomes["Total"] + outcomes["DeadlineExceeded"]
    assert (await cast(EntityRef, counter).shard(0).pulse()).waiting == 0
    await retired([counter])


async def test_a_supervisor_that_was_killed_comes_back_and_goes_on_watching(tmp_path: Path) -> None:
    counter = entity(Watched, ShardConfig(journal_url(tmp_path)))
    async with watched("WatchedSupervisor", counter) as supervisor:
        await counter.add("a")
        killed = await asyncio.to_thread(pid_of, "WatchedSupervisor")
        os.kill(killed, signal.SIGKILL)
        # Nobody calls this shard, and nothing but a supervisor would start it again.
        await cast(EntityRef, counter).shard(0).retire()

        async def runs() -> bool:
            return any(each["name"] == "WatchedCounter-0" for each in ray.util.list_named_actors(all_namespaces=True))

        await until(runs)

        async def is_well() -> bool:
            return all(part.healthy for part in await supervisor.health())

        await until(is_well)
        assert await asyncio.to_thread(pid_of, "WatchedSupervisor") != killed
        assert await counter.total("a") == Total(1.0, 1)


async def test_a_reminder_fires_after_a_crash_though_nobody_calls(tmp_path: Path) -> None:
    url = journal_url(tmp_path)
    counter = entity(Reminded, ShardConfig(url))
    await counter.remind("a", "later", by=7.0, due_at=time.time() + 2.0)
    os.kill(await pid(counter), signal.SIGKILL)
    journal = SqlJournal(url, read_only=True)

    async def has_fired() -> bool:
        return len(journal.history("RemindedCounter/a")[1]) == 2

    await until(has_fired)
    assert not journal.due("RemindedCounter", time.time() + 1e6, 10)
    journal.close()
    assert (await counter.total("a")).total == 7.0
    await retired([counter])


async def test_the_dashboard_shows_each_shard_by_its_class_and_name() -> None:
    address = ray.get_runtime_context().gcs_address  # by itself it looks for any Ray of the machine
    listed = await asyncio.to_thread(list_actors, address, [("state", "=", "ALIVE")], 1_000)
    named = {actor.name: actor.class_name for actor in listed}
    for kind in ("BudgetLedger", "RateLimiter", "ActivityLog"):
        assert named[f"{kind}-0"] == kind
    assert named["Supervisor"] == "Supervisor"
