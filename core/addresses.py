"""Which addresses the project fetches from: the rules, without a network.

A link that somebody names could point into our own network. So a link is checked before it is used (`checked_url`), and
every address that its name resolves to is checked again before a connection is made (`check_address`). Allowed are
https links to public addresses. `allow_loopback` adds http and https to this machine, for the demo and for tests.

Refused ranges: the IANA special-purpose registries (RFC 6890) as far as they are not global, multicast, and every IPv6
form that carries an IPv4 address inside (mapped, compatible, 6to4, Teredo, NAT64), because a gateway may unwrap it.
"""

import ipaddress
from dataclasses import dataclass
from typing import TypeAlias
from urllib.parse import urlsplit

from core.errors import RefusedUrl

MAX_URL_CHARS = 2048
_ADVICE = "Use the https:// link of a public page."

Address: TypeAlias = ipaddress.IPv4Address | ipaddress.IPv6Address

_CARRIERS = tuple(
    ipaddress.IPv6Network(network)
    for network in ("::ffff:0:0/96", "::/96", "2002::/16", "2001::/32", "64:ff9b::/96", "64:ff9b:1::/48")
)
# Not all Python releases count these as special: carrier-grade NAT, the old relay of 6to4, benchmarking, site-local.
_ALSO_REFUSED = tuple(
    ipaddress.ip_network(network)
    for network in ("100.64.0.0/10", "192.88.99.0/24", "192.0.0.0/24", "198.18.0.0/15", "fec0::/10")
)


@dataclass(frozen=True, slots=True)
class WebAddress:
    """A link that passed `checked_url`: its host in lower case without a final dot, and its port."""

    url: str
    scheme: str
    host: str
    port: int


def checked_url(url: str, *, allow_loopback: bool = False) -> WebAddress:
    """The parts of `url` if it may be fetched; a host that is a name must still be resolved and checked.

    Raises RefusedUrl: not a link, not https, with a password in it, or an address that is not public.
    """
    if len(url) > MAX_URL_CHARS:
        raise RefusedUrl(f"The link is longer than {MAX_URL_CHARS} characters.", _ADVICE)
    if not url.isprintable() or any(character.isspace() or character == "\\" for character in url):
        raise RefusedUrl("The link holds blanks, backslashes or control characters.", _ADVICE)
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise RefusedUrl("That is not a link.", _ADVICE) from None
    scheme, host = parts.scheme.lower(), (parts.hostname or "").rstrip(".").lower()
    if scheme not in ("http", "https") or not host:
        raise RefusedUrl("Only web links can be fetched.", _ADVICE)
    if "@" in parts.netloc:
        raise RefusedUrl("The link holds a user name or password.", "Leave them out.")
    literal = _literal(host)
    if literal is not None:
        check_address(host, host=host, allow_loopback=allow_loopback)
    if scheme == "http" and not (allow_loopback and _is_this_machine(host, literal)):
        raise RefusedUrl(f"{host} is linked with http, which anyone on the way can change.", _ADVICE)
    if host == "localhost" and not allow_loopback:
        raise RefusedUrl("localhost is this machine and not a public address.", _ADVICE)
    return WebAddress(url, scheme, host, port or (443 if scheme == "https" else 80))


def check_address(address: str, *, host: str, allow_loopback: bool = False) -> None:
    """Nothing, if a connection may go to `address`, which the name `host` resolved to.

    Raises RefusedUrl for every address that is not public; with `allow_loopback`, loopback is let through.
    """
    literal = _literal(address)
    if literal is None:
        raise RefusedUrl(f"{host} has no address that can be checked.", _ADVICE)
    if allow_loopback and literal.is_loopback:
        return
    if not is_public(literal):
        raise RefusedUrl(f"{host} is not a public address on the internet.", _ADVICE)


def is_public(address: Address) -> bool:
    """Whether `address` is an ordinary address of the public internet."""
    if isinstance(address, ipaddress.IPv6Address) and any(address in network for network in _CARRIERS):
        return False
    if any(address in network for network in _ALSO_REFUSED if network.version == address.version):
        return False
    return address.is_global and not (address.is_multicast or address.is_reserved or address.is_unspecified)


def _literal(host: str) -> Address | None:
    """`host` as an address, or None if it is a name. A zone ("fe80::1%eth0") is left out of the comparison."""
    try:
        return ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return None


def _is_this_machine(host: str, literal: Address | None) -> bool:
    return literal.is_loopback if literal is not None else host == "localhost"
