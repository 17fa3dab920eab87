"""The one client for places that users name.

It keeps the rules of `core.addresses`: https only, public addresses only. A name is resolved once, each of its
addresses is checked, and the connection goes to a checked address, so a name that changes its answer gains nothing.
Redirects are followed by hand and checked again. What it reads is bounded in size, after decompression too, and in
total time. Before each request, those of redirects and of further attempts too, it waits for its turn (`HostGate`).

Proxies of the environment are not used. With a `proxy` that the operator gives, the proxy resolves names and connects:
a literal private address is refused still, and a name that leads to one here; what the proxy makes of a name that is
not known here cannot be checked. So let the proxy reach nothing private.
"""

import asyncio
import logging
import socket
import time
from collections.abc import Awaitable, Callable
from functools import partial
from http.cookiejar import CookieJar
from random import Random
from typing import Self
from urllib.parse import urljoin, urlsplit

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from core.addresses import check_address, checked_url
from core.errors import BadInput, Busy, RefusedUrl, Unavailable
from core.host_pace_messages import Outcome
from core.retrying import full_jitter_s, retry_after_s
from core.uploads import Validator
from core.web import HostGate, Page, WebRequest, conditions, outcome_of_status, redirected
from deployments.cookies import with_cookies
from deployments.errands import Errand
from deployments.web_reply import WebReply as WebReply  # as others know it

log = logging.getLogger(__name__)

MAX_REDIRECTS = 5
_RETRIED = frozenset({429, 500, 502, 503, 504})
_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_USER_AGENT = "discord-intelligence-bot/0.1"
_CAUSES = (
    (aiohttp.ClientProxyConnectionError, "The proxy takes no connection."),
    (aiohttp.ClientHttpProxyError, "The proxy has not reached it."),
    (aiohttp.ClientConnectorDNSError, "Its name is not known."),
    (aiohttp.ClientConnectorCertificateError, "Its certificate is not valid."),
    (aiohttp.ClientSSLError, "It does not speak https."),
    (aiohttp.ClientConnectorError, "It takes no connection."),
)
# What a host has no part in.
_NOT_THE_HOSTS = (aiohttp.ClientConnectorDNSError, aiohttp.ClientProxyConnectionError)
_NOT_A_PROXY = ("The proxy is not an address that can be used.", "Give it as http://name:port.")
_NOT_A_LINK = ("That is not a link.", "Use the https:// link of a public page.")


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

    `timeout_s` bounds one fetch from its first attempt to its last byte, without what the `gate` makes it wait: that
    has a bound of its own. A slot of the gate is for one request, whatever its size. `cookies` go to the sites that
    they are for and nowhere else; what sites set is not kept. `resolver`, `rng`, `sleep` and `now` are there for tests.
    Use it within one event loop, and close it there.
    """

    def __init__(
        self,
        *,
        timeout_s: float,
        max_bytes: int,
        allow_loopback: bool = False,
        attempts: int = 3,
        gate: HostGate | None = None,
        proxy: str = "",
        cookies: CookieJar | None = None,
        resolver: AbstractResolver | None = None,
        rng: Random | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        now: Callable[[], float] = time.time,
    ) -> None:
        """`proxy` is an http:// address, "" for none. Raises BadInput where it is something else."""
        self._timeout_s = timeout_s
        self._max_bytes = max_bytes
        self._allow_loopback = allow_loopback
        self._attempts = attempts
        self._gate = gate
        self._proxy = _checked_proxy(proxy)
        self._cookies = cookies
        self._resolver = resolver  # None: the system's, made in the loop that uses it
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
        self,
        url: str,
        *,
        max_bytes: int | None = None,
        keep_partial: bool = False,
        head_only: tuple[str, ...] = (),
        validator: Validator | None = None,
    ) -> Page:
        """All of what `url` holds, but only the beginning where its content type begins with one of `head_only`.

        With `keep_partial`, a transfer that breaks off gives what had come. With a `validator`, a page that has not
        changed since that was given comes back without its body.
        Raises RefusedUrl, BadInput (not there, not open to us, too large), DeadlineExceeded, Busy or Unavailable.
        """
        reply = await self.open(WebRequest(url, headers=conditions(validator)), max_bytes=max_bytes)
        return await reply.page(keep_partial=keep_partial, head_only=head_only, asked_with=validator)

    async def open(self, request: WebRequest, *, max_bytes: int | None = None) -> WebReply:
        """Send `request` and hand back the answer, whatever its status, with its body still to be read.

        Tries again after 429 and 5xx (when Retry-After says) and where no connection came about, while time is left.
        Raises RefusedUrl, DeadlineExceeded, Busy (too many wait for their turn at the host) or Unavailable.
        """
        host = urlsplit(request.url).hostname or "The site"
        limit = self._max_bytes if max_bytes is None else max_bytes
        last = self._attempts - 1 if request.method in ("GET", "HEAD") else 0
        async with Errand(host, self._timeout_s, limit, self._gate) as errand:
            for attempt in range(last):
                wait_s = await self._attempt(request, errand, attempt)
                if isinstance(wait_s, WebReply):
                    return wait_s
                await self._sleep(wait_s)
            return await self._follow(request, errand)

    def told(self, url: str, outcome: Outcome) -> None:
        """What the page behind `url` turned out to be: a bot check or a consent page may come with a 200."""
        if self._gate is not None:
            self._gate.told(urlsplit(url).hostname or "", outcome)

    async def _attempt(self, request: WebRequest, errand: Errand, attempt: int) -> WebReply | float:
        """The answer, or how many seconds to wait before the next attempt."""
        wait_s = full_jitter_s(attempt, base_s=0.5, cap_s=8.0, rng=self._rng)
        try:
            reply = await self._follow(request, errand)
        except Busy:
            raise
        except Unavailable:
            return wait_s
        asked_s = reply.retry_after_s
        if reply.status not in _RETRIED and not (reply.status == 403 and asked_s is not None):
            return reply
        if asked_s is not None and asked_s > errand.left_s:
            return reply  # It asks for more time than there is: the caller is told so at once.
        reply.close()
        return max(wait_s, asked_s or 0.0)

    async def _follow(self, request: WebRequest, errand: Errand) -> WebReply:
        for _ in range(MAX_REDIRECTS + 1):
            reply = self._told(await self._send(request, errand), request, errand)
            if reply.status not in _REDIRECTS or not reply.location:
                return reply
            reply.close()
            try:
                request = redirected(request, reply.status, urljoin(request.url, reply.location))
            except ValueError:
                raise RefusedUrl(*_NOT_A_LINK) from None
        host = urlsplit(request.url).hostname
        raise BadInput(f"{host} redirects more than {MAX_REDIRECTS} times.", "Use the link that it ends at.")

    def _told(self, response: aiohttp.ClientResponse, request: WebRequest, errand: Errand) -> WebReply:
        """The answer, once the gate has heard of it."""
        headers, host = response.headers, response.url.host or ""
        asked_s = retry_after_s(headers.get("Retry-After", ""), now_s=self._now(), date=headers.get("Date", ""))
        outcome = outcome_of_status(response.status, asks_to_wait=asked_s is not None)
        errand.tell(host, outcome, asked_s if outcome is Outcome.THROTTLED else None)
        return WebReply(
            request,
            host,
            response.status,
            headers,
            asked_s,
            partial(_read, response),
            response.close,
            deadline=errand.deadline,
            timeout_s=errand.timeout_s,
            max_bytes=errand.max_bytes,
        )

    async def _send(self, request: WebRequest, errand: Errand) -> aiohttp.ClientResponse:
        # aiohttp reads a link in its own way, so it is checked in the form in which aiohttp will use it.
        try:
            url = URL(checked_url(request.url, allow_loopback=self._allow_loopback).url)
        except ValueError:
            raise RefusedUrl(*_NOT_A_LINK) from None
        host = checked_url(str(url), allow_loopback=self._allow_loopback).host
        headers = {"User-Agent": _USER_AGENT, **request.headers}
        if self._cookies is not None:
            headers = with_cookies(headers, self._cookies, str(url))
        await errand.turn(host)
        try:
            with errand.asking(host):
                if self._proxy:
                    await self._check_names(host)
                return await self._open_session().request(
                    request.method, url, headers=headers, data=request.body, allow_redirects=False
                )
        except aiohttp.InvalidURL:
            raise RefusedUrl(*_NOT_A_LINK) from None
        except (aiohttp.ClientError, OSError) as error:
            log.info("no answer from %s: %r", host, error)
            if not isinstance(error, _NOT_THE_HOSTS):
                errand.tell(host, Outcome.FAILED)
            raise Unavailable(host, f"{_cause(error)} Check the link, or try again later.") from error

    async def _check_names(self, host: str) -> None:
        """Refuse a name that leads to a private address here. What is not known here the proxy may know."""
        try:
            await _CheckedResolver(self._names(), self._allow_loopback).resolve(host)
        except OSError:
            log.debug("%s is left to the proxy", host)

    def _names(self) -> AbstractResolver:
        return self._resolver or aiohttp.ThreadedResolver()

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            if self._proxy:
                # Every connection goes to the proxy, whose own address is the operator's business.
                connector = aiohttp.TCPConnector(resolver=self._names(), limit=32)
            else:
                connector = aiohttp.TCPConnector(
                    resolver=_CheckedResolver(self._names(), self._allow_loopback),
                    use_dns_cache=False,
                    limit=32,
                    limit_per_host=4,
                    socket_factory=self._checked_socket,
                )
            no_limit = aiohttp.ClientTimeout(total=None)  # `open` and `WebReply.read` keep the time
            self._session = aiohttp.ClientSession(
                connector=connector, cookie_jar=aiohttp.DummyCookieJar(), timeout=no_limit, proxy=self._proxy
            )
        return self._session

    def _checked_socket(self, info: aiohttp.AddrInfoType) -> socket.socket:
        # The last line: whatever way an address took to get here, this is the one that is connected to.
        address = str(info[4][0])
        check_address(address, host=address, allow_loopback=self._allow_loopback)
        return socket.socket(info[0], info[1], info[2])


async def _read(response: aiohttp.ClientResponse, size: int) -> bytes:
    """As the body's own `read`; raises OSError alone."""
    try:
        return await response.content.read(size)
    except aiohttp.ClientError as error:
        raise ConnectionError(repr(error)) from error


def _cause(error: Exception) -> str:
    return next((text for kind, text in _CAUSES if isinstance(error, kind)), "It broke off the connection.")


def _checked_proxy(proxy: str) -> URL | None:
    """The proxy's address. It may hold a password, so no error quotes it."""
    if not proxy:
        return None
    try:
        url = URL(proxy)
    except ValueError:
        raise BadInput(*_NOT_A_PROXY) from None
    if url.scheme not in ("http", "https") or not url.host:
        raise BadInput(*_NOT_A_PROXY)
    return url
