"""Commands as Discord's slash commands: each argument a native option, with its choices, range or completions."""

import asyncio
import inspect
from collections.abc import Awaitable, Callable, Mapping
from itertools import combinations
from typing import Any

import discord
from discord import app_commands
from discord.app_commands import Choice as OptionChoice

from bot import errors
from bot.arguments import (
    Argument,
    Choice,
    DiscordChannel,
    DiscordFile,
    DiscordUser,
    Phrases,
    Several,
    Text,
    WholeNumber,
)
from bot.command import Call, Command
from bot.plain_text import one_line, shorten

Interaction = discord.Interaction[Any]
Serve = Callable[[Interaction, Mapping[str, str]], Awaitable[None]]
CallOf = Callable[[Interaction], Call]

# Discord's own: interactions/application-commands, "Application Command Option Choice Structure".
_MOST_CHOICES, _CHOICE_CHARS = 25, 100
_COMPLETE_WITHIN_S = 2.0
_WRITABLE = [
    discord.ChannelType.text,
    discord.ChannelType.news,
    discord.ChannelType.public_thread,
    discord.ChannelType.private_thread,
    discord.ChannelType.news_thread,
]


class Option(app_commands.Transformer):
    """An argument as one of Discord's options. What arrives is handed on as text, as the console would."""

    def __init__(self, argument: Argument[Any]) -> None:
        self.argument = argument
        self._shape = shape(argument)

    @property
    def type(self) -> discord.AppCommandOptionType:
        kind: discord.AppCommandOptionType = self._shape.get("type", discord.AppCommandOptionType.string)
        return kind

    @property
    def choices(self) -> list[OptionChoice[str | int | float]] | None:
        return self._shape.get("choices")

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        types: list[discord.ChannelType] = self._shape.get("channel_types", [])
        return types

    @property
    def min_value(self) -> int | None:
        return self._shape.get("min_value")

    @property
    def max_value(self) -> int | None:
        return self._shape.get("max_value")

    async def transform(self, _: Interaction, value: Any, /) -> str:
        # A channel, a user or a file arrives as an object.
        return str(value.url if isinstance(value, discord.Attachment) else getattr(value, "id", value))


class CompletedOption(Option):
    """An option that offers what may be meant while it is typed."""

    def __init__(self, argument: Text, call_of: CallOf) -> None:
        super().__init__(argument)
        self._complete = argument.complete
        self._call_of = call_of

    async def autocomplete(
        self, interaction: Interaction, value: int | float | str, /
    ) -> list[OptionChoice[str | int | float]]:
        if self._complete is None or interaction.guild_id is None:
            return []
        offering = asyncio.ensure_future(self._complete(self._call_of(interaction), str(value)))
        await asyncio.wait({offering}, timeout=_COMPLETE_WITHIN_S)
        # Completions are a courtesy: who gets none can still type.
        if offering.cancel() or offering.exception() is not None:
            return []
        return [
            OptionChoice(name=shorten(one_line(label), _CHOICE_CHARS) or offered[:_CHOICE_CHARS], value=offered)
            for label, offered in offering.result()[:_MOST_CHOICES]
            if 0 < len(offered) <= _CHOICE_CHARS
        ]


def shape(argument: Argument[Any]) -> dict[str, Any]:
    """What Discord is told about an argument beside its name: its type, choices, range or length."""
    match argument:
        case Text(max_chars=most) | Phrases(max_chars=most):
            return {"min_value": 1, "max_value": min(most, 6000)}
        case Choice(options=options):
            return {"choices": [OptionChoice(name=option, value=option) for option in options]}
        case Several(options=options):
            sets = [some for size in range(len(options), 0, -1) for some in combinations(options, size)]
            return {"choices": [OptionChoice(name=", ".join(some), value=",".join(some)) for some in sets]}
        case WholeNumber(low=low, high=high):
            return {"type": discord.AppCommandOptionType.integer, "min_value": low, "max_value": high}
        case DiscordChannel():
            return {"type": discord.AppCommandOptionType.channel, "channel_types": _WRITABLE}
        case DiscordFile():
            return {"type": discord.AppCommandOptionType.attachment}
        case DiscordUser():
            return {"type": discord.AppCommandOptionType.user}
    raise TypeError(f"{type(argument).__name__} has no form on Discord: give it one here.")


def slash_command(command: Command, serve: Serve, call_of: CallOf) -> app_commands.Command[Any, ..., Any]:
    """The command for Discord: `serve` carries it out, `call_of` says who asks for completions.

    discord.py reads the options off a function's signature, so it is given one.
    """

    async def callback(interaction: Interaction, **given: str) -> None:
        await serve(interaction, given)

    interaction, _ = inspect.signature(callback).parameters.values()
    parameters = [
        inspect.Parameter(
            argument.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=inspect.Parameter.empty if argument.required else "",
            annotation=_option(argument, call_of),
        )
        for argument in command.arguments
    ]
    callback.__signature__ = inspect.Signature([interaction, *parameters])  # type: ignore[attr-defined]
    described = app_commands.describe(**{each.name: each.description for each in command.arguments})(callback)
    made: app_commands.Command[Any, ..., Any] = app_commands.Command(
        name=command.name, description=command.description, callback=described
    )
    if command.moderators:
        # Hides it from others; what it may do is checked when it is used.
        made.default_permissions = discord.Permissions(manage_guild=True)
    return made


def _option(argument: Argument[Any], call_of: CallOf) -> Option:
    if isinstance(argument, Text) and argument.complete is not None:
        return CompletedOption(argument, call_of)
    return Option(argument)


def check_writable(command: Command, interaction: Interaction, given: Mapping[str, str]) -> None:
    """Raises BadInput for a channel that was chosen where the bot may not write, as far as it knows the channel."""
    guild = interaction.guild
    for argument in command.arguments:
        chosen = argument.read(given.get(argument.name, "")) if isinstance(argument, DiscordChannel) else ""
        channel = guild.get_channel(int(chosen)) if guild is not None and chosen else None
        if guild is None or channel is None or guild.me is None:
            continue
        may = channel.permissions_for(guild.me)
        if not (may.view_channel and may.send_messages and may.embed_links):
            raise errors.cannot_write(argument.name)
