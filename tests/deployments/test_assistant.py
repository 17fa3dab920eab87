"""The assistant: parts that are down become failures, and its health never hangs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any, cast

import pytest

from core.errors import Unavailable
from core.messages import Ask, IngestReport, IngestRequest, PartHealth, SearchQuery
from core.results import ErrorCategory, Fail
from core.tenancy import TenantContext
from deployments import assistant as assistant_module
from deployments.answer_pipeline import AnswerPipeline
from deployments.assistant import DeployedAssistant
from deployments.ingest import Ingest
from tests.fakes.store import MemoryStore

TENANT = TenantContext("guild-1", "guild")


class DownPipeline:
    """A reference to a pipeline that is gone."""

    async def ask(self, ask: Ask) -> Any:
        raise Unavailable("AnswerPipeline", ask.question)

    async def search(self, query: SearchQuery) -> Any:
        raise Unavailable("AnswerPipeline", query.text)


class OneReport:
    """An ingest that has nothing to do."""

    async def run(self, request: IngestRequest) -> AsyncIterator[IngestReport]:
        yield IngestReport(request.url)


async def well() -> Sequence[PartHealth]:
    return [PartHealth("Embedder", True)]


def assistant(probe: assistant_module.Probe = well) -> DeployedAssistant:
    return DeployedAssistant(cast(AnswerPipeline, DownPipeline()), cast(Ingest, OneReport()), MemoryStore(), probe)


async def test_a_pipeline_that_is_gone_is_a_failure() -> None:
    for result in (
        await assistant().ask(Ask(TENANT, "again?")),
        await assistant().search(SearchQuery(TENANT, "again?")),
    ):
        assert result == Fail(ErrorCategory.UPSTREAM, "AnswerPipeline is not available. again?", retryable=True)


async def test_ingest_and_library_are_passed_on() -> None:
    events = [event async for event in assistant().ingest(IngestRequest(TENANT, "https://a.example"))]
    assert events == [IngestReport("https://a.example")]
    assert (await assistant().library(TENANT)).passages == 0


async def test_health_is_what_the_probe_says() -> None:
    assert (await assistant().health()).healthy


async def test_a_cluster_that_does_not_answer_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant_module, "HEALTH_S", 0.05)

    async def hangs() -> Sequence[PartHealth]:
        await asyncio.sleep(60)
        return []

    health = await assistant(hangs).health()
    assert not health.healthy
    assert "did not answer" in health.parts[0].detail


async def test_a_probe_that_fails_is_unhealthy() -> None:
    async def fails() -> Sequence[PartHealth]:
        raise Unavailable("Serve", "It is gone.")

    health = await assistant(fails).health()
    assert [(part.healthy, part.detail) for part in health.parts] == [(False, "Serve is not available. It is gone.")]
