"""Where the console's lines come from: a prompt with history on a terminal, else standard input as it is."""

import asyncio
import io
import threading
from pathlib import Path
from typing import Protocol, TextIO

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import WordCompleter
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.input import Input
from prompt_toolkit.output import Output

PROMPT = "ask> "


class Lines(Protocol):
    async def read(self) -> str | None:
        """The next line without its end; None when there are no more."""
        ...


class PromptLines:
    """A prompt with editing, history and completion of the commands. Ctrl-C drops the line, Ctrl-D ends."""

    def __init__(
        self, history: Path | None, words: list[str], keys: Input | None = None, screen: Output | None = None
    ) -> None:
        self._session: PromptSession[str] = PromptSession(
            history=_history(history),
            completer=WordCompleter(words, sentence=True),
            input=keys,
            output=screen,
            reserve_space_for_menu=4,
        )

    async def read(self) -> str | None:
        try:
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
