"""What the activity log gets of an answer, and that no answer waits for it or fails with it."""

import asyncio
import logging
from dataclasses import replace
from pathlib import Path

import pytest

from actors.activity_log import ActivityLog
from actors.runtime_host import ShardConfig
from core.activity_documents import AnswerActivity, receipt_from, receipt_query
from core.errors import BadInput, Unavailable
from core.messages import Ask
from core.prompting import Completion, DraftClaim
from core.rate_limit_messages import Refused
from core.results import ErrorCategory, Fail, Ok
from core.tenancy import TenantContext
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from deployments.answer_records import MAX_LOGGED_CHARS
from tests.deployments.pipelines import QUESTION, SENTENCES, TENANT, Bench, ScriptedChat, bench, without_counts
from tests.fakes.embedder import FakeEmbedder


def logged(made: Bench) -> list[AnswerActivity]:
    return [document for document in made.activity.kept.get("guild-1", []) if isinstance(document, AnswerActivity)]


async def test_each_answer_has_an_id_of_its_own_by_which_the_log_knows_it() -> None:
    async with bench() as made:
        answers = await asyncio.gather(*(made.answered() for _ in range(20)))
        await made.pipeline.close()
        assert len({answer.answer_id for answer in answers}) == 20
        assert {document.answer_id for document in logged(made)} == {answer.answer_id for answer in answers}


def test_ids_that_nobody_chose_are_unique_too() -> None:
    async def run() -> list[str]:
        async with bench() as made:
            parts = (made.store, made.chat, made.pace, made.ledger, made.activity)
            own = AnswerPipeline(PipelineConfig(), FakeEmbedder(), *parts)
            results = await asyncio.gather(*(own.ask(Ask(TENANT, QUESTION)) for _ in range(50)))
            await own.close()
            return [result.data.answer_id for result in results if isinstance(result, Ok)]

    ids = asyncio.run(run()) + asyncio.run(run())
    assert len(set(ids)) == 100


async def test_the_log_has_the_answer_its_receipt_and_whose_it_is() -> None:
    async with bench() as made:
        answer = await made.answered()
        await made.pipeline.close()
        (document,) = logged(made)
    assert (document.workspace, document.user, document.supported) == ("guild", "member-1", True)
    assert without_counts(document.receipt) == without_counts(answer.receipt)
    assert (document.question, document.answer) == (QUESTION, f"About: {SENTENCES[1].text}")


async def test_tokens_are_logged_as_the_model_counts_them_and_estimated_where_it_cannot() -> None:
    async with bench() as made:
        answer = await made.answered()
        await made.pipeline.close()
        (document,) = logged(made)
        assert document.receipt.tokens_untrimmed == 10 * len(SENTENCES)
        assert document.receipt.tokens_trimmed == 10 * len(made.chat.counted[-2].evidence)
        made.chat.uncountable = Unavailable("ChatModel")
        await made.answered()
        await made.pipeline.close()
        assert logged(made)[-1].receipt == answer.receipt


async def test_a_slow_log_holds_no_answer_up_and_closing_waits_for_it() -> None:
    async with bench() as made:
        made.activity.gate.clear()
        answer = await made.answered()
        assert logged(made) == []
        closing = asyncio.ensure_future(made.pipeline.close())
        await asyncio.sleep(0.01)
        assert not closing.done()
        made.activity.gate.set()
        await closing
        assert [document.answer_id for document in logged(made)] == [answer.answer_id]


@pytest.mark.parametrize("error", [Unavailable("ActivityLog"), BadInput("No.", "Yes."), ZeroDivisionError("oops")])
async def test_a_log_that_is_down_hurts_no_answer_and_is_told_of(
    error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    async with bench() as made:
        made.activity.error = error
        assert (await made.answered()).supported
        await made.pipeline.close()
    (record,) = caplog.records
    assert record.getMessage().startswith("Logging answer a-1 failed")
    assert str(error) in caplog.text


async def test_a_log_that_never_answers_is_given_up_at_the_end(caplog: pytest.LogCaptureFixture) -> None:
    async with bench() as made:
        made.activity.gate.clear()
        await made.answered()
        await made.pipeline.close(timeout_s=0.02)
        assert logged(made) == []
    assert "Logging answer a-1 was stopped" in caplog.text


async def test_what_is_no_answer_is_not_logged() -> None:
    async with bench() as made:
        await made.ask("")
        made.pace.refusal = Refused("user", 1.0, "It is empty.")
        await made.ask()
        made.pace.refusal = None
        made.chat.reply = Fail(ErrorCategory.UPSTREAM, "No model answered.")
        await made.ask()
        await made.pipeline.close()
        assert made.activity.kept == {}


async def test_serve_finds_work_to_wait_for_only_while_there_is_some() -> None:
    async with bench() as made:
        assert made.pipeline.__del__() is None
        made.activity.gate.clear()
        await made.answered()
        ending = made.pipeline.__del__()
        assert ending is not None
        made.activity.gate.set()
        await ending
        assert len(logged(made)) == 1


# ---------------------------------------------------------------- with the real log
@pytest.mark.parametrize("keep_text", [False, True])
async def test_a_receipt_can_be_shown_to_who_asked_and_words_are_kept_only_where_they_may(
    tmp_path: Path, keep_text: bool, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    log = ActivityLog(ShardConfig(f"sqlite:///{tmp_path}/journal.db"), 90, keep_text=keep_text)
    endless = "ü" * 100_000 + "\ud800\u2028"
    said = Ok(Completion((DraftClaim(endless, ((1, SENTENCES[1].text),)),), "some/model", 120, 30, 0.002))
    async with bench(ScriptedChat(said), PipelineConfig(max_question_chars=1_000_000), log=log) as made:
        result = await made.ask("How hot? " + "✓" * 50_000)
        assert isinstance(result, Ok)
        await made.pipeline.close()
        answer_id = result.data.answer_id
        shown = receipt_from(await log.documents("guild-1", receipt_query(TENANT, answer_id)), answer_id)
        assert isinstance(shown, Ok)
        kept = shown.data.answer
        assert without_counts(kept.receipt) == without_counts(result.data.receipt)
        assert [len(kept.question), len(kept.answer)] == [MAX_LOGGED_CHARS * keep_text] * 2
        for other in (replace(TENANT, user="member-2"), replace(TENANT, workspace="other")):
            found = await log.documents("guild-1", receipt_query(other, answer_id))
            assert not isinstance(receipt_from(found, answer_id), Ok)
        assert await log.documents("guild-2", receipt_query(TenantContext("guild-2", "guild", "member-1"))) == ()
    await log.close()
    assert caplog.records == []
