"""A bot on the fake Discord: the real client of discord.py, logged in."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from random import Random

import discord
import pytest

from bot.announcing import Announcing
from bot.client import BotClient, point_at
from tests.bot.news import Start
from tests.bot.other_client import OtherClient
from tests.fakes.announcer import FakeAnnouncer
from tests.fakes.assistant import FakeAssistant
from tests.fakes.curator import FakeCurator
from tests.fakes.discord import FakeDiscord, Interaction


@pytest.fixture(autouse=True)
def restore_addresses() -> Iterator[None]:
    """`point_at` sets two globals of discord.py; put Discord's own back."""
    base, gateway = discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY
    yield
    discord.http.Route.BASE, discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = base, gateway


class Clock:
    """Seconds that pass only when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def server(clock: Clock) -> AsyncIterator[FakeDiscord]:
    async with FakeDiscord(clock=clock) as made:
        yield made


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
def curator() -> FakeCurator:
    return FakeCurator()


@pytest.fixture
async def client(server: FakeDiscord, assistant: FakeAssistant, curator: FakeCurator) -> AsyncIterator[BotClient]:
    """The bot, logged in and ready for interactions."""
    point_at(server.api_url, server.gateway_url)
    async with BotClient(assistant, curator=curator, grace_s=0.3) as made:
        # How long discord.py waits for more servers before it is ready.
        made._connection.guild_ready_timeout = 0.05
        session = asyncio.create_task(made.start(server.token))
        await server.ready()
        yield made
        await made.close()
        await asyncio.wait_for(session, 10)


@pytest.fixture
async def other(server: FakeDiscord) -> AsyncIterator[OtherClient]:
    point_at(server.api_url, server.gateway_url)
    async with OtherClient() as made:
        session = asyncio.create_task(made.start(server.token))
        await server.ready()
        yield made
        await made.close()
        await asyncio.wait_for(session, 10)


async def finished(server: FakeDiscord, call: Interaction) -> str:
    """What the person reads once the reply is there."""
    await server.until(lambda: call.done)
    assert call.original is not None
    assert not any(message.pings for message in call.messages)
    return call.original.text


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
