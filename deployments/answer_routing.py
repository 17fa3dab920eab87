"""Routing on a question's way: which model is asked first, and what the bandit learns from how that went."""

import asyncio
import logging
import time
from collections.abc import Callable, Sequence

from core.answer_quality import grounded_share
from core.bandit_messages import Choice, Learned
from core.ports import Vectors
from core.routing_context import Projection, context_of
from core.routing_ports import ModelBandit
from core.tenancy import TenantContext
from deployments.answer_records import Draft

# One policy for all: tenants differ by their weights, and by signs in the context.
POLICY = "answers"
# How long an answer waits for the bandit, and for how long the bandit is left alone after that.
_WAIT_S, _REST_S = 0.5, 5.0
# More seconds and dollars than any limit of a reward.
_NEVER = 1e9
_log = logging.getLogger(__name__)


class Routing:
    """Never fails an answer: where the bandit does not answer, the models are asked in their order."""

    def __init__(
        self,
        bandit: ModelBandit,
        projection: Projection,
        arms: Sequence[str],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`arms` are the models in their order: the first is the baseline."""
        self._bandit, self._projection, self._arms, self._clock = bandit, projection, tuple(arms), clock
        self._rests_until = 0.0

    async def choose(
        self, tenant: TenantContext, answer_id: str, question: str, vector: Vectors, *, shadow: bool
    ) -> Choice | None:
        """The model for a question; in `shadow` the first one, or by chance any. None where there is no choice."""
        if len(self._arms) < 2:
            return None
        if self._clock() < self._rests_until:
            return None
        try:
            context = context_of(self._projection, vector, question, tenant.tenant, self._clock())
            async with asyncio.timeout(_WAIT_S):
                return await self._bandit.choose(POLICY, answer_id, context, self._arms, self._arms[0], shadow)
        except Exception as error:  # noqa: BLE001 - whatever is wrong with the bandit, the answer goes on without it
            _log.warning("The models are asked in their order: %r", error)
            self._rests_until = self._clock() + _REST_S
            return None

    async def learn(self, tenant: TenantContext, choice: Choice, draft: Draft, latency_s: float) -> Learned | None:
        """Tell how the chosen model did; None where nothing can be said of it.

        A model that failed, so that another one answered, did as badly as can be. Where nobody was asked or paid, and
        where the answer quotes nothing, no reward comes.
        """
        completion = draft.completion
        quality, cost_usd = grounded_share(draft.claims, draft.dropped), completion.cost_usd
        if completion.model != choice.arm:
            if not any(failure.startswith(f"{choice.arm} ") for failure in completion.degraded.split("; ")):
                return None
            # Nor was it fast or cheap: a model that fails at once would earn half of what a good one does.
            quality, latency_s, cost_usd = 0.0, _NEVER, _NEVER
        if quality is None:
            return None
        learned = await self._bandit.observe(POLICY, choice.decision_id, quality, latency_s, cost_usd, tenant.tenant)
        return learned if isinstance(learned, Learned) else None
