"""The HTTP API on quotas, receipts and waits: whose they are, in which form, and what a refusal says."""

from collections.abc import AsyncIterator
from dataclasses import replace

import httpx
import pytest
from msgspec import structs

from core.errors import Busy, RateLimited, Unavailable
from core.messages import Health, PartHealth
from core.results import ErrorCategory, Fail, Ok, Skip
from core.stages import failure
from core.tenancy import TenantContext
from core.usage import Usage
from tests.deployments.http_clients import ASK, KEYS, client, error_of
from tests.fakes.assistant import LOGGED, NOW, FakeAssistant, answer_to, claim

WHOSE = {"tenant": "guild-1", "workspace": "guild", "user": "user-1"}
TENANT = TenantContext(**WHOSE)


@pytest.fixture
def assistant() -> FakeAssistant:
    return FakeAssistant()


@pytest.fixture
async def http(assistant: FakeAssistant) -> AsyncIterator[httpx.AsyncClient]:
    async with client(assistant) as http:
        yield http


async def test_an_answer_names_the_id_of_its_receipt(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    assistant.answer = Ok(replace(answer_to("How hot?", claim()), answer_id="a-1"))
    assert (await http.post("/v1/ask", json=ASK)).json()["answer_id"] == "a-1"


async def test_a_quota_is_in_plain_numbers(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    reply = await http.get("/v1/quota", params=WHOSE)
    assert assistant.tenants == [TENANT]
    money, requests = reply.json()["allowances"]
    assert (money["scope"], money["unit"], money["period"]) == ("tenant", "usd", "today")
    assert (money["limit"], money["left"], money["whole_at"]) == (10.0, 7.5, NOW + 43_200)
    assert (requests["scope"], requests["unit"], requests["refills_per_s"]) == ("user", "requests", 10)
    assert (reply.json()["at"], reply.json()["notes"]) == (NOW, ["Limits only watch for now: nothing is refused."])


async def test_without_limits_a_quota_is_empty(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    assistant.usage = Usage(NOW)
    assert (await http.get("/v1/quota", params=WHOSE)).json() == {"at": NOW, "allowances": [], "notes": []}


async def test_a_receipt_is_asked_for_by_its_id_and_whose_it_is(
    http: httpx.AsyncClient, assistant: FakeAssistant
) -> None:
    assistant.logged = Ok(replace(LOGGED, answer=structs.replace(LOGGED.answer, question="How hot?", answer="Cool.")))
    reply = await http.get("/v1/receipts/a-1", params=WHOSE)
    assert assistant.receipts == [(TENANT, "a-1")]
    body = reply.json()
    assert (body["answer_id"], body["at"], body["supported"]) == ("a-1", NOW, True)
    assert (body["question"], body["answer"]) == ("How hot?", "Cool.")
    assert body["receipt"]["model"] == "local/extractive"
    assert [stage["stage"] for stage in body["receipt"]["stages"]] == ["embed", "search"]


@pytest.mark.parametrize(
    ("result", "status"),
    [
        (Skip("No answer of yours here has that id."), 404),
        (Fail(ErrorCategory.BAD_INPUT, "Nobody asks."), 400),
        (failure(Unavailable("ActivityLog")), 503),
    ],
)
async def test_a_receipt_that_cannot_be_shown_says_why(
    http: httpx.AsyncClient, assistant: FakeAssistant, result: Skip | Fail, status: int
) -> None:
    assistant.logged = result
    reply = await http.get("/v1/receipts/a-1", params=WHOSE)
    assert reply.status_code == status
    assert error_of(reply)["message"].endswith(".")


@pytest.mark.parametrize("path", ["/v1/quota", "/v1/receipts/a-1"])
@pytest.mark.parametrize(("key", "status"), [(None, 401), ("sk-other", 401), ("sk-one", 200), ("sk-all", 200)])
async def test_both_ask_for_a_key_of_that_tenant(
    assistant: FakeAssistant, path: str, key: str | None, status: int
) -> None:
    async with client(assistant, keys=KEYS) as http:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        assert (await http.get(path, params=WHOSE, headers=headers)).status_code == status
        others = await http.get(path, params={**WHOSE, "tenant": "guild-2"}, headers=headers)
        assert others.status_code == (403 if key == "sk-one" else status)
    seen = {tenant.tenant for tenant in [*assistant.tenants, *(tenant for tenant, _ in assistant.receipts)]}
    assert seen == ({"guild-1", "guild-2"} if key == "sk-all" else {"guild-1"} if key == "sk-one" else set())


@pytest.mark.parametrize("path", ["/v1/quota", "/v1/receipts/a-1"])
@pytest.mark.parametrize(
    ("change", "param"),
    [({"tenant": ""}, "tenant"), ({"workspace": " "}, None), ({"user": "x" * 201}, "user"), ({"usr": "1"}, "usr")],
)
async def test_a_bad_query_names_the_parameter(
    http: httpx.AsyncClient, path: str, change: dict[str, str], param: str | None
) -> None:
    reply = await http.get(path, params={**WHOSE, **change})
    assert reply.status_code == 400
    assert error_of(reply)["param"] == param
    assert (param or "workspace") in error_of(reply)["message"]


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (RateLimited("You ask too much at once.", 0.2), 429, "You ask too much at once."),
        (Busy("BudgetLedger", 3.2), 503, "BudgetLedger has too much to do."),
    ],
)
async def test_who_has_to_wait_is_told_how_long(
    http: httpx.AsyncClient, assistant: FakeAssistant, error: RateLimited | Busy, status: int, message: str
) -> None:
    for outcome in (error, failure(error)):
        assistant.answer = outcome
        reply = await http.post("/v1/ask", json=ASK)
        assert (reply.status_code, error_of(reply)["message"]) == (status, message)
        assert float(reply.headers["Retry-After"]) >= error.retry_after_s  # type: ignore[operator]  # both have one


async def test_who_is_shut_out_is_not_told_to_wait(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    assistant.answer = RateLimited("This server may ask nothing.", None)
    reply = await http.post("/v1/ask", json=ASK)
    assert reply.status_code == 429
    assert "Retry-After" not in reply.headers


async def test_health_carries_every_shard_with_its_reason(http: httpx.AsyncClient, assistant: FakeAssistant) -> None:
    hung = PartHealth("BudgetLedger-1", False, "hangs since 12 s")
    assistant.parts = Health((PartHealth("BudgetLedger-0", True, "3 in memory, 1 calls/s"), hung))
    reply = await http.get("/health")
    assert reply.status_code == 503
    assert {part["part"]: part["detail"] for part in reply.json()["parts"]} == {
        "BudgetLedger-0": "3 in memory, 1 calls/s",
        "BudgetLedger-1": "hangs since 12 s",
    }
