"""The one client for places that users name.

It keeps the rules of `core.addresses`: https only, public addresses only. A name is resolved once, each of its
addresses is checked, and the connection goes to a checked address, so a name that changes its answer gains nothing.
Redirects are followed by hand and checked again. What it reads is bounded in size, after decompression too, and in
total time.
Proxies of the environment are not used: behind one, the address that is really called could not be checked.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from random import Random
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from core.addresses import check_address, checked_url
from core.errors import BadInput, DeadlineExceeded, RefusedUrl, Unavailable
from core.retrying import full_jitter_s, retry_after_s
from core.web import Page, WebRequest, error_of_status, redirected

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USER_AGENT = "discord-intelligence-bot/0.1"
_CHUNK_BYTES = 64 * 1024
_CAUSES = (
    (aiohttp.ClientConnectorDNSError, "Its name is not known."),
    (aiohttp.ClientConnectorCertificateError, "Its certificate is not valid."),
    (aiohttp.ClientSSLError, "It does not speak https."),
    (aiohttp.ClientConnectorError, "It takes no connection."),
)
_NOT_A_LINK = ("That is not a link.", "Use the https:// link of a public page.")


class WebReply:
    """An open answer: read it in pieces, then `close()`. At most `max_bytes` can be read, until the deadline."""

    def __init__(
        self, response: aiohttp.ClientResponse, url: str, deadline: float, max_bytes: int, too_slow: str
    ) -> None:
        self._response = response
        self._deadline = deadline
        self._too_slow = too_slow
        self._left = max_bytes
        self.host = response.url.host or ""
        self.url = url
        self.status = response.status
        self.headers: tuple[tuple[str, str], ...] = tuple(response.headers.items())
        self.retry_after = response.headers.get("Retry-After", "")
        self.content_type = response.headers.get("Content-Type", "").lower()

    async def read(self, size: int = _CHUNK_BYTES) -> bytes:
        """Up to `size` bytes, decompressed; empty at the end.

        Raises BadInput over the size limit, DeadlineExceeded over the time limit, Unavailable if it breaks off.
        """
        try:
            async with asyncio.timeout_at(self._deadline):
                piece = await self._response.content.read(size)
        except TimeoutError:
            raise DeadlineExceeded(self.host, self._too_slow) from None
        except (aiohttp.ClientError, OSError) as error:
            log.info("transfer from %s broke off: %r", self.host, error)
            raise Unavailable(self.host, "The transfer broke off; try again later.") from error
        self._left -= len(piece)
        if self._left < 0:
            raise BadInput(f"What {self.host} sent is larger than is taken here.", "Link to a smaller page or file.")
        return piece

    def close(self) -> None:
        """Give up the rest; never blocks."""
        self._response.close()


class _CheckedResolver(AbstractResolver):
    """Resolves a name and lets its addresses through only if every one of them may be called."""

    def __init__(self, inner: AbstractResolver, allow_loopback: bool) -> None:
        self._inner = inner
        self._allow_loopback = allow_loopback

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        results = await self._inner.resolve(host, port, family)
        for result in results:
            check_address(result["host"], host=host, allow_loopback=self._allow_loopback)
        return results

    async def close(self) -> None:
        """Nothing is held; whoever made the inner resolver closes it."""


class HttpClient:
    """Fetches what users link to, within the bounds given: sizes in bytes, times in seconds.

    `timeout_s` bounds one fetch from its first attempt to its last byte. `resolver`, `rng`, `sleep` and `now` are there
    for tests. Use it within one event loop, and close it there.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        max_bytes: int,
        allow_loopback: bool = False,
        attempts: int = 3,
        resolver: AbstractResolver | None = None,
        rng: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._timeout_s = timeout_s
        self._too_slow = f"It was given {timeout_s:g} s; try again later."
        self._max_bytes = max_bytes
        self._allow_loopback = allow_loopback
        self._attempts = attempts
        self._resolver = resolver
        self._rng = rng or Random()
        self._sleep = sleep
        self._now = now
        self._session: aiohttp.ClientSession | None = None  # made in the loop that uses it

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_exc: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close every connection."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def fetch(
        self, url: str, *, max_bytes: int | None = None, keep_partial: bool = False, head_only: tuple[str, ...] = ()
    ) -> Page:
        """All of what `url` holds, but only the beginning where its content type begins with one of `head_only`.

        With `keep_partial`, a transfer that breaks off gives what had come.
        Raises RefusedUrl, BadInput (not there, not open to us, too large), DeadlineExceeded or Unavailable.
        """
        reply = await self.open(WebRequest(url), max_bytes=max_bytes)
        pieces: list[bytes] = []
        complete = True
        try:
            if failure := error_of_status(reply.host, reply.status, reply.retry_after):
                raise failure
            while piece := await reply.read():
                pieces.append(piece)
                if reply.content_type.startswith(head_only):
                    break
        except Unavailable:
            if not (keep_partial and pieces):
                raise
            complete = False
        finally:
            reply.close()
        return Page(reply.url, reply.content_type, b"".join(pieces), complete)

    async def open(self, request: WebRequest, *, max_bytes: int | None = None) -> WebReply:
        """Send `request` and hand back the answer, whatever its status, with its body still to be read.

        Tries again after 429 and 5xx (when Retry-After says) and where no connection came about, while time is left.
        Raises RefusedUrl, DeadlineExceeded or Unavailable.
        """
        deadline = asyncio.get_running_loop().time() + self._timeout_s
        limit = self._max_bytes if max_bytes is None else max_bytes
        last = self._attempts - 1 if request.method in ("GET", "HEAD") else 0
        try:
            async with asyncio.timeout_at(deadline):
                for attempt in range(last):
                    wait_s = await self._attempt(request, deadline, limit, attempt)
                    if isinstance(wait_s, WebReply):
                        return wait_s
                    await self._sleep(wait_s)
                return await self._follow(request, deadline, limit)
        except TimeoutError:
            raise DeadlineExceeded(urlsplit(request.url).hostname or "The site", self._too_slow) from None

    async def _attempt(self, request: WebRequest, deadline: float, limit: int, attempt: int) -> WebReply | float:
        """The answer, or how many seconds to wait before the next attempt."""
        wait_s = full_jitter_s(attempt, base_s=0.5, cap_s=8.0, rng=self._rng)
        try:
            reply = await self._follow(request, deadline, limit)
        except Unavailable:
            return wait_s
        if reply.status not in _RETRIED:
            return reply
        asked_s = retry_after_s(reply.retry_after, now_s=self._now())
        if asked_s is not None and asked_s > deadline - asyncio.get_running_loop().time():
            return reply  # It asks for more time than there is: the caller is told so at once.
        reply.close()
        return max(wait_s, asked_s or 0.0)

    async def _follow(self, request: WebRequest, deadline: float, limit: int) -> WebReply:
        for _ in range(MAX_REDIRECTS + 1):
            response = await self._send(request)
            target = response.headers.get("Location", "") if response.status in _REDIRECTS else ""
            if not target:
                return WebReply(response, request.url, deadline, limit, self._too_slow)
            response.close()
            try:
                request = redirected(request, response.status, urljoin(str(response.url), target))
            except ValueError:
                raise RefusedUrl(*_NOT_A_LINK) from None
        host = urlsplit(request.url).hostname
        raise BadInput(f"{host} redirects more than {MAX_REDIRECTS} times.", "Use the link that it ends at.")

    async def _send(self, request: WebRequest) -> aiohttp.ClientResponse:
        # aiohttp reads a link in its own way, so it is checked in the form in which aiohttp will use it.
        try:
            url = URL(checked_url(request.url, allow_loopback=self._allow_loopback).url)
        except ValueError:
            raise RefusedUrl(*_NOT_A_LINK) from None
        address = checked_url(str(url), allow_loopback=self._allow_loopback)
        headers = {"User-Agent": _USER_AGENT, **request.headers}
        try:
            return await self._open_session().request(
                request.method, url, headers=headers, data=request.body, allow_redirects=False
            )
        except aiohttp.InvalidURL:
            raise RefusedUrl(*_NOT_A_LINK) from None
        except (aiohttp.ClientError, OSError) as error:
            log.info("no answer from %s: %r", address.host, error)
            raise Unavailable(address.host, f"{_cause(error)} Check the link, or try again later.") from error

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            names = _CheckedResolver(self._resolver or aiohttp.ThreadedResolver(), self._allow_loopback)
            connector = aiohttp.TCPConnector(
                resolver=names, use_dns_cache=False, limit=32, limit_per_host=4, socket_factory=self._checked_socket
            )
            no_limit = aiohttp.ClientTimeout(total=None)  # `open` and `WebReply.read` keep the time
            jar = aiohttp.DummyCookieJar()
            self._session = aiohttp.ClientSession(connector=connector, cookie_jar=jar, timeout=no_limit)
        return self._session

    def _checked_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        # The last line: whatever way an address took to get here, this is the one that is connected to.
        address = str(info[4][0])
        check_address(address, host=address, allow_loopback=self._allow_loopback)
        return socket.socket(info[0], info[1], info[2])


def _cause(error: Exception) -> str:
    return next((text for kind, text in _CAUSES if isinstance(error, kind)), "It broke off the connection.")
