"""Traces of model calls, sent by the real LangSmith SDK to a server that speaks its ingest protocol."""

import asyncio
import json
import subprocess
import sys

import pytest
from pydantic import SecretStr

from core.arms import EXTRACTIVE
from core.results import Ok
from deployments.chat_model import ChatModel
from deployments.tracing import LangsmithTracer, NoTracer, TracingTarget, tracer_for
from tests.deployments.chat_models import CLAIM, GOOD, PROMPT, arm, completed
from tests.fakes.langsmith import FakeLangsmith
from tests.fakes.openai import FakeOpenAI, Says, Status


def target(server: FakeLangsmith) -> TracingTarget:
    return TracingTarget(server.url, SecretStr("lsv2-made-up"), "made-up-project")


@pytest.mark.parametrize(("multipart", "zstd"), [(True, True), (True, False), (False, False)])
async def test_a_question_is_one_run_with_a_run_for_each_call_to_a_model(multipart: bool, zstd: bool) -> None:
    async with (
        FakeLangsmith(multipart=multipart, zstd=zstd) as server,
        FakeOpenAI([Status(401)]) as broken,
        FakeOpenAI([Says(GOOD, 100, 20)]) as working,
    ):
        price = {"input_cost_per_token": 1e-6, "output_cost_per_token": 1e-5}
        model = ChatModel([arm("one", broken), arm("two", working, **price)], tracing=target(server))
        await model.complete(PROMPT)
        await model.close()
    [whole], [failed], [answered] = server.named("answer"), server.named("one"), server.named("two")
    assert whole["run_type"] == "chain"
    assert whole["outputs"] == {"model": "two", "claims": 1, "degraded": "one refused the key"}
    assert {run["session_name"] for run in server.runs.values()} == {"made-up-project"}
    assert {failed["parent_run_id"], answered["parent_run_id"]} == {whole["id"]}
    assert (failed["run_type"], failed["error"]) == ("llm", "refused the key")
    assert answered.get("error") is None
    assert answered["inputs"]["messages"][1]["content"].startswith('{"question"')
    assert json.loads(answered["outputs"]["messages"][0]["content"])["claims"][0]["text"] == CLAIM.text
    usage = answered["outputs"]["usage_metadata"]
    assert (usage["input_tokens"], usage["output_tokens"], usage["total_tokens"]) == (100, 20, 120)
    assert usage["total_cost"] == pytest.approx(100 * 1e-6 + 20 * 1e-5)
    assert answered["extra"]["metadata"]["ls_model_name"] == "two"
    assert all(run["end_time"] >= run["start_time"] for run in server.runs.values())
    assert server.keys == {"lsv2-made-up"}
    assert ("POST /runs/multipart" in server.requests) is multipart


async def test_the_extractive_answer_is_traced_too() -> None:
    async with FakeLangsmith() as server:
        model = ChatModel(tracing=target(server))
        await asyncio.gather(*(model.complete(PROMPT) for _ in range(5)))
        await model.close()
    wholes, calls = server.named("answer"), server.named(EXTRACTIVE)
    assert len(wholes) == len(calls) == 5
    assert {call["parent_run_id"] for call in calls} == {whole["id"] for whole in wholes}


async def test_no_key_is_part_of_a_trace() -> None:
    async with FakeLangsmith() as server, FakeOpenAI([Status(401, "Incorrect API key provided")]) as broken:
        model = ChatModel([arm("one", broken)], tracing=target(server))
        await model.complete(PROMPT)
        await model.close()
    assert server.runs
    assert "made-up" not in json.dumps(server.runs).replace("made-up-project", "")


async def test_an_answer_does_not_wait_for_a_server_that_hangs() -> None:
    async with FakeLangsmith(hanging=True) as server, FakeOpenAI([Says(GOOD)]) as provider:
        model = ChatModel([arm("one", provider)], tracing=target(server))
        assert completed(await model.complete(PROMPT)).claims == (CLAIM,)
        await asyncio.wait_for(server.reached.wait(), 30)
        assert isinstance(await model.complete(PROMPT), Ok), "the server holds the trace's request, and we still answer"
        assert server.runs == {}
        server.release()
        await model.close()
        assert len(server.named("answer")) == 2, "what waited was sent"


@pytest.mark.parametrize("status", [403, 422])
async def test_an_answer_does_not_fail_with_a_server_that_refuses(
    caplog: pytest.LogCaptureFixture, status: int
) -> None:
    async with FakeLangsmith(refusing=status) as server, FakeOpenAI([Says(GOOD)]) as provider:
        model = ChatModel([arm("one", provider)], tracing=target(server))
        assert completed(await model.complete(PROMPT)).claims == (CLAIM,)
        await asyncio.wait_for(server.reached.wait(), 30)
        assert completed(await model.complete(PROMPT)).claims == (CLAIM,)
        await model.close(30.0)
    assert server.runs == {}
    assert "could not be sent to LangSmith" in caplog.text
    assert "made-up" not in caplog.text


async def test_what_the_sdk_raises_is_logged_and_ends_the_span_alone(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with FakeLangsmith() as server:
        tracer = LangsmithTracer(target(server))
        span = tracer.start("answer", {})

        def broken(*_: object, **__: object) -> None:
            raise RuntimeError("the SDK is broken")

        monkeypatch.setattr("langsmith.Client.create_run", broken)
        monkeypatch.setattr("langsmith.Client.update_run", broken)
        span.child("one", {}, {}).child("two", {}, {}).fail("why")
        span.end({})
        await asyncio.to_thread(tracer.close, 1.0)
    assert caplog.text.count("the SDK is broken") == 2


def test_without_a_target_nothing_is_traced_and_the_sdk_is_not_imported() -> None:
    tracer = tracer_for(None)
    assert isinstance(tracer, NoTracer)
    span = tracer.start("answer", {})
    span.child("one", {}, {}).fail("why")
    span.end({})
    tracer.close(1.0)
    code = (
        "import sys; from deployments.tracing import tracer_for; import deployments.chat_model; tracer_for(None)\n"
        "print(sorted({'langsmith', 'litellm', 'openai'} & set(sys.modules)))"
    )
    seen = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert seen.stdout.strip() == "[]"


def test_a_target_does_not_show_its_key() -> None:
    assert "lsv2-made-up" not in repr(TracingTarget("https://x.example", SecretStr("lsv2-made-up"), "p"))
