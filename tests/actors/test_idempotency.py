"""A command that comes twice is done once, and answered twice with the same."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from actors.runtime_live import CLOCK_SKEW_S, FUTURE_S, MAX_REMEMBERED, REMEMBER_S, CommandId, Live
from actors.runtime_remembered import NOTHING, found
from core.entity_codec import Codec, to_json
from core.errors import BadInput, Unavailable
from tests.actors.counters import KIND, Counter, Counts, Total
from tests.actors.shards import Clock, Disk, asked, outcome, running, turned


@pytest.fixture
def clock() -> Clock:
    return Clock()


async def add(counter: Counter, command_id: str, at: float, key: str = "a") -> Any:
    return (await outcome(counter, asked("add", key, command_id=command_id, at=at))).result()


async def test_a_repeat_gets_the_first_reply_within_one_message_and_in_another(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        twice = [asked("add", "a", command_id="one", at=clock.now)] * 2
        other = asked("add", "a", command_id="two", at=clock.now)
        assert [each.value for each in await counter.perform([*twice, other])] == [Total(1.0, 1)] * 2 + [Total(2.0, 2)]
        assert [each.value for each in await counter.perform(twice)] == [Total(1.0, 1)] * 2
        assert await counter.total("a") == Total(2.0, 2)


async def test_a_repeat_of_a_command_that_is_being_written_waits_for_it(tmp_path: Path) -> None:
    disk = Disk()
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        request = asked("add", "a")
        first = asyncio.ensure_future(outcome(counter, request))
        await disk.reached()
        repeat = asyncio.ensure_future(outcome(counter, request))
        await turned()
        assert not repeat.done()
        disk.release()
        assert (await first).value == (await repeat).value == Total(1.0, 1)


async def test_a_repeat_is_known_after_a_restart_and_after_the_entity_was_dropped(tmp_path: Path, clock: Clock) -> None:
    for _ in range(2):
        async with running(tmp_path, clock=clock, idle_s=0.0) as counter:
            assert await add(counter, "one", clock.now) == Total(1.0, 1)
            counter._host.drop_idle()
            assert counter.pulse().resident == 0
            assert await add(counter, "one", clock.now) == Total(1.0, 1)
            await counter.adopt()
            assert await add(counter, "one", clock.now) == Total(1.0, 1)
            assert await counter.total("a") == Total(1.0, 1)


async def test_a_repeat_is_known_though_snapshots_were_written_since(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock, snapshot_every=4) as counter:
        for n in range(10):
            await add(counter, f"command {n}", clock.now)
        await counter.adopt()
        for n in range(10):
            assert await add(counter, f"command {n}", clock.now) == Total(n + 1.0, n + 1)


async def test_ids_belong_to_one_entity(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        assert await add(counter, "one", clock.now, "a") == await add(counter, "one", clock.now, "b") == Total(1.0, 1)


async def test_a_repeat_within_ten_minutes_is_answered_and_an_older_one_refused(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        issued_at = clock.now
        await add(counter, "one", issued_at)
        clock.now += REMEMBER_S
        request = asked("add", "a", command_id="one", at=issued_at, deadline_s=10_000.0)
        assert (await outcome(counter, request)).value == Total(1.0, 1)
        clock.now += FUTURE_S + 1
        await add(counter, "two", clock.now)
        error = (await outcome(counter, request)).error
        assert isinstance(error, BadInput)
        assert "661 s old" in str(error)
        assert await counter.total("a") == Total(2.0, 2)


async def test_a_command_from_the_future_is_refused(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        assert await add(counter, "soon", clock.now + FUTURE_S) == Total(1.0, 1)
        with pytest.raises(BadInput, match=r"61 s in the future.*Set the clock"):
            await add(counter, "later", clock.now + FUTURE_S + 1)
        assert await counter.total("a") == Total(1.0, 1)


async def test_a_command_from_the_future_cannot_come_back_when_it_is_forgotten(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        request = asked("add", "a", command_id="soon", at=clock.now + FUTURE_S, deadline_s=10_000.0)
        done = [await outcome(counter, request)]
        for _ in range(200):
            clock.now += 5.0
            await add(counter, f"other at {clock.now}", clock.now, "a")
            done.append(await outcome(counter, request))
        known = [each.value for each in done if each.error is None]
        assert set(known) == {Total(1.0, 1)}
        assert 0 < len(known) < len(done)


async def test_time_never_goes_back_for_an_entity(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock) as counter:
        await add(counter, "one", clock.now)
        first = counter._host.live["a"].at
        clock.now -= CLOCK_SKEW_S
        await add(counter, "two", clock.now)
        assert counter._host.live["a"].at == first
        clock.now -= 1.0
        with pytest.raises(Unavailable, match="3 s ahead of this machine's clock: set the clock right"):
            await add(counter, "three", clock.now)
        # Others do not care, and what is known is told.
        assert await add(counter, "three", clock.now, "b") == Total(1.0, 1)
        assert await counter.total("a") == Total(2.0, 2)
        clock.now += 1.0
        assert await add(counter, "three", clock.now) == Total(3.0, 3)


async def test_what_was_done_before_the_clock_was_wrong_is_not_done_again(tmp_path: Path, clock: Clock) -> None:
    async with running(tmp_path, clock=clock, snapshot_every=1) as counter:
        await add(counter, "one", clock.now)
        right = clock.now
        # An hour ahead, the entity is loaded, and remembers nothing of so long ago. Then the clock is set right.
        clock.now = right + 3_600.0
        await counter.adopt()
        assert await counter.total("a") == Total(1.0, 1)
        clock.now = right + 10.0
        with pytest.raises(BadInput, match="may be done already"):
            await add(counter, "one", right)
        assert await counter.total("a") == Total(1.0, 1)


def test_what_is_remembered_is_bounded_and_what_had_to_be_forgotten_is_refused() -> None:
    codec, rate = Codec(KIND), 1 / 1_000
    entity: Live[Counts, Any, Any] = Live("a", Counts())
    count = 3 * MAX_REMEMBERED // 2
    for n in range(count):
        entity.step(Counts(), CommandId(str(n), n * rate), to_json(Total(0.0, n)), n * rate)
        assert len(entity._remembered) < 1.2 * MAX_REMEMBERED
    now = count * rate
    oldest = count - len(entity._remembered)
    assert oldest <= count - MAX_REMEMBERED
    # The newest are known. An older one, though it is not too old by the clock, is refused rather than done again; also
    # where the asker's clock runs ahead as far as clocks may.
    for n in (oldest, count - 1):
        assert entity.known(CommandId(str(n), n * rate), codec, now) == (Total(0.0, n),)
    for ahead_s in (0.0, CLOCK_SKEW_S - 0.1):
        with pytest.raises(BadInput):
            entity.known(CommandId(str(oldest - 1), (oldest - 1) * rate + ahead_s), codec, now)
    assert entity.known(CommandId("new", now), codec, now) is None


def test_what_is_too_old_to_be_repeated_is_forgotten_also_when_nobody_calls() -> None:
    entity: Live[Counts, Any, Any] = Live("a", Counts())
    for n in range(100):
        entity.step(Counts(), CommandId(str(n), float(n)), to_json(Total(0.0, n)), float(n))
    entity.forget_old(REMEMBER_S + FUTURE_S + 50.0)
    assert [n for n in range(100) if found(entity._remembered, str(n))] == [*range(50, 100)]
    entity.forget_old(REMEMBER_S + FUTURE_S + 1_000.0)
    assert entity._remembered == NOTHING
