"""The answer cache on a question's way: looked up before the search where it is on, and after the answer in shadow."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.answer_cache import scope_of
from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import AnswerCache, CachedAnswer, Lookup, ModelAnswer, NotCached
from core.errors import BotError
from core.messages import Ask
from core.ports import Vectors
from deployments.answer_records import Draft

# How long a tenant's proof holds before it is looked at again.
_PROOF_S = 60.0
_MOST_PROOFS = 10_000
_LEAST_AUDITS = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sought:
    """A question as it is looked up, and what was found; None where it is looked up after the answer."""

    asked: Lookup
    found: CachedAnswer | NotCached | None


class Caching:
    """Never fails an answer: where the cache does not answer, the model does."""

    def __init__(
        self, cache: AnswerCache, *, delta: float, promotes: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """With `promotes`, answers are served in a tenant whose shadow has proved that at most `delta` were wrong."""
        self._cache, self._delta, self._promotes, self._clock = cache, delta, promotes, clock
        self._proofs: dict[str, tuple[float, bool]] = {}

    async def seek(self, ask: Ask, question: str, vector: Vectors, library: str, *, shadow: bool) -> Sought | None:
        """What the cache has for `question`; None where it cannot say. `library` is the store's version of now."""
        tenant = ask.tenant.tenant
        asked = Lookup(scope_of(ask.tenant, ask.recording_ids), question, vector, library)
        if shadow and not self._proved(tenant):
            return Sought(asked, None)
        try:
            return Sought(asked, await self._cache.look_up(tenant, asked))
        except BotError as error:
            _log.warning("The answer cache was not asked: %s", error)
            return None

    async def learn(self, ask: Ask, sought: Sought, draft: Draft) -> NotCached | None:
        """Hand the model's answer to the cache; what the cache would have done, None where it did it."""
        tenant, found = ask.tenant.tenant, sought.found
        if found is None:
            found = await self._cache.look_up(tenant, sought.asked, shadow=True)
            if self._promotes:
                await self._prove(tenant)
        if isinstance(found, CachedAnswer):
            return None
        completion = draft.completion
        answer = ModelAnswer(
            draft.claims,
            tuple(hit.passage for hit in draft.hits),
            completion.cost_usd,
            ask.tenant.user,
            bool(completion.degraded),
        )
        await self._cache.keep(tenant, sought.asked, found, answer)
        return found

    def _proved(self, tenant: str) -> bool:
        """Whether the tenant's shadow had proved itself when it was last looked at."""
        return self._promotes and self._proofs.get(tenant, (0.0, False))[1]

    async def _prove(self, tenant: str) -> None:
        at, _ = self._proofs.get(tenant, (-_PROOF_S, False))
        if self._clock() - at < _PROOF_S:
            return
        if len(self._proofs) >= _MOST_PROOFS:
            self._proofs.clear()
        self._proofs[tenant] = (self._clock(), proved(await self._cache.report(tenant), self._delta))


def proved(report: CacheReport, delta: float) -> bool:
    """Whether enough was audited, and the upper end of the interval of the wrong share is within `delta`."""
    return report.audits >= _LEAST_AUDITS and report.wrong_high <= delta
