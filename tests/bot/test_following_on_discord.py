"""Following, the queue and forgetting on Discord, with the real client: options, who may, buttons, completions."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from bot.client import BotClient
from bot.commands import all_commands
from bot.commands.follow import BACK
from core.errors import Unavailable
from core.following import Followed
from core.messages import Library
from core.results import ErrorCategory, Fail, Ok
from core.tenancy import TenantContext
from core.uploads import UploadKind
from tests.bot.conftest import Clock, finished
from tests.fakes.assistant import TALK, FakeAssistant
from tests.fakes.curator import CHANNEL, FOLLOWED, FakeCurator
from tests.fakes.discord import CHANNEL_ID, GUILD_ID, MEMBER_ID, FakeDiscord, Interaction
from tests.fakes.discord.interactions import CHOICES
from tests.fakes.discord.world import ADMINISTRATOR, ALL_PERMISSIONS, EPHEMERAL, MANAGE_GUILD, channel

pytestmark = pytest.mark.usefixtures("client")

LINK = "https://www.youtube.com/@ada"
NOBODY = 0
NOT_MODERATOR = ALL_PERMISSIONS & ~MANAGE_GUILD & ~ADMINISTRATOR
MODERATORS: dict[str, dict[str, Any]] = {
    "follow": {"url": LINK},
    **{name: {"channel": "ada"} for name in ("unfollow", "pause", "resume")},
}


@pytest.fixture(autouse=True)
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody watches a backfill for minutes here."""
    monkeypatch.setattr("bot.commands.backfill.WATCH_S", 0.0)


# ---------------------------------------------------------------- options
async def test_each_argument_is_a_native_option(server: FakeDiscord) -> None:
    registered = {command["name"]: command for command in server.rest.commands}
    options = {option["name"]: option for option in registered["follow"]["options"]}
    assert list(options) == ["url", "kinds", "back", "announce", "only", "without"]
    assert [option["required"] for option in options.values()] == [True, *[False] * 5]
    assert "shorts,streams" in [choice["value"] for choice in options["kinds"]["choices"]]
    assert (options["back"]["type"], options["back"]["min_value"], options["back"]["max_value"]) == (4, 0, BACK.high)
    assert (options["announce"]["type"], set(options["announce"]["channel_types"])) == (7, {0, 5, 10, 11, 12})
    assert registered["pause"]["options"][0]["autocomplete"] is True
    assert [choice["value"] for choice in registered["queue"]["options"][0]["choices"]] == ["list", "retry", "drop"]


async def test_follow_takes_what_was_chosen(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await server.slash(
        "follow",
        url=f"<{LINK}>",
        kinds="videos,shorts",
        back=90,
        announce=str(CHANNEL_ID),
        only="live coding, q&a",
        without="trailer",
        user_id=42,
    )
    text = await finished(server, call)
    assert "312 listed = 200 ingested + 50 waiting + 62 refused (40 older than 12 months, 22 members only)" in text
    (request,) = curator.follows
    assert request.tenant == TenantContext(str(GUILD_ID), "guild", "42")
    assert (request.url, request.kinds) == (LINK, (UploadKind.VIDEO, UploadKind.SHORT))
    assert (request.back_days, request.announce_to) == (90, str(CHANNEL_ID))
    assert (request.only, request.without) == (("live coding", "q&a"), ("trailer",))


async def test_every_command_works_for_a_moderator(server: FakeDiscord, curator: FakeCurator) -> None:
    options: dict[str, dict[str, Any]] = {**MODERATORS, "backfill": {"channel": "ada"}, "forget": {"what": TALK.url}}
    for name in ("follow", "unfollow", "following", "pause", "resume", "backfill", "queue", "forget"):
        await finished(server, await server.slash(name, permissions=MANAGE_GUILD, **options.get(name, {})))
    await finished(server, await server.slash("queue", action="retry", job="j-1"))
    names = [name for name, _, _ in curator.calls]
    assert names == ["follow", "unfollow", "following", "pause", "resume", "backfill", "queue", "forget", "retry"]


@pytest.mark.parametrize("denied", [1 << 10, 1 << 11, 1 << 14], ids=["view", "send", "embed"])
async def test_news_cannot_be_sent_where_the_bot_may_not_write(
    server: FakeDiscord, client: BotClient, curator: FakeCurator, denied: int
) -> None:
    shut = channel(CHANNEL_ID + 1, "shut")
    shut["permission_overwrites"] = [{"id": str(GUILD_ID), "type": 0, "allow": "0", "deny": str(denied)}]
    server.guilds[GUILD_ID].append(shut)
    await server.gateway.dispatch("CHANNEL_CREATE", {**shut, "guild_id": str(GUILD_ID)}, intents=1)
    call = await server.slash("follow", url=LINK, announce=str(CHANNEL_ID + 1))
    assert "may not write in the channel that announce names. Give it" in await finished(server, call)
    assert (curator.calls, client.get_channel(CHANNEL_ID + 1) is not None) == ([], True)


# ---------------------------------------------------------------- who may
async def test_discord_hides_what_is_for_moderators(server: FakeDiscord) -> None:
    hidden = {one["name"] for one in server.rest.commands if one["default_member_permissions"] == str(MANAGE_GUILD)}
    assert hidden == {command.name for command in all_commands() if command.moderators}
    assert {"follow", "unfollow", "pause", "resume", "backfill", "cache", "experiment", "flags"} <= hidden
    with pytest.raises(LookupError, match="does not show /pause"):
        await server.slash("pause", permissions=NOT_MODERATOR, channel="ada")


@pytest.mark.parametrize("name", [*MODERATORS, "backfill"])
@pytest.mark.parametrize("permissions", [NOBODY, NOT_MODERATOR])
async def test_who_gets_around_that_is_refused_in_private(
    server: FakeDiscord, curator: FakeCurator, name: str, permissions: int
) -> None:
    options = MODERATORS.get(name, {"channel": "ada"})
    call = await server.slash(name, permissions=permissions, forced=True, **options)
    assert "for those alone who may manage this server" in await finished(server, call)
    assert call.original is not None
    assert call.original.flags & EPHEMERAL
    assert curator.calls == []


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("queue", {"action": "retry"}),
        ("queue", {"action": "drop", "job": "j-1"}),
        ("forget", {"what": TALK.url}),
        ("forget", {"what": LINK}),
        ("forget", {"user": "43"}),
    ],
)
async def test_a_part_of_a_command_may_be_for_moderators(
    server: FakeDiscord, curator: FakeCurator, name: str, options: dict[str, Any]
) -> None:
    call = await server.slash(name, permissions=NOT_MODERATOR, user_id=42, **options)
    assert "for those alone who may manage this server" in await finished(server, call)
    assert curator.calls == []


async def test_an_administrator_may_manage_the_server(server: FakeDiscord, curator: FakeCurator) -> None:
    await finished(server, await server.slash("pause", permissions=ADMINISTRATOR, channel="ada"))
    assert len(curator.calls) == 1


async def test_two_servers_are_two_tenants(server: FakeDiscord, curator: FakeCurator) -> None:
    second = GUILD_ID + 50
    server.guilds[second] = [channel(CHANNEL_ID + 50, "talks")]
    for guild_id in (GUILD_ID, second):
        await finished(server, await server.slash("following", guild_id=guild_id))
    assert [tenant.tenant for _, tenant, _ in curator.calls] == [str(GUILD_ID), str(second)]


async def test_a_direct_message_is_refused(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await server.slash("forget", guild_id=None, what="mine")
    assert "does not work in direct messages" in await finished(server, call)
    assert curator.calls == []


# ---------------------------------------------------------------- forgetting
async def asked(server: FakeDiscord, what: str) -> Interaction:
    """/forget up to its question."""
    call = await server.slash("forget", user_id=MEMBER_ID, what=what)
    await server.until(lambda: call.original is not None and call.original.components)
    return call


async def test_my_own_questions_are_forgotten_in_private(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await server.slash("forget", permissions=NOBODY, user_id=42, what="mine")
    text = await finished(server, call)
    assert "12 passages" in text
    assert call.original is not None
    assert call.original.flags & EPHEMERAL
    assert [request.whose for request in curator.forgets] == ["42"]


async def test_a_channel_is_forgotten_at_the_press_of_a_button(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await asked(server, what=CHANNEL.url)
    assert call.original is not None
    assert call.original.flags & EPHEMERAL
    assert "200 recordings of Ada's kitchen" in call.original.text
    assert curator.forgets == []
    await server.press(call.original, "agree")
    await server.until(lambda: call.original is not None and "Backups lose it" in call.original.text)
    assert call.original.components == []
    assert [request.url for request in curator.forgets] == [CHANNEL.url]


async def test_cancel_deletes_nothing(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await asked(server, what=CHANNEL.url)
    assert call.original is not None
    await server.press(call.original, "cancel")
    await server.until(lambda: call.original is not None and "Nothing was deleted" in call.original.text)
    assert curator.forgets == []


async def test_silence_deletes_nothing(
    server: FakeDiscord, curator: FakeCurator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.confirming.ANSWER_WITHIN_S", 0.05)
    call = await asked(server, what=CHANNEL.url)
    await server.until(lambda: call.original is not None and "Nothing was deleted" in call.original.text)
    assert curator.forgets == []


async def test_nobody_else_can_agree(server: FakeDiscord, curator: FakeCurator) -> None:
    call = await asked(server, what=CHANNEL.url)
    assert call.original is not None
    await server.press(call.original, "agree", user_id=MEMBER_ID + 1)
    await finished(server, await server.slash("status"))
    assert curator.forgets == []
    await server.press(call.original, "cancel")
    await server.until(lambda: call.original is not None and "Nothing was deleted" in call.original.text)


async def test_closing_while_it_asks_deletes_nothing(
    server: FakeDiscord, client: BotClient, curator: FakeCurator
) -> None:
    call = await asked(server, what=CHANNEL.url)
    await client.close()
    assert call.original is not None
    assert "This was stopped before it was done" in call.original.text
    assert (call.original.components, curator.forgets) == ([], [])


async def test_a_private_answer_that_comes_too_late_is_not_shown_to_all(
    server: FakeDiscord,
    assistant: FakeAssistant,
    curator: FakeCurator,
    clock: Clock,
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    release = asyncio.Event()

    async def slowly(_: TenantContext) -> Library:
        await release.wait()
        return Library()

    monkeypatch.setattr(assistant, "library", slowly)
    call = await server.slash("forget", what=CHANNEL.url)
    await server.until(lambda: call.answered_with)
    clock.now_s += 901
    release.set()
    await finished(server, await server.slash("health"))
    assert (server.posts(), curator.forgets) == ([], [])
    assert "came too late, and is for one person alone" in caplog.text


# ---------------------------------------------------------------- completions
async def completions(server: FakeDiscord, typed: str) -> dict[str, str]:
    call = await server.autocomplete("pause", "channel", typed)
    await server.until(lambda: call.answered_with == CHOICES)
    return {choice["name"]: choice["value"] for choice in call.choices}


def followed(title: str, url: str) -> Followed:
    return replace(FOLLOWED, channel=replace(CHANNEL, title=title, url=url))


async def test_a_channel_is_completed_from_those_followed(server: FakeDiscord, curator: FakeCurator) -> None:
    curator.channels = Ok((FOLLOWED, followed("Bob builds", "https://b.example/feed")))
    assert await completions(server, "KITCH") == {"Ada's kitchen": CHANNEL.url}
    assert await completions(server, "b.example") == {"Bob builds": "https://b.example/feed"}
    assert len(await completions(server, "")) == 2
    assert await completions(server, "nothing") == {}
    assert {tenant.tenant for _, tenant, _ in curator.calls} == {str(GUILD_ID)}


async def test_completions_are_within_what_discord_takes(server: FakeDiscord, curator: FakeCurator) -> None:
    long = "https://b.example/" + "x" * 200
    curator.channels = Ok(tuple(followed(f"{number} " + "title " * 50, long) for number in range(40)))
    found = await completions(server, "")
    assert len(found) == 25
    assert all(0 < len(text) <= 100 for pair in found.items() for text in pair)
    curator.channels = Ok((followed("", ""), followed("\u202e\x1b[31m", "https://c.example")))
    assert list((await completions(server, "")).values()) == ["https://c.example"]


@pytest.mark.parametrize("trouble", ["down", "fails", "slow"])
async def test_completions_that_cannot_be_had_are_none(
    server: FakeDiscord, curator: FakeCurator, monkeypatch: pytest.MonkeyPatch, trouble: str
) -> None:
    async def never(_: TenantContext) -> Ok[tuple[Followed, ...]]:
        await asyncio.Event().wait()
        return Ok(())

    if trouble == "down":
        curator.error = Unavailable("ChannelFollower")
    elif trouble == "fails":
        curator.channels = Fail(ErrorCategory.TIMEOUT, "It did not answer.")
    else:
        monkeypatch.setattr("bot.options._COMPLETE_WITHIN_S", 0.05)
        monkeypatch.setattr(curator, "following", never)
    assert await completions(server, "a") == {}
