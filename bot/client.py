"""The bot on Discord: every command of `bot.commands` as a slash command, and a start that fails with a sentence."""

import asyncio
import signal
from collections.abc import Callable, Sequence
from typing import Any, Protocol

import discord
import yarl
from discord import app_commands
from pydantic import SecretStr
from rich.console import Console

from bot import errors
from bot.command import Argument, Call, Command, perform
from bot.commands import all_commands
from bot.delivery import Delivery, fail
from bot.page import Page
from bot.plain_text import one_line
from bot.signals import OnSignals
from core.ports import Assistant
from core.tenancy import TenantContext

WORKSPACE = "guild"
GRACE_S = 10.0

Interaction = discord.Interaction[Any]


class Tree(app_commands.CommandTree["BotClient"]):
    """The slash commands. What a command does not handle itself is told to the person, and logged."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await fail(interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error)


class BotClient(discord.Client):
    """Slash commands over an Assistant; the guild is the tenant.

    It keeps nothing: after a restart or a reconnect it goes on from what Discord sends. On `close`, calls in flight
    have `grace_s` to finish; those that don't are stopped, and the people who wait are told.
    """

    def __init__(
        self,
        assistant: Assistant,
        commands: Sequence[Command] | None = None,
        *,
        greet: Callable[[str], None] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
        )
        self._assistant = assistant
        self._greet = greet
        self._grace_s = grace_s
        self._calls: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[Page]] = set()
        self.tree = Tree(self)
        for command in all_commands() if commands is None else commands:
            self.tree.add_command(self._slash_command(command))

    async def setup_hook(self) -> None:
        await self.tree.sync()

    async def on_ready(self) -> None:
        # Discord sends READY again whenever a session could not be resumed.
        greet, self._greet = self._greet, None
        if greet is not None:
            greet(str(self.user))

    def _slash_command(self, command: Command) -> app_commands.Command[Any, ..., Any]:
        argument = command.argument
        if argument is None:

            async def without_argument(interaction: Interaction) -> None:
                await self._call(command, interaction, "")

            return app_commands.Command(name=command.name, description=command.description, callback=without_argument)
        return app_commands.Command(
            name=command.name, description=command.description, callback=self._with_argument(command, argument)
        )

    def _with_argument(self, command: Command, argument: Argument) -> Any:
        """A callback with one option. discord.py reads all about it off the function, so it is put on it here."""

        async def with_argument(interaction: Interaction, text: str) -> None:
            await self._call(command, interaction, text)

        if not argument.required:
            with_argument.__defaults__ = ("",)
        with_argument.__annotations__["text"] = app_commands.Range[str, 1, min(argument.max_chars, 6000)]
        described = app_commands.describe(text=argument.description)(with_argument)
        return app_commands.rename(text=argument.name)(described)

    async def _call(self, command: Command, interaction: Interaction, text: str) -> None:
        """Acknowledge, do it, deliver. Raises what Discord's own calls raise; see `Tree.on_error`."""
        delivery = Delivery(interaction)
        call = asyncio.create_task(self._serve(command, interaction, text, delivery))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        await call

    async def _serve(self, command: Command, interaction: Interaction, text: str, delivery: Delivery) -> None:
        await delivery.acknowledge()
        if interaction.guild_id is None:
            await delivery.finish(errors.page(errors.needs_server()))
            return
        tenant = TenantContext(str(interaction.guild_id), WORKSPACE, str(interaction.user.id))
        work = asyncio.create_task(perform(command, Call(self._assistant, tenant, text), delivery.progress))
        self._works.add(work)
        work.add_done_callback(self._works.discard)
        await delivery.finish(await errors.page_of(work))

    async def close(self) -> None:
        if self._works:
            await asyncio.wait(self._works, timeout=self._grace_s)
        for work in tuple(self._works):
            work.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=self._grace_s)
        await super().close()


def point_at(api_url: str, gateway_url: str) -> None:
    """Make discord.py speak to another Discord, for tests. Empty addresses leave Discord's own."""
    if api_url:
        discord.http.Route.BASE = api_url
    if gateway_url:
        discord.gateway.DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(gateway_url)


class DiscordAccess(Protocol):
    """Where Discord is and who we are there: `settings.discord` fits."""

    @property
    def token(self) -> SecretStr | None: ...

    @property
    def api_url(self) -> str: ...

    @property
    def gateway_url(self) -> str: ...


def _tell_ready(name: str) -> None:
    Console(stderr=True).print(f"On Discord as {one_line(name)}. Ctrl-C stops it.", markup=False, highlight=False)


async def run_discord(
    assistant: Assistant,
    access: DiscordAccess,
    *,
    stop: asyncio.Event | None = None,
    on_ready: Callable[[str], None] = _tell_ready,
) -> None:
    """Be on Discord until `stop` is set, or SIGINT or SIGTERM arrives; `on_ready` gets the bot's name once.

    Raises StartupFailed where Discord refuses the token or the bot, or cannot be reached.
    """
    point_at(access.api_url, access.gateway_url)
    token = access.token.get_secret_value() if access.token else ""
    stop = stop or asyncio.Event()
    with OnSignals(stop.set, signal.SIGINT, signal.SIGTERM):
        async with BotClient(assistant, greet=on_ready) as client:
            session = asyncio.create_task(client.start(token))
            stopping = asyncio.create_task(stop.wait())
            await asyncio.wait({session, stopping}, return_when=asyncio.FIRST_COMPLETED)
            stopping.cancel()
            if stop.is_set():
                await client.close()
                # Closing pulls the ground from under the session: what it raises now tells nobody anything.
                session.cancel()
                await asyncio.gather(session, return_exceptions=True)
                return
    error = session.exception()
    if error is not None:
        known = errors.discord_startup(error)
        raise (known or error) from error
