"""A question's way, straight down: check, limit, embed, recall, search, trim, reserve, generate, verify, settle."""

import asyncio
import logging
import secrets
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from core.answer_cache_ports import CachedAnswer
from core.citations import verify
from core.feature_plans import TRIMMING
from core.messages import Answer, Ask, Claim, Hit, SearchQuery
from core.ports import ActivityLog, BudgetLedger, ChatModel, Embedder, Pace, TranscriptStore, Vectors
from core.prompting import Completion, Prompt
from core.questions import checked_question
from core.results import ErrorCategory, Fail, Ok, StepResult
from core.spending import NOTHING
from core.stages import Run, Stopped, stage
from core.tenancy import TenantContext
from core.trim_costs import TrimCosts, reason_not_to_trim
from core.trimming import QUALITY_FLOOR, everything, select
from deployments.answer_records import AnswerRecords, Draft, Trimmed, given_again
from deployments.background import Background
from deployments.decisions import Course, Deciding, Decisions
from deployments.pacing import admit
from deployments.spending import Account, SpendingConfig

DRAIN_S = 10.0
NOTHING_DECIDED = Deciding()
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Bounds of an answer. Without `paid_models` there is nothing to reserve money for.

    `quality_floor` is what trimming keeps (`core.trimming`), `trim_costs` when it is not worth its time.
    """

    passages: int = 8
    max_question_chars: int = 2000
    deadline_s: float = 60.0
    paid_models: bool = True
    spending: SpendingConfig = field(default_factory=SpendingConfig)
    quality_floor: float = QUALITY_FLOOR
    trim_costs: TrimCosts = field(default_factory=TrimCosts)


class AnswerPipeline:
    """Answers questions from one tenant's transcripts, within the tenant's rate and budget.

    Keeps nothing between questions. What was reserved for an answer is settled or released however the answer ends; a
    reservation that a crash leaves behind is charged when it expires. An answer that was given just before a crash may
    be missing in the activity log.
    """

    def __init__(
        self,
        config: PipelineConfig,
        embedder: Embedder,
        store: TranscriptStore,
        chat: ChatModel,
        pace: Pace,
        ledger: BudgetLedger,
        activity: ActivityLog,
        deciding: Deciding = NOTHING_DECIDED,
        clock: Callable[[], float] = time.perf_counter,
        new_id: Callable[[], str] = lambda: secrets.token_hex(8),
    ) -> None:
        """`deciding` is who is asked about features; `new_id` gives each answer an id that no other has."""
        self._background = Background()
        self._config, self._embedder, self._store, self._chat = config, embedder, store, chat
        self._pace, self._ledger, self._records = pace, ledger, AnswerRecords(activity, chat)
        self._decisions = Decisions(deciding, store, self._background)
        self._clock, self._new_id = clock, new_id

    async def ask(self, ask: Ask) -> StepResult[Answer]:
        """Answer with verified quotes, or with no claims where the transcripts do not say."""
        run, answer_id = Run(self._clock), self._new_id()
        account = Account(self._ledger, self._config.spending, self._background, ask.tenant, answer_id)
        course = self._decisions.begin(ask, answer_id)
        try:
            async with asyncio.timeout(self._config.deadline_s):
                draft = await self._draft(run, ask, account, course)
            if account.reserved:
                await run(self._settle, account)
        except Stopped as stopped:
            if isinstance(stopped.result, Fail):
                course.failed(run.wall_ms)
            return stopped.result
        except TimeoutError:
            course.failed(run.wall_ms)
            message = f"No answer within {self._config.deadline_s:g} s. Try again in a moment."
            return Fail(ErrorCategory.TIMEOUT, message, retryable=True)
        finally:
            account.close()
        answer = draft.answer(run, answer_id)
        self._background.start(self._afterwards(ask, course, run, draft, answer), f"What follows answer {answer_id}")
        return Ok(answer)

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]:
        """The passages that match `query` best, best first."""
        run = Run(self._clock)
        try:
            words = await run(self._check, query.text)
            await run(self._limit, query.tenant)
            vector = await run(self._embed, words)
            return Ok(await run(self._search, replace(query, text=words), vector))
        except Stopped as stopped:
            return stopped.result

    async def close(self, timeout_s: float = DRAIN_S) -> None:
        """Finish, for at most `timeout_s` seconds, what answers have left to do."""
        await self._background.drain(timeout_s)

    def __del__(self) -> Coroutine[Any, Any, None] | None:
        """Serve calls this when a replica stops, and awaits what it returns. While work is left, nobody else does."""
        return self.close() if self._background.busy else None

    async def _draft(self, run: Run, ask: Ask, account: Account, course: Course) -> Draft:
        question = await run(self._check, ask.question)
        await run(self._limit, ask.tenant)
        vector = await run(self._embed, question)
        if self._decisions.caching is None:
            await course.embedded(question, vector)
        elif (cached := await run(self._recall, course, question, vector)) is not None:
            return given_again(question, cached.claims)
        query = SearchQuery(ask.tenant, question, self._config.passages, ask.recording_ids)
        hits = await run(self._search, query, vector)
        compressed = course.on(TRIMMING)
        trimmed = await run(self._trim, question, hits, compressed)
        prompt = Prompt(question, trimmed.chosen)
        unpaid = ""
        if prompt.evidence and self._config.paid_models:
            unpaid = await run(self._reserve, prompt, account)
        completion = await run(self._generate, prompt, account, unpaid, await course.first())
        claims, dropped = await run(self._verify, completion, hits)
        return Draft(question, claims, dropped, completion, hits, trimmed, compressed)

    async def _afterwards(self, ask: Ask, course: Course, run: Run, draft: Draft, answer: Answer) -> None:
        """Count what trimming would have sent, log the answer, and learn from it: nobody waits for these."""
        if not draft.compressed and draft.trimmed.everything:
            draft = replace(draft, trimmed=await asyncio.to_thread(self._chosen, draft.question, draft.hits))
        learning = course.learn(draft, run.wall_ms, run.wall_ms_of("generate"))
        self._background.start(learning, f"Learning from answer {answer.answer_id}")
        self._background.start(self._records.keep(ask.tenant, answer, draft), f"Logging answer {answer.answer_id}")

    def _chosen(self, question: str, hits: Sequence[Hit]) -> Trimmed:
        trimmed = Trimmed.whole(everything(hits))
        if reason := reason_not_to_trim(trimmed.tokens_everything, self._config.trim_costs):
            _log.debug("Nothing was trimmed: %s", reason)
            return trimmed
        return trimmed.to(select(hits, question, self._config.quality_floor))

    @stage("check")
    async def _check(self, question: str) -> StepResult[str]:
        return Ok(checked_question(question, self._config.max_question_chars))

    @stage("limit")
    async def _limit(self, tenant: TenantContext) -> StepResult[None]:
        await admit(self._pace, tenant)
        return Ok(None)

    @stage("embed")
    async def _embed(self, question: str) -> StepResult[Vectors]:
        return Ok((await self._embedder.embed([question]))[0])

    @stage("recall")
    async def _recall(self, course: Course, question: str, vector: Vectors) -> StepResult[CachedAnswer | None]:
        return Ok(await course.embedded(question, vector))

    @stage("search")
    async def _search(self, query: SearchQuery, vector: Vectors) -> StepResult[Sequence[Hit]]:
        return Ok(await self._store.search(query, vector))

    @stage("trim")
    async def _trim(self, question: str, hits: Sequence[Hit], compressed: bool) -> StepResult[Trimmed]:
        return Ok(self._chosen(question, hits) if compressed else Trimmed.whole(everything(hits)))

    @stage("reserve")
    async def _reserve(self, prompt: Prompt, account: Account) -> StepResult[str]:
        """Why no model may be paid, in words for people; "" where one may, or where none costs anything."""
        most = await self._chat.ceiling(prompt)
        return Ok("" if most == NOTHING else await account.reserve(most))

    @stage("generate")
    async def _generate(self, prompt: Prompt, account: Account, unpaid: str, first: str) -> StepResult[Completion]:
        if not prompt.evidence:
            return Ok(Completion((), model="none"))
        if not unpaid:
            account.begin()
        result = await self._chat.complete(prompt, not unpaid, first)
        if not isinstance(result, Ok):
            return result
        if not unpaid:
            account.spent(result.data)
            return result
        degraded = f"{unpaid}; {result.data.degraded}" if result.data.degraded else unpaid
        return Ok(replace(result.data, degraded=degraded))

    @stage("verify")
    async def _verify(self, completion: Completion, hits: Sequence[Hit]) -> StepResult[tuple[tuple[Claim, ...], int]]:
        return Ok(verify(completion.claims, [hit.passage for hit in hits]))

    @stage("settle")
    async def _settle(self, account: Account) -> StepResult[None]:
        await account.settle()
        return Ok(None)
