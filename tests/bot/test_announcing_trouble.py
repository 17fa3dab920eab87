"""News on Discord when something fails or is killed: none is lost, and none is posted twice."""

import asyncio
from dataclasses import replace
from random import Random

import pytest

from bot.announcing import Announcing
from bot.client import BotClient
from tests.bot.conftest import Clock
from tests.bot.news import NEWS, Start, numbered
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.discord import CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.rooms import CONNECT, HISTORY, NONCE_LIVES_S
from tests.fakes.discord.world import channel


async def kill(server: FakeDiscord, announcing: Announcing) -> None:
    """Stop it in the middle of whatever it does, and wait until Discord is through with it."""
    await announcing.stop(0.0)
    await server.quiet()


# ---------------------------------------------------------------- what passes
async def test_a_429_is_waited_out(server: FakeDiscord, start: Start) -> None:
    server.rate_limit("POST", "/messages", times=3)
    announcer = FakeAnnouncer(NEWS, numbered(2))
    start(announcer)
    await announcer.until_settled(2)
    assert (len(server.posts()), server.rest.impatient) == (2, [])


async def test_a_slow_channel_holds_up_no_other(server: FakeDiscord, client: BotClient, start: Start) -> None:
    slow = CHANNEL_ID + 1
    server.guilds[GUILD_ID].append(channel(slow, "slow"))
    await server.gateway.dispatch("CHANNEL_CREATE", {**channel(slow, "slow"), "guild_id": str(GUILD_ID)}, intents=1)
    server.rate_limit("POST", f"/channels/{slow}/messages", retry_after_s=60)
    announcer = FakeAnnouncer(numbered(1, channel=slow), numbered(2), numbered(3))
    start(announcer)
    await announcer.until_settled(2)
    assert sorted(announcer.confirmed) == ["news-2", "news-3"]
    assert client.get_channel(slow) is not None


async def test_a_server_error_is_tried_again(server: FakeDiscord, start: Start) -> None:
    server.break_route("POST", "/messages", times=2, status=503)
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_what_fails_for_long_is_left_and_comes_again(server: FakeDiscord, start: Start) -> None:
    server.break_route("POST", "/messages", times=3, status=503)
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    await server.until(lambda: server.rest.faults[0].times == 0)
    await server.quiet()
    assert (server.posts(), announcer.confirmed, announcer.given_up) == ([], [], {})
    await announcer.release()
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


@pytest.mark.parametrize("status", [503, 599])
@pytest.mark.parametrize("nonces_live", [True, False])
async def test_a_lost_answer_is_one_post(server: FakeDiscord, start: Start, status: int, nonces_live: bool) -> None:
    server.swallow_reply("POST", "/messages", times=2, status=status)
    if not nonces_live:
        server.rooms.nonce_lives_s = 0.0
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_a_history_that_fails_is_no_reason_to_post_again(server: FakeDiscord, start: Start, clock: Clock) -> None:
    announcing = start(announcer := FakeAnnouncer(NEWS))
    await announcer.until_settled()
    await kill(server, announcing)
    clock.now_s += NONCE_LIVES_S
    server.break_route("GET", "/messages", times=2, status=503)
    again = FakeAnnouncer(replace(NEWS, repeated=True))
    start(again)
    await again.until_settled()
    assert len(server.posts()) == 1


# ---------------------------------------------------------------- who hands them out
async def test_a_hand_out_that_is_down_for_a_while(server: FakeDiscord, start: Start) -> None:
    announcer = FakeAnnouncer(NEWS)
    announcer.failing["next"] = 4
    start(announcer)
    await announcer.until_settled()
    assert len(server.posts()) == 1


@pytest.mark.parametrize("readable", [True, False])
async def test_a_confirmation_that_fails_for_long_is_made_later_without_a_post(
    server: FakeDiscord, start: Start, clock: Clock, readable: bool
) -> None:
    announcer = FakeAnnouncer(NEWS)
    announcer.failing["posted"] = 3
    start(announcer)
    async with announcer.changed:
        await asyncio.wait_for(announcer.changed.wait_for(lambda: announcer.failing["posted"] == 0), 10)
    clock.now_s += NONCE_LIVES_S
    if not readable:
        server.forbid(CHANNEL_ID, HISTORY)
    await announcer.release()
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_a_confirmation_that_gets_lost_is_made_again_without_a_post(
    server: FakeDiscord, start: Start, clock: Clock
) -> None:
    announcer = FakeAnnouncer(NEWS)
    announcer.deaf = 1
    start(announcer)
    async with announcer.changed:
        await asyncio.wait_for(announcer.changed.wait_for(lambda: not announcer.deaf), 10)
    clock.now_s += NONCE_LIVES_S
    server.forbid(CHANNEL_ID, HISTORY)
    await announcer.release()
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_what_is_given_out_again_while_it_is_posted_is_posted_once(server: FakeDiscord, start: Start) -> None:
    server.rate_limit("POST", "/messages", retry_after_s=0.3)
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    await server.until(lambda: any("POST" in call and "/messages" in call for call in server.rest.calls))
    await announcer.release()
    await announcer.release()
    await announcer.until_settled()
    await server.quiet()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


# ---------------------------------------------------------------- kills
@pytest.mark.parametrize("history", ["readable", HISTORY, CONNECT])
async def test_killed_after_the_post_and_before_the_confirmation(
    server: FakeDiscord, start: Start, clock: Clock, history: str
) -> None:
    announcer = FakeAnnouncer(NEWS)
    announcer.failing["posted"] = 100
    announcing = start(announcer)
    await server.until(server.posts)
    await kill(server, announcing)
    announcer.failing["posted"] = 0
    if history == "readable":
        clock.now_s += NONCE_LIVES_S
    else:
        server.forbid(CHANNEL_ID, history)
    await announcer.release()
    start(announcer)
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_others_words_and_other_posts_are_not_taken_for_it(server: FakeDiscord, start: Start) -> None:
    first = FakeAnnouncer(numbered(2))
    announcing = start(first)
    await first.until_settled()
    await kill(server, announcing)
    foreign = await server.say("look at this")
    foreign.embeds = [{"title": NEWS.title, "url": NEWS.url}]
    again = FakeAnnouncer(replace(NEWS, repeated=True))
    start(again)
    await again.until_settled()
    assert [post.embeds[0]["url"] for post in server.posts()] == ["https://talks.example/2", NEWS.url, NEWS.url]


async def test_stopping_lets_a_post_finish(server: FakeDiscord, start: Start) -> None:
    server.rate_limit("POST", "/messages", retry_after_s=0.1)
    announcer = FakeAnnouncer(NEWS)
    announcing = start(announcer)
    await server.until(lambda: any("POST" in call and "/messages" in call for call in server.rest.calls))
    await announcing.stop(10.0)
    assert announcer.confirmed == ["news-1"]


async def test_killed_at_any_moment_each_is_posted_once(server: FakeDiscord, start: Start, clock: Clock) -> None:
    rng = Random(20260301)
    total = 60
    announcer = FakeAnnouncer(*(numbered(number) for number in range(total)))
    kills = 0
    while len(announcer.confirmed) < total:
        server.rest.faults.clear()
        if rng.random() < 0.5:
            server.swallow_reply("POST", "/messages", status=rng.choice([503, 599]))
        announcer.failing["posted"] = rng.choice([0, 0, 2])
        announcing = start(announcer)
        calls = len(server.rest.calls) + rng.randrange(12)
        while len(server.rest.calls) < calls and len(announcer.confirmed) < total:  # noqa: ASYNC110 - two things to wait for
            await asyncio.sleep(0.001)
        await asyncio.sleep(rng.choice([0.0, 0.001, 0.003]))
        await kill(server, announcing)
        kills += 1
        clock.now_s += rng.choice([0.0, 2 * NONCE_LIVES_S])
        await announcer.release()
    urls = [post.embeds[0]["url"] for post in server.posts()]
    assert len(urls) == len(set(urls)) == total
    assert len(announcer.confirmed) == len(set(announcer.confirmed))
    assert kills > 3
