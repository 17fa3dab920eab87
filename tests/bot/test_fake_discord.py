"""The fake Discord's interactions and messages, with a real client."""

import asyncio

import aiohttp
import discord
import pytest

from tests.bot.conftest import Clock
from tests.bot.other_client import OtherClient
from tests.fakes.discord import CHANNEL_ID, DM_CHANNEL_ID, FakeDiscord
from tests.fakes.discord.interactions import CHOICES, DEFER, MESSAGE, UPDATE


async def error_code(client: OtherClient) -> int:
    error = await asyncio.wait_for(client.errors.get(), 10)
    assert isinstance(error, discord.HTTPException)
    return error.code


# ---------------------------------------------------------------- interactions
async def test_a_reply_with_buttons_that_are_pressed(server: FakeDiscord, other: OtherClient) -> None:
    call = await server.slash("reply")
    await server.until(lambda: call.answered_with == MESSAGE)
    assert call.original is not None
    assert call.original.pings == ("@everyone",), "a client that does not forbid pings, pings"
    pressed = await server.press(call.original, "more")
    await server.until(lambda: pressed.answered_with == UPDATE)
    assert call.original.content == "more"
    pressed = await server.press(call.original, "other")
    await server.until(lambda: pressed.answered_with == MESSAGE)
    assert pressed.original is not None
    assert (pressed.original.content, pressed.original.flags) == ("another", 64)
    assert call.original.content == "more"
    with pytest.raises(LookupError, match="No button"):
        await server.press(call.original, "none")
    assert other.errors.empty()


async def test_the_second_acknowledgement_is_refused(server: FakeDiscord, other: OtherClient) -> None:
    call = await server.slash("twice")
    assert await error_code(other) == 40060
    assert call.answered_with == DEFER


async def test_an_acknowledgement_after_three_seconds_is_refused(
    server: FakeDiscord, other: OtherClient, clock: Clock
) -> None:
    await server.gateway.drop()
    call = await server.slash("reply")
    clock.now_s += 3.01
    assert await error_code(other) == 10062
    assert call.original is None


async def test_follow_ups(server: FakeDiscord, other: OtherClient) -> None:
    call = await server.slash("follow")
    await server.until(lambda: any(path.startswith("GET /webhooks") for path in server.rest.calls))
    assert [message.content for message in call.messages] == ["first", "second, edited", "third"]
    assert [message.deleted for message in call.messages] == [False, False, True]
    assert other.errors.empty()


async def test_completions(server: FakeDiscord, other: OtherClient) -> None:
    call = await server.autocomplete("suggest", "word", "te")
    await server.until(lambda: call.answered_with == CHOICES)
    assert [choice["name"] for choice in call.choices] == ["tea", "teb"]
    assert other.errors.empty()


async def test_files(server: FakeDiscord, other: OtherClient) -> None:
    call = await server.slash("files")
    await server.until(lambda: call.answered_with)
    assert call.original is not None
    assert call.original.files == {"data.csv": b"1,2\n"}
    assert other.errors.empty()


@pytest.mark.parametrize(("name", "code"), [("vanish", 10008), ("nothing", 50006)])
async def test_errors_of_messages(server: FakeDiscord, other: OtherClient, name: str, code: int) -> None:
    await server.slash(name)
    assert await error_code(other) == code


@pytest.mark.usefixtures("other")
async def test_a_person_can_send_only_what_the_client_lets_through(server: FakeDiscord) -> None:
    with pytest.raises(LookupError, match="no command"):
        await server.slash("unknown")
    with pytest.raises(ValueError, match="missing"):
        await server.slash("suggest")
    with pytest.raises(ValueError, match="11 characters"):
        await server.slash("suggest", word="x" * 11)


# ---------------------------------------------------------------- messages
async def test_messages_are_heard_without_content_in_guilds(server: FakeDiscord, other: OtherClient) -> None:
    await server.say("hello")
    heard = await asyncio.wait_for(other.heard.get(), 10)
    assert (heard.content, heard.channel.id) == ("", CHANNEL_ID)
    await server.say("hello", dm=True)
    heard = await asyncio.wait_for(other.heard.get(), 10)
    assert (heard.content, heard.channel.id) == ("hello", DM_CHANNEL_ID)


async def test_messages_are_sent_edited_and_deleted(server: FakeDiscord, other: OtherClient) -> None:
    room = other.get_partial_messageable(CHANNEL_ID)
    sent = await room.send("one", nonce=7)
    await sent.edit(content="two")
    assert server.messages[sent.id].history == ["one", "two"]
    await sent.delete()
    assert server.messages[sent.id].deleted
    with pytest.raises(discord.NotFound):
        await sent.edit(content="three")
    with pytest.raises(discord.HTTPException, match="Must be 2000 or fewer in length") as caught:
        await room.send("x" * 2001)
    assert caught.value.code == 50035
    with pytest.raises(discord.HTTPException) as caught:
        await room.send("")
    assert caught.value.code == 50006
    server.forbid(CHANNEL_ID)
    with pytest.raises(discord.Forbidden):
        await room.send("one")


async def test_a_repeated_nonce_is_one_message(server: FakeDiscord) -> None:
    url = f"{server.api_url}/channels/{CHANNEL_ID}/messages"
    headers = {"Authorization": f"Bot {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        ids = []
        for _ in range(2):
            async with session.post(url, json={"content": "x", "nonce": "n1", "enforce_nonce": True}) as response:
                assert response.headers["Content-Type"] == "application/json"
                ids.append((await response.json())["id"])
    assert ids[0] == ids[1]
    assert len(server.messages) == 1
