"""Whatever a provider does, the real LiteLLM Router is left with an answer, and the failure is named."""

import asyncio
import logging
from collections.abc import Callable

import pytest

from core.arms import EXTRACTIVE
from core.prompting import DraftClaim, Prompt
from core.results import ErrorCategory, Fail
from deployments.model_router import CallFailed, ModelRouter
from tests.deployments.chat_models import CLAIM, GOOD, PROMPT, WORDS, arm, chat, completed
from tests.fakes.openai import CutOff, Drips, FakeOpenAI, Garbage, Hangs, Reply, Says, Status

FAILURES: dict[str, tuple[Reply, str, int]] = {
    "500": (Status(500), "is down", 2),
    "503": (Status(503), "is down", 2),
    "401": (Status(401), "refused the key", 1),
    "403": (Status(403), "refused the key", 1),
    "404": (Status(404), "does not know the model", 1),
    "400": (Status(400), "refused the request", 1),
    "too long": (Status(400, "This model's maximum context length is 8192 tokens."), "found the prompt too long", 1),
    "rate limit, no hint": (Status(429), "is rate limited", 2),
    "rate limit, long": (Status(429, retry_after="3600"), "is rate limited", 1),
    "cut off": (CutOff(), "is down", 2),
    "HTML": (Garbage(), "is down", 2),
    "no JSON": (Garbage("{not json", "application/json"), "is down", 2),
    "JSON of another kind": (Garbage('{"hello": 1}', "application/json"), "is down", 2),
    "no choices": (Garbage('{"choices": []}', "application/json"), "is down", 2),
    "prose": (Says("I think that seagulls like rain."), "sent an unreadable reply", 1),
    "other JSON": (Says('{"answer": "rain"}'), "sent an unreadable reply", 1),
    "half the JSON": (Says(GOOD[:40], finish_reason="length"), "sent an unreadable reply", 1),
    "nothing": (Says(""), "sent an unreadable reply", 1),
}


@pytest.mark.parametrize("failure", FAILURES)
async def test_when_a_model_fails_the_next_answers_and_the_failure_is_named(failure: str) -> None:
    reply, reason, attempts = FAILURES[failure]
    async with (
        FakeOpenAI([reply]) as broken,
        FakeOpenAI([Says(GOOD)]) as working,
        chat(arm("one", broken), arm("two", working)) as model,
    ):
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.claims, answer.degraded) == ("two", (CLAIM,), f"one {reason}")
    assert len(broken.asked) == attempts


@pytest.mark.parametrize("reply", [Hangs(), Drips()])
async def test_a_model_that_hangs_or_drips_is_left_after_its_timeout(reply: Hangs | Drips) -> None:
    async with (
        FakeOpenAI([reply]) as stuck,
        FakeOpenAI([Says(GOOD)]) as working,
        chat(arm("one", stuck, timeout_s=0.3), arm("two", working)) as model,
    ):
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.degraded) == ("two", "one timed out")
    assert len(stuck.asked) == 1


async def test_a_passing_failure_is_mended_by_a_second_try() -> None:
    async with FakeOpenAI([Status(500), Says(GOOD)]) as server, chat(arm("one", server)) as model:
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.degraded, len(server.asked)) == ("one", "", 2)


async def test_a_short_retry_after_is_obeyed() -> None:
    async with FakeOpenAI([Status(429, retry_after="1"), Says(GOOD)]) as server, chat(arm("one", server)) as model:
        answer = completed(await model.complete(PROMPT))
    first, second = server.asked
    assert second.at_s - first.at_s >= 1.0
    assert (answer.model, answer.degraded) == ("one", "")


async def test_a_retry_after_beyond_the_deadline_is_not_waited_for() -> None:
    async with (
        FakeOpenAI([Status(429, retry_after="2"), Says(GOOD)]) as server,
        chat(arm("one", server), deadline_s=3.0) as model,
    ):
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.degraded, len(server.asked)) == (EXTRACTIVE, "one is rate limited", 1)


async def test_an_unreachable_server_is_a_failure_like_any_other() -> None:
    async with FakeOpenAI() as gone:
        pass
    async with chat(arm("one", gone)) as model:
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.degraded) == (EXTRACTIVE, "one is down")


async def test_with_every_provider_down_the_extractive_model_answers_and_all_are_named() -> None:
    async with (
        FakeOpenAI([Status(401)]) as a,
        FakeOpenAI([Says("?")]) as b,
        FakeOpenAI([Status(404)]) as c,
        chat(arm("a", a), arm("b", b), arm("c", c)) as model,
    ):
        answer = completed(await model.complete(PROMPT))
    assert answer.model == EXTRACTIVE
    assert answer.degraded == "a refused the key; b sent an unreadable reply; c does not know the model"
    assert any(words in WORDS for claim in answer.claims for _, words in claim.quotes)


async def test_an_unreadable_reply_is_paid_for_all_the_same() -> None:
    async with FakeOpenAI([Says("?", 100, 10)]) as a, FakeOpenAI([Says(GOOD, 200, 20)]) as b:
        price = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}
        async with chat(arm("a", a, **price), arm("b", b, **price)) as model:
            answer = completed(await model.complete(PROMPT))
    assert (answer.prompt_tokens, answer.completion_tokens) == (300, 30)
    assert answer.cost_usd == pytest.approx(300 * 1e-6 + 30 * 1e-5)


async def test_the_deadline_bounds_all_arms_together() -> None:
    async with FakeOpenAI([Hangs()]) as stuck:
        arms = [arm(f"arm{i}", stuck, timeout_s=30.0) for i in range(4)]
        async with chat(*arms, deadline_s=0.6) as model:
            answer = completed(await model.complete(PROMPT))
    assert answer.model == EXTRACTIVE
    assert len(stuck.asked) == 1, "the first took all the time there was"
    assert answer.degraded.startswith("arm0 timed out; arm1 had no time left")


async def test_an_arm_that_keeps_failing_is_left_alone_for_a_while() -> None:
    async with (
        FakeOpenAI([Status(500)]) as broken,
        FakeOpenAI([Says(GOOD)]) as working,
        chat(arm("one", broken), arm("two", working)) as model,
    ):
        seen = [completed(await model.complete(PROMPT)).degraded for _ in range(4)]
    assert "one is resting after repeated failures" in seen
    assert len(broken.asked) < 8


async def test_a_prompt_that_is_none_is_refused_by_the_extractive_model() -> None:
    with pytest.raises(CallFailed, match="is down") as caught:
        await ModelRouter().extract([], {"question": "?"})  # type: ignore[arg-type]
    assert "not a Prompt" in caught.value.detail


async def test_a_failing_extractive_model_is_a_failure_with_every_name(monkeypatch: pytest.MonkeyPatch) -> None:
    async with FakeOpenAI([Status(401)]) as server, chat(arm("one", server)) as model:
        monkeypatch.setattr("deployments.extractive_provider.answer", _raise(ValueError("no such sentence")))
        result = await model.complete(PROMPT)
    assert result == Fail(
        ErrorCategory.UPSTREAM, f"No model answered: one refused the key; {EXTRACTIVE} is down.", retryable=True
    )


def _raise(error: Exception) -> Callable[[Prompt], tuple[DraftClaim, ...]]:
    def answer(_: Prompt) -> tuple[DraftClaim, ...]:
        raise error

    return answer


async def test_a_cancelled_question_is_cancelled_and_the_model_goes_on() -> None:
    async with FakeOpenAI([Hangs(), Says(GOOD)]) as server, chat(arm("one", server)) as model:
        question = asyncio.create_task(model.complete(PROMPT))
        await server.reached.wait()
        question.cancel()
        with pytest.raises(asyncio.CancelledError):
            await question
        assert completed(await model.complete(PROMPT)).model == "one"


async def test_nothing_is_printed_and_no_key_is_logged(
    capfd: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    async with (
        FakeOpenAI([Status(401, "Incorrect API key provided"), Status(500)]) as server,
        chat(arm("one", server), arm("two", server)) as model,
    ):
        await model.complete(PROMPT)
    assert capfd.readouterr() == ("", "")
    assert "one refused the key" in caplog.text
    assert "sk-made-up" not in caplog.text
