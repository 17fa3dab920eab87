"""News on Discord: each posted once and confirmed, by the real client on the fake Discord."""

import asyncio
from dataclasses import replace

import pytest

from bot.announcing import AT_ONCE, nonce
from bot.client import BotClient, point_at
from core.following import Announcement, Chapter
from tests.bot.news import NEWS, Start, numbered
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord import CHANNEL_ID, DM_CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.rooms import VIEW
from tests.fakes.discord.world import channel, thread

SECOND_GUILD, SECOND_CHANNEL = GUILD_ID + 50, CHANNEL_ID + 50


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
