"""A client of discord.py that uses more of Discord than the bot does, to try the fake with."""

import asyncio
import io
from typing import Any

import discord
from discord import app_commands

Interaction = discord.Interaction[Any]


class Buttons(discord.ui.View):
    @discord.ui.button(label="More", custom_id="more")
    async def more(self, interaction: Interaction, _: discord.ui.Button["Buttons"]) -> None:
        await interaction.response.edit_message(content="more")

    @discord.ui.button(label="Other", custom_id="other")
    async def other(self, interaction: Interaction, _: discord.ui.Button["Buttons"]) -> None:
        await interaction.response.send_message("another", ephemeral=True)


class OtherClient(discord.Client):
    """Commands for each way to answer; `heard` has the messages, `errors` what commands raised."""

    def __init__(self) -> None:
        intents = discord.Intents(guilds=True, guild_messages=True, dm_messages=True)
        super().__init__(intents=intents, guild_ready_timeout=0.05)
        self.tree = app_commands.CommandTree(self)
        self.tree.error(self._note)
        self.heard: asyncio.Queue[discord.Message] = asyncio.Queue()
        self.errors: asyncio.Queue[Exception] = asyncio.Queue()
        for build in (reply, twice, follow, suggest, files, vanish, nothing):
            self.tree.add_command(build())

    async def _note(self, _: Interaction, error: app_commands.AppCommandError) -> None:
        self.errors.put_nowait(error.original if isinstance(error, app_commands.CommandInvokeError) else error)

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_message(self, message: discord.Message) -> None:
        self.heard.put_nowait(message)

    async def before_identify_hook(self, shard_id: int | None, *, initial: bool = False) -> None:
        """discord.py waits 5 s before it identifies again; not here."""


Built = app_commands.Command[Any, ..., Any]


def reply() -> Built:
    @app_commands.command(name="reply", description="Send a message with buttons.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.send_message("hello @everyone", view=Buttons())

    return run


def twice() -> Built:
    @app_commands.command(name="twice", description="Acknowledge twice.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.defer()
        interaction.response._response_type = None
        await interaction.response.defer()

    return run


def follow() -> Built:
    @app_commands.command(name="follow", description="Defer, then follow up.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.defer()
        first = await interaction.followup.send("first", wait=True)
        second = await interaction.followup.send("second", wait=True)
        await second.edit(content="second, edited")
        third = await interaction.followup.send("third", wait=True)
        await third.delete()
        again = await interaction.original_response()
        assert again.id == first.id

    return run


def suggest() -> Built:
    @app_commands.command(name="suggest", description="Offer completions.")
    @app_commands.describe(word="A word.")
    async def run(interaction: Interaction, word: app_commands.Range[str, 1, 10]) -> None:
        await interaction.response.send_message(word)

    @run.autocomplete("word")
    async def complete(_: Interaction, typed: str) -> list[app_commands.Choice[str]]:
        return [app_commands.Choice(name=f"{typed}{end}", value=typed) for end in ("a", "b")]

    return run


def files() -> Built:
    @app_commands.command(name="files", description="Send a file.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.send_message("here", file=discord.File(io.BytesIO(b"1,2\n"), "data.csv"))

    return run


def vanish() -> Built:
    @app_commands.command(name="vanish", description="Delete the reply, then edit it.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.send_message("short-lived")
        await interaction.delete_original_response()
        await interaction.edit_original_response(content="too late")

    return run


def nothing() -> Built:
    @app_commands.command(name="nothing", description="Send an empty message.")
    async def run(interaction: Interaction) -> None:
        await interaction.response.send_message("")

    return run
