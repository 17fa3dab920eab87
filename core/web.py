"""What is sent to a site and what came back: values, and the rules for redirects and statuses."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from urllib.parse import urlsplit

from core.errors import BadInput, BotError, Unavailable


@dataclass(frozen=True, slots=True)
class WebRequest:
    """What to send. Only GET and HEAD are ever sent twice."""

    url: str
    method: str = "GET"
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """What a link held. `url` is where the redirects led; `complete` is False where the transfer broke off."""

    url: str
    content_type: str
    body: bytes
    complete: bool = True


def redirected(request: WebRequest, status: int, url: str) -> WebRequest:
    """The request that follows a redirect (RFC 9110, 15.4); secrets stay with the host that they were meant for."""
    dropped: set[str] = set()
    if urlsplit(url).netloc.lower() != urlsplit(request.url).netloc.lower():
        dropped |= {"cookie", "authorization"}
    if (status == 303 and request.method != "HEAD") or (status in (301, 302) and request.method == "POST"):
        request = replace(request, method="GET", body=None)
        dropped |= {"content-type", "content-length"}
    headers = {name: value for name, value in request.headers.items() if name.lower() not in dropped}
    return replace(request, url=url, headers=headers)


def error_of_status(host: str, status: int, retry_after: str = "") -> BotError | None:
    """What a status other than 2xx means for somebody who gave us the link; None for 2xx."""
    if 200 <= status < 300:
        return None
    if status in (401, 403, 407, 451):
        return BadInput(f"{host} does not show that page to everyone ({status}).", "Use a public link.")
    if status in (404, 410):
        return BadInput(f"{host} has no such page ({status}).", "Check the link.")
    advice = f"It asks to wait {retry_after} s." if retry_after.isdigit() else "Try again later."
    return Unavailable(host, f"It answered with status {status}. {advice}")
