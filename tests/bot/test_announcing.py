"""News on Discord: each posted once and confirmed, by the real client on the fake Discord."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from dataclasses import replace
from random import Random

import pytest

from bot.announcing import AT_ONCE, Announcing, nonce
from bot.client import BotClient, point_at
from core.following import Announcement, Chapter
from tests.bot.conftest import Clock
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord import CHANNEL_ID, DM_CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.rooms import CONNECT, HISTORY, NONCE_LIVES_S, VIEW
from tests.fakes.discord.world import channel, thread

NEWS = Announcement(
    "news-1",
    str(GUILD_ID),
    str(CHANNEL_ID),
    "https://www.youtube.com/watch?v=abcdefghijk",
    "Brewing tea",
    "Ada Example",
    3_725.0,
    (("Green tea wants cooler water.", 754.2),),
    (Chapter(0.0, "Water"), Chapter(700.0, "Leaves")),
    ("tea", "water"),
)
SECOND_GUILD, SECOND_CHANNEL = GUILD_ID + 50, CHANNEL_ID + 50
Start = Callable[[FakeAnnouncer], Announcing]


@pytest.fixture
async def start(client: BotClient) -> AsyncIterator[Start]:
    """Begins to announce, with the waits of a test; all of it is ended with the test."""
    async with AsyncExitStack() as ends:

        def begin(announcer: FakeAnnouncer) -> Announcing:
            made = Announcing(announcer, client, base_s=0.01, tries=3, rng=Random(1))
            made.start()
            ends.push_async_callback(made.stop, 0.0)
            return made

        yield begin


def numbered(number: int, *, tenant: int | str = GUILD_ID, channel: int = CHANNEL_ID) -> Announcement:
    """One of many: its own id and address."""
    name, url = f"news-{number}", f"https://talks.example/{number}"
    return replace(NEWS, announcement_id=name, tenant=str(tenant), channel=str(channel), url=url)


async def kill(server: FakeDiscord, announcing: Announcing) -> None:
    """Stop it in the middle of whatever it does, and wait until Discord is through with it."""
    await announcing.stop(0.0)
    await server.quiet()


# ---------------------------------------------------------------- one post
async def test_it_is_one_post_that_tells_what_is_new(server: FakeDiscord, start: Start) -> None:
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    await announcer.until_settled()
    (post,) = server.posts()
    (embed,) = post.embeds
    assert (embed["title"], embed["url"]) == (NEWS.title, NEWS.url)
    for said in (
        "**Ada Example · 1:02:05**",
        f"Green tea wants cooler water. [12:34]({NEWS.url}&t=754)",
        f"[0:00]({NEWS.url}&t=0) Water",
        f"[11:40]({NEWS.url}&t=700) Leaves",
        "**Topics:** tea · water",
    ):
        assert said in post.text
    assert (post.allowed_mentions, announcer.confirmed) == ({"parse": []}, ["news-1"])


async def test_the_bot_announces_from_its_start_to_its_end(server: FakeDiscord) -> None:
    point_at(server.api_url, server.gateway_url)
    announcer = FakeAnnouncer(NEWS)
    async with BotClient(FakeAssistant(), announcer=announcer, grace_s=0.3) as bot:
        session = asyncio.create_task(bot.start(server.token))
        await announcer.until_settled()
        await bot.close()
        await asyncio.wait_for(session, 10)
    await announcer.add(numbered(2))
    await server.quiet()
    assert (len(server.posts()), announcer.confirmed) == (1, ["news-1"])


async def test_many_are_each_posted_once(server: FakeDiscord, start: Start) -> None:
    announcer = FakeAnnouncer(*(numbered(number) for number in range(3 * AT_ONCE)))
    start(announcer)
    await announcer.until_settled(3 * AT_ONCE)
    assert sorted(post.embeds[0]["url"] for post in server.posts()) == sorted(
        f"https://talks.example/{number}" for number in range(3 * AT_ONCE)
    )


HOSTILE = "@everyone @here <@123456789012345678> [free](https://evil.example) **now** `x` \x1b[31m\u202e discord.gg/x"


async def test_hostile_words_neither_ping_nor_link(server: FakeDiscord, start: Start) -> None:
    hostile = replace(
        NEWS,
        title=HOSTILE,
        creator=HOSTILE,
        summary=((HOSTILE, 1.0),),
        chapters=(Chapter(1.0, HOSTILE),),
        topics=(HOSTILE,),
    )
    announcer = FakeAnnouncer(hostile)
    start(announcer)
    await announcer.until_settled()
    (post,) = server.posts()
    assert post.pings == ()
    assert post.content == ""
    for forbidden in ("@everyone", "@here", "<@", "](https://evil", "https://evil", "**now**", "\x1b", "\u202e"):
        assert forbidden not in post.text
    assert "discord.gg" not in post.text


@pytest.mark.parametrize("word", ["x", "@", "*", "word ", "]", "\n", "<@1> "])
@pytest.mark.parametrize("url", [NEWS.url, "https://talks.example/" + "a" * 3_000])
async def test_words_without_end_are_still_one_post(server: FakeDiscord, start: Start, word: str, url: str) -> None:
    long = word * (10_000 // len(word))
    endless = replace(
        NEWS,
        url=url,
        title=long,
        creator=long,
        summary=((long, 1.0),) * 500,
        chapters=(Chapter(1.0, long),) * 500,
        topics=(long,) * 500,
    )
    announcer = FakeAnnouncer(endless)
    start(announcer)
    await announcer.until_settled()
    assert (len(server.posts()), announcer.confirmed, announcer.given_up) == (1, ["news-1"], {})


async def test_what_has_no_words_at_all_is_posted_too(server: FakeDiscord, start: Start) -> None:
    announcer = FakeAnnouncer(Announcement("news-1", str(GUILD_ID), str(CHANNEL_ID), "no address", "\u202e "))
    start(announcer)
    await announcer.until_settled()
    (post,) = server.posts()
    assert "A new recording" in post.text
    assert post.embeds[0].get("url") is None


def test_a_nonce_is_short_and_of_one_announcement_in_one_channel() -> None:
    others = [
        replace(NEWS, announcement_id="news-2"),
        replace(NEWS, channel="7"),
        replace(NEWS, tenant="7"),
        replace(NEWS, announcement_id="n" * 5_000),
    ]
    nonces = {nonce(announcement) for announcement in (NEWS, *others)}
    assert len(nonces) == 5
    assert all(0 < len(made) <= 25 for made in nonces)
    assert nonce(replace(NEWS, title="Corrected", repeated=True)) == nonce(NEWS)


# ---------------------------------------------------------------- whose channel
async def test_two_servers_each_get_their_own(server: FakeDiscord, client: BotClient, start: Start) -> None:
    server.guilds[SECOND_GUILD] = [channel(SECOND_CHANNEL, "news")]
    announcer = FakeAnnouncer(NEWS, numbered(2, tenant=SECOND_GUILD, channel=SECOND_CHANNEL))
    start(announcer)
    await announcer.until_settled(2)
    assert (len(server.posts(CHANNEL_ID)), len(server.posts(SECOND_CHANNEL))) == (1, 1)
    assert client.get_channel(SECOND_CHANNEL) is None, "a channel that the cache does not know is asked for"


async def test_nothing_is_told_to_another_server(server: FakeDiscord, start: Start) -> None:
    server.guilds[SECOND_GUILD] = [channel(SECOND_CHANNEL, "news")]
    announcer = FakeAnnouncer(
        numbered(1, channel=SECOND_CHANNEL), numbered(2, tenant="console"), numbered(3, channel=DM_CHANNEL_ID)
    )
    start(announcer)
    await announcer.until_settled(3)
    assert list(server.messages) == []
    assert set(announcer.given_up.values()) == {"The channel belongs to another server."}


# ---------------------------------------------------------------- where nothing can be posted
async def refusal(announcer: FakeAnnouncer) -> str:
    await announcer.until_settled()
    assert announcer.confirmed == []
    return announcer.given_up["news-1"]


@pytest.mark.parametrize("told", [True, False])
async def test_a_deleted_channel(server: FakeDiscord, start: Start, told: bool) -> None:
    await server.delete_channel(CHANNEL_ID, told=told)
    announcer = FakeAnnouncer(NEWS)
    start(announcer)
    assert "Unknown Channel" in await refusal(announcer)


@pytest.mark.parametrize("what", ["send", VIEW])
@pytest.mark.parametrize("repeated", [False, True])
async def test_a_channel_where_the_bot_may_not_write(
    server: FakeDiscord, start: Start, what: str, repeated: bool
) -> None:
    server.forbid(CHANNEL_ID, what)
    announcer = FakeAnnouncer(replace(NEWS, repeated=repeated))
    start(announcer)
    assert "Missing" in await refusal(announcer)


@pytest.mark.parametrize("named", ["", "talks", "-1", "12345"])
async def test_what_is_no_channel(start: Start, named: str) -> None:
    announcer = FakeAnnouncer(replace(NEWS, channel=named))
    start(announcer)
    assert await refusal(announcer)


async def test_a_category_takes_no_messages(server: FakeDiscord, start: Start) -> None:
    server.guilds[GUILD_ID].append({**channel(CHANNEL_ID + 1, "a category"), "type": 4})
    announcer = FakeAnnouncer(replace(NEWS, channel=str(CHANNEL_ID + 1)))
    start(announcer)
    assert "cannot be written" in await refusal(announcer)


async def test_a_thread_that_rests_is_woken_unless_it_is_locked(server: FakeDiscord, start: Start) -> None:
    resting, locked = CHANNEL_ID + 1, CHANNEL_ID + 2
    server.guilds[GUILD_ID] += [
        thread(resting, CHANNEL_ID, archived=True),
        thread(locked, CHANNEL_ID, archived=True, locked=True),
    ]
    announcer = FakeAnnouncer(numbered(1, channel=resting), numbered(2, channel=locked))
    start(announcer)
    await announcer.until_settled(2)
    assert announcer.confirmed == ["news-1"]
    assert "Thread is archived" in announcer.given_up["news-2"]
    assert (len(server.posts(resting)), len(server.posts(locked))) == (1, 0)


async def test_a_refusal_that_is_not_heard_is_told_again(server: FakeDiscord, start: Start) -> None:
    server.forbid(CHANNEL_ID)
    announcer = FakeAnnouncer(NEWS)
    announcer.failing["refused"] = 2
    start(announcer)
    assert "Missing" in await refusal(announcer)


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
        while len(server.rest.calls) < calls and len(announcer.confirmed) < total:
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
