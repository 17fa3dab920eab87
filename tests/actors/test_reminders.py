"""What an entity wants to be told later is told: once in effect, whatever dies in between."""

from pathlib import Path

import pytest

from core.errors import WriteFailed
from core.journal import Step
from tests.actors.counters import Total
from tests.actors.outside import added, due
from tests.actors.shards import Clock, Disk, running, until


async def test_a_reminder_comes_when_it_is_due_and_once(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path, clock=clock) as counter:
        await counter.remind("a", "tick", 5.0, clock.now + 60)
        await counter.remind("a", "now", 1.0, clock.now)
        await added(counter, "a", 1.0)
        clock.now += 60
        await counter.remind("a", "then", 1.0, clock.now)
        await added(counter, "a", 7.0)
        await until(lambda: not due(counter))
        assert await counter.total("a") == Total(7.0, 3)


async def test_a_reminder_comes_after_a_restart_though_nobody_calls(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path, clock=clock) as counter:
        await counter.remind("a", "tick", 5.0, clock.now + 60)
    clock.now += 3_600
    async with running(tmp_path, clock=clock) as counter:
        await until(lambda: not due(counter))
        assert await counter.total("a") == Total(5.0, 1)


@pytest.mark.parametrize("step", [Step.BEFORE_APPEND, Step.BEFORE_COMMIT, Step.BEFORE_REPLY])
@pytest.mark.parametrize("restart", [False, True])
async def test_a_reminder_is_done_once_whatever_breaks_while_it_is_written(
    tmp_path: Path, step: Step, restart: bool
) -> None:
    disk, clock = Disk(), Clock()
    async with running(tmp_path, at_step=disk, clock=clock) as counter:
        await counter.remind("a", "tick", 5.0, clock.now + 1)
        disk.fail(WriteFailed("The disk"), step)
        clock.now += 1
        commits = disk.commits
        await until(lambda: disk.commits > commits)
        if not restart:
            disk.mend()
            await until(lambda: not due(counter))
            assert await counter.total("a") == Total(5.0, 1)
    async with running(tmp_path, clock=clock) as counter:
        await until(lambda: not due(counter))
        assert await counter.total("a") == Total(5.0, 1)


async def test_the_same_reminder_can_be_set_again_as_soon_as_it_came(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        for n in range(1, 5):
            await counter.remind("a", "tick", 1.0, due_at=0.0)
            await added(counter, "a", float(n))
            await until(lambda: not due(counter))


async def test_a_reminder_that_was_taken_back_does_not_come(tmp_path: Path) -> None:
    clock = Clock()
    async with running(tmp_path, clock=clock) as counter:
        await counter.remind("a", "tick", 5.0, clock.now + 60)
        await counter.cancel("a", "tick")
        clock.now += 60
        await counter.remind("a", "tock", 1.0, clock.now)
        await added(counter, "a", 1.0)
        assert await counter.total("a") == Total(1.0, 1)


async def test_a_reminder_that_nobody_understands_is_told_and_kept(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.ask("a", "odd", "self", '{"type":"Multiply"}')
        await until(lambda: "odd" in counter.pulse().problem)
        assert "has no such command" in counter.pulse().problem
        assert [each.effect_id for each in due(counter)] == ["odd"]
        await counter.remind("a", "tick")
        await added(counter, "a", 1.0)
