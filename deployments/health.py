"""Asks Serve, the store and the supervisor of the durable actors how they are."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence

from ray import serve

from core.errors import BotError
from core.messages import PartHealth
from core.ports import TranscriptStore
from core.tenancy import TenantContext

MAX_DETAIL_CHARS = 200
PART_S = 4.0
Ask = Callable[[], Awaitable[Sequence[PartHealth]]]
# The store refuses a call without a tenant; this one holds nothing.
NOBODY = TenantContext("health", "health")


def _in_short(message: str) -> str:
    """The first line, shortened: Serve's own may be a whole traceback, which its log has."""
    return next(iter(message.strip().splitlines()), "")[:MAX_DETAIL_CHARS]


class Probe:
    """Asks every part at once. One that does not answer within `PART_S` seconds is reported so, and hides no other."""

    def __init__(self, parts: Mapping[str, Ask]) -> None:
        """Whom to ask, by name."""
        self._parts = parts

    async def __call__(self) -> Sequence[PartHealth]:
        told = await asyncio.gather(*(_within(part, ask) for part, ask in self._parts.items()))
        return tuple(health for several in told for health in several)


async def serve_health(app: str) -> Sequence[PartHealth]:
    """Each deployment of the Serve application `app`."""
    return await asyncio.to_thread(_deployments, app)


async def store_health(store: TranscriptStore) -> Sequence[PartHealth]:
    """Whether the store answers."""
    await store.library(NOBODY)
    return (PartHealth("TranscriptStore", True),)


def _deployments(app: str) -> Sequence[PartHealth]:
    found = serve.status().applications.get(app)
    if found is None:
        return (PartHealth("deployments", False, "the application is not deployed"),)
    return tuple(
        PartHealth(name, status.status == "HEALTHY", _in_short(status.message))
        for name, status in sorted(found.deployments.items())
    )


async def _within(part: str, ask: Ask) -> Sequence[PartHealth]:
    """What it says of itself, or that it says nothing."""
    try:
        async with asyncio.timeout(PART_S):
            return await ask()
    except TimeoutError:
        return (PartHealth(part, False, f"did not answer within {PART_S:g} s"),)
    except BotError as error:
        return (PartHealth(part, False, str(error)),)
