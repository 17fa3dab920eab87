"""The fake Discord's REST API: rate limits, refusals and JSON errors."""

import asyncio

import aiohttp
import discord
import pytest

from tests.bot.other_client import OtherClient
from tests.fakes.discord import CHANNEL_ID, DM_CHANNEL_ID, FakeDiscord
from tests.fakes.discord.world import APPLICATION_ID


# ---------------------------------------------------------------- REST
async def test_a_direct_message_channel_can_be_opened(server: FakeDiscord, other: OtherClient) -> None:
    user = await other.application_info()
    assert (await user.owner.create_dm()).id == DM_CHANNEL_ID
    registered = [command["name"] for command in server.rest.commands]
    assert [command.name for command in await other.tree.fetch_commands()] == registered


async def test_commands_that_break_the_rules_are_refused(server: FakeDiscord, other: OtherClient) -> None:
    with pytest.raises(discord.HTTPException) as caught:
        await other.http.bulk_upsert_global_commands(APPLICATION_ID, [{"name": "BAD", "description": ""}])
    assert caught.value.code == 50035
    assert server.rest.commands, "what was there stays"


@pytest.mark.parametrize("everywhere", [False, True])
async def test_rate_limits_are_waited_out(server: FakeDiscord, other: OtherClient, everywhere: bool) -> None:
    server.rate_limit("POST", "/messages", times=2, everywhere=everywhere)
    room = other.get_partial_messageable(CHANNEL_ID)
    await asyncio.gather(*(room.send(str(number)) for number in range(3)))
    assert len(server.messages) == 3
    assert server.rest.impatient == []


async def test_a_call_that_does_not_wait_is_noted(server: FakeDiscord) -> None:
    server.rate_limit("GET", "/users/@me", retry_after_s=30)
    headers = {"Authorization": f"Bot {server.token}"}
    async with aiohttp.ClientSession(headers=headers) as session:
        async with session.get(f"{server.api_url}/users/@me") as response:
            assert (response.status, (await response.json())["global"]) == (429, False)
            assert response.headers["Retry-After"] == "30.000"
        async with session.get(f"{server.api_url}/users/@me") as response:
            assert response.status == 200
    assert server.rest.impatient == ["GET /users/@me"]


async def test_webhooks_and_interactions_that_do_not_exist(server: FakeDiscord) -> None:
    async with aiohttp.ClientSession() as session:
        codes = []
        for path in ("/interactions/1/x/callback", f"/webhooks/{APPLICATION_ID}/x", "/nowhere"):
            async with session.post(server.api_url + path, json={"type": 5, "content": "x"}) as response:
                codes.append((response.status, (await response.json())["code"]))
    assert codes == [(404, 10062), (404, 10015), (401, 0)]


async def test_an_unknown_path_is_a_json_404(server: FakeDiscord) -> None:
    headers = {"Authorization": f"Bot {server.token}"}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.get(f"{server.api_url}/nowhere") as response,
    ):
        assert (response.status, await response.json()) == (404, {"message": "404: Not Found", "code": 0})


async def test_answers_that_do_not_fit_the_interaction(server: FakeDiscord) -> None:
    made = server.interactions.open(4, CHANNEL_ID)
    url = f"{server.api_url}/interactions/{made.interaction_id}/{made.token}/callback"
    bad = [
        {"type": 4, "data": {"content": "x"}},
        {"type": 8, "data": {"choices": [{"name": "x", "value": "x"}] * 26}},
        {"type": 8, "data": {"choices": [{"name": "", "value": "x"}]}},
    ]
    async with aiohttp.ClientSession() as session:
        for body in bad:
            async with session.post(url, json=body) as response:
                assert (response.status, (await response.json())["code"]) == (400, 50035)
    assert made.answered_with is None
