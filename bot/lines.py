"""Where the console's lines come from: a prompt with history on a terminal, else standard input as it is."""

import asyncio
import io
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable, Sequence
from pathlib import Path
from typing import Protocol, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output
from prompt_toolkit.patch_stdout import patch_stdout

from bot.arguments import Completions
from bot.plain_text import one_line

PROMPT = "ask> "


class Lines(Protocol):
    async def read(self) -> str | None:
        """The next line without its end; None when there are no more."""
        ...


class CommandCompleter(Completer):
    """Completes `/name`, and after it what `first_argument(name, typed)` offers as (label, value) pairs."""

    def __init__(
        self, names: Sequence[str], first_argument: Callable[[str, str], Awaitable[Completions]] | None = None
    ) -> None:
        self.names = sorted(names)
        self._first_argument = first_argument

    def get_completions(self, document: Document, _: CompleteEvent) -> Iterable[Completion]:
        """The names alone: what follows them has to be waited for."""
        typed = document.text_before_cursor
        for name in self.names:
            if f"/{name}".startswith(typed) and typed:
                yield Completion(f"/{name}", -len(typed))

    async def get_completions_async(
        self, document: Document, complete_event: CompleteEvent
    ) -> AsyncGenerator[Completion, None]:
        name, space, typed = document.text_before_cursor.partition(" ")
        if not space or not name.startswith("/") or self._first_argument is None:
            for each in self.get_completions(document, complete_event):
                yield each
            return
        offering = asyncio.ensure_future(self._first_argument(name[1:].lower(), typed))
        await asyncio.wait({offering})
        # Completions are a courtesy: who gets none can still type.
        for label, value in [] if offering.exception() is not None else offering.result():
            yield Completion(one_line(value), -len(typed), display=one_line(label))


class PromptLines:
    """A prompt with editing, history and completion of the commands. Ctrl-C drops the line, Ctrl-D ends."""

    def __init__(
        self, history: Path | None, completer: Completer, keys: Input | None = None, screen: Output | None = None
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=_history(history),
            completer=completer,
            input=keys,
            output=screen,
            reserve_space_for_menu=4,
        )

    async def read(self) -> str | None:
        try:
            # News that is printed meanwhile stands above the prompt.
            with patch_stdout(raw=True):
                return await self._session.prompt_async(PROMPT)
        except KeyboardInterrupt:
            return ""
        except EOFError:
            return None


def _history(path: Path | None) -> History:
    """The history in a file, or in memory where the file cannot be written: no reason to refuse questions."""
    if path is None:
        return InMemoryHistory()
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.open("ab").close()
    except OSError:
        return InMemoryHistory()
    return FileHistory(str(path))


class StreamLines:
    """Lines of a pipe or file. Bytes that are no UTF-8 become replacement characters."""

    def __init__(self, stream: TextIO) -> None:
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")
        self._stream = stream

    async def read(self) -> str | None:
        loop = asyncio.get_running_loop()
        arrived: asyncio.Future[str] = loop.create_future()

        def take(line: str) -> None:
            if not arrived.done():
                arrived.set_result(line)

        def wait_for_line() -> None:
            line = self._stream.readline()
            if not loop.is_closed():
                loop.call_soon_threadsafe(take, line)

        # A thread of the loop's pool would hold up the end of the process until the next line arrives.
        threading.Thread(target=wait_for_line, daemon=True, name="stdin").start()
        line = await arrived
        return line.rstrip("\r\n") if line else None
