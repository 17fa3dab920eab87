"""The assistant: parts that are down become failures or notes, and its health never hangs."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from decimal import Decimal
from typing import Any, cast

import pytest

from core.activity_documents import AnswerActivity
from core.budget_messages import BudgetLimits
from core.errors import BotError, JournalUnreadable, Unavailable
from core.messages import Ask, IngestReport, IngestRequest, PartHealth, Receipt, SearchQuery
from core.rate_limit_messages import Quota, ScopeQuota
from core.results import ErrorCategory, Fail, Ok, Skip
from core.spending import Limit
from core.tenancy import TenantContext
from core.token_buckets import Rate
from core.usage import Scope, Unit
from deployments import assistant as assistant_module
from deployments.answer_pipeline import AnswerPipeline
from deployments.assistant import DeployedAssistant, Probe
from deployments.ingest import Ingest
from tests.fakes.activity import AT, FakeActivityLog
from tests.fakes.ledger import FakeLedger
from tests.fakes.store import MemoryStore

TENANT = TenantContext("guild-1", "guild", "member-1")


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


class OneLimiter:
    """A rate limiter that knows one user's bucket, or is gone."""

    def __init__(self) -> None:
        self.error: BotError | None = None
        self.asked: list[tuple[str, str]] = []

    async def quota(self, key: str, user: str = "") -> Quota:
        self.asked.append((key, user))
        if self.error is not None:
            raise self.error
        return Quota((ScopeQuota("user", Rate(1.0, 10.0), 4.0, 0.0, 6.0),), 12.0)


async def well() -> Sequence[PartHealth]:
    return [PartHealth("Embedder", True)]


class Desk:
    """An assistant and all that it stands on."""

    def __init__(self, probe: Probe = well, notes: Sequence[str] = ()) -> None:
        self.limiter, self.activity = OneLimiter(), FakeActivityLog()
        self.ledger = FakeLedger(BudgetLimits(day=Limit(Decimal(10))))
        self.assistant = DeployedAssistant(
            cast(AnswerPipeline, DownPipeline()),
            cast(Ingest, OneReport()),
            MemoryStore(),
            self.limiter,
            self.ledger,
            self.activity,
            probe,
            notes,
            lambda: AT,
        )


async def test_a_pipeline_that_is_gone_is_a_failure() -> None:
    for result in (
        await Desk().assistant.ask(Ask(TENANT, "again?")),
        await Desk().assistant.search(SearchQuery(TENANT, "again?")),
    ):
        assert result == Fail(ErrorCategory.UPSTREAM, "AnswerPipeline is not available. again?", retryable=True)


async def test_ingest_and_library_are_passed_on() -> None:
    events = [event async for event in Desk().assistant.ingest(IngestRequest(TENANT, "https://a.example"))]
    assert events == [IngestReport("https://a.example")]
    assert (await Desk().assistant.library(TENANT)).passages == 0


# ---------------------------------------------------------------- quotas
async def test_a_quota_is_the_persons_rate_and_their_servers_budget() -> None:
    desk = Desk(notes=("Limits only watch.",))
    usage = await desk.assistant.quota(TENANT)
    assert [(each.scope, each.unit, each.left) for each in usage.allowances] == [
        (Scope.USER, Unit.REQUESTS, 4.0),
        (Scope.TENANT, Unit.USD, Decimal(10)),
    ]
    assert (usage.at, usage.notes) == (AT, ("Limits only watch.",))
    assert desk.limiter.asked == [("tenant:guild-1", "member-1")]
    await desk.ledger.close()


@pytest.mark.parametrize("error", [Unavailable("It"), JournalUnreadable("A gap.", "Restore it.")])
async def test_a_part_that_does_not_tell_is_a_note_and_hides_no_other(error: BotError) -> None:
    desk = Desk()
    desk.limiter.error = error
    usage = await desk.assistant.quota(TENANT)
    assert [each.unit for each in usage.allowances] == [Unit.USD]
    assert usage.notes == (f"How fast you may ask cannot be shown: {error}",)
    desk.ledger.gone["report"] = error
    usage = await desk.assistant.quota(TENANT)
    assert (usage.allowances, len(usage.notes)) == ((), 2)
    desk.limiter.error = None
    usage = await desk.assistant.quota(TENANT)
    assert [each.unit for each in usage.allowances] == [Unit.REQUESTS]
    assert usage.notes == (f"What may still be spent cannot be shown: {error}",)
    await desk.ledger.close()


# ---------------------------------------------------------------- receipts
def given(answer_id: str, user: str = "member-1", workspace: str = "guild") -> AnswerActivity:
    return AnswerActivity(
        answer_id=answer_id, workspace=workspace, user=user, supported=True, receipt=Receipt("some/model")
    )


async def test_a_receipt_is_the_last_one_of_who_asks_or_the_one_named() -> None:
    desk = Desk()
    others = (given("b-1", user="member-2"), given("b-2", workspace="elsewhere"))
    await desk.activity.log("guild-1", (given("a-1"), given("a-2"), *others))
    await desk.activity.log("guild-2", (given("c-1"),))
    for asked, shown in (("", "a-2"), ("a-1", "a-1")):
        result = await desk.assistant.receipt(TENANT, asked)
        assert isinstance(result, Ok)
        assert (result.data.answer.answer_id, result.data.at) == (shown, AT)
    for foreign in ("b-1", "b-2", "c-1", "nobody's"):
        assert isinstance(await desk.assistant.receipt(TENANT, foreign), Skip)


async def test_a_receipt_for_nobody_is_refused_and_a_log_that_is_down_is_a_failure() -> None:
    desk = Desk()
    nobody = await desk.assistant.receipt(TenantContext("guild-1", "guild"))
    assert isinstance(nobody, Fail)
    assert nobody.category is ErrorCategory.BAD_INPUT
    desk.activity.error = Unavailable("ActivityLog")
    down = await desk.assistant.receipt(TENANT)
    assert isinstance(down, Fail)
    assert (down.category, down.retryable) == (ErrorCategory.UPSTREAM, True)


# ---------------------------------------------------------------- health
async def test_health_is_what_the_probe_says() -> None:
    assert (await Desk().assistant.health()).healthy


async def test_a_cluster_that_does_not_answer_is_unhealthy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(assistant_module, "HEALTH_S", 0.05)

    async def hangs() -> Sequence[PartHealth]:
        await asyncio.sleep(60)
        return []

    health = await Desk(hangs).assistant.health()
    assert not health.healthy
    assert "did not answer" in health.parts[0].detail


async def test_a_probe_that_fails_is_unhealthy() -> None:
    async def fails() -> Sequence[PartHealth]:
        raise Unavailable("Serve", "It is gone.")

    health = await Desk(fails).assistant.health()
    assert [(part.healthy, part.detail) for part in health.parts] == [(False, "Serve is not available. It is gone.")]
