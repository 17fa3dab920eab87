"""The fake Discord's gateway: resuming, lost sessions and bad frames."""

import asyncio
import json
import zlib
from typing import Any

import aiohttp
import pytest

from tests.bot.other_client import OtherClient
from tests.fakes.discord import FakeDiscord


# ---------------------------------------------------------------- the gateway
async def test_a_lost_session_identifies_again(server: FakeDiscord, other: OtherClient) -> None:
    await server.gateway.invalidate(resumable=False)
    await server.gateway.until(lambda gateway: gateway.identified == 2)
    call = await server.slash("reply")
    await server.until(lambda: call.answered_with)
    assert other.errors.empty()


@pytest.mark.parametrize("how", ["drop", "op 7", "op 9", "close 4000"])
async def test_a_session_is_resumed_and_what_was_missed_is_played_again(
    server: FakeDiscord, other: OtherClient, how: str
) -> None:
    if how == "drop":
        await server.gateway.drop()
    elif how == "op 7":
        await server.gateway.ask_to_reconnect()
    elif how == "op 9":
        await server.gateway.invalidate(resumable=True)
    else:
        await server.gateway.close_with(4000)
    await server.say("missed", dm=True)
    heard = await asyncio.wait_for(other.heard.get(), 10)
    assert heard.content == "missed"
    await server.gateway.until(lambda gateway: gateway.resumed == 1)
    assert server.gateway.identified == 1


async def test_a_session_that_is_gone_cannot_be_resumed(server: FakeDiscord, other: OtherClient) -> None:
    server.gateway.forget()
    await server.gateway.drop()
    await server.gateway.until(lambda gateway: gateway.identified == 2)
    assert server.gateway.resumed == 0
    assert other.errors.empty()


async def talk(server: FakeDiscord, *frames: str, query: str = "?v=10&encoding=json") -> tuple[list[Any], int | None]:
    """Send frames on a bare socket; what came back until it was closed, and the code."""
    async with aiohttp.ClientSession() as session, session.ws_connect(server.gateway_url + query) as socket:
        for frame in frames:
            await socket.send_str(frame)
        came = [message.json() async for message in socket if message.type is aiohttp.WSMsgType.TEXT]
        return came, socket.close_code


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        ("no json", 4002),
        ("[]", 4002),
        ('{"op": 99}', 4001),
        ('{"op": 2, "d": {"token": "wrong", "intents": 0}}', 4004),
        ('{"op": 2, "d": {"token": "made-up.token", "intents": 32768}}', 4014),
    ],
)
async def test_bad_frames_close_the_socket(server: FakeDiscord, frame: str, code: int) -> None:
    came, closed = await talk(server, frame)
    assert closed == code
    assert came[0]["op"] == 10


async def test_identifying_twice_closes_the_socket(server: FakeDiscord) -> None:
    identify = '{"op": 2, "d": {"token": "made-up.token", "intents": 0}}'
    came, closed = await talk(server, '{"op": 1, "d": null}', '{"op": 3, "d": {}}', identify, identify)
    assert closed == 4005
    assert [frame["op"] for frame in came[:3]] == [10, 11, 0]


async def test_another_api_version_is_refused(server: FakeDiscord) -> None:
    assert await talk(server, query="?v=6") == ([], 4012)


async def test_zlib_is_spoken_too(server: FakeDiscord) -> None:
    stream = zlib.decompressobj()
    async with (
        aiohttp.ClientSession() as session,
        session.ws_connect(server.gateway_url + "?v=10&compress=zlib-stream") as socket,
    ):
        hello = json.loads(stream.decompress(await socket.receive_bytes()))
        await socket.send_str('{"op": 1, "d": null}')
        beat = json.loads(stream.decompress(await socket.receive_bytes()))
    assert (hello["op"], beat["op"]) == (10, 11)
