"""A Discord on this machine: the REST API and the gateway, for the real discord.py client.

    async with FakeDiscord() as discord:
        point_at(discord.api_url, discord.gateway_url)      # bot.client
        …log in with discord.token…
        await discord.ready()
        call = await discord.slash("ask", question="What is tea?")
        await discord.until(lambda: call.done)

It refuses what Discord's documentation says that Discord refuses, with Discord's JSON errors.
"""

from tests.fakes.discord.interactions import Interaction
from tests.fakes.discord.server import FakeDiscord
from tests.fakes.discord.world import CHANNEL_ID, DM_CHANNEL_ID, GUILD_ID, MEMBER_ID, Message

__all__ = ["CHANNEL_ID", "DM_CHANNEL_ID", "GUILD_ID", "MEMBER_ID", "FakeDiscord", "Interaction", "Message"]
