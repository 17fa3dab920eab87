"""A reference sends again what is safe to send again, ends in time, and loses nothing that was answered."""

import asyncio
import pickle
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, cast

import pytest

from actors.runtime import ActorGone
from actors.runtime_calls import Moved, Outcome, Request
from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, EntityRef, entity, together
from core.errors import BadInput, BotError, Busy, DeadlineExceeded, Fenced, JournalUnreadable, Unavailable, WriteFailed
from core.placement import shard_of
from tests.actors.counters import Counter, Total
from tests.actors.links import NearLink, NearLinks
from tests.actors.shards import journal_url

Fault = Callable[["FaultyLink", Sequence[Request]], Any]


class FaultyLink(NearLink):
    """A shard's link that does what `faults` say, one for each message, and then works. `sent` are the requests."""

    def __init__(self, config: ShardConfig) -> None:
        super().__init__(config)
        self.faults: list[Fault] = []
        self.sent: list[Sequence[Request]] = []

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        self.sent.append(requests)
        if self.faults:
            came = self.faults.pop(0)(self, requests)
            return cast(Sequence[Outcome], await came if asyncio.iscoroutine(came) else came)
        return await super().perform(requests)

    async def done(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        return await super().perform(requests)


class FaultyLinks(NearLinks):
    def __call__(self, index: int) -> FaultyLink:
        if index not in self.of:
            self.of[index] = FaultyLink(self.config(index))
        return cast(FaultyLink, self.of[index])


def raising(error: Exception) -> Fault:
    async def fault(*_: object) -> Sequence[Outcome]:
        raise error

    return fault


def telling(error: Exception) -> Fault:
    return lambda _, requests: [Outcome(error=error)] * len(requests)


async def gone_after(link: FaultyLink, requests: Sequence[Request]) -> Sequence[Outcome]:
    await link.done(requests)
    raise ActorGone("Counter-0")


async def slowly(link: FaultyLink, requests: Sequence[Request]) -> Sequence[Outcome]:
    await asyncio.sleep(0.05)
    return await link.done(requests)


async def never(link: FaultyLink, requests: Sequence[Request]) -> Sequence[Outcome]:
    await asyncio.Event().wait()
    return await link.done(requests)


async def killed_within(link: FaultyLink, requests: Sequence[Request]) -> Sequence[Outcome]:
    doing = asyncio.ensure_future(link.done(requests))
    await asyncio.sleep(0)
    await link.replace()
    return await doing


SAFE: dict[str, Fault] = {
    "gone before": raising(ActorGone("Counter-0")),
    "gone after": gone_after,
    "killed within": killed_within,
    "moved": telling(Moved(1)),
    "fenced": telling(Fenced("Counter-0")),
    "fenced as a whole": raising(Fenced("Counter-0")),
    "slow": slowly,
}
FINAL: list[Exception] = [
    Busy("Counter-0", 0.5),
    WriteFailed("The journal"),
    BadInput("No."),
    DeadlineExceeded("Counter-0"),
    JournalUnreadable("A gap.", "Restore it."),
    Unavailable("The clock"),
    RuntimeError("a defect"),
]


@pytest.fixture
async def links(tmp_path: Path, request: pytest.FixtureRequest) -> AsyncIterator[FaultyLinks]:
    """Links to one shard, or to as many as the test is parametrized with."""
    made = FaultyLinks(ShardConfig(journal_url(tmp_path), shards=getattr(request, "param", 1)))
    yield made
    await made.close()


def spread(shards: int) -> pytest.MarkDecorator:
    return pytest.mark.parametrize("links", [shards], indirect=True)


@pytest.mark.parametrize("fault", SAFE.values(), ids=SAFE.keys())
async def test_what_is_safe_is_sent_again_with_the_same_id_and_done_once(links: FaultyLinks, fault: Fault) -> None:
    ref, link = links.ref(), links(0)
    link.faults = [fault, fault]
    assert await ref.add("a") == Total(1.0, 1)
    assert await ref.total("a") == Total(1.0, 1)
    assert len({request.command_id for (request,) in link.sent[:-1]}) == 1


@pytest.mark.parametrize("error", FINAL, ids=lambda error: type(error).__name__)
async def test_what_a_shard_refuses_is_told_and_not_sent_again(links: FaultyLinks, error: Exception) -> None:
    ref, link = links.ref(), links(0)
    link.faults = [telling(error)]
    with pytest.raises(type(error), match=str(error)):
        await ref.add("a")
    if isinstance(error, BotError):
        link.faults = [raising(error)]
        with pytest.raises(type(error), match=str(error)):
            await ref.add("a")
    assert len(link.sent) == 1 + isinstance(error, BotError)


@pytest.mark.parametrize("refusal", [Busy("Counter-0", 0.5), WriteFailed("The journal"), Unavailable("The clock")])
async def test_a_refusal_is_not_believed_while_an_earlier_try_may_have_done_it(
    links: FaultyLinks, refusal: Exception
) -> None:
    ref, link = links.ref(), links(0)
    link.faults = [gone_after, telling(refusal), raising(refusal)]
    assert await ref.add("a") == Total(1.0, 1)
    assert await ref.total("a") == Total(1.0, 1)
    assert len(link.sent) == 5


@pytest.mark.parametrize("fault", [never, SAFE["gone before"], SAFE["moved"], SAFE["fenced"]])
async def test_every_call_ends_by_its_deadline(links: FaultyLinks, fault: Fault) -> None:
    ref = links.ref(deadline_s=0.3)
    links(0).faults = [fault] * 1_000
    with pytest.raises(DeadlineExceeded, match=r"0\.3 s; try again"):
        await asyncio.wait_for(ref.add("a"), 20)
    assert all(request.deadline_at - request.issued_at == pytest.approx(0.3) for (request,) in links(0).sent)


@spread(2)
async def test_a_shard_that_hangs_takes_nothing_from_the_answers_of_others(links: FaultyLinks) -> None:
    keys = [[f"key {n}" for n in range(20) if shard_of(f"key {n}", 2) == index] for index in range(2)]
    ref = links.ref(deadline_s=1.0)
    links(0).faults = [never]
    links(1).faults = [SAFE["gone before"], SAFE["fenced"]]
    came = await together(ref, [Call("add", key) for key in (*keys[0], *keys[1])])
    for each in came[: len(keys[0])]:
        assert isinstance(each.error, DeadlineExceeded)
    assert [each.value for each in came[len(keys[0]) :]] == [Total(1.0, 1)] * len(keys[1])


async def test_one_that_moved_is_looked_for_where_the_answer_says(links: FaultyLinks) -> None:
    ref = links.ref()
    links(0).faults = [telling(Moved(4))]
    key = next(f"key {n}" for n in range(100) if shard_of(f"key {n}", 4) == 3)
    links(3).faults = [lambda _, requests: [Outcome("here")] * len(requests)]
    assert await ref.total(key) == "here"
    assert ref.shards == 4


@spread(3)
async def test_outcomes_stand_in_the_order_of_their_requests_whatever_happens_on_the_way(links: FaultyLinks) -> None:
    ref, rng, done = links.ref(), Random(1), 0
    for _ in range(20):
        for index in range(3):
            links(index).faults = [rng.choice([*SAFE.values()]) for _ in range(rng.randrange(3))]
            # A shard of three knows that it is.
            links(index).faults = [telling(Moved(3)) if f is SAFE["moved"] else f for f in links(index).faults]
        calls = [Call("add", f"key {n % 6}") for n in range(18)]
        came = await together(ref, calls)
        done += 3
        for n, each in enumerate(came):
            adds = done - 2 + n // 6
            assert each == Outcome(Total(float(adds), adds))


@spread(2)
async def test_concurrent_callers_over_faulty_links_are_each_done_once(links: FaultyLinks) -> None:
    ref, rng = links.ref(), Random(2)
    safe = [telling(Moved(2)) if fault is SAFE["moved"] else fault for fault in SAFE.values()]
    for index in range(2):
        links(index).faults = [rng.choice([*safe, slowly]) for _ in range(30)]
    replies = await asyncio.gather(*(ref.add(f"key {n % 5}") for n in range(100)))
    for n in range(5):
        assert sorted(reply.adds for reply in replies[n::5]) == [*range(1, 21)]
        assert await ref.total(f"key {n}") == Total(20.0, 20)


@pytest.mark.parametrize("key", ["", "\n", "k" * 201])
async def test_a_bad_key_does_not_travel(links: FaultyLinks, key: str) -> None:
    ref = links.ref()
    with pytest.raises(BadInput):
        await ref.add(key)
    with pytest.raises(BadInput):
        await together(ref, [Call("add", "a"), Call("add", key)])
    assert not links(0).sent


@spread(3)
async def test_many_calls_travel_as_one_message_to_each_shard(links: FaultyLinks) -> None:
    await together(links.ref(), [Call("add", f"key {n}", (2.0,)) for n in range(60)])
    assert [len(links(index).sent) for index in range(3)] == [1, 1, 1]
    assert await together(links.ref(), []) == []


def test_a_reference_pickles_as_what_it_takes_to_find_its_shards() -> None:
    ref = cast(EntityRef, entity(Counter, ShardConfig("sqlite:///somewhere.db", shards=3)))
    ref.shards = 5
    copied = pickle.loads(pickle.dumps(ref))
    assert (copied.name, copied.shards) == ("Counter", 5)
    assert copied.__reduce__() == ref.__reduce__()


@pytest.mark.parametrize("error", [*FINAL, Moved(3), Fenced("Counter-0", "Wait."), ActorGone("Counter-0")], ids=repr)
def test_what_shards_raise_arrives_whole(error: Exception) -> None:
    copied = pickle.loads(pickle.dumps(Outcome(error=error))).error
    assert type(copied) is type(error)
    assert str(copied) == str(error)
    assert vars(copied) == vars(error)


def test_a_process_that_was_forked_gives_ids_of_its_own() -> None:
    program = """
import os
from actors.runtime_calls import new_command_id
read, write = os.pipe()
child = os.fork()
ids = [new_command_id() for _ in range(100)]
if child == 0:
    os.write(write, ",".join(ids).encode())
    os._exit(0)
os.waitpid(child, 0)
print(len({*ids, *os.read(read, 100_000).decode().split(",")}))
"""
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "200"
