"""Processes for yt-dlp: each takes one call at a time, within bounds of time and memory, and is replaced when it fails.

A page may keep a regular expression busy for ever, or fill the memory; only a process can be ended then. It gets
neither our environment nor a network: what it wants to fetch it asks for, and the one HTTP client decides.
"""

import asyncio
import logging
import os
import signal
import socket
import subprocess
import sys
import threading
import weakref
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Self

import msgspec

from core.errors import BotError, DeadlineExceeded, Unavailable
from core.web import WebRequest
from deployments.web_reply import WebReply
from deployments.ytdlp_network import Opener
from deployments.ytdlp_wire import (
    CHUNK_BYTES,
    FOR_PARENT,
    MAX_FRAME_BYTES,
    PREFIX_BYTES,
    Call,
    Done,
    Failure,
    Found,
    Open,
    Opened,
    Piece,
    Read,
    Ready,
    ToChild,
    ToParent,
    failure_of,
    framed,
    length_of,
    plain,
    unpacked,
)

log = logging.getLogger(__name__)

_START_S = 60.0
# Python's own garbage grows with time, and starting anew costs a second.
_MAX_CALLS = 500
_MAX_IDLE = 6
# Of more answers than this the oldest is closed.
_MAX_OPEN = 32
_MAX_HEADER_CHARS = 16_000
_PART = "yt-dlp"


class _Broken(Exception):
    """A process that ended, or that says what makes no sense."""


class Answers:
    """Does what yt-dlp asks for during one call, with the one HTTP client, and closes everything after it."""

    def __init__(self, http: Opener, max_bytes: int) -> None:
        self._http = http
        self._max_bytes = max_bytes
        self._open: dict[int, WebReply] = {}
        self._count = 0

    async def to(self, message: Open | Read) -> Opened | Piece | Failure:
        """The answer to `message`."""
        try:
            return await (self._opened(message) if isinstance(message, Open) else self._read(message))
        except BotError as error:
            return failure_of(error)

    async def _opened(self, wanted: Open) -> Opened:
        for number in wanted.closed:
            if reply := self._open.pop(number, None):
                reply.close()
        if len(self._open) >= _MAX_OPEN:
            self._open.pop(next(iter(self._open))).close()
        request = WebRequest(wanted.url, wanted.method, wanted.headers, wanted.body)
        reply = await self._http.open(request, max_bytes=self._max_bytes)
        self._count += 1
        self._open[self._count] = reply
        headers = [(plain(name), plain(value, _MAX_HEADER_CHARS)) for name, value in reply.headers]
        return Opened(self._count, plain(reply.url, _MAX_HEADER_CHARS), reply.status, headers)

    async def _read(self, wanted: Read) -> Piece:
        reply = self._open.get(wanted.number)
        if reply is None:
            raise Unavailable("The site", "Reading it was given up.")
        return Piece(await reply.read(max(1, min(wanted.size, CHUNK_BYTES))))

    def close(self) -> None:
        for reply in self._open.values():
            reply.close()


class YtDlpProcess:
    """One process of yt-dlp. After a call that did not come to its end it is of no use any more: `end` it."""

    def __init__(self, process: subprocess.Popen[bytes], connection: socket.socket) -> None:
        """`connection` is our end of its pair of sockets."""
        connection.setblocking(False)
        self.process = process
        self.connection = connection
        self._calls = 0
        self._usable = False

    @classmethod
    def started(cls, memory_bytes: int) -> Self:
        """A new one, which takes at most `memory_bytes`; wait until it is `ready`. Raises OSError."""
        ours, theirs = socket.socketpair()
        with theirs:
            process = subprocess.Popen(
                [sys.executable, "-P", "-m", "deployments.ytdlp_child", str(theirs.fileno()), str(memory_bytes)],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                env=_environment(),
                cwd="/",
                start_new_session=True,
            )
        return cls(process, ours)

    @property
    def usable(self) -> bool:
        """Whether it may be given another call."""
        if not self._usable or self._calls >= _MAX_CALLS:
            return False
        try:
            self.connection.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return True  # it is there, and has nothing to say while nobody asks
        except OSError:
            return False
        return False

    async def ready(self) -> None:
        """Wait until yt-dlp is loaded. Raises DeadlineExceeded or Unavailable."""
        try:
            async with asyncio.timeout(_START_S):
                if not isinstance(await self._receive(), Ready):
                    raise _Broken("it does not say that it is ready")
        except TimeoutError:
            raise DeadlineExceeded(_PART, f"Its process was given {_START_S:g} s to start.") from None
        except (_Broken, ValueError, msgspec.DecodeError) as error:
            raise Unavailable(_PART, f"Its process does not start: {error}; the log says more.") from error
        self._usable = True

    async def call(self, call: Call, answers: Answers, found: Callable[[Mapping[str, Any]], None]) -> Done:
        """What yt-dlp says in the end; on the way, its requests are answered, and `found` gets its info dicts.

        Raises Unavailable where the process ended or talked nonsense.
        """
        self._usable = False
        self._calls += 1
        taken = 0
        try:
            await self._send(call)
            while not isinstance(message := await self._receive(), Done):
                if isinstance(message, Found):
                    taken += len(message.info)
                    if taken > MAX_FRAME_BYTES:
                        raise _Broken("it found more than is taken")
                    found(unpacked(message.info))
                elif isinstance(message, Open | Read):
                    await self._send(await answers.to(message))
                else:
                    raise _Broken("it began anew")
        except (_Broken, ValueError, msgspec.DecodeError) as error:
            log.warning("yt-dlp's process %d is given up: %s", self.process.pid, error)
            raise Unavailable(_PART, "Its process ended early; try again later.") from error
        if message.defect:
            raise RuntimeError(f"yt-dlp's process: {message.defect}")
        self._usable = not message.worn
        return message

    def end(self) -> None:
        """End it, and whatever it started, at once."""
        self.connection.close()
        _kill(self.process)
        threading.Thread(target=self.process.wait, name="yt-dlp-end", daemon=True).start()

    async def _send(self, message: ToChild) -> None:
        try:
            await asyncio.get_running_loop().sock_sendall(self.connection, framed(message))
        except OSError as error:
            raise _Broken(f"it has ended: {error}") from error

    async def _receive(self) -> ToParent:
        await asyncio.sleep(0)  # what comes fast must not keep the event loop
        prefix = await self._exactly(PREFIX_BYTES)
        return FOR_PARENT.decode(await self._exactly(length_of(prefix)))

    async def _exactly(self, size: int) -> bytes:
        loop, pieces = asyncio.get_running_loop(), bytearray()
        while len(pieces) < size:
            try:
                piece = await loop.sock_recv(self.connection, min(size - len(pieces), 16 * CHUNK_BYTES))
            except OSError as error:
                raise _Broken(f"it has ended: {error}") from error
            if not piece:
                raise _Broken("it has ended")
            pieces += piece
        return bytes(pieces)


class YtDlpProcesses:
    """Processes that are started when they are needed, and reused; they end with this object, or with our process."""

    def __init__(self, memory_bytes: int) -> None:
        self._memory_bytes = memory_bytes
        self._idle: list[YtDlpProcess] = []
        self._running: set[YtDlpProcess] = set()
        weakref.finalize(self, _end_all, self._running)

    @asynccontextmanager
    async def one(self) -> AsyncIterator[YtDlpProcess]:
        """A process for one call, started if none is idle. Raises DeadlineExceeded or Unavailable."""
        process = self._taken() or self._started()
        try:
            if not process.usable:
                await process.ready()
            yield process
        finally:
            if process.usable and len(self._idle) < _MAX_IDLE:
                self._idle.append(process)
            else:
                self._running.discard(process)
                process.end()

    def _taken(self) -> YtDlpProcess | None:
        while self._idle:
            process = self._idle.pop()
            if process.usable:
                return process
            self._running.discard(process)
            process.end()
        return None

    def _started(self) -> YtDlpProcess:
        try:
            process = YtDlpProcess.started(self._memory_bytes)
        except OSError as error:
            raise Unavailable(_PART, f"Its process does not start: {error}.") from error
        self._running.add(process)
        return process


def _environment() -> dict[str, str]:
    """What the process needs to find our code and yt-dlp; nothing of ours, which may hold keys."""
    places = os.pathsep.join(str(Path(place).absolute()) for place in sys.path)
    return {"PATH": os.defpath, "LANG": "C.UTF-8", "HOME": "/nonexistent", "PYTHONPATH": places}


def _kill(process: subprocess.Popen[bytes]) -> None:
    # Until it is waited for, its number belongs to nobody else. Its group has what it started.
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)


def _end_all(running: set[YtDlpProcess]) -> None:
    for one in running:
        one.connection.close()
        _kill(one.process)
        one.process.wait()
