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
from core.following import Announcement, Followed, FollowRequest, ForgetReport, ForgetRequest, QueueView
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
from core.rate_limit_messages import Granted, Leased, LimitsKept, Quota, Refused, Returned
from core.results import StepResult
from core.spending import Amount
from core.tenancy import TenantContext
from core.token_buckets import Limits
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

    async def version(self, tenant: TenantContext, recording_ids: Sequence[str] = ()) -> str:
        """A fingerprint of these recordings (none named: of the workspace); another as soon as anything changes."""
        ...

    async def forget_recording(self, tenant: TenantContext, recording_id: str) -> int:
        """Delete a recording; returns how many passages were deleted."""
        ...


class Pace(Protocol):
    """Says who may go on: a rate limiter as those see it who ask before they do something."""

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        """Spend `cost` tokens of the limiter `key` ("tenant:<id>") and of its `user`, or of neither."""
        ...


class ChatModel(Protocol):
    """Writes an answer from evidence."""

    async def complete(self, prompt: Prompt, paid: bool = True, first: str = "") -> StepResult[Completion]:
        """Ask the models in order, the one named `first` before all, until one answers.

        The local extractive one stands last, or alone without `paid`.
        """
        ...

    async def count_tokens(self, prompts: Sequence[Prompt], arm: str) -> tuple[int, ...]:
        """The tokens of each prompt as the model `arm` reads it."""
        ...

    async def ceiling(self, prompt: Prompt) -> Amount:
        """The most that `complete` may spend on `prompt`; nothing where no model is paid."""
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


class Curator(Protocol):
    """What moderators do about channels, the queue and what is kept. An expected refusal is a `Fail` or a `Skip`."""

    async def follow(self, request: FollowRequest) -> StepResult[Followed]:
        """Follow a channel from now on and bring in its past; a Skip where it is followed already."""
        ...

    async def unfollow(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        """Follow it no more; what was brought in stays. `channel` is a link, or a part of one title."""
        ...

    async def pause(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        """Look for no news and bring in nothing of it until it is resumed."""
        ...

    async def resume(self, tenant: TenantContext, channel: str) -> StepResult[Followed]: ...

    async def following(self, tenant: TenantContext) -> StepResult[Sequence[Followed]]:
        """Every followed channel, by title."""
        ...

    async def backfill(self, tenant: TenantContext, channel: str, back_days: int) -> StepResult[Followed]:
        """List the channel again, back to `back_days` ago, and bring in what is missing; 0 days only reports."""
        ...

    async def queue(self, tenant: TenantContext) -> StepResult[QueueView]: ...

    async def retry(self, tenant: TenantContext, job: str) -> StepResult[int]:
        """Try dead jobs again: one by its id, or all of them ("all"); how many."""
        ...

    async def drop(self, tenant: TenantContext, job: str) -> StepResult[int]:
        """Take dead or waiting jobs out of the queue: one by its id, or all dead ones ("all"); how many."""
        ...

    async def forget(self, request: ForgetRequest) -> StepResult[ForgetReport]:
        """Delete a video, a channel with all its videos, or what a user asked, wherever it is kept."""
        ...


class Announcer(Protocol):
    """Hands announcements to whoever is on Discord, one after the other, until each is confirmed."""

    async def next(self, wait_s: float) -> Announcement | None:
        """The next announcement to post; None where none came within `wait_s` seconds."""
        ...

    async def posted(self, announcement_id: str) -> None:
        """It stands in its channel: it is never given out again."""
        ...

    async def refused(self, announcement_id: str, reason: str) -> None:
        """It can never be posted (no such channel, no permission): it is given up, and the reason logged."""
        ...


class ActivityLog(Protocol):
    """Keeps what was answered, used and thought of it; the key is the tenant's id."""

    async def log(self, key: str, documents: Sequence[Document]) -> Noted:
        """Keep `documents`; one with the same id replaces the older. Raises BadInput for what cannot be kept."""
        ...

    async def documents(self, key: str, find: Find) -> Sequence[Found]:
        """The documents that match, newest first. Raises BadInput for what cannot be looked for."""
        ...

    async def forget(self, key: str, whose: Forget) -> Forgotten:
        """Delete for good what was logged until now; returns what was deleted. Doing it again deletes nothing.

        When it returns, a SQLite journal holds no copy either. Where it raises, some may be left: call it again.
        """
        ...

    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> Forgotten:
        """Delete for good the answers with words of these recordings, as `forget` does."""
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
        """Set aside what a call may cost at most, for `ttl_s` seconds; after that it is charged as if it was spent.

        Where limits only watch, what crosses one is reserved too, and `Reserved.beyond` says which.
        """
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


class RateLimiter(Protocol):
    """Keeps how fast a tenant, its users, or a host may go; a key is "tenant:<id>" or "host:<name>".

    Each call raises BadInput for what is no key, user, amount or time. `deployments.leased_limiter` is how to call it.
    """

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        """Spend `cost` tokens now, of the bucket of `key` and of its `user`'s, or of neither."""
        ...

    async def lease(
        self, key: str, user: str, tokens: float, at_least: float, ttl_s: float, renews: int = 0, used: float = 0.0
    ) -> Leased | Refused:
        """Fill a lease to `tokens`, or with what there is, but `at_least`: to be spent within `ttl_s` of the call.

        `renews` is the lease, 0 for a new one, and `used` what was spent of it since it began. A lease that has ended
        meanwhile is replaced by a new one.
        """
        ...

    async def settle(self, key: str, lease_id: int, used: float) -> Returned:
        """End a lease of which `used` tokens were spent since it began; the others go back."""
        ...

    async def set_limits(self, key: str, limits: Limits | None) -> LimitsKept:
        """Give a tenant or host limits of its own; None: those of the settings again."""
        ...

    async def quota(self, key: str, user: str = "") -> Quota:
        """What is there now, of the tenant or host as a whole, and of the user where one is named."""
        ...
