"""yt-dlp's network: its requests, carried to the one HTTP client in the event loop, and nowhere else."""

import asyncio
import importlib
import io
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from email.message import Message
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

from core.errors import BotError, Unavailable
from core.web import WebRequest
from deployments.web_reply import WebReply
from deployments.ytdlp_wire import CHUNK_BYTES, MAX_HEAD_BYTES

T = TypeVar("T")


class Reply(Protocol):
    """An open answer, as yt-dlp's side sees it. `read` gives up to `size` bytes, none at the end."""

    @property
    def url(self) -> str: ...

    @property
    def status(self) -> int: ...

    @property
    def headers(self) -> Sequence[tuple[str, str]]: ...

    def read(self, size: int) -> bytes: ...

    def close(self) -> None: ...


class Network:
    """Where yt-dlp's requests go. `head` is the beginning of the first answer's body."""

    def __init__(self) -> None:
        self.head = bytearray()
        self.replies = 0

    def open(self, request: WebRequest) -> Reply:
        """Send `request`. Raises what the HTTP client raises."""
        raise NotImplementedError

    def keep_head(self, piece: bytes) -> None:
        self.head += piece[: MAX_HEAD_BYTES - len(self.head)]


class Opener(Protocol):
    """The one HTTP client, as far as it is needed here."""

    async def open(self, request: WebRequest, *, max_bytes: int | None = None) -> WebReply: ...


class Bridge(Network):
    """Carries calls from yt-dlp's thread into the event loop, until it is stopped."""

    def __init__(self, http: Opener, loop: asyncio.AbstractEventLoop, max_bytes: int) -> None:
        super().__init__()
        self.http = http
        self.max_bytes = max_bytes
        self._loop = loop
        self._stopped = False
        self._pending: set[Future[Any]] = set()

    def open(self, request: WebRequest) -> Reply:
        return _Carried(self, self.call(self.http.open(request, max_bytes=self.max_bytes)))

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Wait for `work` in the loop. Raises Unavailable once the extraction was given up."""
        if self._stopped:
            work.close()
            raise Unavailable("The site", "Reading it was given up.")
        future = asyncio.run_coroutine_threadsafe(work, self._loop)
        self._pending.add(future)
        try:
            return future.result()
        except CancelledError:
            raise Unavailable("The site", "Reading it was given up.") from None
        finally:
            self._pending.discard(future)

    def stop(self) -> None:
        """Called in the loop: end what is under way and refuse what comes."""
        self._stopped = True
        for future in tuple(self._pending):
            future.cancel()

    def close_later(self, reply: WebReply) -> None:
        """Close `reply` in the loop that it belongs to, without waiting."""
        if not self._loop.is_closed():
            self._loop.call_soon_threadsafe(reply.close)


class _Carried:
    """An answer in the event loop, read from yt-dlp's thread."""

    def __init__(self, bridge: Bridge, reply: WebReply) -> None:
        self._bridge = bridge
        self._reply = reply
        self.url, self.status, self.headers = reply.url, reply.status, reply.headers

    def read(self, size: int) -> bytes:
        return self._bridge.call(self._reply.read(size))

    def close(self) -> None:
        self._bridge.close_later(self._reply)


class _Body(io.RawIOBase):
    """The body of an answer, read as yt-dlp asks for it: a video's first bytes, not all of it."""

    def __init__(self, network: Network, reply: Reply, is_first: bool, failed: Callable[[BotError], Exception]) -> None:
        self._network = network
        self._reply = reply
        self._is_first = is_first
        self._failed = failed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        piece = self._next(len(buffer))
        buffer[: len(piece)] = piece
        return len(piece)

    def readall(self) -> bytes:
        # In larger pieces than Python's own: each is a way to the event loop and back.
        return b"".join(iter(lambda: self._next(CHUNK_BYTES), b""))

    def _next(self, size: int) -> bytes:
        try:
            piece = self._reply.read(size)
        except BotError as error:
            raise self._failed(error) from error
        if self._is_first:
            self._network.keep_head(piece)
        return piece

    def close(self) -> None:
        if not self.closed:
            self._reply.close()
        super().close()


@dataclass(frozen=True, slots=True)
class _CookieRequest:
    """A request in the form that `http.cookiejar` reads."""

    url: str
    unverifiable: bool = False

    def get_full_url(self) -> str:
        return self.url

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc


class _CookieReply:
    """An answer in the form that `http.cookiejar` reads."""

    def __init__(self, headers: Message) -> None:
        self._headers = headers

    def info(self) -> Message:
        return self._headers


def request_handler(network: Network) -> type:
    """A request handler for yt-dlp (its plug-in point for networking) that sends through `network`."""
    networking = importlib.import_module("yt_dlp.networking.common")
    exceptions = importlib.import_module("yt_dlp.networking.exceptions")

    def failed(error: BotError) -> Exception:
        wrapped: Exception = exceptions.TransportError(str(error), cause=error)
        return wrapped

    def check_extensions(self: Any, extensions: dict[str, Any]) -> None:  # noqa: ARG001 - yt-dlp's signature
        for name in ("cookiejar", "timeout", "legacy_ssl", "keep_header_casing"):
            extensions.pop(name, None)

    def send(self: Any, request: Any) -> Any:
        cookies = self._get_cookiejar(request)
        headers: dict[str, str] = dict(self._get_headers(request))
        if cookie := cookies.get_cookie_header(request.url):
            headers["Cookie"] = cookie
        wanted = WebRequest(request.url, request.method, headers, _whole(request.data))
        try:
            reply = network.open(wanted)
        except BotError as error:
            raise failed(error) from error
        received = Message()
        for name, value in reply.headers:
            if name.lower() != "content-encoding":  # it is decoded already
                received.add_header(name, value)
        cookies.extract_cookies(_CookieReply(received), _CookieRequest(request.url))
        network.replies += 1
        raw = _Body(network, reply, network.replies == 1, failed)
        response = networking.Response(io.BufferedReader(raw), url=reply.url, headers=received, status=reply.status)
        if not 200 <= reply.status < 300:
            raise exceptions.HTTPError(response)
        return response

    parts = {"_SUPPORTED_URL_SCHEMES": ("http", "https"), "_check_extensions": check_extensions, "_send": send}
    return type("OneClientRH", (networking.RequestHandler,), parts)


def _whole(data: Any) -> bytes | None:
    """The body of a request: yt-dlp allows bytes, a file or pieces of bytes."""
    if data is None or isinstance(data, bytes):
        return data
    return bytes(data.read()) if hasattr(data, "read") else b"".join(data)
