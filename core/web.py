"""What is sent to a site and what came back: values, and the rules for redirects, statuses and validators."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol
from urllib.parse import urlsplit

from core.errors import BadInput, BotError, Busy, Unavailable
from core.host_pace_messages import Outcome
from core.uploads import Validator

_SECRETS = frozenset({"cookie", "authorization"})
_CONDITIONS = frozenset({"if-none-match", "if-modified-since"})
_MAX_VALIDATOR_CHARS = 300
_NOTHING = Validator()


class HostGate(Protocol):
    """Whom the HTTP client asks before each request, and tells how it went."""

    async def admit(self, host: str) -> None:
        """Return when it is one's turn to ask `host` for something. Raises Busy where that would take too long."""
        ...

    def told(self, host: str, outcome: Outcome, retry_after_s: float = 0.0) -> None:
        """How `host` answered, and in how many seconds it asks to come back. Does not wait."""
        ...


@dataclass(frozen=True, slots=True)
class WebRequest:
    """What to send. Only GET and HEAD are ever sent twice."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None

    @property
    def is_conditional(self) -> bool:
        """Whether it asks for a page only if that has changed."""
        return any(name.lower() in _CONDITIONS for name in self.headers)


@dataclass(frozen=True, slots=True)
class Page:
    """What a link held. `url` is where the redirects led; `complete` is False where the transfer broke off.

    `validator` is what to ask with the next time; empty where the page is not whole, so that its rest is not missed.
    With `not_modified` nothing changed since the validator that was sent, and the body is empty.
    """

    url: str
    content_type: str
    body: bytes
    complete: bool = True
    validator: Validator = _NOTHING
    not_modified: bool = False


def redirected(request: WebRequest, status: int, url: str) -> WebRequest:
    """The request that follows a redirect (RFC 9110, 15.4); secrets stay with the host that they were meant for.

    So do conditions: "not modified" of a page that a site suddenly leads to would be read as "no news" of another one.
    """
    dropped: set[str] = set()
    if urlsplit(url).netloc.lower() != urlsplit(request.url).netloc.lower():
        dropped |= _SECRETS | _CONDITIONS
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        request = replace(request, method="GET", body=None)
        dropped |= {"content-type", "content-length"}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
    return replace(request, url=url, headers=headers)


def conditions(validator: Validator | None) -> dict[str, str]:
    """The headers that ask whether something changed (RFC 9110, 13.1)."""
    if validator is None:
        return {}
    asked = {"If-None-Match": validator.etag, "If-Modified-Since": validator.last_modified}
    return {name: value for name, value in asked.items() if value}


def validator_of(headers: Mapping[str, str]) -> Validator:
    """What an answer gave to ask with the next time. What is not plain text of ordinary length is left out."""
    return Validator(_plain(headers.get("ETag", "")), _plain(headers.get("Last-Modified", "")))


def _plain(value: str) -> str:
    return value if len(value) <= _MAX_VALIDATOR_CHARS and value.isascii() and value.isprintable() else ""


def outcome_of_status(status: int, *, asks_to_wait: bool) -> Outcome:
    """What a status says of how we are welcome. A 403 may be a ban or one page's own: repeated, it slows."""
    if status == 429 or (asks_to_wait and (status == 403 or status >= 500)):
        return Outcome.THROTTLED
    return Outcome.FAILED if status in (403, 408) or status >= 500 else Outcome.SUCCESS


def error_of_status(host: str, status: int, retry_after_s: float | None = None) -> BotError | None:
    """What a status other than 2xx means for somebody who gave us the link; None for 2xx.

    Busy where the site asks to come back in `retry_after_s` seconds.
    """
    if 200 <= status < 300:
        return None
    if retry_after_s is not None and (status in (403, 429) or status >= 500):
        return Busy(host, retry_after_s)
    if status in (401, 403, 407, 451):
        return BadInput(f"{host} does not show that page to everyone ({status}).", "Use a public link.")
    if status in (404, 410):
        return BadInput(f"{host} has no such page ({status}).", "Check the link.")
    return Unavailable(host, f"It answered with status {status}. Try again later.")
