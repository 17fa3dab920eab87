"""The actor shell: the same body runs against the plain object and the Ray actor."""

import asyncio
import os
import pickle
from collections.abc import AsyncIterator

import pytest

from actors.runtime import ActorRef, ActorSpec, reference, spawn
from core.errors import BadInput, DeadlineExceeded, StartupFailed, Unavailable


class Counter:
    """Counts; refuses what is too large."""

    def __init__(self, start: int) -> None:
        if start < 0:
            raise StartupFailed("A counter starts at 0 or above.", "Pass another start.")
        self._count = start

    async def add(self, amount: int) -> int:
        if amount > 99:
            raise BadInput("That is too much.", "Add at most 99.")
        self._count += amount
        return self._count

    async def ratio(self, divisor: int) -> float:
        return self._count / divisor

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    async def die(self) -> None:
        os._exit(1)


@pytest.fixture(params=["plain", pytest.param("ray", marks=pytest.mark.cluster)])
async def counter(request: pytest.FixtureRequest) -> AsyncIterator[Counter]:
    if request.param == "plain":
        yield Counter(3)
        return
    request.getfixturevalue("ray_cluster")
    yield await spawn(ActorSpec(f"Counter-{request.node.name}"), Counter, 3)


async def test_it_keeps_state_between_calls(counter: Counter) -> None:
    assert await counter.add(2) == 5
    assert await counter.add(2) == 7


async def test_a_refusal_arrives_as_what_it_was(counter: Counter) -> None:
    with pytest.raises(BadInput) as refused:
        await counter.add(100)
    assert (refused.value.problem, refused.value.advice) == ("That is too much.", "Add at most 99.")
    assert await counter.add(0) == 3


async def test_a_defect_arrives_as_an_exception(counter: Counter) -> None:
    with pytest.raises(ZeroDivisionError):
        await counter.ratio(0)


async def test_calls_interleave(counter: Counter) -> None:
    slow = asyncio.create_task(counter.sleep(30))
    assert await counter.add(1) == 4
    assert not slow.done()
    slow.cancel()


@pytest.mark.cluster
@pytest.mark.usefixtures("ray_cluster")
class TestRayOnly:
    async def test_a_deadline_ends_the_wait(self) -> None:
        counter = await spawn(ActorSpec("Slow", deadline_s=0.2), Counter, 0)
        with pytest.raises(DeadlineExceeded, match="Slow"):
            await counter.sleep(30)

    async def test_a_constructor_that_refuses_says_so(self) -> None:
        with pytest.raises(StartupFailed, match="starts at 0"):
            await spawn(ActorSpec("Refused"), Counter, -1)

    async def test_a_dead_actor_is_unavailable_and_comes_back(self) -> None:
        counter = await spawn(ActorSpec("Mortal"), Counter, 7)
        with pytest.raises(Unavailable):
            await counter.die()
        for _ in range(100):
            try:
                assert await counter.add(1) == 8
                return
            except Unavailable:
                await asyncio.sleep(0.1)
        pytest.fail("the actor did not come back")

    async def test_two_references_of_one_name_share_the_actor(self) -> None:
        first = reference(ActorSpec("Shared"), Counter, 1)
        second = pickle.loads(pickle.dumps(reference(ActorSpec("Shared"), Counter, 1)))
        assert await first.add(1) == 2
        assert await second.add(1) == 3


def test_a_reference_has_no_private_attributes() -> None:
    ref = ActorRef(ActorSpec("Nobody"), Counter, (1,), {})
    with pytest.raises(AttributeError):
        _ = ref._secret
