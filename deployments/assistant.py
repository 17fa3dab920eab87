"""The whole product behind one interface: what the bot, the console, the demo and the HTTP API hold in their hands."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence

from core.errors import BotError
from core.messages import (
    Answer,
    Ask,
    Health,
    Hit,
    IngestProgress,
    IngestReport,
    IngestRequest,
    Library,
    PartHealth,
    SearchQuery,
)
from core.ports import TranscriptStore
from core.results import StepResult
from core.stages import failure
from core.tenancy import TenantContext
from deployments.answer_pipeline import AnswerPipeline
from deployments.ingest import Ingest

HEALTH_S = 5.0
Probe = Callable[[], Awaitable[Sequence[PartHealth]]]


class DeployedAssistant:
    """Implements `core.ports.Assistant` over references to the deployments and the store."""

    def __init__(self, pipeline: AnswerPipeline, ingest: Ingest, store: TranscriptStore, probe: Probe) -> None:
        self._pipeline, self._ingest, self._store, self._probe = pipeline, ingest, store, probe

    async def ask(self, ask: Ask) -> StepResult[Answer]:
        """Answer a question; a part that is down is a `Fail`, never an exception."""
        try:
            return await self._pipeline.ask(ask)
        except BotError as error:
            return failure(error)

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]:
        """Find passages; a part that is down is a `Fail`, never an exception."""
        try:
            return await self._pipeline.search(query)
        except BotError as error:
            return failure(error)

    def ingest(self, request: IngestRequest) -> AsyncIterator[IngestProgress | IngestReport]:
        """Bring in what is behind a link: progress while it goes on, and the report last."""
        return self._ingest.run(request)

    async def library(self, tenant: TenantContext) -> Library:
        """What the tenant's workspace holds."""
        return await self._store.library(tenant)

    async def health(self) -> Health:
        """Every part's health; asking takes at most a few seconds."""
        try:
            async with asyncio.timeout(HEALTH_S):
                return Health(tuple(await self._probe()))
        except TimeoutError:
            return Health((PartHealth("cluster", False, f"did not answer within {HEALTH_S:g} s"),))
        except BotError as error:
            return Health((PartHealth("cluster", False, str(error)),))
