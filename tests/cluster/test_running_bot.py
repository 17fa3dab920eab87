"""The whole product on a real Ray and Serve: talks in, quoted answers out, over handles and over HTTP."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import asdict
from typing import cast

import httpx
import numpy as np
import openai
import pytest
import pytest_asyncio

from config.configuration import Configuration
from core.errors import StartupFailed
from core.messages import Ask, IngestReport, IngestRequest, IngestState, SearchQuery
from core.results import ErrorCategory, Fail, Ok, Skip
from core.tenancy import TenantContext
from core.usage import Scope
from demo.site import served
from deployments import cluster
from deployments.cluster import Running
from deployments.encoder import load_encoder
from tests.fakes.site import VTT, Reply, Site

pytestmark = [pytest.mark.cluster, pytest.mark.timeout(300), pytest.mark.asyncio(loop_scope="session")]

TENANT = TenantContext("guild-1", "guild", "member-1")
TALK = "talks/what-is-perplexity.html"


async def ingest(bot: Running, url: str, tenant: TenantContext = TENANT) -> IngestReport:
    events = [event async for event in bot.assistant.ingest(IngestRequest(tenant, url))]
    assert isinstance(events[-1], IngestReport)
    assert len(events) > 1, "no progress was told"
    return events[-1]


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def talk(bot: Running) -> str:
    """The link of a talk that was ingested for TENANT."""
    with served() as feed:
        url = feed.replace("feed.xml", TALK)
        report = await ingest(bot, url)
        assert [outcome.state for outcome in report.outcomes] == [IngestState.INGESTED]
        again = await ingest(bot, url)
        assert [outcome.state for outcome in again.outcomes] == [IngestState.UNCHANGED]
    return url


async def test_an_answer_is_quoted_word_for_word_with_a_link_to_the_second(bot: Running, talk: str) -> None:
    result = await bot.assistant.ask(Ask(TENANT, "What does perplexity measure?"))
    assert isinstance(result, Ok)
    quote = result.data.claims[0].quotes[0]
    assert "perplexity" in " ".join(claim.text.lower() for claim in result.data.claims)
    assert quote.link == f"{talk}#t={int(quote.start_s)}"
    found = await bot.assistant.search(SearchQuery(TENANT, quote.text))
    assert isinstance(found, Ok)
    assert any(quote.text in hit.passage.text for hit in found.data)
    receipt = result.data.receipt
    assert receipt.model == "local/extractive"
    stages = [stage.stage for stage in receipt.stages]
    assert stages == ["check", "limit", "embed", "search", "trim", "generate", "verify"]


@pytest.mark.usefixtures("talk")
async def test_a_receipt_and_a_quota_can_be_asked_for(bot: Running) -> None:
    result = await bot.assistant.ask(Ask(TENANT, "What does perplexity measure?"))
    assert isinstance(result, Ok)
    for _ in range(300):  # nobody waits for the log
        shown = await bot.assistant.receipt(TENANT, result.data.answer_id)
        if isinstance(shown, Ok):
            break
        await asyncio.sleep(0.1)
    assert isinstance(shown, Ok)
    kept, given = shown.data.answer.receipt, result.data.receipt
    assert (kept.model, kept.stages) == (given.model, given.stages)
    assert 0 < kept.tokens_trimmed <= kept.tokens_untrimmed
    assert shown.data.answer.question == ""
    stranger = TenantContext(TENANT.tenant, TENANT.workspace, "member-2")
    assert isinstance(await bot.assistant.receipt(stranger, result.data.answer_id), Skip)
    usage = await bot.assistant.quota(TENANT)
    assert {(each.scope, each.period) for each in usage.allowances} == {
        (Scope.TENANT, "at once"),
        (Scope.USER, "at once"),
        (Scope.TENANT, "each request"),
        (Scope.TENANT, "today"),
        (Scope.TENANT, "this month"),
    }
    assert usage.notes == ("Limits on requests and spending only watch for now: they refuse nothing.",)


@pytest.mark.usefixtures("talk")
async def test_what_the_talks_do_not_say_is_not_answered(bot: Running) -> None:
    result = await bot.assistant.ask(Ask(TENANT, "Which wine goes with roasted duck?"))
    assert isinstance(result, Ok)
    assert not result.data.supported
    assert result.data.receipt.passages_searched > 0


@pytest.mark.parametrize("other", [TenantContext("guild-2", "guild"), TenantContext("guild-1", "other")])
async def test_another_tenant_or_workspace_finds_nothing(bot: Running, talk: str, other: TenantContext) -> None:
    result = await bot.assistant.ask(Ask(other, "What does perplexity measure?"))
    assert isinstance(result, Ok)
    assert result.data.receipt.passages_searched == 0
    assert (await bot.assistant.library(other)).recordings == ()
    assert [recording.url for recording in (await bot.assistant.library(TENANT)).recordings] == [talk]


async def test_a_question_that_cannot_be_used_is_a_failure(bot: Running) -> None:
    result = await bot.assistant.ask(Ask(TENANT, " \x00 "))
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.BAD_INPUT


async def test_a_private_address_is_refused_with_a_sentence(bot: Running) -> None:
    report = await ingest(bot, "https://10.1.2.3/talk")
    assert report.outcomes[0].state is IngestState.FAILED
    assert "10.1.2.3" in report.outcomes[0].reason


async def test_an_ingest_that_nobody_listens_to_any_more_goes_on(bot: Running) -> None:
    names = [f"part-{number}" for number in range(8)]
    tenant = TenantContext("guild-5", "guild", "member-1")
    async with Site() as site, asyncio.timeout(60):
        for name in names:
            site.talk(name, Reply(VTT.encode(), "text/vtt", hangs=True))
        events = bot.assistant.ingest(IngestRequest(tenant, site.feed("/feed", names)))
        async with aclosing(cast(AsyncGenerator[object, None], events)):
            assert [await anext(events), await anext(events)]
            while "/part-0.vtt" not in site.paths():  # noqa: ASYNC110 - another process fetches it
                await asyncio.sleep(0.1)
        assert "/part-7.vtt" not in site.paths(), "more is fetched at once than there are workers"
        site.release()
        while len((await bot.assistant.library(tenant)).recordings) < len(names):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.1)


async def test_every_part_is_healthy(bot: Running) -> None:
    health = await bot.assistant.health()
    assert health.healthy, health
    parts = {part.part for part in health.parts}
    deployments = {"AnswerPipeline", "ChatModel", "Embedder", "IngestReplica", "Ingress", "Trimmer"}
    entities = {"RateLimiter", "BudgetLedger", "ActivityLog", "HostPace", "IngestQueue", "ChannelFollower"}
    assert parts == {*deployments, "TranscriptStore", *(f"{kind}-0" for kind in entities)}


async def test_the_openai_client_works_against_the_api(bot: Running, configuration: Configuration) -> None:
    client = openai.AsyncOpenAI(api_key="none", base_url=f"{bot.addresses.api}/v1")
    texts = ["A talk about testing.", "Perplexity measures language models."] * 10
    replies = await asyncio.gather(*(client.embeddings.create(model="any", input=texts) for _ in range(4)))
    expected = load_encoder("packaged", "auto", configuration.settings.data.dir / "models", 1).encode(texts)
    for reply in replies:
        assert reply.model == "all-MiniLM-L6-v2"
        np.testing.assert_allclose([row.embedding for row in reply.data], expected, atol=1e-5)
    with pytest.raises(openai.BadRequestError, match="input"):
        await client.embeddings.create(model="any", input="")


async def test_the_api_asks_ingests_trims_and_tells_its_health(bot: Running, talk: str) -> None:
    body = asdict(TENANT)
    async with httpx.AsyncClient(base_url=bot.addresses.api, timeout=60) as http:
        answer = (await http.post("/v1/ask", json={**body, "question": "What does perplexity measure?"})).json()
        assert answer["supported"]
        assert answer["claims"][0]["quotes"][0]["link"].startswith(talk)
        texts = ["Perplexity is a measure of language models. I had soup for lunch."]
        trimmed = (await http.post("/v1/trim", json={"question": "What is perplexity?", "texts": texts})).json()
        assert trimmed["texts"] == ["Perplexity is a measure of language models."]
        refused = await http.post("/v1/ingest", json={"tenant": "t", "workspace": "w", "url": "https://127.9.9.9:1/x"})
        assert refused.json()["outcomes"][0]["state"] == "failed"
        receipt = await http.get(f"/v1/receipts/{answer['answer_id']}", params={**body, "user": "nobody"})
        assert receipt.status_code == 404
        assert (await http.get("/v1/quota", params=body)).json()["allowances"]
        assert (await http.get("/health")).status_code == 200
        assert (await http.get("/openapi.json")).status_code == 200
        large = await http.post("/v1/ask", content=b"x" * 2_100_000)
        assert (large.status_code, large.json()["error"]["code"]) == (413, "too_large")


async def test_a_second_bot_on_the_folder_is_told_about_the_first(bot: Running, configuration: Configuration) -> None:
    with pytest.raises(StartupFailed, match=str(bot.addresses.pid)):
        async with cluster.running(configuration):
            pytest.fail("a second bot started")
