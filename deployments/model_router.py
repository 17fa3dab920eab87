"""The one place that meets LiteLLM: its import, its Router over the arms, its replies and its errors."""

import asyncio
import importlib
import logging
import math
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from core import words
from core.arms import EXTRACTIVE, ModelArm
from core.prompting import Prompt
from core.spending import Amount, usd

PROMPT_KEY = "prompt"
"""Where a call's `metadata` carries the `Prompt`: the rendered messages lack the times and scores that
`local/extractive` needs."""
FAILS_BEFORE_REST = 3
REST_S = 30.0
GRACE_S = 0.5
# Newer tokenizers make up to half as many tokens again of a text as the one that is counted with.
TOKENS_ALLOWED = 1.5
# LiteLLM's own errors are openai's; the others are what escapes it on replies that it did not expect.
_ESCAPING = (ValueError, TypeError, LookupError, AttributeError, OSError)
_REFUSALS = {401: "refused the key", 403: "refused the key", 404: "does not know the model"}


@dataclass(frozen=True, slots=True)
class Reply:
    """What a model wrote, its tokens, and the price in US dollars."""

    text: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float


class CallFailed(Exception):
    """A model did not answer: `reason` in a few words, whether trying `again` can help, and the server's Retry-After.

    `detail` is what LiteLLM said, for the log.
    """

    def __init__(self, reason: str, again: bool = False, retry_after: str = "", detail: str = "") -> None:
        super().__init__(reason, again, retry_after, detail)
        self.reason = reason
        self.again = again
        self.retry_after = retry_after
        self.detail = detail


class ModelRouter:
    """LiteLLM's Router with one deployment for each arm, and `local/extractive`.

    One attempt a call: retries and the order of the arms are the caller's, who knows the deadline and reads the reply.
    An arm that failed `FAILS_BEFORE_REST` times within a minute is left alone for `REST_S` seconds. Nothing survives a
    restart.
    """

    def __init__(self, arms: Sequence[ModelArm] = ()) -> None:
        self._litellm = _import_litellm()
        self._router = self._litellm.Router(
            model_list=[_deployment(arm) for arm in arms] + [_extractive()],
            num_retries=0,
            allowed_fails=FAILS_BEFORE_REST - 1,
            cooldown_time=REST_S,
        )
        self._errors: tuple[type[Exception], ...] = (importlib.import_module("openai").OpenAIError, *_ESCAPING)

    async def call(self, arm: str, messages: list[dict[str, str]], *, timeout_s: float) -> Reply:
        """One attempt at one arm, over after `timeout_s` seconds at the latest. Raises CallFailed."""
        try:
            # The client's own timeout is for each read, so a server that drips bytes would never reach it.
            async with asyncio.timeout(timeout_s + GRACE_S):
                return self._read(await self._router.acompletion(model=arm, messages=messages, timeout=timeout_s))
        except TimeoutError as error:
            raise CallFailed("timed out") from error
        except self._errors as error:
            raise self._failure(error) from error

    async def extract(self, messages: list[dict[str, str]], prompt: Prompt) -> Reply:
        """The extractive answer. Raises CallFailed."""
        try:
            return self._read(
                await self._router.acompletion(model=EXTRACTIVE, messages=messages, metadata={PROMPT_KEY: prompt})
            )
        except self._errors as error:
            raise self._failure(error) from error

    def most(self, arm: ModelArm, messages: list[dict[str, str]]) -> Amount:
        """The most that one call of `arm` may cost, read and write; no US dollars where its price is unknown."""
        counted = self.count(arm.model, messages)
        read, written = math.ceil(counted * TOKENS_ALLOWED), arm.max_output_tokens
        return Amount(usd(self._price(arm, read, written)), read + written)

    def count(self, model: str, messages: list[dict[str, str]]) -> int:
        """The tokens of `messages` by the tokenizer of `model`; words and marks without one."""
        if not model:
            return sum(words.count_tokens(message["content"]) for message in messages)
        # LiteLLM knows tokenizers by the bare name: with its provider, every model counts as an old one of OpenAI's.
        return int(self._litellm.token_counter(model=model.rpartition("/")[2], messages=messages))

    def _price(self, arm: ModelArm, read: int, written: int) -> float:
        if arm.input_cost_per_token is not None or arm.output_cost_per_token is not None:
            return read * (arm.input_cost_per_token or 0.0) + written * (arm.output_cost_per_token or 0.0)
        unknown = (self._litellm.exceptions.ModelNotMappedError, *self._errors)
        cost_per_token = self._litellm.cost_per_token
        try:
            return float(sum(cost_per_token(model=arm.model, prompt_tokens=read, completion_tokens=written)))
        except unknown:
            return 0.0

    async def close(self) -> None:
        """Close the connections to the providers, of every router in this process: LiteLLM keeps them together."""
        await self._litellm.close_litellm_async_clients()
        # It leaves the closed clients where the next router would find them.
        self._litellm.in_memory_llm_clients_cache.flush_cache()

    def _read(self, response: Any) -> Reply:
        usage = getattr(response, "usage", None)
        return Reply(
            text=response.choices[0].message.content or "",
            prompt_tokens=int(getattr(usage, "prompt_tokens", 0) or 0),
            completion_tokens=int(getattr(usage, "completion_tokens", 0) or 0),
            cost_usd=self._cost(response),
        )

    def _cost(self, response: Any) -> float:
        """What the call cost, in US dollars; 0 for a model whose price is unknown: no answer fails on that."""
        cost = response._hidden_params.get("response_cost")
        return float(cost) if cost is not None else 0.0

    def _failure(self, error: Exception) -> CallFailed:
        errors = self._litellm.exceptions
        detail = str(error).partition("\n")[0][:500]
        if type(error).__name__.startswith("RouterRateLimitError"):
            return CallFailed("is resting after repeated failures", detail=detail)
        if isinstance(error, errors.Timeout):
            return CallFailed("timed out", detail=detail)
        if isinstance(error, errors.RateLimitError):
            return CallFailed("is rate limited", again=True, retry_after=_retry_after(error), detail=detail)
        if isinstance(error, errors.ContextWindowExceededError):
            return CallFailed("found the prompt too long", detail=detail)
        status = getattr(error, "status_code", None)
        if isinstance(status, int) and 400 <= status < 500:
            return CallFailed(_REFUSALS.get(status, "refused the request"), detail=detail)
        return CallFailed("is down", again=True, retry_after=_retry_after(error), detail=detail)


def _import_litellm() -> Any:
    """litellm takes 4-5 s to import, so only a process that calls models does, and only when it starts to."""
    # Written before the import and read by litellm alone: no price list from the net, and no .env behind our back.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    os.environ["LITELLM_LOCAL_ANTHROPIC_BETA_HEADERS"] = "True"
    os.environ["LITELLM_MODE"] = "PRODUCTION"
    litellm: Any = importlib.import_module("litellm")
    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True
    # Counting tokens would ask a hub for some models' tokenizers.
    litellm.disable_hf_tokenizer_download = True
    for name in ("LiteLLM", "LiteLLM Router", "LiteLLM Proxy"):
        # Its errors come to us as exceptions; its own handlers would print them on the console as well.
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.setLevel(logging.CRITICAL)
    provider: Any = importlib.import_module("deployments.extractive_provider")
    litellm.custom_provider_map = [{"provider": "local", "custom_handler": provider.ExtractiveProvider()}]
    return litellm


def _deployment(arm: ModelArm) -> dict[str, Any]:
    params: dict[str, Any] = {
        "model": arm.model,
        # A server that asks for no key gets a word that is none; openai's client insists on one.
        "api_key": arm.api_key.get_secret_value() if arm.api_key else "none",
        "timeout": arm.timeout_s,
        "max_tokens": arm.max_output_tokens,
        "max_retries": 0,
    }
    if arm.api_base:
        params["api_base"] = arm.api_base
    if arm.temperature is not None:
        params["temperature"] = arm.temperature
    if arm.json_mode:
        params["response_format"] = {"type": "json_object"}
    if arm.input_cost_per_token is not None or arm.output_cost_per_token is not None:
        params["input_cost_per_token"] = arm.input_cost_per_token or 0.0
        params["output_cost_per_token"] = arm.output_cost_per_token or 0.0
    return {"model_name": arm.name, "litellm_params": params, "model_info": {"id": arm.name}}


def _extractive() -> dict[str, Any]:
    params = {"model": EXTRACTIVE, "input_cost_per_token": 0.0, "output_cost_per_token": 0.0}
    return {"model_name": EXTRACTIVE, "litellm_params": params, "model_info": {"id": EXTRACTIVE}}


def _retry_after(error: Exception) -> str:
    """The Retry-After header of the answer behind `error`, or nothing."""
    headers = getattr(error, "litellm_response_headers", None) or getattr(
        getattr(error, "response", None), "headers", None
    )
    return str(headers.get("retry-after", "")) if headers is not None else ""
