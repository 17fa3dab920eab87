"""The actor shell: the same body runs against the plain object and the Ray actor."""

import asyncio
import os
import pickle

import pytest

from actors.runtime import ActorRef, ActorSpec, reference, spawn
from core.errors import BadInput, DeadlineExceeded, StartupFailed, Unavailable

pytestmark = [pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]


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


class Behaviour:
    """What a counter does, wherever it lives."""

    async def test_it_keeps_state_between_calls(self, counter: Counter) -> None:
        assert await counter.add(2) == 5
        assert await counter.add(2) == 7

    async def test_a_refusal_arrives_as_what_it_was(self, counter: Counter) -> None:
        with pytest.raises(BadInput) as refused:
            await counter.add(100)
        assert (refused.value.problem, refused.value.advice) == ("That is too much.", "Add at most 99.")
        assert await counter.add(0) == 3

    async def test_a_defect_arrives_as_an_exception(self, counter: Counter) -> None:
        with pytest.raises(ZeroDivisionError):
            await counter.ratio(0)

    async def test_calls_interleave(self, counter: Counter) -> None:
        slow = asyncio.create_task(counter.sleep(30))
        assert await counter.add(1) == 4
        assert not slow.done()
        slow.cancel()


class TestInProcess(Behaviour):
    """The plain object."""

    @pytest.fixture
    def counter(self) -> Counter:
        return Counter(3)


@pytest.mark.cluster
@pytest.mark.usefixtures("bot")
class TestAsActor(Behaviour):
    """The same object as a Ray actor, and what only an actor does."""

    @pytest.fixture
    def counter(self, request: pytest.FixtureRequest) -> Counter:
        return reference(ActorSpec(f"Counter-{request.node.name}"), Counter, 3)

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
