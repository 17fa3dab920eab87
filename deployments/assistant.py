"""The whole product behind one interface: what the bot, the console, the demo and the HTTP API hold in their hands."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

from core.activity_documents import LoggedAnswer, receipt_from, receipt_query
from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import AnswerCache
from core.errors import BotError, Unavailable
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
from core.ports import ActivityLog, BudgetLedger, TranscriptStore
from core.rate_limit_messages import Quota
from core.results import StepResult
from core.stages import failure
from core.tenancy import TenantContext
from core.usage import Usage, usage_of
from deployments.answer_pipeline import AnswerPipeline
from deployments.ingest import Ingest
from deployments.pacing import limiter_key

T = TypeVar("T")

HEALTH_S = 5.0
Probe = Callable[[], Awaitable[Sequence[PartHealth]]]


class Quotas(Protocol):
    """The rate limiter, as far as it is needed here."""

    async def quota(self, key: str, user: str = "") -> Quota:
        """What is left to the limiter `key` ("tenant:<id>") and to its `user`."""
        ...


class DeployedAssistant:
    """Implements `core.ports.Assistant` over references to the deployments, the store and the durable actors."""

    def __init__(
        self,
        pipeline: AnswerPipeline,
        ingest: Ingest,
        store: TranscriptStore,
        limiter: Quotas,
        ledger: BudgetLedger,
        activity: ActivityLog,
        probe: Probe,
        notes: Sequence[str] = (),
        clock: Callable[[], float] = time.time,
        cache: AnswerCache | None = None,
    ) -> None:
        """`notes` are sentences about the limits as such, shown with every quota; `clock` gives unix seconds.

        `cache` is None while no flag asks for it.
        """
        self._pipeline, self._ingest, self._store, self._probe = pipeline, ingest, store, probe
        self._limiter, self._ledger, self._activity = limiter, ledger, activity
        self._notes, self._clock, self._cache = tuple(notes), clock, cache

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

    async def quota(self, tenant: TenantContext) -> Usage:
        """What the person and their server may still do; of a part that does not answer, a note."""
        (quota, no_quota), (budget, no_budget) = await asyncio.gather(
            _or_note("How fast you may ask", self._limiter.quota(limiter_key(tenant), tenant.user)),
            _or_note("What may still be spent", self._ledger.report(tenant.tenant)),
        )
        return usage_of(self._clock(), quota, budget, (*self._notes, *no_quota, *no_budget))

    async def receipt(self, tenant: TenantContext, answer_id: str = "") -> StepResult[LoggedAnswer]:
        """How an answer to this person came about; a part that is down is a `Fail`, never an exception."""
        try:
            found = await self._activity.documents(tenant.tenant, receipt_query(tenant, answer_id))
            return receipt_from(found, answer_id)
        except BotError as error:
            return failure(error)

    async def answer_cache(self, tenant: TenantContext) -> CacheReport:
        """The server's answer cache in numbers. Raises Unavailable while it is off."""
        if self._cache is None:
            raise Unavailable("The answer cache", "It is off: its operator may set ENABLE_SEMANTIC_CACHE_SHADOW.")
        return await self._cache.report(tenant.tenant)

    async def health(self) -> Health:
        """Every part's health; asking takes at most a few seconds."""
        try:
            async with asyncio.timeout(HEALTH_S):
                return Health(tuple(await self._probe()))
        except TimeoutError:
            return Health((PartHealth("cluster", False, f"did not answer within {HEALTH_S:g} s"),))
        except BotError as error:
            return Health((PartHealth("cluster", False, str(error)),))


async def _or_note(what: str, asked: Awaitable[T]) -> tuple[T | None, tuple[str, ...]]:
    """The reply, or a note that tells why there is none."""
    try:
        return await asked, ()
    except BotError as error:
        return None, (f"{what} cannot be shown: {error}",)
