"""The interfaces between the rooms. Each has one real implementation, or one for each kind of host, and one fake.

A port's method that may be called across processes is `async`; the same class serves in process (tests) and as a Ray
actor or Serve replica (production).
"""

from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from core.activity import ActivityReport, Forgotten, Noted, Retention
from core.activity_documents import Document, Forget, Found, LoggedAnswer
from core.budget_messages import (
    BudgetLimits,
    BudgetReport,
    LimitsSet,
    NoReservation,
    OverBudget,
    Released,
    Reserved,
    Settled,
)
from core.entities import Find
from core.messages import (
    Answer,
    Ask,
    Health,
    Hit,
    IngestProgress,
    IngestReport,
    IngestRequest,
    Library,
    Passage,
    SearchQuery,
)
from core.prompting import Completion, Prompt
from core.results import StepResult
from core.tenancy import TenantContext
from core.usage import Usage

Vectors = NDArray[np.float32]


class Embedder(Protocol):
    """Turns texts into vectors."""

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Embed `texts`; returns an array of shape (len(texts), dimensions), each row of length 1."""
        ...


class TranscriptStore(Protocol):
    """Keeps the passages and vectors of every tenant; a call carries its tenant or is refused."""

    async def replace_recording(
        self, tenant: TenantContext, passages: Sequence[Passage], vectors: Vectors, sentence_vectors: Sequence[Vectors]
    ) -> bool:
        """Store all passages of one recording in place of what was there; False if the same was there already.

        Shapes: `vectors` (passages, dimensions); `sentence_vectors[i]` (sentences of passage i, dimensions).
        """
        ...

    async def is_stored(self, tenant: TenantContext, passages: Sequence[Passage]) -> bool:
        """Whether exactly these passages of a recording are stored already: then they need no vectors."""
        ...

    async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
        """The best passages for `query`, best first; `vector` is the question's, of shape (dimensions,)."""
        ...

    async def library(self, tenant: TenantContext) -> Library:
        """What the tenant's workspace holds."""
        ...

    async def forget_recording(self, tenant: TenantContext, recording_id: str) -> int:
        """Delete a recording; returns how many passages were deleted."""
        ...


class ChatModel(Protocol):
    """Writes an answer from evidence."""

    async def complete(self, prompt: Prompt) -> StepResult[Completion]:
        """Ask the models in order until one answers; the local extractive one stands last."""
        ...


class Assistant(Protocol):
    """The whole product as the bot, the console and the HTTP API see it."""

    async def ask(self, ask: Ask) -> StepResult[Answer]: ...

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]: ...

    def ingest(self, request: IngestRequest) -> AsyncIterator[IngestProgress | IngestReport]:
        """Progress while it goes on, and the report last."""
        ...

    async def library(self, tenant: TenantContext) -> Library: ...

    async def health(self) -> Health: ...

    async def quota(self, tenant: TenantContext) -> Usage:
        """What the person and their server may still do."""
        ...

    async def receipt(self, tenant: TenantContext, answer_id: str = "") -> StepResult[LoggedAnswer]:
        """How an answer to this person came about: the last one's where no id is given. A Skip where there is none."""
        ...


class ActivityLog(Protocol):
    """Keeps what was answered, used and thought of it; the key is the tenant's id."""

    async def log(self, key: str, documents: Sequence[Document]) -> Noted:
        """Keep `documents`; one with the same id replaces the older. Raises BadInput for what cannot be kept."""
        ...

    async def documents(self, key: str, find: Find) -> Sequence[Found]:
        """The documents that match, newest first."""
        ...

    async def forget(self, key: str, whose: Forget) -> Forgotten:
        """Delete for good what was logged until now; returns what was deleted. Doing it again deletes nothing."""
        ...

    async def set_retention(self, key: str, days: int | None) -> Retention:
        """Keep documents for `days` from now on (None: as the settings say); what is older goes at once."""
        ...

    async def report(self, key: str) -> ActivityReport:
        """The log in numbers."""
        ...


class BudgetLedger(Protocol):
    """Keeps what a tenant may spend; the key is the tenant's id. Each call raises BadInput for what is no amount.

    Costs are US dollars; `core.spending.usd` makes them of a float. A reservation's id is the caller's, and unique.
    """

    async def reserve(
        self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int, ttl_s: float
    ) -> Reserved | OverBudget:
        """Set aside what a call may cost at most, for `ttl_s` seconds; after that it is charged as if it was spent."""
        ...

    async def settle(self, key: str, reservation_id: str, cost_usd: Decimal, tokens: int) -> Settled | NoReservation:
        """Replace a reservation by what the call cost, even if that is more. A late one corrects what was charged."""
        ...

    async def release(self, key: str, reservation_id: str) -> Released | NoReservation:
        """Undo a reservation: nothing was spent."""
        ...

    async def set_limits(self, key: str, limits: BudgetLimits | None) -> LimitsSet:
        """Give a tenant limits of its own, all of them at once; None: those of the settings again."""
        ...

    async def report(self, key: str) -> BudgetReport:
        """What is spent, reserved and left of the request, day and month."""
        ...
