"""The answer cache on a question's way: looked up before the search where it is on, and after the answer in shadow."""

import asyncio
import logging
import math
import time
from collections.abc import Callable
from dataclasses import dataclass

from core.answer_cache import scope_of
from core.answer_cache_answers import recordings_of
from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import AnswerCache, CachedAnswer, Kept, Lookup, ModelAnswer, NotCached
from core.messages import Ask
from core.ports import TranscriptStore, Vectors
from deployments.answer_records import Draft

# How soon a tenant's proof is looked at again, and how long one holds that nobody looks at.
_PROOF_S, _PROOF_HOLDS_S = 60.0, 3_600.0
# How long an answer waits for the cache, and for how long the cache is left alone after that.
_WAIT_S, _REST_S = 0.5, 5.0
_MOST_PROOFS = 10_000
_LEAST_AUDITS = 100
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Sought:
    """A question as it is looked up, and what was found; None where it is looked up after the answer."""

    asked: Lookup
    found: CachedAnswer | NotCached | None


class Caching:
    """Never fails an answer, nor holds one up: where the cache does not answer in a moment, the model does."""

    def __init__(
        self,
        cache: AnswerCache,
        store: TranscriptStore,
        *,
        delta: float,
        promotes: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """With `promotes`, answers are served in a tenant whose shadow has proved that at most `delta` were wrong."""
        self._cache, self._store, self._delta, self._promotes, self._clock = cache, store, delta, promotes, clock
        self._proofs: dict[str, tuple[float, bool]] = {}
        self._rests_until = -math.inf

    def waits(self, tenant: str, *, shadow: bool) -> bool:
        """Whether the question waits for the cache, or is looked up after its answer."""
        return not shadow or self._proved(tenant)

    async def seek(self, ask: Ask, question: str, vector: Vectors, library: str) -> Sought | None:
        """What the cache has for `question`; None where it cannot say. `library` is the store's version of now."""
        asked = self.lookup(ask, question, vector, library)
        if self._clock() < self._rests_until:
            return None
        try:
            async with asyncio.timeout(_WAIT_S):
                return Sought(asked, await self._cache.look_up(ask.tenant.tenant, asked))
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the cache, the answer goes on without it
            _log.warning("The answer cache was not asked: %r", error)
            self._rests_until = self._clock() + _REST_S
            return None

    def lookup(self, ask: Ask, question: str, vector: Vectors, library: str) -> Lookup:
        """A question as the cache knows it."""
        return Lookup(scope_of(ask.tenant, ask.recording_ids), question, vector, library)

    async def learn(self, ask: Ask, sought: Sought, draft: Draft) -> tuple[NotCached, Kept] | None:
        """Hand the model's answer to the cache: what it would have done, and whether that is right.

        None where it was made from a library that is another now. Of what is forgotten meanwhile nothing stays.
        """
        tenant, asked, found = ask.tenant.tenant, sought.asked, sought.found
        if await self._store.version(ask.tenant, ask.recording_ids) != asked.library:
            return None
        if found is None:
            found = await self._cache.look_up(tenant, asked, shadow=True)
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
        kept = await self._cache.keep(tenant, asked, found, answer)
        if kept.stored and await self._store.version(ask.tenant, ask.recording_ids) != asked.library:
            await self._cache.forget_recordings(tenant, recordings_of(draft.claims))
        if self._promotes:
            await self._prove(tenant)
        return found, kept

    def _proved(self, tenant: str) -> bool:
        """Whether the tenant's shadow had proved itself when it was last looked at, not long ago."""
        at, proved_then = self._proofs.get(tenant, (-math.inf, False))
        return self._promotes and proved_then and self._clock() - at < _PROOF_HOLDS_S

    async def _prove(self, tenant: str) -> None:
        at, _ = self._proofs.get(tenant, (-math.inf, False))
        if self._clock() - at < _PROOF_S:
            return
        if len(self._proofs) >= _MOST_PROOFS:
            self._proofs.clear()
        self._proofs[tenant] = (self._clock(), proved(await self._cache.report(tenant), self._delta))


def proved(report: CacheReport, delta: float) -> bool:
    """Whether enough was audited, and the upper end of the interval of the wrong share is within `delta`."""
    return report.audits >= _LEAST_AUDITS and report.wrong_high <= delta
