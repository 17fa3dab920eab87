"""The counter between outboxes and whoever posts: nothing is lost, and what may have been posted is marked so."""

import asyncio
from dataclasses import replace

import pytest

from actors.announcer import UNSURE_S, Announcer
from core.errors import Unavailable
from core.following import Announcement

TIDES = Announcement("tides", "guild-1", "42", "https://shore.example/tides", "Tides")
REEFS = replace(TIDES, announcement_id="reefs", title="Reefs")


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def announcer(clock: Clock) -> Announcer:
    made = Announcer(patience_s=5.0, clock=clock)
    clock.now = UNSURE_S + 1.0
    return made


async def test_a_delivery_returns_when_it_was_posted(announcer: Announcer) -> None:
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    assert await announcer.next(5.0) == TIDES
    assert not delivering.done()
    await announcer.posted("tides")
    await delivering
    assert await announcer.next(0.01) is None


async def test_they_come_in_the_order_in_which_they_were_delivered(announcer: Announcer) -> None:
    delivering = [asyncio.ensure_future(announcer.deliver(one)) for one in (TIDES, REEFS)]
    assert [await announcer.next(5.0), await announcer.next(5.0)] == [TIDES, REEFS]
    for one in (REEFS, TIDES):
        await announcer.posted(one.announcement_id)
    await asyncio.gather(*delivering)


async def test_who_waits_gets_what_comes_later(announcer: Announcer) -> None:
    waiting = asyncio.ensure_future(announcer.next(5.0))
    await asyncio.sleep(0)
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    assert await waiting == TIDES
    await announcer.posted("tides")
    await delivering


async def test_one_announcement_is_given_to_one_of_several_who_wait(announcer: Announcer) -> None:
    waiting = [asyncio.ensure_future(announcer.next(0.2)) for _ in range(3)]
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    assert sorted(map(str, await asyncio.gather(*waiting))) == sorted([str(TIDES), "None", "None"])
    await announcer.posted("tides")
    await delivering


async def test_what_nobody_posted_in_time_is_told_and_marked_when_it_comes_again(clock: Clock) -> None:
    announcer = Announcer(patience_s=0.02, clock=clock)
    clock.now = UNSURE_S + 1.0
    waiting = asyncio.ensure_future(announcer.next(5.0))
    with pytest.raises(Unavailable):
        await announcer.deliver(TIDES)
    assert await waiting == TIDES
    again = asyncio.ensure_future(announcer.deliver(TIDES))
    assert await announcer.next(5.0) == replace(TIDES, repeated=True)
    await announcer.posted("tides")
    await again


async def test_what_was_never_given_out_is_no_repetition_and_its_old_place_in_the_line_is_empty(clock: Clock) -> None:
    announcer = Announcer(patience_s=0.02, clock=clock)
    clock.now = UNSURE_S + 1.0
    with pytest.raises(Unavailable):
        await announcer.deliver(TIDES)
    again = asyncio.ensure_future(announcer.deliver(TIDES))
    await asyncio.sleep(0)
    assert await announcer.next(5.0) == TIDES
    await announcer.posted("tides")
    await again
    assert await announcer.next(0.01) is None


async def test_after_a_start_everything_may_have_been_posted_before(clock: Clock) -> None:
    announcer = Announcer(patience_s=5.0, clock=clock)
    clock.now = UNSURE_S - 1.0
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    assert await announcer.next(5.0) == replace(TIDES, repeated=True)
    await announcer.posted("tides")
    await delivering


async def test_delivered_twice_at_once_it_is_one_post_and_both_are_told(announcer: Announcer) -> None:
    delivering = [asyncio.ensure_future(announcer.deliver(TIDES)) for _ in range(2)]
    assert await announcer.next(5.0) == TIDES
    assert await announcer.next(0.01) is None
    await announcer.posted("tides")
    await asyncio.gather(*delivering)


async def test_what_can_never_be_posted_is_given_up_and_logged(
    announcer: Announcer, caplog: pytest.LogCaptureFixture
) -> None:
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    await announcer.next(5.0)
    await announcer.refused("tides", "The channel is gone.")
    await delivering
    assert "The channel is gone." in caplog.text


async def test_confirming_what_nobody_offers_any_more_is_harmless(announcer: Announcer) -> None:
    await announcer.posted("unknown")
    await announcer.refused("unknown", "Gone.")
    assert await announcer.next(0.01) is None


async def test_a_confirmation_that_comes_twice_harms_nothing(announcer: Announcer) -> None:
    delivering = asyncio.ensure_future(announcer.deliver(TIDES))
    await announcer.next(5.0)
    await announcer.posted("tides")
    await announcer.posted("tides")
    await delivering


async def test_what_was_given_out_long_ago_is_not_remembered_for_ever(
    announcer: Announcer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("actors.announcer.MAX_REMEMBERED", 3)
    repeated: list[bool] = []
    for number in (0, 1, 2, 3, 4, 0, 4):
        one = replace(TIDES, announcement_id=str(number))
        delivering = asyncio.ensure_future(announcer.deliver(one))
        given = await announcer.next(5.0)
        assert given is not None
        await announcer.posted(str(number))
        await delivering
        repeated.append(given.repeated)
    assert repeated == [False] * 6 + [True]
