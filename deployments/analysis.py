"""The analysis of a recording as a stage: in its own sentences, or written by a model where one may be paid."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from core.analysis import PROMPT_TOKENS, Analysis, Digest, analysis, digest
from core.arms import EXTRACTIVE
from core.errors import BotError
from core.following import Chapter
from core.messages import Claim, Passage
from core.ports import BudgetLedger, ChatModel, Vectors
from core.prompting import Completion, Prompt
from core.results import Ok, Skip, StepResult
from core.spending import NOTHING
from core.stages import stage
from core.tenancy import TenantContext
from deployments.background import Background
from deployments.spending import Account, SpendingConfig

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AnalysisConfig:
    """`enabled`: without it nothing is analysed. `paid_models`: a model writes the statements where the budget allows.

    `prompt_tokens` is how much of a recording of any length a model reads, in each of its two calls.
    """

    enabled: bool = True
    paid_models: bool = False
    prompt_tokens: int = PROMPT_TOKENS
    spending: SpendingConfig = field(default_factory=SpendingConfig)


class Analyst:
    """Analyses recordings. Whatever is wrong with a model or the budget costs quality, not the analysis.

    Keeps nothing: done again after a crash, it gives the same where no model writes, and reserves and pays anew where
    one does.
    """

    def __init__(
        self,
        config: AnalysisConfig,
        chat: ChatModel,
        ledger: BudgetLedger,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`new_id` gives each call of a model a reservation id that no other has."""
        self._config, self._chat, self._ledger, self._new_id = config, chat, ledger, new_id
        self._background = Background()

    @stage("analyse")
    async def analyse(
        self,
        tenant: TenantContext,
        passages: Sequence[Passage],
        sentence_vectors: Sequence[Vectors],
        chapters: Sequence[Chapter] = (),
    ) -> StepResult[Analysis]:
        """The analysis of one recording; a Skip where it is switched off, or where nothing was said.

        Shapes: `sentence_vectors[i]` (sentences of passage i, dimensions).
        """
        if not self._config.enabled:
            return Skip("Analysis is switched off.")
        if not passages:
            return Skip("Nothing is said in it.")
        found = await asyncio.to_thread(analysis, passages, sentence_vectors, chapters)
        if not self._config.paid_models:
            return Ok(found)
        read = await asyncio.to_thread(digest, passages, sentence_vectors, chapters, self._config.prompt_tokens)
        return Ok(await self._written(tenant, found, read) if read.evidence else found)

    async def close(self, timeout_s: float = 10.0) -> None:
        """Settle, for at most `timeout_s` seconds, what is still reserved."""
        await self._background.drain(timeout_s)

    async def _written(self, tenant: TenantContext, found: Analysis, read: Digest) -> Analysis:
        """`found` with the statements that a model wrote; its own where the model has none that is proved."""
        for prompt, wanted in ((read.summary_prompt, "summary"), (read.claims_prompt, "claims")):
            completion, problem = await self._asked(tenant, prompt)
            claims = await self._verified(read, completion)
            if completion is not None:
                found = replace(found, cost_usd=found.cost_usd + completion.cost_usd)
                problem = problem or completion.degraded
            if completion is not None and claims:
                found = replace(found, model=completion.model)
                found = replace(found, summary=claims) if wanted == "summary" else replace(found, claims=claims)
            elif not problem:
                problem = f"none of the model's statements for the {wanted} is in the transcript"
            if problem and problem not in found.degraded:
                found = replace(found, degraded=f"{found.degraded}; {problem}" if found.degraded else problem)
        return found

    async def _verified(self, read: Digest, completion: Completion | None) -> tuple[Claim, ...]:
        """The proved statements of a model; none of the extractive one, which answers questions and sums up nothing."""
        if completion is None or completion.model == EXTRACTIVE:
            return ()
        return await asyncio.to_thread(read.verified, completion.claims)

    async def _asked(self, tenant: TenantContext, prompt: Prompt) -> tuple[Completion | None, str]:
        """What a model wrote, or nothing and why."""
        account = Account(self._ledger, self._config.spending, self._background, tenant, f"analysis:{self._new_id()}")
        try:
            most = await self._chat.ceiling(prompt)
            if most == NOTHING:
                return None, "no model is set up"
            if unpaid := await account.reserve(most):
                return None, unpaid
            account.begin()
            result = await self._chat.complete(prompt)
            if not isinstance(result, Ok):
                return None, result.reason if isinstance(result, Skip) else result.message
            account.spent(result.data)
            await account.settle()
            return result.data, ""
        except BotError as error:
            _log.warning("No model could be asked for an analysis: %s", error)
            return None, str(error)
        finally:
            account.close()
