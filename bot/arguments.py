"""What a command can be given: each class is one kind of argument, and reads what was typed or chosen into its value.

Whatever arrives, from Discord or the console, arrives as text; "" stands for what was left out.
"""

import re
from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from bot import errors
from bot.plain_text import has_control_characters

T = TypeVar("T")

# Discord writes `<#1>` and `<@1>` or `<@!1>` for them; an id alone is taken too.
_CHANNEL = re.compile(r"(?:<#)?([0-9]{1,20})>?")
_USER = re.compile(r"(?:<@!?)?([0-9]{1,20})>?")
_WHOLE_NUMBER = re.compile(r"-?[0-9]{1,9}")
MOST_PHRASES = 10
Completions = Sequence[tuple[str, str]]


@dataclass(frozen=True, slots=True)
class Argument(ABC, Generic[T]):
    """One thing that a command is given. `description` is what Discord shows, up to 100 characters."""

    name: str
    description: str
    required: bool = False

    @abstractmethod
    def read(self, text: str) -> T:
        """The value. Raises BadInput where `text` is none, with what to write instead."""

    def text(self, typed: str, max_chars: int) -> str:
        """What was typed, trimmed. Raises BadInput where it is missing, too long or holds control characters."""
        if len(typed) > max_chars:
            raise errors.too_long(self.name, len(typed), max_chars)
        if has_control_characters(typed):
            raise errors.control_characters(self.name)
        trimmed = typed.strip()
        if not trimmed and self.required:
            raise errors.empty(self.name)
        return trimmed


@dataclass(frozen=True, slots=True)
class Text(Argument[str]):
    """Words, at most `max_chars` long (Discord takes up to 6000).

    `complete` offers (label, value) pairs for what was typed so far; it is given a `bot.command.Call`.
    """

    max_chars: int = 2000
    complete: Callable[[Any, str], Awaitable[Completions]] | None = None

    def read(self, text: str) -> str:
        return self.text(text, self.max_chars)


@dataclass(frozen=True, slots=True)
class Link(Text):
    """An address. People write <https://…> on Discord to keep a link from unfolding."""

    def read(self, text: str) -> str:
        # Not super(): a dataclass with slots is another class than the one that super() knows.
        return Text.read(self, text).removeprefix("<").removesuffix(">")


@dataclass(frozen=True, slots=True)
class Phrases(Argument[tuple[str, ...]]):
    """Words or phrases between commas, at most `MOST_PHRASES`."""

    max_chars: int = 300

    def read(self, text: str) -> tuple[str, ...]:
        phrases = [phrase.strip() for phrase in self.text(text, self.max_chars).split(",")]
        kept = tuple(dict.fromkeys(phrase for phrase in phrases if phrase))
        if len(kept) > MOST_PHRASES:
            raise errors.too_many(self.name, len(kept), MOST_PHRASES)
        return kept


@dataclass(frozen=True, slots=True)
class Choice(Argument[str]):
    """One of `options`; the first where it is left out."""

    options: tuple[str, ...] = ()

    def read(self, text: str) -> str:
        chosen = self.text(text, 100).lower() or self.options[0]
        if chosen not in self.options:
            raise errors.not_an_option(self.name, chosen, self.options)
        return chosen


@dataclass(frozen=True, slots=True)
class Several(Argument[tuple[str, ...]]):
    """Some of `options`, between commas, in their order; all of them where it is left out. Four options at most."""

    options: tuple[str, ...] = ()

    def read(self, text: str) -> tuple[str, ...]:
        chosen = {option.strip() for option in self.text(text, 200).lower().split(",")} - {""}
        for option in sorted(chosen - set(self.options)):
            raise errors.not_an_option(self.name, option, self.options)
        return tuple(option for option in self.options if option in chosen) or self.options


@dataclass(frozen=True, slots=True)
class WholeNumber(Argument[int]):
    """A number from `low` to `high`; `default` where it is left out."""

    low: int = 0
    high: int = 1_000_000
    default: int = 0

    def read(self, text: str) -> int:
        typed = self.text(text, 100)
        if not typed:
            return self.default
        if not _WHOLE_NUMBER.fullmatch(typed) or not self.low <= int(typed) <= self.high:
            raise errors.not_in_range(self.name, typed, self.low, self.high)
        return int(typed)


@dataclass(frozen=True, slots=True)
class DiscordChannel(Argument[str]):
    """The id of a channel where messages can be written; "" where it is left out."""

    def read(self, text: str) -> str:
        return _id(self, _CHANNEL, text)


@dataclass(frozen=True, slots=True)
class DiscordFile(Argument[str]):
    """The link of a file that was attached; "" where there is none. In the console, the link."""

    def read(self, text: str) -> str:
        return self.text(text, 2000)


@dataclass(frozen=True, slots=True)
class DiscordUser(Argument[str]):
    """The id of somebody; "" where it is left out."""

    def read(self, text: str) -> str:
        return _id(self, _USER, text)


def _id(argument: Argument[str], pattern: re.Pattern[str], typed: str) -> str:
    text = argument.text(typed, 100)
    match = pattern.fullmatch(text)
    if text and match is None:
        raise errors.not_an_id(argument.name, text)
    return match[1] if match else ""
