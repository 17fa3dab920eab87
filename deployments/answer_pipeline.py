"""A question's way, straight down: check, embed, search, trim, generate, verify."""

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from core.citations import verify
from core.messages import Answer, Ask, Claim, Hit, Receipt, SearchQuery
from core.ports import ChatModel, Embedder, TranscriptStore, Vectors
from core.prompting import Completion, Evidence, Prompt
from core.questions import checked_question
from core.results import ErrorCategory, Fail, Ok, StepResult
from core.stages import Run, Stopped, stage
from core.trimming import everything, select
from core.words import count_tokens


@dataclass(frozen=True, slots=True)
class PipelineConfig:
    """Bounds of an answer. `compress` sends models only the chosen sentences; without it they are only counted."""

    passages: int = 8
    max_question_chars: int = 2000
    deadline_s: float = 60.0
    compress: bool = False


@dataclass(frozen=True, slots=True)
class Trimmed:
    """What trimming chose: `chosen` of `everything`, each as evidence in the order of passages and times."""

    chosen: tuple[Evidence, ...]
    everything: tuple[Evidence, ...]


class AnswerPipeline:
    """Answers questions from one tenant's transcripts. Keeps nothing between questions."""

    def __init__(
        self,
        config: PipelineConfig,
        embedder: Embedder,
        store: TranscriptStore,
        chat: ChatModel,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._config, self._embedder, self._store, self._chat, self._clock = config, embedder, store, chat, clock

    async def ask(self, ask: Ask) -> StepResult[Answer]:
        """Answer with verified quotes, or with no claims where the transcripts do not say."""
        run = Run(self._clock)
        try:
            async with asyncio.timeout(self._config.deadline_s):
                return Ok(await self._answer(run, ask))
        except Stopped as stopped:
            return stopped.result
        except TimeoutError:
            message = f"No answer within {self._config.deadline_s:g} s. Try again in a moment."
            return Fail(ErrorCategory.TIMEOUT, message, retryable=True)

    async def search(self, query: SearchQuery) -> StepResult[Sequence[Hit]]:
        """The passages that match `query` best, best first."""
        run = Run(self._clock)
        try:
            words = await run(self._check, query.text)
            vector = await run(self._embed, words)
            return Ok(await run(self._search, replace(query, text=words), vector))
        except Stopped as stopped:
            return stopped.result

    async def _answer(self, run: Run, ask: Ask) -> Answer:
        question = await run(self._check, ask.question)
        vector = await run(self._embed, question)
        query = SearchQuery(ask.tenant, question, self._config.passages, ask.recording_ids)
        hits = await run(self._search, query, vector)
        trimmed = await run(self._trim, question, hits)
        completion = await run(self._generate, question, trimmed)
        claims, dropped = await run(self._verify, completion, hits)
        receipt = Receipt(
            model=completion.model,
            prompt_tokens=completion.prompt_tokens,
            completion_tokens=completion.completion_tokens,
            cost_usd=completion.cost_usd,
            tokens_untrimmed=_tokens(trimmed.everything),
            tokens_trimmed=_tokens(trimmed.chosen),
            passages_searched=len(hits),
            quotes_dropped=dropped,
            degraded=completion.degraded,
            stages=run.stages,
        )
        return Answer(question, claims, receipt)

    @stage("check")
    async def _check(self, question: str) -> StepResult[str]:
        return Ok(checked_question(question, self._config.max_question_chars))

    @stage("embed")
    async def _embed(self, question: str) -> StepResult[Vectors]:
        return Ok((await self._embedder.embed([question]))[0])

    @stage("search")
    async def _search(self, query: SearchQuery, vector: Vectors) -> StepResult[Sequence[Hit]]:
        return Ok(await self._store.search(query, vector))

    @stage("trim")
    async def _trim(self, question: str, hits: Sequence[Hit]) -> StepResult[Trimmed]:
        return Ok(Trimmed(select(hits, question), everything(hits)))

    @stage("generate")
    async def _generate(self, question: str, trimmed: Trimmed) -> StepResult[Completion]:
        evidence = trimmed.chosen if self._config.compress else trimmed.everything
        if not evidence:
            return Ok(Completion((), model="none"))
        return await self._chat.complete(Prompt(question, evidence))

    @stage("verify")
    async def _verify(self, completion: Completion, hits: Sequence[Hit]) -> StepResult[tuple[tuple[Claim, ...], int]]:
        return Ok(verify(completion.claims, [hit.passage for hit in hits]))


def _tokens(evidence: Sequence[Evidence]) -> int:
    return sum(count_tokens(item.sentence.text) for item in evidence)
