"""A name service and a clock that do what a test says, and a client that uses them."""

import socket
from random import Random
from typing import Any

from aiohttp.abc import AbstractResolver, ResolveResult

from deployments.http_client import HttpClient


class Names(AbstractResolver):
    """A name service that answers what the test says, and counts how often it is asked."""

    def __init__(self, **addresses: list[str]) -> None:
        self.addresses = addresses
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        self.asked.append(host)
        known = self.addresses.get(host.removesuffix(".example"))
        if known is None:
            raise OSError(None, "Name or service not known")
        kind = int(family or socket.AF_INET)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=kind, proto=0, flags=0) for address in known
        ]

    async def close(self) -> None: ...


class Waits:
    """Sleeping that takes no time and is written down."""

    def __init__(self) -> None:
        self.waited: list[float] = []

    async def __call__(self, seconds: float) -> None:
        self.waited.append(seconds)


def client(*, loopback: bool = True, **options: Any) -> HttpClient:
    defaults: dict[str, Any] = {"timeout_s": 20.0, "max_bytes": 1_000_000, "rng": Random(1), "sleep": Waits()}
    return HttpClient(allow_loopback=loopback, **(defaults | options))
