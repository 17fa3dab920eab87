"""Shards come and go while callers never stop: every acknowledged command is there once."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from random import Random

import pytest

from actors.runtime_host import ShardConfig
from actors.runtime_journal import SqlJournal
from actors.runtime_references import EntityRef
from actors.runtime_resharding import reshard
from core.placement import shard_of
from tests.actors.counters import Total
from tests.actors.links import NearLinks
from tests.actors.shards import journal_url

KEYS = [f"key {n}" for n in range(30)]


@pytest.fixture
async def links(tmp_path: Path) -> AsyncIterator[NearLinks]:
    made = NearLinks(ShardConfig(journal_url(tmp_path)))
    yield made
    await made.close()


class Callers:
    """They add 1 to random keys without a pause. `replies` are what each key's calls were told."""

    def __init__(self, ref: EntityRef, count: int) -> None:
        self.replies: defaultdict[str, list[Total]] = defaultdict(list)
        self._ref, self._going = ref, True
        self._tasks = [asyncio.ensure_future(self._call(Random(n))) for n in range(count)]

    async def _call(self, rng: Random) -> None:
        while self._going:
            key = rng.choice(KEYS)
            self.replies[key].append(await self._ref.add(key))

    @property
    def answered(self) -> int:
        return sum(map(len, self.replies.values()))

    async def answer(self, more: int) -> None:
        """Until so many more were answered."""
        wanted = self.answered + more
        async with asyncio.timeout(30):
            while self.answered < wanted:
                assert not any(task.done() for task in self._tasks), "a caller failed"
                await asyncio.sleep(0.01)

    async def stop(self) -> None:
        self._going = False
        await asyncio.gather(*self._tasks)

    async def check(self) -> None:
        """Every key's calls were told 1, 2, 3 and so on: none lost, none doubled, none answered beside another."""
        for key, replies in self.replies.items():
            assert sorted(reply.adds for reply in replies) == [*range(1, len(replies) + 1)]
            assert await self._ref.total(key) == Total(float(len(replies)), len(replies))


async def test_callers_go_on_while_one_shard_becomes_four_and_two(links: NearLinks, tmp_path: Path) -> None:
    journal = SqlJournal(journal_url(tmp_path))
    callers, another = Callers(ref := links.ref(), 15), Callers(links.ref(), 5)
    await callers.answer(50)
    place = partial(journal.place, "Counter")
    assert (await reshard(ref, 1, 4, place)).shards == 4
    await callers.answer(100)
    assert (await reshard(ref, 4, 2, place)).shards == 2
    await callers.answer(100)
    await callers.stop()
    await another.stop()
    journal.close()
    for key, replies in another.replies.items():
        callers.replies[key] += replies
    await callers.check()
    for index in (0, 1):
        assert {*links(index).shard._host.live} <= {key for key in KEYS if shard_of(key, 2) == index}
    assert ref.shards == 2


async def test_callers_go_on_while_shards_are_killed_one_after_the_other(links: NearLinks, tmp_path: Path) -> None:
    journal = SqlJournal(journal_url(tmp_path))
    ref = links.ref()
    await ref.add("first")
    await reshard(ref, 1, 3, partial(journal.place, "Counter"))
    journal.close()
    callers = Callers(ref, 20)
    for n in range(12):
        await callers.answer(30)
        await links(n % 3).replace()
    await callers.answer(30)
    await callers.stop()
    await callers.check()


async def test_a_drained_shard_sends_its_callers_on_and_what_was_begun_is_on_disk(links: NearLinks) -> None:
    callers = Callers(ref := links.ref(), 10)
    await callers.answer(50)
    await links(0).drain()
    assert links(0).shard.pulse().draining
    assert links(0).shard.pulse().resident == 0
    answered = callers.answered
    await asyncio.sleep(0.2)
    assert callers.answered - answered <= 10
    await links(0).adopt()
    await callers.answer(50)
    await callers.stop()
    await callers.check()
    assert ref.shards == 1


async def test_long_queries_and_reminders_survive_a_move(links: NearLinks, tmp_path: Path) -> None:
    journal = SqlJournal(journal_url(tmp_path))
    ref = links.ref()
    for key in KEYS[:8]:
        await asyncio.gather(*(ref.note(key, f"n{n}", "text") for n in range(40)))
        await ref.remind(key, "tick", 1_000.0)
    queries = [asyncio.ensure_future(ref.add_each_note(key)) for key in KEYS[:8]]
    await asyncio.sleep(0.05)
    await reshard(ref, 1, 4, partial(journal.place, "Counter"))
    for each in asyncio.as_completed(queries):
        await each
    for key in KEYS[:8]:
        async with asyncio.timeout(20):
            while (total := await ref.total(key)).total < 1_000.0:  # noqa: ASYNC110
                await asyncio.sleep(0.05)
        # A query that was broken off begins anew, what it did stays done, and the reminder came once.
        assert 1_040 <= total.total < 2_000
    journal.close()
    owners = {key: shard_of(key, 4) for key in KEYS[:8]}
    for index, link in links.of.items():
        assert {*link.shard._host.live} <= {key for key, owner in owners.items() if owner == index}
