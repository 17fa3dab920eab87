"""Writes an answer from evidence: the configured models in order, and the extractive one last."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any

from core.arms import EXTRACTIVE, ModelArm
from core.prompting import Completion, DraftClaim, Prompt, parse_reply, render
from core.results import ErrorCategory, Fail, Ok, StepResult
from core.retrying import full_jitter_s, retry_after_s
from core.spending import NOTHING, Amount
from deployments.model_router import CallFailed, ModelRouter, Reply
from deployments.tracing import Span, TracingTarget, tracer_for

log = logging.getLogger(__name__)

ATTEMPTS = 2
LEAST_ATTEMPT_S = 0.05
RETRY_BASE_S = 0.5
RETRY_CAP_S = 2.0
MAX_WAIT_S = 5.0


class ChatModel:
    """Asks the arms in order until one answers with claims that can be read; `local/extractive` always stands last.

    A model that hangs, errs, is cut off or writes something else than the JSON asked for has failed, and the next is
    asked; the answer's `degraded` names each that failed. Only what a second try can mend is tried twice, and a
    Retry-After longer than the time that can be spared sends the question to the next model instead. All of it ends
    within `deadline_s` seconds, plus a moment for the extractive answer. Keeps nothing that a restart could lose.
    """

    def __init__(
        self,
        arms: Sequence[ModelArm] = (),
        *,
        deadline_s: float = 30.0,
        tracing: TracingTarget | None = None,
        rng: Random | None = None,
    ) -> None:
        self._arms = tuple(arms)
        self._deadline_s = deadline_s
        self._rng = rng or Random()
        self._router = ModelRouter(self._arms)
        self._tracer = tracer_for(tracing)

    async def complete(self, prompt: Prompt, paid: bool = True, first: str = "") -> StepResult[Completion]:
        """The claims of the first model that answers; of the extractive one, which costs nothing, without `paid`.

        The arm named `first`, if there is one, is asked before the others. Fails only where the extractive one failed
        as well.
        """
        messages = render(prompt)
        span = self._tracer.start("answer", {"messages": messages})
        course = _Course(messages, span, time.monotonic() + self._deadline_s)
        # Without evidence there is nothing to pay a model for.
        arms = sorted(self._arms, key=lambda arm: arm.name != first)
        for arm in arms if prompt.evidence and paid else ():
            claims = await self._ask(arm, course)
            if claims is not None:
                return Ok(course.finish(claims, arm.name))
        return await self._extract(prompt, course)

    async def ceiling(self, prompt: Prompt) -> Amount:
        """The most that `complete` may spend: every model is asked as often as it may be, and writes all that it may.

        What is sent is counted with an allowance, as some providers' tokenizers are not known. A model whose price is
        unknown counts with its tokens alone.
        """
        if not prompt.evidence or not self._arms:
            return NOTHING
        # The first call in a process loads a tokenizer, which takes a moment.
        return await asyncio.to_thread(self._most, render(prompt))

    def _most(self, messages: list[dict[str, str]]) -> Amount:
        total = NOTHING
        for arm in self._arms:
            for _ in range(ATTEMPTS):
                total = total.plus(self._router.most(arm, messages))
        return total

    async def count_tokens(self, prompts: Sequence[Prompt], arm: str) -> tuple[int, ...]:
        """The tokens of each prompt as `arm` reads it, by its own tokenizer; words and marks for the extractive one.

        Which tokenizer is whose is LiteLLM's knowledge; where a provider keeps its own secret, OpenAI's counts.
        """
        model = next((known.model for known in self._arms if known.name == arm), "")
        # The first call in a process loads a tokenizer, which takes a moment.
        return tuple([await asyncio.to_thread(self._router.count, model, render(prompt)) for prompt in prompts])

    async def close(self, timeout_s: float = 5.0) -> None:
        """Close the connections to the providers, and send the traces that wait for at most `timeout_s` seconds."""
        await self._router.close()
        await asyncio.to_thread(self._tracer.close, timeout_s)

    async def _ask(self, arm: ModelArm, course: "_Course") -> tuple[DraftClaim, ...] | None:
        """The arm's claims; None, and a word in `course`, if it has none to give."""
        attempt = 0
        while (timeout_s := min(arm.timeout_s, course.left_s())) >= LEAST_ATTEMPT_S:
            call = self._router.call(arm.name, course.messages, timeout_s=timeout_s)
            outcome = await self._attempt(arm.name, arm.model, call, course)
            if not isinstance(outcome, CallFailed):
                return outcome
            attempt += 1
            wait_s = self._wait_s(outcome, attempt, course.left_s())
            if wait_s is None:
                course.failed(arm.name, outcome.reason)
                return None
            await asyncio.sleep(wait_s)
        course.failed(arm.name, "had no time left")
        return None

    async def _attempt(
        self, name: str, model: str, call: Awaitable[Reply], course: "_Course"
    ) -> tuple[DraftClaim, ...] | CallFailed:
        """One call, traced, counted and read: its claims, or why there are none."""
        span = course.open(name, model)
        try:
            reply = await call
        except CallFailed as failure:
            span.fail(failure.reason, {"detail": failure.detail})
            log.warning("%s %s. %s", name, failure.reason, failure.detail)
            return failure
        course.spent(reply)
        parsed = parse_reply(reply.text)
        if isinstance(parsed, Ok):
            span.end(_traced(reply))
            return parsed.data
        span.fail(parsed.message, _traced(reply))
        log.warning("%s sent an unreadable reply. %s", name, parsed.message)
        return CallFailed("sent an unreadable reply")

    def _wait_s(self, failure: CallFailed, attempts: int, left_s: float) -> float | None:
        """How long to wait before the next attempt, in seconds; None where the next model is the better choice."""
        if not failure.again or attempts >= ATTEMPTS:
            return None
        wait_s = full_jitter_s(attempts - 1, base_s=RETRY_BASE_S, cap_s=RETRY_CAP_S, rng=self._rng)
        asked_s = retry_after_s(failure.retry_after, now_s=time.time()) if failure.retry_after else None
        if asked_s is not None:
            wait_s += asked_s
        return wait_s if wait_s <= min(MAX_WAIT_S, left_s / 2) else None

    async def _extract(self, prompt: Prompt, course: "_Course") -> StepResult[Completion]:
        outcome = await self._attempt(EXTRACTIVE, EXTRACTIVE, self._router.extract(course.messages, prompt), course)
        if not isinstance(outcome, CallFailed):
            return Ok(course.finish(outcome, EXTRACTIVE))
        course.failed(EXTRACTIVE, outcome.reason)
        course.span.fail(course.degraded)
        return Fail(ErrorCategory.UPSTREAM, f"No model answered: {course.degraded}.", retryable=True)


@dataclass(slots=True)
class _Course:
    """What has happened to one question so far: who failed, what was spent, and until when it must be over."""

    messages: list[dict[str, str]]
    span: Span
    ends: float
    failures: list[str] = field(default_factory=list)
    prompt_tokens: int = 0
    completion_tokens: int = 0
    cost_usd: float = 0.0

    @property
    def degraded(self) -> str:
        return "; ".join(self.failures)

    def left_s(self) -> float:
        return self.ends - time.monotonic()

    def open(self, name: str, model: str) -> Span:
        """The span of one attempt."""
        provider, _, bare = model.partition("/")
        return self.span.child(name, {"messages": self.messages}, {"ls_provider": provider, "ls_model_name": bare})

    def failed(self, arm: str, reason: str) -> None:
        self.failures.append(f"{arm} {reason}")

    def spent(self, reply: Reply) -> None:
        """Count a reply: one that cannot be read was paid for too."""
        self.prompt_tokens += reply.prompt_tokens
        self.completion_tokens += reply.completion_tokens
        self.cost_usd += reply.cost_usd

    def finish(self, claims: tuple[DraftClaim, ...], model: str) -> Completion:
        self.span.end({"model": model, "claims": len(claims), "degraded": self.degraded})
        return Completion(claims, model, self.prompt_tokens, self.completion_tokens, self.cost_usd, self.degraded)


def _traced(reply: Reply) -> Mapping[str, Any]:
    """A reply as LangSmith shows it, with the tokens and cost in the form that it adds up."""
    return {
        "messages": [{"role": "assistant", "content": reply.text}],
        "usage_metadata": {
            "input_tokens": reply.prompt_tokens,
            "output_tokens": reply.completion_tokens,
            "total_tokens": reply.prompt_tokens + reply.completion_tokens,
            "total_cost": reply.cost_usd,
        },
    }
