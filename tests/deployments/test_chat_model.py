"""The chat model with the real LiteLLM Router and a scripted provider: what it sends, and what it answers."""

import asyncio
import json
import pickle
from pathlib import Path

import pytest
from pydantic import SecretStr

from config.models import load_models
from core.arms import EXTRACTIVE, ModelArm
from core.messages import Sentence
from core.prompting import Completion, Evidence, Prompt, render
from core.spending import NOTHING
from core.words import count_tokens
from deployments.chat_model import ATTEMPTS, ChatModel
from tests.deployments.chat_models import CLAIM, GOOD, PROMPT, TALK, arm, chat, completed
from tests.fakes.openai import FakeOpenAI, Says


async def test_the_first_model_answers_with_its_tokens_and_cost() -> None:
    async with FakeOpenAI([Says(GOOD, prompt_tokens=1000, completion_tokens=200)]) as server:
        priced = arm("one", server, input_cost_per_token=2e-6, output_cost_per_token=1e-5)
        async with chat(priced, arm("two", server)) as model:
            answer = completed(await model.complete(PROMPT))
    assert (answer.claims, answer.model, answer.degraded) == ((CLAIM,), "one", "")
    assert (answer.prompt_tokens, answer.completion_tokens) == (1000, 200)
    assert answer.cost_usd == pytest.approx(1000 * 2e-6 + 200 * 1e-5)
    assert [asked.model for asked in server.asked] == ["one"]


async def test_what_is_sent_is_the_rules_then_the_data_in_json_mode_with_the_key() -> None:
    async with (
        FakeOpenAI([Says(GOOD)]) as server,
        chat(arm("one", server, max_output_tokens=321, temperature=0.5)) as model,
    ):
        await model.complete(PROMPT)
    [asked] = server.asked
    system, user = asked.body["messages"]
    assert (system["role"], user["role"]) == ("system", "user")
    assert json.loads(user["content"])["question"] == PROMPT.question
    assert asked.body["response_format"] == {"type": "json_object"}
    assert asked.body["max_tokens"] == 321
    assert asked.body["temperature"] == 0.5
    assert asked.headers["authorization"] == "Bearer sk-made-up"
    assert "metadata" not in asked.body


async def test_a_server_without_a_key_or_json_mode_is_asked_too() -> None:
    async with FakeOpenAI([Says(GOOD)]) as server:
        mine = ModelArm("mine", "openai/some-model", None, server.url, json_mode=False)
        async with chat(mine) as model:
            assert completed(await model.complete(PROMPT)).model == "mine"
    assert not {"response_format", "temperature"} & set(server.asked[0].body)


async def test_a_known_price_is_taken_from_the_list() -> None:
    async with (
        FakeOpenAI([Says(GOOD, prompt_tokens=1000, completion_tokens=200)]) as server,
        chat(ModelArm("known", "openai/gpt-4o-mini", SecretStr("sk"), server.url)) as model,
    ):
        answer = completed(await model.complete(PROMPT))
    assert answer.cost_usd == pytest.approx(1000 * 0.15e-6 + 200 * 0.6e-6)


async def test_no_claims_is_an_answer_and_no_failure() -> None:
    async with FakeOpenAI([Says('{"claims": []}')]) as server, chat(arm("one", server)) as model:
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.claims, answer.degraded) == ("one", (), "")


async def test_without_evidence_no_provider_is_paid() -> None:
    async with FakeOpenAI([Says(GOOD)]) as server, chat(arm("one", server)) as model:
        answer = completed(await model.complete(Prompt("Anything?", ())))
    assert (answer.model, answer.claims, answer.degraded, server.asked) == (EXTRACTIVE, (), "", [])


async def test_without_arms_the_extractive_model_answers_for_nothing() -> None:
    async with chat() as model:
        answer = completed(await model.complete(PROMPT))
    assert (answer.model, answer.prompt_tokens, answer.completion_tokens, answer.cost_usd) == (EXTRACTIVE, 0, 0, 0.0)
    assert answer.degraded == ""
    assert answer.claims


async def test_answers_to_questions_asked_at_once_do_not_mix() -> None:
    async def ask(model: ChatModel, number: int) -> Completion:
        talk = Evidence(1, TALK, Sentence(0.0, 1.0, f"Talk number {number} is about the number {number} alone."), 0.9)
        return completed(await model.complete(Prompt(f"What is talk number {number} about?", (talk,))))

    async with chat() as model:
        answers = await asyncio.gather(*(ask(model, number) for number in range(20)))
    for number, answer in enumerate(answers):
        assert f"number {number} alone" in answer.claims[0].quotes[0][1]


def test_the_arms_that_we_ship_can_be_built() -> None:
    keys = {"OPENAI_API_KEY": "sk-o", "ANTHROPIC_API_KEY": "sk-a", "GEMINI_API_KEY": "g"}
    arms = load_models(Path(__file__).parents[2] / "config" / "models.yaml", keys)
    assert ChatModel(arms)


def test_an_arm_travels_to_a_replica_and_does_not_show_its_key() -> None:
    mine = ModelArm("one", "openai/one", SecretStr("sk-made-up"))
    assert pickle.loads(pickle.dumps(mine)) == mine
    assert "sk-made-up" not in repr(mine)


# ---------------------------------------------------------------- what it may cost
PRICES = {"input_cost_per_token": 2e-6, "output_cost_per_token": 1e-5}


async def test_the_ceiling_is_every_model_asked_as_often_as_it_may_be() -> None:
    async with FakeOpenAI() as server:
        one, two = arm("one", server, max_output_tokens=100, **PRICES), arm("two", server, max_output_tokens=300)
        async with chat(one) as model:
            first = await model.ceiling(PROMPT)
        async with chat(two) as model:
            second = await model.ceiling(PROMPT)
        async with chat(one, two) as model:
            assert await model.ceiling(PROMPT) == first.plus(second)
    assert server.asked == []
    read = (first.tokens - ATTEMPTS * 100) // ATTEMPTS
    assert second.tokens == ATTEMPTS * (read + 300)
    assert float(first.cost_usd) == pytest.approx(ATTEMPTS * (read * 2e-6 + 100 * 1e-5))
    assert second.cost_usd == 0, "its price is unknown"


async def test_the_ceiling_grows_with_what_is_sent_and_counts_every_script() -> None:
    def prompt(words: str) -> Prompt:
        return Prompt("What is said?", (Evidence(1, TALK, Sentence(0.0, 1.0, words), 0.9),))

    async with chat(ModelArm("one", "openai/one", SecretStr("sk"), max_output_tokens=16)) as model:
        empty = (await model.ceiling(prompt("a"))).tokens
        for words in ("word " * 500, "слово " * 500, "言葉" * 500, "🙂" * 500):
            assert (await model.ceiling(prompt(words))).tokens - empty >= ATTEMPTS * 500


async def test_a_price_on_the_list_counts_and_an_unknown_one_does_not() -> None:
    known, unknown = (ModelArm(name, f"openai/{name}", SecretStr("sk")) for name in ("gpt-4o-mini", "nobody-knows"))
    async with chat(known) as model:
        most = await model.ceiling(PROMPT)
        assert float(most.cost_usd) == pytest.approx(
            (most.tokens - ATTEMPTS * known.max_output_tokens) * 0.15e-6 + ATTEMPTS * known.max_output_tokens * 0.6e-6
        )
    async with chat(unknown) as model:
        most = await model.ceiling(PROMPT)
        assert most.cost_usd == 0
        assert most.tokens > ATTEMPTS * unknown.max_output_tokens


async def test_where_nobody_is_paid_there_is_nothing_to_reserve() -> None:
    async with chat() as model:
        assert await model.ceiling(PROMPT) == NOTHING
    async with chat(ModelArm("one", "openai/one", SecretStr("sk"))) as model:
        assert await model.ceiling(Prompt("Anything?", ())) == NOTHING


async def test_what_an_answer_costs_is_below_its_ceiling_whatever_fails() -> None:
    async with FakeOpenAI([Says("?", 120, 40)]) as broken, FakeOpenAI([Says(GOOD, 120, 40)]) as server:
        arms = [
            arm(name, at, max_output_tokens=40, **PRICES) for name, at in (("a", broken), ("b", broken), ("c", server))
        ]
        async with chat(*arms) as model:
            most = await model.ceiling(PROMPT)
            answer = completed(await model.complete(PROMPT))
    assert answer.model == "c"
    assert 0 < answer.cost_usd <= most.cost_usd
    assert answer.prompt_tokens + answer.completion_tokens <= most.tokens


async def test_without_pay_the_extractive_model_answers_alone() -> None:
    async with FakeOpenAI([Says(GOOD)]) as server, chat(arm("one", server, **PRICES)) as model:
        answer = completed(await model.complete(PROMPT, paid=False))
    assert (answer.model, answer.cost_usd, answer.degraded, server.asked) == (EXTRACTIVE, 0.0, "", [])
    assert answer.claims


# ---------------------------------------------------------------- which model goes first
async def test_the_arm_that_is_chosen_is_asked_first_and_the_others_stand_behind_it() -> None:
    async with FakeOpenAI([Says(GOOD)]) as server, FakeOpenAI([Says("no JSON")]) as broken:
        async with chat(arm("one", server), arm("two", server)) as model:
            assert completed(await model.complete(PROMPT, first="two")).model == "two"
        async with chat(arm("one", server), arm("two", broken)) as model:
            answer = completed(await model.complete(PROMPT, first="two"))
    assert answer.model == "one"
    assert answer.degraded.startswith("two ")


async def test_an_arm_that_is_not_there_changes_nothing() -> None:
    async with FakeOpenAI([Says(GOOD)]) as server, chat(arm("one", server), arm("two", server)) as model:
        assert completed(await model.complete(PROMPT, first="gone")).model == "one"


async def test_tokens_are_counted_as_the_model_reads_them() -> None:
    few, many = (Prompt("Что он сказал?", PROMPT.evidence * times) for times in (1, 3))
    newer, older = (ModelArm(name, f"openai/{name}", SecretStr("sk-made-up")) for name in ("gpt-4o-mini", "gpt-4"))
    async with chat(newer, older) as model:
        counted = {name: await model.count_tokens([few, many], name) for name in ("gpt-4o-mini", "gpt-4", EXTRACTIVE)}
    assert all(0 < of_few < of_many for of_few, of_many in counted.values())
    assert counted["gpt-4o-mini"] < counted["gpt-4"], "the older tokenizer cuts Cyrillic smaller"
    assert counted[EXTRACTIVE][0] == sum(count_tokens(message["content"]) for message in render(few))
