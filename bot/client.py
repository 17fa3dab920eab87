"""The bot on Discord: every command of `bot.commands` as a slash command, and a start that fails with a sentence."""

import asyncio
import signal
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any, Protocol

import discord
import yarl
from discord import app_commands
from pydantic import SecretStr
from rich.console import Console

from bot import errors
from bot.announcing import Announcing
from bot.command import Call, Command, perform
from bot.commands import all_commands
from bot.delivery import Delivery, fail
from bot.options import Interaction, check_writable, slash_command
from bot.page import Page
from bot.plain_text import one_line
from bot.signals import OnSignals
from core.experiment_ports import Experiments
from core.ports import Announcer, Assistant, Curator
from core.tenancy import TenantContext

WORKSPACE = "guild"
GRACE_S = 10.0


class Tree(app_commands.CommandTree["BotClient"]):
    """The slash commands. What a command does not handle itself is told to the person, and logged."""

    async def on_error(self, interaction: Interaction, error: app_commands.AppCommandError, /) -> None:
        await fail(interaction, error.original if isinstance(error, app_commands.CommandInvokeError) else error)


class BotClient(discord.Client):
    """Slash commands over an Assistant; the guild is the tenant.

    It keeps nothing: after a restart or a reconnect it goes on from what Discord sends and the announcer hands out. On
    `close`, calls in flight have `grace_s` to finish; those that don't are stopped, and the people who wait are told.
    """

    def __init__(
        self,
        assistant: Assistant,
        commands: Sequence[Command] | None = None,
        *,
        curator: Curator | None = None,
        announcer: Announcer | None = None,
        experiments: Experiments | None = None,
        operators: Collection[str] = (),
        greet: Callable[[str], None] | None = None,
        grace_s: float = GRACE_S,
    ) -> None:
        """`operators` are the ids of the users who run this bot: they alone move experiments, which concern all."""
        super().__init__(
            intents=discord.Intents(guilds=True),
            allowed_mentions=discord.AllowedMentions.none(),
            member_cache_flags=discord.MemberCacheFlags.none(),
            chunk_guilds_at_startup=False,
            max_messages=None,
        )
        self._assistant = assistant
        self._curator = curator
        self._experiments = experiments
        self._operators = frozenset(operators)
        self._announcing = Announcing(announcer, self) if announcer is not None else None
        self._greet = greet
        self._grace_s = grace_s
        self._calls: set[asyncio.Task[None]] = set()
        self._works: set[asyncio.Task[Page]] = set()
        self.tree = Tree(self)
        for command in all_commands() if commands is None else commands:
            self.tree.add_command(self._slash_command(command))

    async def setup_hook(self) -> None:
        await self.tree.sync()
        if self._announcing is not None:
            self._announcing.start()

    async def on_ready(self) -> None:
        # Discord sends READY again whenever a session could not be resumed.
        greet, self._greet = self._greet, None
        if greet is not None:
            greet(str(self.user))

    def _slash_command(self, command: Command) -> app_commands.Command[Any, ..., Any]:
        async def serve(interaction: Interaction, given: Mapping[str, str]) -> None:
            """Acknowledge, do it, deliver. Raises what Discord's own calls raise; see `Tree.on_error`."""
            call = asyncio.create_task(self._serve(command, interaction, given))
            self._calls.add(call)
            call.add_done_callback(self._calls.discard)
            await call

        return slash_command(command, serve, self._call)

    def _call(self, interaction: Interaction) -> Call:
        """Who uses a command, and where. Discord says what they may do; nothing of it comes from the person's client.

        Raises BadInput in a direct message.
        """
        if interaction.guild_id is None:
            raise errors.needs_server()
        tenant = TenantContext(str(interaction.guild_id), WORKSPACE, str(interaction.user.id))
        may = interaction.permissions
        return Call(
            self._assistant,
            tenant,
            following=self._curator,
            moderator=may.manage_guild or may.administrator,
            experimenting=self._experiments,
            operator=tenant.user in self._operators,
        )

    async def _serve(self, command: Command, interaction: Interaction, given: Mapping[str, str]) -> None:
        delivery = Delivery(interaction)
        if interaction.guild_id is None:
            await delivery.acknowledge()
            await delivery.finish(errors.page(errors.needs_server()))
            return
        call = replace(self._call(interaction), given=given, confirm=delivery.ask)
        await delivery.acknowledge(private=command.private or (command.moderators and not call.moderator))
        work = asyncio.create_task(self._perform(command, call, interaction, delivery))
        self._works.add(work)
        work.add_done_callback(self._works.discard)
        await delivery.finish(await errors.page_of(work))

    async def _perform(self, command: Command, call: Call, interaction: Interaction, delivery: Delivery) -> Page:
        check_writable(command, interaction, call.given)
        return await perform(command, call, delivery.progress)

    async def close(self) -> None:
        # Together with the calls: who stops the bot waits for one grace, not for one after the other.
        announced = asyncio.create_task(self._announcing.stop(self._grace_s)) if self._announcing is not None else None
        if self._works:
            await asyncio.wait(self._works, timeout=self._grace_s)
        for work in tuple(self._works):
            work.cancel()
        if self._calls:
            await asyncio.wait(self._calls, timeout=self._grace_s)
        if announced is not None:
            await announced
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

    @property
    def operators(self) -> Collection[str]: ...


def _tell_ready(name: str) -> None:
    Console(stderr=True).print(f"On Discord as {one_line(name)}. Ctrl-C stops it.", markup=False, highlight=False)


async def run_discord(
    assistant: Assistant,
    access: DiscordAccess,
    *,
    curator: Curator | None = None,
    announcer: Announcer | None = None,
    experiments: Experiments | None = None,
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
        async with BotClient(
            assistant,
            curator=curator,
            announcer=announcer,
            experiments=experiments,
            operators=access.operators,
            greet=on_ready,
        ) as client:
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
