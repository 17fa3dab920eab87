"""Who delivers when a process dies, drains, is fenced, or shares a journal with others."""

import asyncio
from pathlib import Path

from core.entities import Effect
from core.errors import Unavailable, WriteFailed
from core.journal import Step
from tests.actors.counters import Total
from tests.actors.outside import Outside, due, empty
from tests.actors.shards import Disk, running, turned, until


async def test_what_was_delivered_but_not_confirmed_when_the_process_died_is_delivered_again(tmp_path: Path) -> None:
    outside, disk = Outside(), Disk()
    outside.open.clear()
    async with running(tmp_path, {"discord": outside}, at_step=disk) as counter:
        await counter.ask("a", "post-1", "discord", "hello")
        await until(lambda: bool(outside.delivered))
        # Delivered, and then no write gets to the disk any more, as if the process had died.
        disk.fail(WriteFailed("The disk"), Step.BEFORE_APPEND)
        outside.open.set()
        await until(lambda: "The disk" in counter.pulse().problem)
    async with running(tmp_path, {"discord": outside}) as counter:
        await until(lambda: len(outside.delivered) == 2)
        await empty(counter)
    assert set(outside.delivered) == {Effect("post-1", "discord", "hello")}


async def test_a_broken_journal_makes_no_second_delivery_of_what_one_process_has_delivered(tmp_path: Path) -> None:
    outside, disk = Outside(), Disk()
    outside.open.clear()
    async with running(tmp_path, {"discord": outside}, at_step=disk) as counter:
        await counter.ask("a", "post-1", "discord")
        await until(lambda: bool(outside.delivered))
        commits = disk.commits
        disk.fail(WriteFailed("The disk"), Step.BEFORE_APPEND)
        outside.open.set()
        # It tries again and again to write down that it is done.
        await until(lambda: disk.commits >= commits + 3)
        assert outside.nonces == ["post-1"]
        disk.mend()
        await empty(counter)
        assert outside.nonces == ["post-1"]


async def test_what_cannot_be_confirmed_starts_nothing_again_that_is_still_under_way(tmp_path: Path) -> None:
    disk, slow, started = Disk(), asyncio.Event(), list[str]()

    async def deliver(effect: Effect) -> None:
        started.append(effect.effect_id)
        if effect.effect_id == "slow":
            await slow.wait()

    async with running(tmp_path, {"discord": deliver}, at_step=disk) as counter:
        disk.hold()
        asking = [asyncio.ensure_future(counter.ask("a", name, "discord")) for name in ("quick", "slow")]
        await disk.reached()
        disk.fail(WriteFailed("The disk"), Step.BEFORE_REPLY)
        disk.release()
        await asyncio.gather(*asking, return_exceptions=True)
        await until(lambda: sorted(started) == ["quick", "slow"])
        await asyncio.sleep(1.5)  # by then it would have looked again
        disk.mend()
        assert started.count("slow") == 1
        slow.set()
        await empty(counter)
        assert started.count("slow") == 1


async def test_a_drain_breaks_deliveries_off_and_nothing_is_delivered_until_it_goes_on(tmp_path: Path) -> None:
    outside = Outside()
    outside.open.clear()
    async with running(tmp_path, {"discord": outside}) as counter:
        await counter.ask("a", "post", "discord")
        await until(lambda: len(outside.delivered) == 1)
        await asyncio.wait_for(counter.drain(), 10)
        outside.open.set()
        await counter.start()
        await turned()
        assert outside.nonces == ["post"]
        assert [each.effect_id for each in due(counter)] == ["post"], "what was broken off was confirmed"
        await counter.adopt()
        await empty(counter)
        assert outside.nonces == ["post", "post"]


async def test_whoever_was_fenced_delivers_nothing_more(tmp_path: Path) -> None:
    outside = Outside()
    outside.open.clear()
    outside.errors["post"] = Unavailable("Discord")
    async with running(tmp_path, {"discord": outside}) as counter:
        await counter.ask("a", "post", "discord")
        await until(lambda: len(outside.delivered) == 1)
        journal = counter._host.journal
        assert journal
        journal.claim("Counter-0", "another")
        outside.open.set()
        await until(lambda: counter.pulse().fenced)
        await asyncio.sleep(1.5)  # by then it would have tried again
        assert outside.nonces == ["post"]
        assert [each.due_at for each in due(counter)] == [0.0], "it put off what belongs to another"


async def test_two_shards_on_one_journal_deliver_only_their_own(tmp_path: Path) -> None:
    outsides = [Outside(), Outside()]
    keys = [f"key {n}" for n in range(40)]
    async with (
        running(tmp_path, {"discord": outsides[0]}, index=0, shards=2) as first,
        running(tmp_path, {"discord": outsides[1]}, index=1, shards=2) as second,
    ):
        shards = (first, second)
        for key in keys:
            owner = next(shard for shard in shards if shard._owns(key))
            await owner.ask(key, key, "discord")
            await owner.remind(key, "tick")
        await empty(first)
        for shard, outside in zip(shards, outsides, strict=True):
            assert sorted(outside.nonces) == sorted(key for key in keys if shard._owns(key))
            assert outside.nonces
        for key in keys:
            owner = next(shard for shard in shards if shard._owns(key))
            assert await owner.total(key) == Total(1.0, 1)
