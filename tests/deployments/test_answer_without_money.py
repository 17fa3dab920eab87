"""Answers where money is short, limits only watch, or the ledger is down: there is one each time, and it says so."""

import asyncio
import logging
from decimal import Decimal

import pytest

from core.errors import BotError, Busy, DeadlineExceeded, JournalUnreadable, Unavailable, WriteFailed
from core.prompting import Completion, Prompt
from core.results import Ok, StepResult
from core.spending import NOTHING, Amount
from deployments.answer_pipeline import PipelineConfig
from deployments.spending import SpendingConfig
from tests.deployments.pipelines import EXTRACTIVE, SPENT, TENANT, ScriptedChat, bench, costing, limited

IMPATIENT = PipelineConfig(spending=SpendingConfig(wait_s=0.05))
OPEN = PipelineConfig(spending=SpendingConfig(wait_s=0.05, open_when_unreachable=True))
DOWN = [Unavailable("BudgetLedger"), Busy("BudgetLedger", 2.0), WriteFailed("The journal"), JournalUnreadable("A", "B")]


# ---------------------------------------------------------------- no money left
@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"request": "0.01"}, "no model was paid, as this answer might cost more than one may"),
        ({"day": "0.01"}, "no model was paid, as the day's budget is less than this answer might cost"),
        ({"month": "0.01"}, "no model was paid, as the month's budget is less than this answer might cost"),
    ],
)
async def test_beyond_a_limit_it_answers_without_a_paid_model_and_says_why(limits: dict[str, str], why: str) -> None:
    async with bench(ledger=limited(limits)) as made:
        answer = await made.answered()
        assert answer.supported
        assert (answer.receipt.model, answer.receipt.cost_usd, answer.receipt.degraded) == (EXTRACTIVE, 0.0, why)
        assert made.chat.paid == [False]
        assert (await made.charged(), made.ledger.calls) == (NOTHING, ["reserve"])


@pytest.mark.parametrize(
    ("limits", "why"),
    [
        ({"day": "0.051"}, "the day's budget is used up until 2026-03-02 00:00 UTC"),
        ({"month": "0.051"}, "the month's budget is used up until 2026-04-01 00:00 UTC"),
    ],
)
async def test_when_a_budget_is_used_up_it_says_until_when(limits: dict[str, str], why: str) -> None:
    async with bench(ledger=limited(limits)) as made:
        assert (await made.answered()).receipt.degraded == ""
        assert (await made.answered()).receipt.degraded == f"no model was paid, as {why}"
        assert await made.charged() == SPENT


async def test_what_else_went_wrong_stands_beside_it() -> None:
    class Worse(ScriptedChat):
        async def complete(self, prompt: Prompt, paid: bool = True, first: str = "") -> StepResult[Completion]:
            assert prompt.evidence
            assert not paid
            assert not first
            return Ok(Completion((), EXTRACTIVE, degraded="it is slow"))

    async with bench(Worse(), ledger=limited({"request": "0.01"})) as made:
        assert (await made.answered()).receipt.degraded.endswith("than one may; it is slow")


async def test_many_at_once_never_spend_more_than_there_is() -> None:
    async with bench(ScriptedChat(costing(0.05)), ledger=limited({"day": "0.5"})) as made:
        answers = await asyncio.gather(*(made.answered() for _ in range(40)))
        assert (await made.charged()).cost_usd == Decimal("0.5")
    assert sum(answer.receipt.model == "some/model" for answer in answers) == 10
    assert all(answer.supported for answer in answers)


# ---------------------------------------------------------------- limits that only watch
async def test_in_shadow_nothing_is_refused_and_the_log_alone_tells(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    async with bench(ledger=limited({"request": "0.01"}, enforce=False)) as made:
        answer = await made.answered()
        assert made.chat.paid == [True]
        assert answer.receipt.degraded == ""
        assert await made.charged() == SPENT
    assert "The budget of tenant guild-1 would have refused. It needs up to 0.05 USD" in caplog.text


# ---------------------------------------------------------------- the ledger is down
@pytest.mark.parametrize("error", DOWN)
async def test_while_the_budget_cannot_be_asked_no_model_is_paid(error: BotError) -> None:
    async with bench() as made:
        made.ledger.gone["reserve"] = error
        answer = await made.answered()
        assert answer.receipt.degraded == "no model was paid, as the budget cannot be asked just now"
        assert (answer.supported, made.chat.paid) == (True, [False])
        assert await made.charged() == NOTHING


@pytest.mark.parametrize("error", DOWN)
async def test_where_it_is_set_so_models_are_paid_meanwhile(error: BotError, caplog: pytest.LogCaptureFixture) -> None:
    async with bench(config=OPEN) as made:
        made.ledger.gone["reserve"] = error
        answer = await made.answered()
        assert (answer.receipt.degraded, made.chat.paid) == ("", [True])
        assert await made.charged() == NOTHING
    assert "0.002 USD and 150 tokens of tenant guild-1 are in no budget." in caplog.text


@pytest.mark.parametrize(("config", "charged"), [(IMPATIENT, NOTHING), (OPEN, SPENT)])
async def test_a_reservation_whose_reply_was_lost_does_not_stay_open(config: PipelineConfig, charged: Amount) -> None:
    async with bench(config=config) as made:
        made.ledger.lost["reserve"] = DeadlineExceeded("BudgetLedger")
        assert (await made.answered()).supported
        assert await made.charged() == charged


@pytest.mark.parametrize(("config", "charged"), [(IMPATIENT, NOTHING), (OPEN, SPENT)])
async def test_a_ledger_that_hangs_is_not_waited_for(config: PipelineConfig, charged: Amount) -> None:
    async with bench(config=config) as made:
        made.ledger.gate.clear()
        answer = await made.answered()
        assert answer.supported
        assert bool(answer.receipt.degraded) is (config is IMPATIENT)
        made.ledger.gate.set()
        assert await made.charged() == charged


@pytest.mark.parametrize("error", DOWN)
async def test_an_answer_does_not_fail_because_it_cannot_be_settled(
    error: BotError, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench() as made:
        made.ledger.gone["settle"] = error
        assert (await made.answered()).receipt.degraded == ""
        await made.pipeline.close()
        assert "which is charged in full if it expires" in caplog.text
        assert (await made.ledger.real.report(TENANT.tenant)).open_reservations == 1


async def test_a_slow_settling_holds_no_answer_up() -> None:
    async with bench(config=IMPATIENT) as made:
        asking = asyncio.ensure_future(made.answered())
        await made.chat.entered.wait()
        made.ledger.gate.clear()
        assert (await asking).receipt.stages[-1].stage == "settle"
        made.ledger.gate.set()
        assert await made.charged() == SPENT
