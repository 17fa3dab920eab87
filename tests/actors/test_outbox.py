"""What entities want done is done: at least once outside, once in effect within, and never forgotten."""

import asyncio
from collections import Counter as Tally
from pathlib import Path

import pytest

from core.entities import Effect
from core.errors import Unavailable, WriteFailed
from core.journal import Step
from tests.actors.counters import Counter, Total
from tests.actors.shards import Clock, Disk, running, turned, until


class Outside:
    """Somewhere to deliver to. It can fail, and it can be made to wait."""

    def __init__(self) -> None:
        self.delivered: list[Effect] = []
        self.errors: dict[str, Exception] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, effect: Effect) -> None:
        self.delivered.append(effect)
        await self.open.wait()
        if effect.effect_id in self.errors:
            raise self.errors[effect.effect_id]

    @property
    def nonces(self) -> list[str]:
        return [effect.effect_id for effect in self.delivered]


def due(counter: Counter) -> list[Effect]:
    """What is in the outbox, however late it is due."""
    journal = counter._host.journal
    assert journal
    return [each.effect for each in journal.due("Counter", 1e18, 10_000)]


async def empty(counter: Counter) -> None:
    await until(lambda: not due(counter))


async def added(counter: Counter, key: str, total: float) -> None:
    await until(lambda: key in counter._host.live and counter._host.live[key].state.total == total)


async def wake(counter: Counter) -> None:
    """Have it look now at what is due, after the clock was moved."""
    await counter.ask("alarm", "never", "nobody", due_at=1e15)


async def test_an_effect_is_delivered_with_its_nonce_and_confirmed(tmp_path: Path) -> None:
    outside = Outside()
    async with running(tmp_path, {"discord": outside}) as counter:
        await counter.ask("a", "post-1", "discord", "hello")
        await empty(counter)
        assert outside.delivered == [Effect("post-1", "discord", "hello")]


async def test_nothing_is_delivered_before_it_is_on_disk(tmp_path: Path) -> None:
    outside, disk = Outside(), Disk()
    async with running(tmp_path, {"discord": outside}, at_step=disk) as counter:
        await counter.total("a")
        disk.hold()
        asked = asyncio.ensure_future(counter.ask("a", "post-1", "discord"))
        await disk.reached()
        await turned()
        assert not outside.delivered
        disk.release()
        await asked
        await until(lambda: outside.nonces == ["post-1"])


async def test_an_effect_waits_until_it_is_due(tmp_path: Path) -> None:
    outside, clock = Outside(), Clock()
    async with running(tmp_path, {"discord": outside}, clock=clock) as counter:
        await counter.ask("a", "late", "discord", due_at=clock.now + 60)
        await counter.ask("a", "early", "discord", due_at=clock.now)
        await until(lambda: outside.nonces == ["early"])
        clock.now += 60
        await wake(counter)
        await until(lambda: outside.nonces == ["early", "late"])


@pytest.mark.parametrize("error", [Unavailable("Discord"), ZeroDivisionError("a defect"), TimeoutError()])
async def test_an_effect_that_fails_is_put_off_longer_each_time_and_never_dropped(
    tmp_path: Path, error: Exception
) -> None:
    outside, clock = Outside(), Clock()
    outside.errors["post-1"] = error
    async with running(tmp_path, {"discord": outside}, clock=clock) as counter:
        await counter.ask("a", "post-1", "discord", "hello")
        waits = []
        for n in range(1, 12):
            await until(lambda: due(counter)[0].due_at > clock.now)
            assert len(outside.delivered) == n
            waits.append(due(counter)[0].due_at - clock.now)
            assert 1.0 <= waits[-1] <= 1.0 + min(300.0, 2.0**n)
            await until(lambda: "post-1" in counter.pulse().problem)
            clock.now += waits[-1]
            await wake(counter)
        assert max(waits) > 10 * min(waits), "they do not grow"
        assert len({round(wait, 3) for wait in waits}) == len(waits), "they have no jitter"
        await until(lambda: len(outside.delivered) == 12)
        outside.errors.clear()
        await until(lambda: due(counter)[0].due_at > clock.now)
        clock.now = due(counter)[0].due_at
        await wake(counter)
        await until(lambda: [each.effect_id for each in due(counter)] == ["never"])
        await until(lambda: not counter.pulse().problem)
        assert {(effect.effect_id, effect.body) for effect in outside.delivered} == {("post-1", "hello")}


async def test_a_way_that_nobody_knows_is_told_by_the_pulse(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.ask("a", "post-1", "discord")
        await until(lambda: "post-1" in counter.pulse().problem)
        assert "The way to discord" in counter.pulse().problem
        assert [each.effect_id for each in due(counter)] == ["post-1"]
        # Reminders go on.
        await counter.remind("a", "tick")
        await added(counter, "a", 1.0)
        await counter.cancel("a", "post-1")
        await counter.remind("a", "tock")
        await until(lambda: not counter.pulse().problem)


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


async def test_an_effect_that_was_replaced_while_it_was_delivered_is_delivered_anew(tmp_path: Path) -> None:
    outside = Outside()
    outside.open.clear()
    async with running(tmp_path, {"discord": outside}) as counter:
        await counter.ask("a", "post", "discord", "old")
        await until(lambda: len(outside.delivered) == 1)
        await counter.ask("a", "post", "discord", "new")
        outside.open.set()
        await empty(counter)
        assert [effect.body for effect in outside.delivered] == ["old", "new"]


@pytest.mark.parametrize("error", [None, Unavailable("Discord")])
async def test_an_effect_that_was_settled_while_it_was_delivered_does_not_come_back(
    tmp_path: Path, error: Exception | None
) -> None:
    outside = Outside()
    outside.open.clear()
    if error:
        outside.errors["post"] = error
    async with running(tmp_path, {"discord": outside}) as counter:
        await counter.ask("a", "post", "discord")
        await until(lambda: len(outside.delivered) == 1)
        await counter.cancel("a", "post")
        outside.open.set()
        # Another one goes the same way after it.
        await counter.ask("a", "next", "discord")
        await empty(counter)
        assert outside.nonces == ["post", "next"]


async def test_effects_are_replaced_at_any_moment_and_the_last_one_is_always_delivered(tmp_path: Path) -> None:
    last: dict[str, str] = {}

    async def deliver(effect: Effect) -> None:
        await asyncio.sleep(0)
        last[effect.effect_id] = effect.body

    async with running(tmp_path, {"discord": deliver}) as counter:

        async def replace(key: str) -> None:
            for n in range(60):
                await counter.ask(key, f"post {key}", "discord", str(n))

        await asyncio.gather(*(replace(f"key {n}") for n in range(20)))
        await empty(counter)
        assert set(last.values()) == {"59"}
        assert len(last) == 20


async def test_a_thousand_that_are_due_do_not_starve_others(tmp_path: Path) -> None:
    outside, tally = Outside(), Tally[str]()
    outside.open.clear()  # this way hangs

    async def deliver(effect: Effect) -> None:
        tally[effect.effect_id] += 1

    async with running(tmp_path, {"hangs": outside, "works": deliver}) as counter:
        await asyncio.gather(*(counter.ask(f"key {n}", f"stuck {n}", "hangs") for n in range(1_000)))
        await until(lambda: len(outside.delivered) >= 100)
        await asyncio.gather(*(counter.ask(f"key {n}", f"post {n}", "works", due_at=1.0) for n in range(1_000)))
        await counter.remind("a", "tick", due_at=2.0)
        await added(counter, "a", 1.0)
        await until(lambda: len(tally) == 1_000)
        assert set(tally.values()) == {1}
        assert counter.pulse().overdue_s > 0
        outside.open.set()
        await empty(counter)
        assert len(set(outside.nonces)) == 1_000


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
