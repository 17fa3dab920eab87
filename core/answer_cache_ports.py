"""The answer cache as the pipeline has it, and as the bot has it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol, runtime_checkable

from core.answer_cache_messages import CacheReport, Judged
from core.messages import Claim, Passage
from core.ports import Vectors
from core.tenancy import TenantContext


@dataclass(frozen=True, slots=True)
class CachedAnswer:
    """An answer from the cache: proven claims, and how probably they are right (a lower bound; 1 for the same words).

    `cost_usd` is what it saved.
    """

    claims: tuple[Claim, ...]
    probability: float
    exact: bool = False
    cost_usd: float = 0.0


@dataclass(frozen=True, slots=True)
class NotCached:
    """Ask the model, and hand this back with what it said.

    `would_serve`: the cache could have answered, with `probability`; this is an audit, or the cache is in shadow.
    """

    candidates: tuple[Judged, ...] = ()
    compared: Judged | None = None
    would_serve: bool = False
    probability: float = 0.0


@dataclass(frozen=True, slots=True)
class Lookup:
    """A question as it is looked up, and kept. `vector` has shape (dimensions,).

    `scope` is `core.answer_cache.scope_of`. `library` names what there is to answer from (a hash, a count): an answer
    is served only where it is the same as when it was stored.
    """

    scope: str
    question: str
    vector: Vectors
    library: str = ""


@dataclass(frozen=True, slots=True)
class ModelAnswer:
    """What the model said: `claims` are empty where the transcripts do not say.

    `passages` are those that it was given: quotes are looked up in them again. `degraded`: not kept, as when no model
    could be asked and the answer is an extract.
    """

    claims: tuple[Claim, ...]
    passages: Sequence[Passage] = field(default_factory=tuple)
    cost_usd: float = 0.0
    user: str = ""
    degraded: bool = False


@dataclass(frozen=True, slots=True)
class Kept:
    """Whether the model's answer was stored, and whether the one that was compared is equal to it; None if none was."""

    stored: bool
    right: bool | None = None


class AnswerCache(Protocol):
    """Keeps answers that may be given again; the key is the tenant's id."""

    async def look_up(self, key: str, asked: Lookup, shadow: bool = False) -> CachedAnswer | NotCached:
        """An answer that may be served, else what to hand back with the model's. With `shadow` always the latter.

        Raises BadInput for a vector that is zero or of another dimension.
        """
        ...

    async def keep(self, key: str, asked: Lookup, found: NotCached, answer: ModelAnswer) -> Kept:
        """Learn from what the model said, and keep it where it is proven."""
        ...

    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> int:
        """Delete for good every answer that quotes one of these recordings; how many."""
        ...

    async def forget_user(self, key: str, user: str, workspace: str = "") -> int:
        """Delete for good the answers to what a user asked, in one workspace or in all; how many."""
        ...

    async def forget_tenant(self, key: str, workspace: str = "") -> int:
        """Delete for good all answers, of one workspace or of all; how many."""
        ...

    async def report(self, key: str) -> CacheReport:
        """The cache in numbers."""
        ...


@runtime_checkable
class CacheReports(Protocol):
    """What moderators see of their server's answer cache; an assistant may offer it."""

    async def answer_cache(self, tenant: TenantContext) -> CacheReport:
        """The tenant's cache in numbers."""
        ...
