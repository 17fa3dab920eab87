"""yt-dlp's network: its requests, carried from its thread to the one HTTP client in the event loop."""

import asyncio
import importlib
import io
from collections.abc import Callable, Coroutine
from concurrent.futures import CancelledError, Future
from dataclasses import dataclass
from email.message import Message
from typing import Any, TypeVar
from urllib.parse import urlsplit

from core.errors import BotError, Unavailable
from core.web import WebRequest
from deployments.http_client import HttpClient, WebReply

T = TypeVar("T")

_HEAD_BYTES = 256 * 1024


class Bridge:
    """Carries calls from yt-dlp's thread into the event loop, until it is stopped."""

    def __init__(self, http: HttpClient, loop: asyncio.AbstractEventLoop, max_bytes: int) -> None:
        self.http = http
        self.max_bytes = max_bytes
        self.head = bytearray()
        self.replies = 0
        self._loop = loop
        self._stopped = False
        self._pending: set[Future[Any]] = set()

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

    def keep_head(self, piece: bytes) -> None:
        self.head += piece[: _HEAD_BYTES - len(self.head)]


class _Body(io.RawIOBase):
    """The body of an answer, read through the bridge as yt-dlp asks for it: a video's first bytes, not all of it."""

    def __init__(
        self, bridge: Bridge, reply: WebReply, is_first: bool, failed: Callable[[BotError], Exception]
    ) -> None:
        self._bridge = bridge
        self._reply = reply
        self._is_first = is_first
        self._failed = failed

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            piece = self._bridge.call(self._reply.read(len(buffer)))
        except BotError as error:
            raise self._failed(error) from error
        if self._is_first:
            self._bridge.keep_head(piece)
        buffer[: len(piece)] = piece
        return len(piece)

    def close(self) -> None:
        if not self.closed:
            self._bridge.close_later(self._reply)
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


def request_handler(bridge: Bridge) -> type:
    """A request handler for yt-dlp (its plug-in point for networking) that sends through the bridge."""
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
            reply = bridge.call(bridge.http.open(wanted, max_bytes=bridge.max_bytes))
        except BotError as error:
            raise failed(error) from error
        received = Message()
        for name, value in reply.headers:
            if name.lower() != "content-encoding":  # it is decoded already
                received.add_header(name, value)
        cookies.extract_cookies(_CookieReply(received), _CookieRequest(request.url))
        bridge.replies += 1
        raw = _Body(bridge, reply, bridge.replies == 1, failed)
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
