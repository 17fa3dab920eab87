"""What an answer costs: reserved before, settled after, however it ends."""

import asyncio
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.errors import DeadlineExceeded, Unavailable
from core.messages import Ask
from core.prompting import Completion
from core.results import ErrorCategory, Fail, Ok
from core.spending import NOTHING, Amount
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from tests.deployments.pipelines import (
    MOST,
    QUESTION,
    SPENT,
    TENANT,
    TRUE,
    Bench,
    ScriptedChat,
    bench,
    costing,
    limited,
)
from tests.fakes.embedder import FakeEmbedder

QUICK = PipelineConfig(deadline_s=0.1)


async def leaves(made: Bench, when: asyncio.Event) -> None:
    """Somebody asks, and is gone once `when` is set."""
    asking = asyncio.ensure_future(made.ask())
    await when.wait()
    asking.cancel()
    with pytest.raises(asyncio.CancelledError):
        await asking


# ---------------------------------------------------------------- what is charged
async def test_what_an_answer_came_to_is_charged_before_it_is_given() -> None:
    async with bench() as made:
        await made.answered()
        assert made.ledger.calls == ["reserve", "settle"]
        assert await made.charged() == SPENT


async def test_an_answer_that_cost_nothing_is_charged_nothing() -> None:
    async with bench(ScriptedChat(costing(0.0, 0))) as made:
        await made.answered()
        assert made.ledger.calls == ["reserve", "release"]
        assert await made.charged() == NOTHING


async def test_what_cost_more_than_was_reserved_is_charged_in_full() -> None:
    async with bench(ScriptedChat(costing(0.3))) as made:
        await made.answered()
        assert await made.charged() == Amount(Decimal("0.3"), 150)


@pytest.mark.parametrize(
    "said", [costing(float("nan")), costing(-1.0), costing(float("inf")), costing(0.1, -5), costing(0.1, 10**15)]
)
async def test_a_cost_that_is_none_is_charged_as_all_that_was_reserved(
    said: Ok[Completion], caplog: pytest.LogCaptureFixture
) -> None:
    async with bench(ScriptedChat(said)) as made:
        await made.answered()
        assert await made.charged() == MOST
    assert "told a cost that is none" in caplog.text


@pytest.mark.parametrize("reply", [Fail(ErrorCategory.UPSTREAM, "No model answered."), Unavailable("ChatModel")])
async def test_where_a_failure_hides_the_cost_all_that_was_reserved_is_charged(reply: Fail | Exception) -> None:
    async with bench(ScriptedChat(reply)) as made:
        assert isinstance(await made.ask(), Fail)
        assert await made.charged() == MOST


async def test_a_defect_is_charged_and_not_swallowed() -> None:
    async with bench(ScriptedChat(ZeroDivisionError())) as made:
        with pytest.raises(ZeroDivisionError):
            await made.ask()
        assert await made.charged() == MOST


async def test_an_answer_that_is_too_late_is_charged_in_full() -> None:
    async with bench() as made:
        expected = await _is_late(made)
        assert await made.charged() == expected


async def test_whoever_leaves_while_a_model_writes_is_charged_in_full() -> None:
    async with bench() as made:
        made.chat.gate.clear()
        await leaves(made, made.chat.entered)
        assert await made.charged() == MOST


@pytest.mark.parametrize("method", ["reserve", "release"])
async def test_whoever_leaves_before_a_model_is_asked_is_charged_nothing(method: str) -> None:
    """Also where the ledger loses a reply: then nobody knows whether it was reserved, and it is undone all the same."""
    async with bench() as made:
        made.ledger.gate.clear()
        made.ledger.lost[method] = DeadlineExceeded("BudgetLedger")
        asking = asyncio.ensure_future(made.ask())
        await made.ledger.entered["reserve"].wait()
        asking.cancel()
        await asyncio.wait({asking})
        made.ledger.gate.set()
        assert await made.charged() == NOTHING
        assert made.chat.prompts == []


async def test_a_reply_of_the_model_that_nobody_waits_for_is_charged_as_it_is() -> None:
    """The caller leaves between the model's reply and the settling."""
    async with bench() as made:
        asking = asyncio.ensure_future(made.ask())
        await made.chat.entered.wait()
        made.ledger.gate.clear()
        await made.ledger.entered["settle"].wait()
        asking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asking
        made.ledger.gate.set()
        assert await made.charged() == SPENT


# ---------------------------------------------------------------- whatever happens
async def _ok(made: Bench) -> Amount:
    assert isinstance(await made.ask(), Ok)
    return SPENT


async def _fails(made: Bench) -> Amount:
    made.chat.reply = Fail(ErrorCategory.UPSTREAM, "No model answered.")
    assert isinstance(await made.ask(), Fail)
    return MOST


async def _breaks(made: Bench) -> Amount:
    made.chat.reply = ZeroDivisionError()
    with pytest.raises(ZeroDivisionError):
        await made.ask()
    return MOST


async def _is_late(made: Bench) -> Amount:
    made.chat.gate.clear()
    hurried = AnswerPipeline(QUICK, FakeEmbedder(), made.store, made.chat, made.pace, made.ledger, made.activity)
    assert isinstance(await hurried.ask(Ask(TENANT, QUESTION)), Fail)
    await hurried.close()
    # On a busy machine it may be too late before a model was asked.
    return MOST if made.chat.entered.is_set() else NOTHING


async def _is_left(made: Bench) -> Amount:
    made.chat.gate.clear()
    await leaves(made, made.chat.entered)
    return MOST


async def _is_over_budget(made: Bench) -> Amount:
    made.chat.most = Amount(Decimal(2), 1)
    assert isinstance(await made.ask(), Ok)
    return NOTHING


async def _loses_the_reservation(made: Bench) -> Amount:
    made.ledger.lost["reserve"] = Unavailable("BudgetLedger")
    assert isinstance(await made.ask(), Ok)
    return NOTHING


OUTCOMES = (_ok, _fails, _breaks, _is_late, _is_left, _is_over_budget, _loses_the_reservation)


@settings(max_examples=40, deadline=None)
@given(st.lists(st.sampled_from(OUTCOMES), max_size=6))
def test_for_any_sequence_of_outcomes_nothing_stays_reserved_and_the_sum_is_right(outcomes: list[object]) -> None:
    async def run() -> None:
        async with bench(ledger=limited({"request": "1"})) as made:
            expected = NOTHING
            for outcome in outcomes:
                made.chat.reply, made.chat.most = TRUE, MOST
                made.chat.entered.clear()
                expected = expected.plus(await outcome(made))  # type: ignore[operator]  # one of OUTCOMES
                made.chat.gate.set()
                made.ledger.lost.clear()
            assert await made.charged() == expected

    asyncio.run(run())


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 60), min_size=1, max_size=5))
def test_at_whichever_moment_callers_leave_nothing_stays_reserved(turns: list[int]) -> None:
    """`turns` of the event loop after they all began to ask, one after the other is gone."""

    async def run() -> None:
        async with bench(ledger=limited({})) as made:
            asking = [asyncio.ensure_future(made.ask()) for _ in turns]
            for turn in range(max(turns) + 1):
                for task, leaves_at in zip(asking, turns, strict=True):
                    if turn == leaves_at:
                        task.cancel()
                await asyncio.sleep(0)
            ended = await asyncio.gather(*asking, return_exceptions=True)
            answered = sum(isinstance(end, Ok) for end in ended)
            charged = (await made.charged()).cost_usd
            assert answered * SPENT.cost_usd <= charged <= len(turns) * MOST.cost_usd
            assert len(made.chat.prompts) * SPENT.cost_usd <= charged

    asyncio.run(run())
