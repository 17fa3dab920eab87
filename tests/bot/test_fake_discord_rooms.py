"""The fake Discord's channels: history, nonces, threads, permissions; and what its client lets a person choose."""

import discord
import pytest

from tests.bot.conftest import Clock
from tests.bot.other_client import OtherClient
from tests.fakes.discord import CHANNEL_ID, DM_CHANNEL_ID, GUILD_ID, FakeDiscord
from tests.fakes.discord.choosing import command_data
from tests.fakes.discord.rooms import CONNECT, HISTORY, NONCE_LIVES_S, VIEW
from tests.fakes.discord.world import ALL_PERMISSIONS, MANAGE_GUILD, Json, channel, thread


# ---------------------------------------------------------------- messages
async def test_the_history_is_the_channels_own_newest_first(server: FakeDiscord, other: OtherClient) -> None:
    server.guilds[GUILD_ID].append(channel(CHANNEL_ID + 1, "other"))
    room = other.get_partial_messageable(CHANNEL_ID)
    await other.get_partial_messageable(CHANNEL_ID + 1).send("elsewhere")
    sent = [await room.send(str(number)) for number in range(120)]
    await sent[-1].delete()
    assert [message.content async for message in room.history(limit=3)] == ["118", "117", "116"]
    assert len([message async for message in room.history(limit=None)]) == 119, "page by page"


@pytest.mark.parametrize("passed_s", [0.0, NONCE_LIVES_S - 1, NONCE_LIVES_S])
async def test_a_nonce_keeps_a_message_one_for_some_minutes(
    server: FakeDiscord, other: OtherClient, clock: Clock, passed_s: float
) -> None:
    server.guilds[GUILD_ID].append(channel(CHANNEL_ID + 1, "other"))
    first = await other.get_partial_messageable(CHANNEL_ID).send("x", nonce="n")
    clock.now_s += passed_s
    again = await other.get_partial_messageable(CHANNEL_ID + 1).send("x", nonce="n")
    assert (again.id == first.id) == (passed_s < NONCE_LIVES_S), "whichever channel it is sent to"


# ---------------------------------------------------------------- channels
async def test_channels_are_found_until_they_are_deleted(server: FakeDiscord, other: OtherClient) -> None:
    found = await other.fetch_channel(CHANNEL_ID)
    assert isinstance(found, discord.TextChannel)
    assert found.guild.id == GUILD_ID
    assert isinstance(await other.fetch_channel(DM_CHANNEL_ID), discord.DMChannel)
    await server.delete_channel(CHANNEL_ID)
    for work in (other.fetch_channel(CHANNEL_ID), other.get_partial_messageable(CHANNEL_ID).send("x")):
        with pytest.raises(discord.NotFound) as caught:
            await work
        assert caught.value.code == 10003


async def test_permissions_are_taken_one_by_one(server: FakeDiscord, other: OtherClient) -> None:
    room = other.get_partial_messageable(CHANNEL_ID)
    await room.send("x")
    server.forbid(CHANNEL_ID, HISTORY)
    assert [message async for message in room.history()] == [], "Discord shows none, and says nothing"
    server.forbid(CHANNEL_ID, CONNECT)
    with pytest.raises(discord.Forbidden):
        await anext(room.history())
    server.forbid(CHANNEL_ID)
    with pytest.raises(discord.Forbidden, match="Missing Permissions"):
        await room.send("x")
    server.forbid(CHANNEL_ID, VIEW)
    with pytest.raises(discord.Forbidden, match="Missing Access"):
        await room.send("x")


async def test_a_message_wakes_a_thread_that_is_not_locked(server: FakeDiscord, other: OtherClient) -> None:
    resting = thread(CHANNEL_ID + 1, CHANNEL_ID, archived=True)
    locked = thread(CHANNEL_ID + 2, CHANNEL_ID, archived=True, locked=True)
    server.guilds[GUILD_ID] += [resting, locked]
    await other.get_partial_messageable(CHANNEL_ID + 1).send("x")
    assert not resting["thread_metadata"]["archived"]
    with pytest.raises(discord.HTTPException) as caught:
        await other.get_partial_messageable(CHANNEL_ID + 2).send("x")
    assert caught.value.code == 50083
    assert locked["thread_metadata"]["archived"]


# ---------------------------------------------------------------- choosing
def options(*given: Json) -> Json:
    return {"id": "1", "name": "do", "options": list(given)}


NUMBER = {"name": "n", "type": 4, "min_value": 0, "max_value": 9}
CHOICE = {"name": "c", "type": 3, "choices": [{"name": "A", "value": "a"}]}
ROOM = {"name": "r", "type": 7, "channel_types": [0]}
WHO = {"name": "w", "type": 6}
GUILDS = {GUILD_ID: [channel(CHANNEL_ID, "talks"), {**channel(CHANNEL_ID + 1, "category"), "type": 4}]}


def test_what_is_chosen_comes_with_what_it_stands_for() -> None:
    data = command_data(options(NUMBER, CHOICE, ROOM, WHO), {"n": 9, "c": "a", "r": str(CHANNEL_ID), "w": "5"}, GUILDS)
    assert data["resolved"]["channels"][str(CHANNEL_ID)]["name"] == "talks"
    assert data["resolved"]["users"]["5"]["id"] == "5"
    assert [option["type"] for option in data["options"]] == [4, 3, 7, 6]


@pytest.mark.parametrize(
    ("option", "value"),
    [
        (NUMBER, 10),
        (NUMBER, -1),
        (NUMBER, "9"),
        (CHOICE, "b"),
        (CHOICE, 1),
        (ROOM, "5"),
        (ROOM, str(CHANNEL_ID + 1)),
    ],
)
def test_what_discord_does_not_offer_cannot_be_chosen(option: Json, value: str | int) -> None:
    with pytest.raises(ValueError, match="Discord"):
        command_data(options(option), {option["name"]: value}, GUILDS)


async def test_what_is_hidden_can_be_forced_and_tells_what_the_person_may(
    server: FakeDiscord, other: OtherClient
) -> None:
    reply = other.tree.get_command("reply")
    assert isinstance(reply, discord.app_commands.Command)
    reply.default_permissions = discord.Permissions(manage_guild=True)
    await other.tree.sync()
    with pytest.raises(LookupError, match="does not show /reply"):
        await server.slash("reply", permissions=ALL_PERMISSIONS & ~MANAGE_GUILD & ~(1 << 3))
    call = await server.slash("reply", permissions=0, forced=True)
    await server.until(lambda: call.answered_with)
