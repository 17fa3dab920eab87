"""What a command is: a name, its arguments, and what it does. Discord and the console both run it from here."""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from bot import errors
from bot.arguments import Argument
from bot.page import Page, Progress, Question
from core.experiment_ports import Experiments
from core.ports import Assistant, Curator
from core.tenancy import TenantContext

T = TypeVar("T")

Confirm = Callable[[Question], Awaitable[bool]]


async def nobody_agrees(_: Question) -> bool:
    return False


@dataclass(frozen=True, slots=True)
class Call:
    """A command as somebody used it: `given` has each argument by name, as typed; `call[ARGUMENT]` reads one.

    `moderator` says that the person may manage the server, `operator` that they run this bot; `confirm` asks them
    whether they mean it. `news_channel` is where news goes to if they name no place ("" for nowhere).
    """

    assistant: Assistant
    tenant: TenantContext
    given: Mapping[str, str] = field(default_factory=dict)
    following: Curator | None = None
    moderator: bool = False
    confirm: Confirm = nobody_agrees
    news_channel: str = ""
    experimenting: Experiments | None = None
    operator: bool = False

    def __getitem__(self, argument: Argument[T]) -> T:
        """The argument's value. Raises BadInput where it cannot be used."""
        return argument.read(self.given.get(argument.name, ""))

    @property
    def curator(self) -> Curator:
        """Raises Unavailable where this bot follows nothing."""
        if self.following is None:
            raise errors.no_curator()
        return self.following

    @property
    def experiments(self) -> Experiments:
        """Raises Unavailable where this bot has none."""
        if self.experimenting is None:
            raise errors.no_experiments()
        return self.experimenting

    def only_operators(self, what: str) -> None:
        """Raises BadInput where the person does not run this bot."""
        if not self.operator:
            raise errors.needs_operator(what)

    def only_moderators(self, what: str) -> None:
        """Raises BadInput where the person may not manage the server."""
        if not self.moderator:
            raise errors.needs_moderator(what)


@dataclass(frozen=True, slots=True)
class Command:
    """A command. `run` yields any number of `Progress` and then one `Page`.

    With `moderators` it is for those alone who may manage the server; `private` replies are shown to the person alone;
    `confirms` says that it may ask whether they mean it.
    """

    name: str
    description: str
    run: Callable[[Call], AsyncIterator[Progress | Page]]
    arguments: tuple[Argument[Any], ...] = ()
    moderators: bool = False
    private: bool = False
    confirms: bool = False

    def check(self, given: Mapping[str, str]) -> None:
        """Raises BadInput where an argument cannot be used."""
        for argument in self.arguments:
            argument.read(given.get(argument.name, ""))


async def perform(command: Command, call: Call, show: Callable[[Progress], None]) -> Page:
    """Run a command to its page; each progress on the way goes to `show`. Raises BadInput before anything is done."""
    if command.moderators:
        call.only_moderators(f"/{command.name} is")
    command.check(call.given)
    page: Page | None = None
    async for shown in command.run(call):
        if isinstance(shown, Page):
            page = shown
        else:
            show(shown)
    if page is None:
        raise RuntimeError(f"/{command.name} ended without a page.")
    return page
