"""Asks Serve and the store how they are."""

import asyncio
from collections.abc import Sequence

from ray import serve

from core.errors import BotError
from core.messages import PartHealth
from core.ports import TranscriptStore
from core.tenancy import TenantContext

MAX_DETAIL_CHARS = 200
# The store refuses a call without a tenant; this one holds nothing.
NOBODY = TenantContext("health", "health")


def _in_short(message: str) -> str:
    """The first line, shortened: Serve's own may be a whole traceback, which its log has."""
    return next(iter(message.strip().splitlines()), "")[:MAX_DETAIL_CHARS]


class Probe:
    """Reports each deployment of the Serve application `app`, and whether the store answers."""

    def __init__(self, app: str, store: TranscriptStore) -> None:
        self._app, self._store = app, store

    async def __call__(self) -> Sequence[PartHealth]:
        deployments, store = await asyncio.gather(asyncio.to_thread(self._deployments), self._store_health())
        return (*deployments, store)

    def _deployments(self) -> tuple[PartHealth, ...]:
        found = serve.status().applications.get(self._app)
        if found is None:
            return (PartHealth("deployments", False, "the application is not deployed"),)
        return tuple(
            PartHealth(name, status.status == "HEALTHY", _in_short(status.message))
            for name, status in sorted(found.deployments.items())
        )

    async def _store_health(self) -> PartHealth:
        try:
            await self._store.library(NOBODY)
        except BotError as error:
            return PartHealth("TranscriptStore", False, str(error))
        return PartHealth("TranscriptStore", True)
