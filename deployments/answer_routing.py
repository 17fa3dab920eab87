"""Routing on a question's way: which model is asked first, and what the bandit learns from how that went."""

import logging
import time
from collections.abc import Callable, Sequence

from core.answer_quality import grounded_share
from core.bandit_messages import Choice, Learned
from core.errors import BotError
from core.ports import Vectors
from core.routing_context import Projection, context_of
from core.routing_ports import ModelBandit
from core.tenancy import TenantContext
from deployments.answer_records import Draft

# One policy for all: tenants differ by their weights, and by signs in the context.
POLICY = "answers"
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

    async def choose(
        self, tenant: TenantContext, answer_id: str, question: str, vector: Vectors, *, shadow: bool
    ) -> Choice | None:
        """The model for a question; in `shadow` the first one, or by chance any. None where there is no choice."""
        if len(self._arms) < 2:
            return None
        try:
            context = context_of(self._projection, vector, question, tenant.tenant, self._clock())
            return await self._bandit.choose(POLICY, answer_id, context, self._arms, self._arms[0], shadow)
        except BotError as error:
            _log.warning("The models are asked in their order: %s", error)
            return None

    async def learn(self, tenant: TenantContext, choice: Choice, draft: Draft, latency_s: float) -> Learned | None:
        """Tell how the chosen model did; None where nothing can be said of it.

        A model that failed, so that another one answered, did as badly as can be. Where nobody was asked or paid, and
        where the answer quotes nothing, no reward comes.
        """
        completion = draft.completion
        quality = grounded_share(draft.claims, draft.dropped)
        if completion.model != choice.arm:
            quality = 0.0 if choice.arm in completion.degraded else None
        if quality is None:
            return None
        learned = await self._bandit.observe(
            POLICY, choice.decision_id, quality, latency_s, completion.cost_usd, tenant.tenant
        )
        return learned if isinstance(learned, Learned) else None
