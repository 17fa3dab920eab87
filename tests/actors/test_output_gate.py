"""Nothing that an entity says leaves before what it depends on is on disk."""

import asyncio
from pathlib import Path
from typing import Any

import pytest

from core.errors import BadInput, RateLimited, WriteFailed
from tests.actors.counters import Full, Total
from tests.actors.shards import Disk, asked, running, settled, turned


def begun(*calls: Any) -> list[asyncio.Task[Any]]:
    return [asyncio.ensure_future(call) for call in calls]


@pytest.fixture
def disk() -> Disk:
    return Disk()


async def test_a_reply_leaves_when_its_events_are_on_disk(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        (call,) = begun(counter.add("a"))
        await disk.reached()
        await turned()
        assert not call.done()
        disk.release()
        assert await call == Total(1.0, 1)


DEPENDING = {
    "a read": lambda counter: counter.total("a"),
    "a refusal": lambda counter: counter.refuse("a"),
    "an exception of decide": lambda counter: counter.reject("a"),
    "an exception of the method": lambda counter: counter.add_and_reject("a"),
    "a query": lambda counter: counter.notes("a"),
    "a defect": lambda counter: counter.add_and_break("a"),
}


@pytest.mark.parametrize("call", DEPENDING.values(), ids=DEPENDING.keys())
async def test_whatever_depends_on_an_uncommitted_state_waits_with_it(tmp_path: Path, disk: Disk, call: Any) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        write, depending = begun(counter.add("a"), call(counter))
        await disk.reached()
        await turned()
        assert not write.done()
        assert not depending.done()
        disk.release()
        await settled(write, depending)


@pytest.mark.parametrize("call", DEPENDING.values(), ids=DEPENDING.keys())
async def test_whatever_depends_on_a_write_that_fails_fails_with_it(tmp_path: Path, disk: Disk, call: Any) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        disk.fail(WriteFailed("The disk"))
        tasks = begun(counter.add("a"), call(counter))
        await disk.reached()
        disk.release()
        for error in await settled(*tasks):
            assert isinstance(error, WriteFailed)


async def test_refusals_and_exceptions_tell_the_committed_state(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.add("a", 5.0)
        assert await counter.refuse("a") == Full(5.0)
        with pytest.raises(BadInput, match="5 already"):
            await counter.reject("a")
        with pytest.raises(RateLimited, match="6 now"):
            await counter.add_and_reject("a")
        assert await counter.total("a") == Total(6.0, 2)


async def test_another_entity_and_a_read_of_what_is_on_disk_wait_for_nothing(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await counter.add("b")
        disk.hold()
        (write,) = begun(counter.add("a"))
        await disk.reached()
        # None of these would end while the disk is held, did they wait for it.
        async with asyncio.timeout(10):
            assert await counter.total("b") == Total(1.0, 1)
            assert await counter.total("never called") == Total(0.0, 0)
            assert await counter.refuse("b") == Full(1.0)
            assert await counter.notes("b") == []
        assert not write.done()
        disk.release()
        await write


async def test_a_call_waits_for_its_own_events_only(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await asyncio.gather(counter.total("a"), counter.total("b"))
        disk.hold()
        (first,) = begun(counter.add("a"))
        await disk.reached()
        (second,) = begun(counter.add("b"))
        await turned()
        disk.release(1)
        assert await first == Total(1.0, 1)
        # The other one's batch is held now, and may take as long as it likes.
        assert await counter.total("a") == Total(1.0, 1)
        assert not second.done()
        disk.release()
        await second


async def test_concurrent_calls_share_commits(tmp_path: Path, disk: Disk) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        disk.hold()
        replies = begun(*(counter.add(f"key {n % 10}") for n in range(200)))
        await disk.reached()
        disk.release()
        assert sorted(reply.adds for reply in await settled(*replies)) == sorted([*range(1, 21)] * 10)
        assert disk.commits <= 5
        assert [await counter.total(f"key {n}") for n in range(10)] == [Total(20.0, 20)] * 10


DEFECTS = ["add_and_wait", "add_twice", "add_and_break"]


@pytest.mark.parametrize("method", DEFECTS)
async def test_a_method_with_a_defect_changes_nothing(tmp_path: Path, disk: Disk, method: str) -> None:
    async with running(tmp_path, at_step=disk) as counter:
        await counter.add("a")
        commits = disk.commits
        with pytest.raises(RuntimeError, match=f"Counter.{method} has a defect"):
            await getattr(counter, method)("a")
        assert await counter.total("a") == Total(1.0, 1)
        assert disk.commits == commits
        assert await counter.add("a") == Total(2.0, 2)
    async with running(tmp_path) as counter:
        assert await counter.total("a") == Total(2.0, 2)


async def test_a_command_of_a_defective_method_counts_as_never_done(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        for method in ("add_and_break", "add", "add", "add_and_break"):
            await counter.perform([asked(method, "a", command_id="one")])
        assert await counter.total("a") == Total(1.0, 1)
        # Its repeat is known, though a defect came of it in between.
        (again,) = await counter.perform([asked("add", "a", command_id="one")])
        assert again.value == Total(1.0, 1)


async def test_a_method_decides_for_its_own_entity_only(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.add("b")
        with pytest.raises(RuntimeError, match="'b'"):
            await counter.add_to("a", "b")
        assert await counter.total("b") == Total(1.0, 1)


async def test_deciding_outside_of_a_call_is_refused(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await counter.add("a")
        with pytest.raises(RuntimeError, match="'a'"):
            counter.state("a")


async def test_a_defect_in_one_call_leaves_the_others_of_a_message_whole(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        names = ("add", "add_and_break", "add", "no_such_method", "add_twice", "total")
        came = await counter.perform([asked(name, "a") for name in names])
        assert [each.value for each in came] == [Total(1.0, 1), None, Total(2.0, 2), None, None, Total(2.0, 2)]
        assert [type(each.error) for each in came] == [
            type(None),
            RuntimeError,
            type(None),
            BadInput,
            RuntimeError,
            type(None),
        ]


async def test_queries_see_what_was_acknowledged_and_can_submit(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        await asyncio.gather(*(counter.note("a", f"n{n}", "text") for n in range(3)))
        assert sorted(await counter.notes("a")) == ["n0", "n1", "n2"]
        # One that came with the writes in one message sees them too.
        *_, came = await counter.perform([asked("note", "a", "n3", "text"), asked("notes", "a")])
        assert len(came.value) == 4
        assert await counter.add_each_note("a") == Total(4.0, 4)
        assert await counter.total("a") == Total(4.0, 4)


async def test_a_call_with_wrong_arguments_is_told_and_harms_nobody(tmp_path: Path) -> None:
    async with running(tmp_path) as counter:
        bad, good = await counter.perform([asked("add", "a", 1.0, "too", "many"), asked("add", "a")])
        assert isinstance(bad.error, RuntimeError)
        assert good.value == Total(1.0, 1)
