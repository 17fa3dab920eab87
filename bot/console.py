"""The bot in a terminal: the same commands without Discord, at a prompt or once: `python -m bot.console ask "…"`."""

import asyncio
import io
import signal
import sys
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from rich.console import Console

from bot import errors
from bot.command import Call, Command, perform, read_argument
from bot.commands import all_commands
from bot.lines import Lines, PromptLines, StreamLines
from bot.page import BLANK, Line, Page, Span, Style, Tone, line
from bot.signals import OnSignals
from bot.terminal import ProgressView, print_page
from core.errors import BotError
from core.ports import Assistant
from core.tenancy import TenantContext

TENANT = TenantContext("console", "console", "console")
EXIT_CODES = {Tone.ANSWER: 0, Tone.NOTHING: 0, Tone.PROBLEM: 1, Tone.BAD_INPUT: 2}
_QUIT = ("quit", "exit")
HISTORY = "console_history"

Connect = Callable[[], AbstractAsyncContextManager[Assistant]]


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
        wanted = _find(argv[0].removeprefix("/"), " ".join(argv[1:])) if argv else None
        async with connect() as assistant:
            if wanted is None:
                await run_console(assistant, console=console)
                return 0
            return EXIT_CODES[await _do(console, assistant, *wanted)]
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
    assistant: Assistant, data_dir: Path | None = None, *, console: Console | None = None, lines: Lines | None = None
) -> None:
    """Answer line by line until /quit or the end of the input. What is typed is kept in `data_dir` if given."""
    console = console or _standard_console()
    if lines is None:
        words = [f"/{name}" for name in (*(command.name for command in all_commands()), "help", "quit")]
        history = data_dir / HISTORY if data_dir else None
        lines = PromptLines(history, words) if sys.stdin.isatty() else StreamLines(sys.stdin)
    while (typed := await lines.read()) is not None:
        text = typed.strip()
        if not text:
            continue
        name, rest = _parse(text)
        if name in _QUIT:
            return
        await _one_line(console, assistant, name, rest)
        console.print()


def _parse(text: str) -> tuple[str, str]:
    """`/name rest` is a command; anything else is a question."""
    if not text.startswith("/"):
        return "ask", text
    name, _, rest = text[1:].partition(" ")
    return name.lower(), rest


async def _one_line(console: Console, assistant: Assistant, name: str, rest: str) -> None:
    if name == "help":
        print_page(console, help_page())
        return
    try:
        wanted = _find(name, rest)
    except BotError as error:
        print_page(console, errors.page(error))
        return
    await _do(console, assistant, *wanted)


def _find(name: str, text: str) -> tuple[Command, str]:
    """The command and its argument, checked. Raises BadInput."""
    for command in all_commands():
        if command.name == name:
            if command.argument is None and text.strip():
                raise errors.takes_nothing(name)
            return command, read_argument(command.argument, text) if command.argument else ""
    raise errors.unknown_command(name)


async def _do(console: Console, assistant: Assistant, command: Command, text: str) -> Tone:
    """Do it and print the page. Ctrl-C stops it, and only it."""
    with ProgressView(console) as view:
        work = asyncio.ensure_future(perform(command, Call(assistant, TENANT, text), view.show))
        with OnSignals(work.cancel, signal.SIGINT):
            page = await errors.page_of(work)
    print_page(console, page)
    return page.tone


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
    """What stands for the argument: ` NAME`, ` [NAME]` where it can be left out, or nothing."""
    if command.argument is None:
        return ""
    name = command.argument.name.upper()
    return f" {name}" if command.argument.required else f" [{name}]"


if __name__ == "__main__":
    from bot.__main__ import connected_assistant

    try:
        sys.exit(asyncio.run(main(sys.argv[1:], connected_assistant)))
    except (KeyboardInterrupt, asyncio.CancelledError):
        sys.exit(130)
