"""The HTTP API in process: OpenAI's forms, keys, bounds, and errors in one form."""

import base64
from collections.abc import AsyncIterator
from typing import Literal

import httpx
import numpy as np
import openai
import pytest

from core.errors import RateLimited, RefusedUrl
from core.messages import Health, IngestProgress, IngestStep, PartHealth
from core.results import ErrorCategory, Fail, Skip
from tests.deployments.http_clients import ASK, KEYS, client, error_of
from tests.fakes.assistant import FakeAssistant
from tests.fakes.embedder import FakeEmbedder


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
async def http(assistant: FakeAssistant) -> AsyncIterator[httpx.AsyncClient]:
    async with client(assistant) as http:
        yield http


async def test_the_openai_client_gets_the_same_vectors_in_both_encodings(http: httpx.AsyncClient) -> None:
    ours = openai.AsyncOpenAI(api_key="none", base_url="http://bot/v1", http_client=http)
    texts = ["tea and water", "testing"]
    expected = FakeEmbedder(8).vectors(texts)
    encodings: tuple[Literal["base64", "float"], ...] = ("base64", "float")
    for encoding in encodings:
        reply = await ours.embeddings.create(model="any", input=texts, encoding_format=encoding)
        if encoding == "base64":
            rows = [np.frombuffer(base64.b64decode(str(row.embedding)), dtype="<f4") for row in reply.data]
            np.testing.assert_allclose(rows, expected, rtol=1e-6)
            reply = await ours.embeddings.create(model="any", input=texts)
        np.testing.assert_allclose([row.embedding for row in reply.data], expected, rtol=1e-6)
        assert [row.index for row in reply.data] == [0, 1]
        assert (reply.model, reply.usage.prompt_tokens, reply.usage.total_tokens) == ("fake-model", 4, 4)


async def test_one_text_and_base64_by_hand(http: httpx.AsyncClient) -> None:
    reply = await http.post("/v1/embeddings", json={"input": "tea", "encoding_format": "base64"})
    row = np.frombuffer(base64.b64decode(reply.json()["data"][0]["embedding"]), dtype="<f4")
    np.testing.assert_allclose(row, FakeEmbedder(8).vectors(["tea"])[0])


@pytest.mark.parametrize(
    ("body", "param"),
    [
        ({"input": ""}, "input"),
        ({"input": []}, "input"),
        ({"input": ["ok", ""]}, "input"),
        ({"input": [[1, 2, 3]]}, "input"),
        ({"input": [1, 2, 3]}, "input"),
        ({"input": {"a": 1}}, "input"),
        ({"input": ["ok", None]}, "input"),
        ({"input": ["x"] * 2049}, "input"),
        ({"input": "x" * 100_001}, "input"),
        ({"input": "x", "dimensions": 3}, "dimensions"),
        ({"input": "x", "encoding_format": "hex"}, "encoding_format"),
        ({"input": "x", "colour": "red"}, "colour"),
        ({}, "input"),
    ],
)
async def test_a_bad_request_names_the_field(http: httpx.AsyncClient, body: dict[str, object], param: str) -> None:
    reply = await http.post("/v1/embeddings", json=body)
    assert reply.status_code == 400
    error = error_of(reply)
    assert error["type"] == "invalid_request_error"
    assert error["param"] == param
    assert error["message"].startswith(f"{param}: ")


async def test_not_json_is_a_clear_error(http: httpx.AsyncClient) -> None:
    reply = await http.post("/v1/ask", content=b"{not json", headers={"content-type": "application/json"})
    assert reply.status_code == 400
    assert error_of(reply)["code"] == "json_invalid"
    assert error_of(reply)["param"] is None
    plain = await http.post("/v1/ask", content=b"{}", headers={"content-type": "text/plain"})
    assert "application/json" in error_of(plain)["message"]


async def test_empty_fields_are_as_good_as_none(http: httpx.AsyncClient) -> None:
    body = {"input": "tea", "user": None, "encoding_format": None, "dimensions": None}
    assert (await http.post("/v1/embeddings", json=body)).status_code == 200


async def test_a_defect_is_logged_and_not_shown(http: httpx.AsyncClient, caplog: pytest.LogCaptureFixture) -> None:
    reply = await http.post("/v1/embeddings", json={"input": "break"})
    assert reply.status_code == 500
    error = error_of(reply)
    assert "ZeroDivision" not in reply.text
    assert error["type"] == "server_error"
    assert error["message"].rsplit(" ", 1)[-1].rstrip(".") in caplog.text


async def test_an_unknown_path_has_the_same_error_form(http: httpx.AsyncClient) -> None:
    reply = await http.get("/v2/nothing")
    assert reply.status_code == 404
    assert error_of(reply)["type"] == "not_found_error"


async def test_a_body_that_is_too_large_is_refused_while_it_arrives(assistant: FakeAssistant) -> None:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b"x" * 1000

    async with client(assistant, max_body_bytes=10_000) as http:
        reply = await http.post("/v1/ask", content=endless())
        assert reply.status_code == 413
        assert "10,000 bytes" in error_of(reply)["message"]


async def test_an_answer_comes_with_claims_and_receipt(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    assistant.answer = None
    reply = await http.post("/v1/ask", json={**ASK, "user": "7", "recording_ids": ["talk-1"]})
    body = reply.json()
    assert reply.status_code == 200
    assert body["supported"] is bool(body["claims"])
    assert "stages" in body["receipt"]
    asked = assistant.asks[0]
    assert (asked.tenant.tenant, asked.tenant.workspace, asked.tenant.user) == ("guild-1", "guild", "7")
    assert (asked.question, asked.recording_ids) == (ASK["question"], ("talk-1",))


@pytest.mark.parametrize("missing", ["tenant", "workspace"])
@pytest.mark.parametrize("value", ["", " ", None])
async def test_a_question_without_tenant_is_refused(http: httpx.AsyncClient, missing: str, value: str | None) -> None:
    body = {key: item for key, item in {**ASK, missing: value}.items() if item is not None}
    reply = await http.post("/v1/ask", json=body)
    assert reply.status_code == 400
    assert missing in error_of(reply)["message"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (Fail(ErrorCategory.BAD_INPUT, "Too long."), 400),
        (Fail(ErrorCategory.REFUSED, "No."), 403),
        (Fail(ErrorCategory.NOT_FOUND, "Nothing."), 404),
        (Fail(ErrorCategory.RATE_LIMITED, "Slowly.", True, 1.2), 429),
        (Fail(ErrorCategory.TIMEOUT, "Late.", True), 504),
        (Fail(ErrorCategory.UPSTREAM, "Down.", True), 503),
        (Fail(ErrorCategory.INTERNAL, "Broken."), 500),
        (Skip("Nothing to do."), 409),
    ],
)
async def test_a_result_that_is_not_ok_becomes_its_status(
    http: httpx.AsyncClient, assistant: FakeAssistant, result: Fail | Skip, status: int
) -> None:
    assistant.answer = result
    reply = await http.post("/v1/ask", json=ASK)
    assert reply.status_code == status
    assert error_of(reply)["message"] == (result.reason if isinstance(result, Skip) else result.message)
    assert reply.headers.get("Retry-After") == ("2" if status == 429 else None)


async def test_ingest_gives_the_report(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    body = {"tenant": "guild-1", "workspace": "guild", "url": "https://talks.example/feed"}
    reply = await http.post("/v1/ingest", json=body)
    assert reply.json()["outcomes"][0]["state"] == "ingested"
    assert assistant.ingests[0].url == body["url"]


async def test_ingest_streams_progress_and_the_report_last(http: httpx.AsyncClient) -> None:
    body = {"tenant": "guild-1", "workspace": "guild", "url": "https://talks.example/feed", "stream": True}
    reply = await http.post("/v1/ingest", json=body)
    assert reply.headers["content-type"].startswith("text/event-stream")
    names = [line.removeprefix("event: ") for line in reply.text.splitlines() if line.startswith("event")]
    assert names == ["progress", "progress", "report"]


INGEST = {"tenant": "guild-1", "workspace": "guild", "url": "http://10.0.0.1"}


@pytest.mark.parametrize("stream", [False, True])
async def test_what_is_refused_from_the_start_has_its_status(assistant: FakeAssistant, stream: bool) -> None:
    async with client(assistant) as http:
        assistant.events = [RefusedUrl("That address is private.", "Use a public one.")]
        reply = await http.post("/v1/ingest", json={**INGEST, "stream": stream})
        assert reply.status_code == 403
        assert "private" in error_of(reply)["message"]
        assistant.events = [RateLimited("You ask too much at once.", 1.2)]
        reply = await http.post("/v1/ingest", json={**INGEST, "stream": stream})
        assert (reply.status_code, reply.headers["Retry-After"]) == (429, "2")


async def test_what_goes_wrong_on_the_way_is_an_event(assistant: FakeAssistant) -> None:
    assistant.events = [IngestProgress(IngestStep.LISTING, 0, 0), RefusedUrl("That address is private.", "No.")]
    async with client(assistant) as http:
        reply = await http.post("/v1/ingest", json={**INGEST, "stream": True})
    assert reply.status_code == 200
    assert "event: error" in reply.text
    assert "private" in reply.text


async def test_an_ingest_that_ends_without_a_report_is_no_success(assistant: FakeAssistant) -> None:
    assistant.events = [event for event in assistant.events if isinstance(event, IngestProgress)]
    async with client(assistant) as http:
        reply = await http.post("/v1/ingest", json=INGEST)
        assert reply.status_code == 503
        assistant.events = []
        assert (await http.post("/v1/ingest", json={**INGEST, "stream": True})).status_code == 503


@pytest.mark.parametrize("healthy", [True, False])
async def test_health_is_503_with_the_reason_when_a_part_is_down(assistant: FakeAssistant, healthy: bool) -> None:
    assistant.parts = Health((PartHealth("Embedder", healthy, "" if healthy else "no memory"),))
    async with client(assistant, keys=KEYS) as http:
        reply = await http.get("/health")
        assert reply.status_code == (200 if healthy else 503)
        assert reply.json()["healthy"] is healthy
        assert reply.json()["parts"][0]["part"] == "Embedder"


@pytest.mark.parametrize(
    ("header", "tenant", "status"),
    [
        (None, "guild-1", 401),
        ("Bearer sk-wrong", "guild-1", 401),
        ("Basic sk-one", "guild-1", 401),
        ("Bearer", "guild-1", 401),
        ("Bearer ", "guild-1", 401),
        ("Bearer sk-one", "guild-1", 200),
        ("bearer  sk-one", "guild-1", 200),
        ("Bearer sk-one", "guild-2", 403),
        ("Bearer sk-all", "guild-2", 200),
    ],
)
async def test_a_key_acts_for_its_tenant_only(
    assistant: FakeAssistant, header: str | None, tenant: str, status: int
) -> None:
    async with client(assistant, keys=KEYS) as http:
        headers = {"Authorization": header} if header else {}
        reply = await http.post("/v1/ask", json={**ASK, "tenant": tenant}, headers=headers)
        assert reply.status_code == status
        assert bool(assistant.asks) is (status == 200)
        if status == 401:
            assert error_of(reply)["type"] == "authentication_error"


@pytest.mark.parametrize("path", ["/v1/embeddings", "/v1/trim", "/v1/ingest"])
async def test_every_path_asks_for_the_key(assistant: FakeAssistant, path: str) -> None:
    bodies = {
        "/v1/embeddings": {"input": "x"},
        "/v1/trim": {"question": "x?", "texts": ["x"]},
        "/v1/ingest": {"tenant": "t", "workspace": "w", "url": "https://a.example"},
    }
    async with client(assistant, keys=KEYS) as http:
        assert (await http.post(path, json=bodies[path])).status_code == 401


async def test_the_openapi_document_describes_every_path(http: httpx.AsyncClient) -> None:
    paths = (await http.get("/openapi.json")).json()["paths"]
    accounts = {"/v1/quota", "/v1/receipts/{answer_id}", "/health"}
    assert set(paths) == {"/v1/embeddings", "/v1/trim", "/v1/ask", "/v1/ingest", *accounts}
    assert all(operation["description"] for path in paths.values() for operation in path.values())
