"""What a command is: a name, at most one argument, and what it does. Discord and the console both run it from here."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

from bot import errors
from bot.page import Page, Progress
from bot.plain_text import has_control_characters
from core.ports import Assistant
from core.tenancy import TenantContext


@dataclass(frozen=True, slots=True)
class Argument:
    """The one thing that a command is given, at most `max_chars` long (Discord takes up to 6000)."""

    name: str
    description: str
    max_chars: int = 2000
    required: bool = True


@dataclass(frozen=True, slots=True)
class Call:
    """A command as somebody used it; `text` is the argument as typed."""

    assistant: Assistant
    tenant: TenantContext
    text: str = ""


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `run` yields any number of `Progress` and then one `Page`."""

    name: str
    description: str
    run: Callable[[Call], AsyncIterator[Progress | Page]]
    argument: Argument | None = None


def read_argument(argument: Argument, text: str) -> str:
    """The argument, trimmed. Raises BadInput where it is missing, too long or holds control characters."""
    if len(text) > argument.max_chars:
        raise errors.too_long(argument.name, len(text), argument.max_chars)
    if has_control_characters(text):
        raise errors.control_characters(argument.name)
    trimmed = text.strip()
    if not trimmed and argument.required:
        raise errors.empty(argument.name)
    return trimmed


async def perform(command: Command, call: Call, show: Callable[[Progress], None]) -> Page:
    """Run a command to its page; each progress on the way goes to `show`."""
    page: Page | None = None
    async for shown in command.run(call):
        if isinstance(shown, Page):
            page = shown
        else:
            show(shown)
    if page is None:
        raise RuntimeError(f"/{command.name} ended without a page.")
    return page
