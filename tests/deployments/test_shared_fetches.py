"""Two who want the same thing cost one fetch."""

import asyncio
import math
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import Unavailable
from deployments.shared_fetches import SharedFetches

FRESH_S = 60.0


class Source:
    """Gives what the test says, when it says so, and counts how often it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cancelled: list[str] = []
        self.replies: dict[str, list[asyncio.Future[str]]] = {}

    def fetch(self, key: str) -> Callable[[], Awaitable[str]]:
        async def fetch() -> str:
            self.asked.append(key)
            reply = asyncio.get_running_loop().create_future()
            self.replies.setdefault(key, []).append(reply)
            try:
                text: str = await reply
            except asyncio.CancelledError:
                self.cancelled.append(key)
                raise
            return text

        return fetch

    def open(self, key: str) -> asyncio.Future[str] | None:
        """The fetch of `key` that waits for its reply."""
        return next((reply for reply in self.replies.get(key, ()) if not reply.done()), None)


class Desk:
    """Shared fetches of one source, with the time in hand."""

    def __init__(self, max_entries: int = 10, max_bytes: int = 1_000) -> None:
        self.now_s = 0.0
        self.source = Source()
        self.shared: SharedFetches[str, str] = SharedFetches(
            fresh_s=FRESH_S, max_entries=max_entries, max_bytes=max_bytes, size_of=len, clock=lambda: self.now_s
        )

    def ask(self, key: str = "a") -> asyncio.Task[str]:
        return asyncio.get_running_loop().create_task(self.shared.get(key, self.source.fetch(key)))

    async def fetched(self, key: str, text: str) -> str:
        """Ask, and have the source reply if it is asked."""
        task = self.ask(key)
        await settled()
        if reply := self.source.open(key):
            reply.set_result(text)
        return await task


async def settled() -> None:
    for _ in range(10):
        await asyncio.sleep(0)


# ---------------------------------------------------------------- one fetch
async def test_who_asks_meanwhile_waits_for_the_same_fetch() -> None:
    desk = Desk()
    tasks = [desk.ask() for _ in range(5)]
    await settled()
    reply = desk.source.open("a")
    assert reply
    reply.set_result("news")
    assert await asyncio.gather(*tasks) == ["news"] * 5
    assert desk.source.asked == ["a"]
    counts = desk.shared.counts()
    assert (counts.fetched, counts.joined, counts.kept) == (1, 4, 0)


async def test_what_came_is_kept_as_long_as_it_is_fresh_from_when_it_was_asked_for() -> None:
    desk = Desk()
    task = desk.ask()
    await settled()
    desk.now_s = 50.0
    reply = desk.source.open("a")
    assert reply
    reply.set_result("old")
    assert await task == "old"
    assert await desk.fetched("a", "new") == "old"
    desk.now_s = 60.0
    assert await desk.fetched("a", "new") == "new"
    assert desk.source.asked == ["a", "a"]


async def test_what_came_too_late_to_be_fresh_is_given_and_not_kept() -> None:
    desk = Desk()
    task = desk.ask()
    await settled()
    desk.now_s = FRESH_S
    reply = desk.source.open("a")
    assert reply
    reply.set_result("late")
    assert await task == "late"
    assert await desk.fetched("a", "new") == "new"


async def test_what_is_forgotten_is_fetched_again() -> None:
    desk = Desk()
    await desk.fetched("a", "1")
    desk.shared.forget("a")
    desk.shared.forget("never there")
    assert await desk.fetched("a", "2") == "2"


# ---------------------------------------------------------------- errors
async def test_an_error_goes_to_those_who_waited_and_to_nobody_later() -> None:
    desk = Desk()
    tasks = [desk.ask() for _ in range(3)]
    await settled()
    reply = desk.source.open("a")
    assert reply
    reply.set_exception(Unavailable("shore.example", "Down."))
    for outcome in await asyncio.gather(*tasks, return_exceptions=True):
        assert isinstance(outcome, Unavailable)
    assert await desk.fetched("a", "up again") == "up again"


# ---------------------------------------------------------------- going away
async def test_one_who_goes_away_takes_it_from_nobody_else() -> None:
    desk = Desk()
    first, second = desk.ask(), desk.ask()
    await settled()
    first.cancel()
    await settled()
    reply = desk.source.open("a")
    assert first.cancelled()
    assert reply
    reply.set_result("news")
    assert await second == "news"
    assert desk.source.cancelled == []


async def test_when_all_have_gone_the_fetch_ends_and_nobody_joins_it() -> None:
    desk = Desk()
    tasks = [desk.ask(), desk.ask()]
    await settled()
    for task in tasks:
        task.cancel()
    late = desk.ask()
    await settled()
    assert desk.source.cancelled == ["a"]
    reply = desk.source.open("a")
    assert reply
    reply.set_result("another")
    assert await late == "another"
    assert desk.source.asked == ["a", "a"]


async def test_a_fetch_that_was_cancelled_from_inside_is_an_error_and_no_cancellation_of_who_waits() -> None:
    desk = Desk()
    task = desk.ask()
    await settled()
    reply = desk.source.open("a")
    assert reply
    reply.cancel()
    with pytest.raises(Unavailable, match="given up"):
        await task


async def test_closing_ends_what_is_under_way() -> None:
    desk = Desk()
    task = desk.ask()
    await settled()
    await desk.shared.close()
    with pytest.raises(Unavailable):
        await task
    assert desk.source.cancelled == ["a"]


# ---------------------------------------------------------------- bounds
async def test_the_oldest_goes_where_there_are_too_many() -> None:
    desk = Desk(max_entries=2)
    for key in "abc":
        await desk.fetched(key, key)
    assert await desk.fetched("c", "anew") == "c"
    assert await desk.fetched("b", "anew") == "b"
    assert await desk.fetched("a", "anew") == "anew"


async def test_what_is_kept_is_bounded_in_bytes_and_the_too_large_is_not_kept() -> None:
    desk = Desk(max_bytes=10)
    await desk.fetched("a", "x" * 6)
    await desk.fetched("b", "y" * 5)
    assert await desk.fetched("b", "anew") == "y" * 5
    assert await desk.fetched("large", "z" * 11) == "z" * 11
    assert await desk.fetched("b", "anew") == "y" * 5
    assert await desk.fetched("large", "anew") == "anew"
    assert await desk.fetched("a", "anew") == "anew"


# ---------------------------------------------------------------- whatever happens
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["ask", "ask", "ask", "reply", "reply", "fail", "leave", "wait", "forget", "breathe"]),
        st.sampled_from("abc"),
        st.integers(0, 9),
    ),
    max_size=60,
)


@given(STEPS)
def test_nobody_gets_what_is_stale_or_anothers_and_no_fetch_is_made_twice(steps: list[tuple[str, str, int]]) -> None:
    asyncio.run(_whatever_happens(steps))


async def _whatever_happens(steps: list[tuple[str, str, int]]) -> None:
    """Each reply tells its key and when its fetch began; nobody gets one that ended and is no longer fresh."""
    desk = Desk(max_entries=2, max_bytes=40)
    source, asking = desk.source, list[tuple[str, float, asyncio.Task[str]]]()
    begun: dict[int, float] = {}
    for what, key, number in steps:
        reply = source.open(key)
        if what == "ask":
            oldest_s = begun[id(reply)] if reply else math.nextafter(desk.now_s - FRESH_S, math.inf)
            asking.append((key, oldest_s, desk.ask(key)))
        elif what == "reply" and reply:
            reply.set_result(f"{key} {begun[id(reply)]}")
        elif what == "fail" and reply:
            reply.set_exception(Unavailable(key))
        elif what == "leave" and asking:
            asking[number % len(asking)][2].cancel()
        elif what == "wait":
            desk.now_s += number * 10.0
        elif what == "forget":
            desk.shared.forget(key)
        await settled()
        for replies in source.replies.values():
            for each in replies:
                begun.setdefault(id(each), desk.now_s)
            assert sum(not each.done() for each in replies) <= 1
        assert len(desk.shared._kept) <= 2
        assert desk.shared._kept_bytes == sum(kept.size_bytes for kept in desk.shared._kept.values()) <= 40
    for key in "abc":
        if reply := source.open(key):
            reply.set_result(f"{key} {begun[id(reply)]}")
    await settled()
    for key, oldest_s, task in asking:
        assert task.done()
        if not task.cancelled() and task.exception() is None:
            name, began_s = task.result().split()
            assert name == key
            assert float(began_s) >= oldest_s
    assert not desk.shared._flights
