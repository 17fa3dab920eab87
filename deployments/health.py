"""Asks Serve, the store and the supervisor of the durable actors how they are."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from ray import serve

from core.errors import BotError
from core.messages import PartHealth
from core.ports import TranscriptStore
from core.tenancy import TenantContext

MAX_DETAIL_CHARS = 200
PART_S = 4.0
# The store refuses a call without a tenant; this one holds nothing.
NOBODY = TenantContext("health", "health")


def _in_short(message: str) -> str:
    """The first line, shortened: Serve's own may be a whole traceback, which its log has."""
    return next(iter(message.strip().splitlines()), "")[:MAX_DETAIL_CHARS]


class Probe:
    """Reports each deployment of the Serve application `app`, whether the store answers, and each shard of entities.

    A part that does not answer within `PART_S` seconds is reported as such, and hides none of the others.
    """

    def __init__(
        self, app: str, store: TranscriptStore, entities: Callable[[], Awaitable[Sequence[PartHealth]]]
    ) -> None:
        """`entities` tells how the durable actors are: the supervisor's `health`."""
        self._app, self._store, self._entities = app, store, entities

    async def __call__(self) -> Sequence[PartHealth]:
        parts = await asyncio.gather(
            _within("Serve", asyncio.to_thread(self._deployments)),
            _within("TranscriptStore", self._store_health()),
            _within("Supervisor", self._entities()),
        )
        return tuple(part for several in parts for part in several)

    def _deployments(self) -> tuple[PartHealth, ...]:
        found = serve.status().applications.get(self._app)
        if found is None:
            return (PartHealth("deployments", False, "the application is not deployed"),)
        return tuple(
            PartHealth(name, status.status == "HEALTHY", _in_short(status.message))
            for name, status in sorted(found.deployments.items())
        )

    async def _store_health(self) -> tuple[PartHealth, ...]:
        await self._store.library(NOBODY)
        return (PartHealth("TranscriptStore", True),)


async def _within(part: str, asked: Awaitable[Sequence[PartHealth]]) -> Sequence[PartHealth]:
    """What it says of itself, or that it says nothing."""
    try:
        async with asyncio.timeout(PART_S):
            return await asked
    except TimeoutError:
        return (PartHealth(part, False, f"did not answer within {PART_S:g} s"),)
    except BotError as error:
        return (PartHealth(part, False, str(error)),)
