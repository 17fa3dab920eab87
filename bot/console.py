"""The bot in a terminal: the same commands without Discord, at a prompt or once: `python -m bot.console ask "…"`."""

import asyncio
import io
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from functools import partial
from pathlib import Path

from rich.console import Console

from bot import command_line, errors
from bot.arguments import Completions, Text
from bot.command import Call, Command, perform
from bot.commands import all_commands
from bot.lines import CommandCompleter, Lines, PromptLines, StreamLines
from bot.news import shown_news
from bot.page import BLANK, Line, Page, Question, Span, Style, Tone, line
from bot.product import Product
from bot.signals import OnSignals
from bot.terminal import ProgressView, print_page
from core.errors import BotError
from core.experiment_ports import Experiments
from core.ports import Announcer, Assistant, Curator
from core.tenancy import TenantContext

TENANT = TenantContext("console", "console", "console")
EXIT_CODES = {Tone.ANSWER: 0, Tone.NOTHING: 0, Tone.PROBLEM: 1, Tone.BAD_INPUT: 2}
_QUIT = ("quit", "exit")
HISTORY = "console_history"


Connect = Callable[[], AbstractAsyncContextManager[Product]]


async def main(argv: Sequence[str], connect: Connect, console: Console | None = None) -> int:
    """One command from the command line, or the prompt where there is none.

    Returns the exit code: 0 done (also where the transcripts don't say), 1 it failed, 2 it was not asked right.
    """
    console = console or _standard_console()
    if argv and argv[0].lstrip("-") in ("help", "h"):
        print_page(console, help_page())
        return 0
    try:
        # Before connecting, which takes seconds: what cannot be done is said at once.
        wanted = _find(argv[0].removeprefix("/"), argv[1:]) if argv else None
        async with connect() as product:
            if wanted is None:
                # The news is for the one prompt that runs beside the bot, not for each that joins it.
                await run_console(
                    product.assistant, curator=product.curator, experiments=product.experiments, console=console
                )
                return 0
            return EXIT_CODES[await _do(console, product, *wanted)]
    except (BotError, OSError) as error:
        page = errors.page(error)
        print_page(console, page)
        return EXIT_CODES[page.tone]


def _standard_console() -> Console:
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A terminal that knows no “ shows a ? instead of ending the program.
        sys.stdout.reconfigure(errors="replace")
    return Console()


async def run_console(
    assistant: Assistant,
    data_dir: Path | None = None,
    *,
    curator: Curator | None = None,
    announcer: Announcer | None = None,
    experiments: Experiments | None = None,
    console: Console | None = None,
    lines: Lines | None = None,
) -> None:
    """Answer line by line until /quit or the end of the input, and show news while nobody types a command.

    What is typed is kept in `data_dir` if given.
    """
    console = console or _standard_console()
    product = Product(assistant, curator, announcer, experiments)
    if lines is None:
        history = data_dir / HISTORY if data_dir else None
        lines = PromptLines(history, _completer(product)) if sys.stdin.isatty() else StreamLines(sys.stdin)
    async with shown_news(announcer, TENANT.tenant, partial(print_page, console)) as idle:
        while (typed := await _while_idle(lines, idle)) is not None:
            text = typed.strip()
            if not text:
                continue
            name, rest = _parse(text)
            if name in _QUIT:
                return
            await _one_line(console, product, name, rest)
            console.print()


async def _while_idle(lines: Lines, idle: asyncio.Event) -> str | None:
    idle.set()
    try:
        return await lines.read()
    finally:
        idle.clear()


def _parse(text: str) -> tuple[str, str]:
    """`/name rest` is a command; anything else is a question."""
    if not text.startswith("/"):
        return "ask", text
    name, _, rest = text[1:].partition(" ")
    return name.lower(), rest


async def _one_line(console: Console, product: Product, name: str, rest: str) -> None:
    if name == "help":
        print_page(console, help_page())
        return
    try:
        wanted = _find(name, rest)
    except BotError as error:
        print_page(console, errors.page(error))
        return
    await _do(console, product, *wanted)


def _find(name: str, typed: str | Sequence[str]) -> tuple[Command, Mapping[str, str]]:
    """The command and its arguments, checked: from a line, or a shell's words. Raises BadInput."""
    for command in all_commands():
        if command.name == name:
            given = command_line.given(command, typed)
            command.check(given)
            return command, given
    raise errors.unknown_command(name)


async def _do(console: Console, product: Product, command: Command, given: Mapping[str, str]) -> Tone:
    """Do it and print the page. Ctrl-C stops it, and only it."""

    async def confirm(question: Question) -> bool:
        if given.get(command_line.CONFIRM, "").lower() == "yes":
            return True
        print_page(console, question.page)
        return False

    call = replace(_call(product), given=given, confirm=confirm)
    with ProgressView(console) as view:
        work = asyncio.ensure_future(perform(command, call, view.show))
        with OnSignals(work.cancel, signal.SIGINT):
            page = await errors.page_of(work)
    print_page(console, page)
    return page.tone


def _call(product: Product) -> Call:
    """Whoever is at this terminal runs the bot."""
    return Call(
        product.assistant,
        TENANT,
        following=product.curator,
        moderator=True,
        news_channel=TENANT.tenant,
        experimenting=product.experiments,
        operator=True,
    )


def _completer(product: Product) -> CommandCompleter:
    """Completes the commands' names and, after one, what its first argument may be."""

    async def first_argument(name: str, typed: str) -> Completions:
        for command in all_commands():
            first = command.arguments[0] if command.name == name and command.arguments else None
            if isinstance(first, Text) and first.complete is not None:
                return await first.complete(_call(product), typed)
        return ()

    return CommandCompleter([*(command.name for command in all_commands()), "help", "quit"], first_argument)


def help_page() -> Page:
    """Every command in a line each."""
    lines: list[Line] = [line("A line without / is a question."), BLANK]
    lines.extend(
        line(Span(f"/{command.name}{_placeholder(command)}", Style.BOLD), f" — {command.description}")
        for command in all_commands()
    )
    lines.append(line(Span("/help", Style.BOLD), " — These lines."))
    lines.append(line(Span("/quit", Style.BOLD), " — Leave."))
    return Page(tuple(lines), "Commands", tone=Tone.NOTHING)


def _placeholder(command: Command) -> str:
    """What stands for the arguments: ` NAME`, ` [NAME]` where it can be left out, ` [name=…]` from the second on."""
    shown = [
        (argument.name.upper() if number == 0 else f"{argument.name}=…", argument.required)
        for number, argument in enumerate(command.arguments)
    ]
    if command.confirms:
        shown.append((f"{command_line.CONFIRM}=yes", False))
    return "".join(f" {text}" if required else f" [{text}]" for text, required in shown)


if __name__ == "__main__":
    from bot.__main__ import connected

    try:
        sys.exit(asyncio.run(main(sys.argv[1:], connected)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
