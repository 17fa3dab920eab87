"""The process in which yt-dlp runs: `python -m deployments.ytdlp_child FD BYTES`, started by `ytdlp_process`.

It has no network: its requests go to its parent over the socket FD. It may take BYTES of memory, starts no program but
the JavaScript runtime that a call names, and ends when its parent does. It takes one call after the other.
"""

import ctypes
import math
import resource
import signal
import socket
import sys
import threading
import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from core.errors import BotError, RefusedUrl
from core.web import WebRequest
from deployments.ytdlp_calls import collect, extract, extractors, host_of, knows_site, youtube_id
from deployments.ytdlp_errors import too_much_memory
from deployments.ytdlp_network import Network
from deployments.ytdlp_wire import (
    FOR_CHILD,
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
    error_of,
    failure_of,
    framed,
    length_of,
    packed,
    plain,
)

_PR_SET_PDEATHSIG = 1
_MAX_FILE_BYTES = 64_000_000
_FORBIDDEN = ("socket.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.system", "pty.")


class Channel:
    """The process's end of the pair of sockets. Where its parent has gone, there is nothing left to do: SystemExit."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, message: ToParent) -> None:
        data = framed(message)
        try:
            self._connection.sendall(data)
        except OSError:
            raise SystemExit(0) from None

    def receive(self) -> ToChild:
        return FOR_CHILD.decode(self._exactly(length_of(self._exactly(PREFIX_BYTES))))

    def _exactly(self, size: int) -> bytes:
        pieces = bytearray()
        while len(pieces) < size:
            try:
                piece = self._connection.recv(size - len(pieces))
            except OSError:
                piece = b""
            if not piece:
                raise SystemExit(0)
            pieces += piece
        return bytes(pieces)


class ParentNetwork(Network):
    """Sends every request to the parent, which decides about it."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel
        self._closed: list[int] = []
        self._turn = threading.Lock()

    def open(self, request: WebRequest) -> "ParentReply":
        wanted = Open(request.url, request.method, dict(request.headers), request.body, self._closed)
        self._closed = []
        try:
            opened = self._asked(wanted)
        except UnicodeEncodeError:
            raise RefusedUrl("That page leads to something that is no link.", "Link to another one.") from None
        if not isinstance(opened, Opened):
            raise SystemExit(1)
        return ParentReply(self, opened.number, opened.url, opened.status, opened.headers)

    def read(self, number: int, size: int) -> bytes:
        piece = self._asked(Read(number, size))
        if not isinstance(piece, Piece):
            raise SystemExit(1)
        return piece.data

    def close_later(self, number: int) -> None:
        """Told with the next request: this may be called at any moment, also in the middle of a message."""
        self._closed.append(number)

    def _asked(self, message: ToParent) -> ToChild:
        with self._turn:
            self._channel.send(message)
            answer = self._channel.receive()
        if isinstance(answer, Failure):
            raise error_of(answer)
        return answer


@dataclass(frozen=True, slots=True)
class ParentReply:
    """An answer that the parent holds open."""

    network: ParentNetwork
    number: int
    url: str
    status: int
    headers: Sequence[tuple[str, str]]

    def read(self, size: int) -> bytes:
        return self.network.read(self.number, size)

    def close(self) -> None:
        self.network.close_later(self.number)


# ---------------------------------------------------------------- calls
def serve(channel: Channel, begin: Callable[[Call], None], memory_bytes: float) -> None:
    """Answer calls, each after `begin`, until the parent has gone: SystemExit."""
    while True:
        call = channel.receive()
        if not isinstance(call, Call):
            raise SystemExit(1)
        begin(call)
        done = answer(call, channel)
        worn = _most_memory_bytes() > memory_bytes / 2
        channel.send(msgspec.structs.replace(done, worn=worn))


def answer(call: Call, channel: Channel) -> Done:
    """Do what `call` says; whatever goes wrong is in the result."""
    try:
        return _answer(call, channel)
    except BotError as error:
        return Done(error=failure_of(error))
    except MemoryError:
        return Done(error=failure_of(too_much_memory(host_of(call.url))))
    except Exception:  # noqa: BLE001 - a defect travels as text, and is raised in the parent
        return Done(defect=plain(traceback.format_exc()[-1500:]))


def _answer(call: Call, channel: Channel) -> Done:
    network = ParentNetwork(channel)
    host = host_of(call.url)

    def give(info: Mapping[str, Any]) -> None:
        channel.send(Found(packed(info, host)))

    match call.kind:
        case "extract":
            extraction = extract(call.url, network, call.params)
            give(extraction.info)
            return Done(head=extraction.head, warnings=[plain(warning) for warning in extraction.warnings])
        case "list":
            ended = collect(call.url, network, call.params, call.limit, give)
            return Done(lacks_tab=ended.lacks_tab, error=failure_of(ended.error) if ended.error else None)
        case "knows_site":
            return Done(text="yes" if knows_site(call.url) else "")
        case "youtube_id":
            return Done(text=plain(youtube_id(call.url)))
    raise ValueError(f"no such call: {call.kind}")


# ---------------------------------------------------------------- limits
def limit(memory_bytes: int) -> None:
    """Bound what this process, and a program that it starts, may take; SIGKILL for it when its parent ends.

    RLIMIT_DATA and not RLIMIT_AS: deno reserves address space that it never uses, and would not start.
    """
    for what, most in (
        (resource.RLIMIT_DATA, memory_bytes),
        (resource.RLIMIT_FSIZE, _MAX_FILE_BYTES),
        (resource.RLIMIT_CORE, 0),
    ):
        most = _allowed(most, what)
        resource.setrlimit(what, (most, most))
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)


def _most_memory_bytes() -> int:
    """The most that this program had in memory.

    Not `ru_maxrss`: that counts what the process held as its parent's copy, before it became this program.
    """
    status = Path("/proc/self/status").read_text(encoding="ascii")
    (line,) = (line for line in status.splitlines() if line.startswith("VmHWM:"))
    return int(line.split()[1]) * 1024


def allow_cpu(cpu_s: float) -> None:
    """From now on `cpu_s` seconds more of computing, then SIGXCPU: also where a regular expression holds Python."""
    used_s = sum(resource.getrusage(resource.RUSAGE_SELF)[:2])
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (_allowed(math.ceil(used_s + cpu_s), resource.RLIMIT_CPU), hard))


def _allowed(most: int, what: int) -> int:
    """`most`, or less where we are bounded ourselves."""
    _, hard = resource.getrlimit(what)
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


def refusal(allowed: set[str]) -> Callable[[str, tuple[Any, ...]], None]:
    """An audit hook (PEP 578) that refuses sockets, and every program that is not `allowed`."""

    def check(event: str, args: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN) or (event == "subprocess.Popen" and str(args[0]) not in allowed):
            raise PermissionError(f"{event} is not allowed to yt-dlp")

    return check


def main() -> None:
    """Serve the parent at the other end of the socket that the arguments name."""
    channel, memory_bytes = Channel(socket.socket(fileno=int(sys.argv[1]))), int(sys.argv[2])
    limit(memory_bytes)
    extractors()
    allowed: set[str] = set()
    sys.addaudithook(refusal(allowed))

    def begin(call: Call) -> None:
        allow_cpu(call.cpu_s)
        allowed.clear()
        allowed.update(str(runtime["path"]) for runtime in call.params.get("js_runtimes", {}).values())

    channel.send(Ready())
    serve(channel, begin, memory_bytes)


if __name__ == "__main__":
    main()
