"""What entities want done is done: at least once outside, and never forgotten."""

import asyncio
from collections import Counter as Tally
from pathlib import Path

import pytest

from core.entities import Effect
from core.errors import Unavailable
from tests.actors.outside import Outside, added, due, empty, wake
from tests.actors.shards import Clock, Disk, running, turned, until


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
