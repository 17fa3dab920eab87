"""Answers over the real limiter, ledger and log with a journal on disk: what is promised of limits, end to end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import pytest

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from core.budget_messages import BudgetLimits
from core.messages import Answer, Ask, PartHealth
from core.results import ErrorCategory, Fail, Ok, StepResult
from core.spending import Limit
from core.tenancy import TenantContext
from core.token_buckets import Limits, Rate
from core.usage import Scope, Unit
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from deployments.assistant import DeployedAssistant
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from tests.deployments.pipelines import (
    EXTRACTIVE,
    QUESTION,
    TENANT,
    ScriptedChat,
    costing,
    filled_store,
    without_counts,
)
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.ingest import house
from tests.fakes.recordings import Recordings

# So slow that nothing comes back while a test runs.
SLOW = 1e-6
RATES = Limits(Rate(SLOW, 6.0), Rate(SLOW, 4.0))
BUDGET = BudgetLimits(day=Limit(Decimal("0.1")))


async def nothing() -> tuple[PartHealth, ...]:
    return ()


@asynccontextmanager
async def product(
    folder: Path, *, rates: Limits = RATES, budget: BudgetLimits = BUDGET, enforce: bool = True
) -> AsyncIterator[DeployedAssistant]:
    """The assistant over a journal in `folder`, in one process. A model costs five cents, which is its ceiling too."""
    shard = ShardConfig(f"sqlite:///{folder}/journal.db")
    limiter = RateLimiter(shard, rates, Limits())
    ledger = BudgetLedger(shard, budget, enforce=enforce)
    log = ActivityLog(shard, 90)
    pace = LeasedLimiter(limiter, LimiterConfig(enforce=enforce))
    store, embedder = await filled_store(), FakeEmbedder()
    chat = ScriptedChat(costing(0.05))
    pipeline = AnswerPipeline(PipelineConfig(), embedder, store, chat, pace, ledger, log)
    async with house(Recordings(1), embedder=embedder, store=store, pace=pace) as made:
        yield DeployedAssistant(pipeline, made.ingest, store, limiter, ledger, log, nothing)
    await pipeline.close()
    await pace.close()
    for actor in (limiter, ledger, log):
        await actor.close()


async def asked(assistant: DeployedAssistant, times: int, user: str = "member-1") -> list[StepResult[Answer]]:
    tenant = TenantContext(TENANT.tenant, TENANT.workspace, user)
    return await asyncio.gather(*(assistant.ask(Ask(tenant, QUESTION)) for _ in range(times)))


def answers(results: list[StepResult[Answer]]) -> list[Answer]:
    return [result.data for result in results if isinstance(result, Ok)]


async def test_each_member_and_all_together_are_held_to_their_rates(tmp_path: Path) -> None:
    async with product(tmp_path) as assistant:
        mine = await asked(assistant, 10)
        assert len(answers(mine)) == 4
        others = await asked(assistant, 10, "member-2")
        assert len(answers(others)) == 2
        for result, who in ((mine[-1], "You ask"), (others[-1], "This server asks")):
            assert isinstance(result, Fail)
            assert result.category is ErrorCategory.RATE_LIMITED
            assert result.message.startswith(who)
            assert result.retry_after_s


async def test_a_restart_gives_nobody_new_tokens_or_money(tmp_path: Path) -> None:
    async with product(tmp_path) as assistant:
        assert len(answers(await asked(assistant, 4))) == 4
    async with product(tmp_path) as assistant:
        assert answers(await asked(assistant, 4)) == []
        (other,) = answers(await asked(assistant, 1, "member-2"))
        assert other.receipt.model == EXTRACTIVE
        usage = await assistant.quota(TENANT)
    left = {(each.scope, each.unit, each.period): each.left for each in usage.allowances}
    assert left[Scope.TENANT, Unit.USD, "today"] == 0
    assert left[Scope.USER, Unit.REQUESTS, "at once"] == pytest.approx(0, abs=0.01)


async def test_the_budget_buys_what_it_can_and_the_rest_is_answered_without(tmp_path: Path) -> None:
    async with product(tmp_path, rates=Limits()) as assistant:
        given = answers(await asked(assistant, 30))
    assert len(given) == 30
    assert sum(answer.receipt.cost_usd > 0 for answer in given) == 2
    degraded = [answer.receipt.degraded for answer in given if not answer.receipt.cost_usd]
    assert all("no model was paid, as the day's budget is used up until" in each for each in degraded)


async def test_limits_that_only_watch_refuse_nothing(tmp_path: Path) -> None:
    async with product(tmp_path, enforce=False) as assistant:
        given = answers(await asked(assistant, 30))
        assert len(given) == 30
        assert {(answer.receipt.model, answer.receipt.degraded) for answer in given} == {("some/model", "")}
        usage = await assistant.quota(TENANT)
    left = {(each.unit, each.period): each.left for each in usage.allowances if each.scope is Scope.TENANT}
    assert left[Unit.USD, "today"] == 0, "it counts all the same"


async def test_one_tenants_use_is_none_of_anothers(tmp_path: Path) -> None:
    async with product(tmp_path) as assistant:
        await asked(assistant, 10)
        other = TenantContext("guild-2", "guild", "member-1")
        assert isinstance(await assistant.ask(Ask(other, QUESTION)), Ok)
        left = {(each.scope, each.unit): each.left for each in (await assistant.quota(other)).allowances}
    assert left[Scope.TENANT, Unit.USD] == Decimal("0.1")
    assert left[Scope.USER, Unit.REQUESTS] == pytest.approx(3, abs=0.01)


async def test_every_answer_has_its_receipt(tmp_path: Path) -> None:
    async with product(tmp_path) as assistant:
        given = answers(await asked(assistant, 4))
    async with product(tmp_path) as assistant:
        for answer in given:
            shown = await assistant.receipt(TENANT, answer.answer_id)
            assert isinstance(shown, Ok)
            kept = shown.data.answer.receipt
            assert without_counts(kept) == without_counts(answer.receipt)
            assert 0 < kept.tokens_trimmed <= kept.tokens_untrimmed
