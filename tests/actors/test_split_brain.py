"""Two live incarnations of one shard on one journal: one goes on, and nothing acknowledged is lost or doubled."""

import asyncio
import json
import os
import signal
import sys
import threading
from asyncio.subprocess import PIPE, Process
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from actors.runtime_host import ShardConfig
from core.errors import Fenced
from tests.actors.counters import KIND, Counter, Counts, Event, Total
from tests.actors.incarnation import CALLERS, KEYS
from tests.actors.journals import KINDS, fresh_url
from tests.actors.shards import asked, outcome, running, until

Replies = defaultdict[str, list[int]]


@pytest.fixture(params=KINDS)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    return fresh_url(request.param, tmp_path)


async def whole(counter: Counter, replies: Replies) -> bool:
    """Whether each key holds what was acknowledged, once, and nothing else."""
    for key, adds in replies.items():
        assert sorted(adds) == [*range(1, len(adds) + 1)]
        assert await counter.total(key) == Total(float(len(adds)), len(adds))
    return True


async def test_the_older_one_stops_and_the_newer_one_goes_on(url: str) -> None:
    replies: Replies = defaultdict(list)
    async with running(url) as old:
        for _ in range(3):
            replies["a"].append((await old.add("a")).adds)
        async with running(url) as new:
            calls = [(shard, asyncio.ensure_future(shard.add("a"))) for _ in range(50) for shard in (old, new)]
            for shard, called in calls:
                if shard is old:
                    with pytest.raises(Fenced):
                        await called
                else:
                    replies["a"].append((await called).adds)
            assert old.pulse().fenced
            assert not new.pulse().fenced
            assert await whole(new, replies)
            await old.adopt()
            assert await old.total("a") == Total(53.0, 53)


async def test_two_that_take_the_shard_from_each_other_do_every_command_once(url: str) -> None:
    replies: Replies = defaultdict(list)
    async with running(url) as one, running(url) as two:
        shards, calling = (one, two), True

        async def call(name: str) -> None:
            rng = Random(name)
            for n in range(15):
                key = f"key {rng.randrange(3)}"
                request = asked("add", key, command_id=f"{name} {n}")
                # Also to the other one, and to both at once: it is the same command.
                while True:
                    to = [rng.choice(shards)] * rng.randrange(1, 3) + [rng.choice(shards)] * rng.randrange(2)
                    came = await asyncio.gather(*(outcome(shard, request) for shard in to))
                    told = {each.value.adds for each in came if each.error is None}
                    assert len(told) <= 1, "the same command was done twice"
                    if told:
                        replies[key] += told
                        break
                    await asyncio.sleep(rng.uniform(0.0, 0.02))

        async def quarrel() -> None:
            rng = Random(1)
            while calling:
                await rng.choice(shards).adopt()
                await asyncio.sleep(rng.uniform(0.0, 0.05))

        quarrelling = asyncio.ensure_future(quarrel())
        await asyncio.gather(*(call(f"caller {n}") for n in range(20)))
        calling = False
        await quarrelling
        for shard in shards:
            await shard.adopt()
            assert sum(map(len, replies.values())) == 300
            assert await whole(shard, replies)


async def test_what_was_read_before_the_shard_was_taken_back_is_not_served_afterwards(url: str) -> None:
    read, go_on = threading.Event(), threading.Event()

    def evolve(state: Counts, event: Event) -> Counts:
        read.set()
        assert go_on.wait(20)
        return KIND.evolve(state, event)

    class Slow(Counter):
        kind = replace(KIND, evolve=evolve)

    async with running(url) as other:
        await other.add("a")
        slow = Slow(ShardConfig(url))
        reading = asyncio.ensure_future(outcome(slow, asked("total", "a")))
        await until(read.is_set)
        await other.adopt()
        await other.add("a")
        adopting = asyncio.ensure_future(slow.adopt())
        await asyncio.sleep(0.2)
        go_on.set()
        await asyncio.gather(adopting, reading)
        assert await slow.total("a") == Total(2.0, 2)
        await slow.close()


@asynccontextmanager
async def process(url: str, name: str, commands: int, stop_at: int = 0) -> AsyncIterator[Process]:
    program = ("-m", "tests.actors.incarnation", url, name, str(commands), str(stop_at))
    started = await asyncio.create_subprocess_exec(sys.executable, *program, stdout=PIPE)
    try:
        yield started
    finally:
        if started.returncode is None:
            started.kill()
        await started.wait()


async def told(of: Process, replies: Replies) -> None:
    """Read what a process' callers were told, until it ends well."""
    assert of.stdout
    async for line in of.stdout:
        key, adds = json.loads(line)
        replies[key].append(adds)
    assert await of.wait() == 0


async def overtaken(new: Counter, replies: Replies) -> None:
    for n in range(KEYS):
        replies[f"key {n}"].append((await new.add(f"key {n}")).adds)


async def test_two_processes_that_take_the_shard_from_each_other_do_every_command_once(url: str) -> None:
    replies: Replies = defaultdict(list)
    async with running(url):
        pass
    async with process(url, "one", 25) as one, process(url, "two", 25) as two:
        await asyncio.wait_for(asyncio.gather(told(one, replies), told(two, replies)), 60)
    assert sum(map(len, replies.values())) == 2 * CALLERS * 25
    assert len(replies) == KEYS
    async with running(url) as counter:
        assert await whole(counter, replies)


async def test_one_that_was_cut_off_in_the_middle_of_a_write_loses_it_when_it_wakes_up(url: str) -> None:
    replies: Replies = defaultdict(list)
    async with process(url, "old", 1_000, stop_at=10) as old:
        reading = asyncio.ensure_future(told(old, replies))
        # It stops itself with a commit begun and nothing of it written.
        await asyncio.to_thread(os.waitid, os.P_PID, old.pid, os.WSTOPPED | os.WNOWAIT)
        async with running(url) as new:
            await overtaken(new, replies)
            old.send_signal(signal.SIGCONT)
            await asyncio.wait_for(reading, 60)
            assert await whole(new, replies)
            assert not new.pulse().fenced
