"""A question's way: every stage, every bound, and what happens when a part fails."""

from collections.abc import Sequence

import pytest

from core.activity_documents import AnswerActivity
from core.errors import DeadlineExceeded, RateLimited, Unavailable
from core.feature_plans import TRIMMING
from core.messages import Ask, Hit, SearchQuery
from core.ports import Vectors
from core.rate_limit_messages import Refused
from core.results import ErrorCategory, Fail, Ok
from core.rollout import Feature
from core.spending import NOTHING
from core.tenancy import TenantContext
from deployments.answer_pipeline import PipelineConfig
from deployments.decisions import Deciding
from tests.deployments.pipelines import QUESTION, SENTENCES, TALK, TENANT, TRUE, ScriptedChat, bench, says
from tests.fakes.store import MemoryStore

STAGES = ["check", "limit", "embed", "search", "trim", "reserve", "generate", "verify", "settle"]


async def test_an_answer_carries_its_quote_link_and_receipt() -> None:
    async with bench() as made:
        answer = await made.answered()
    quote = answer.claims[0].quotes[0]
    assert (quote.text, quote.start_s, quote.recording) == (SENTENCES[1].text, 4.0, TALK)
    assert quote.link == "https://youtu.be/abc?t=4"
    receipt = answer.receipt
    assert (receipt.model, receipt.prompt_tokens, receipt.completion_tokens) == ("some/model", 120, 30)
    assert (receipt.cost_usd, receipt.passages_searched, receipt.quotes_dropped) == (0.002, 1, 0)
    assert [stage.stage for stage in receipt.stages] == STAGES


async def test_an_invented_quote_is_dropped_and_counted() -> None:
    async with bench(ScriptedChat(says("Green tea wants boiling water at once.", SENTENCES[1].text))) as made:
        answer = await made.answered()
        assert [claim.quotes[0].text for claim in answer.claims] == [SENTENCES[1].text]
        assert answer.receipt.quotes_dropped == 1
        made.chat.reply = says("Only invented words here.")
        assert not (await made.answered()).supported


async def test_what_is_too_short_to_choose_from_is_sent_whole() -> None:
    async with bench(config=PipelineConfig(), deciding=Deciding((Feature(TRIMMING, on=True),))) as made:
        answer = await made.answered()
    assert len(made.chat.prompts[0].evidence) == len(SENTENCES)
    assert answer.receipt.tokens_trimmed == answer.receipt.tokens_untrimmed


@pytest.mark.parametrize("compress", [False, True])
async def test_the_flag_decides_what_the_model_is_sent_and_both_are_counted(compress: bool) -> None:
    async with bench(deciding=Deciding((Feature(TRIMMING, compress),))) as made:
        answer = await made.answered()
        sent = [item.sentence for item in made.chat.prompts[0].evidence]
        await made.pipeline.close()
        (logged,) = made.activity.kept[TENANT.tenant]
    assert isinstance(logged, AnswerActivity)
    assert (len(sent) < len(SENTENCES)) is compress
    assert SENTENCES[1] in sent
    assert (answer.receipt.tokens_trimmed < answer.receipt.tokens_untrimmed) is compress
    assert 0 < logged.receipt.tokens_trimmed < logged.receipt.tokens_untrimmed


async def test_no_model_is_asked_and_nothing_reserved_where_nothing_was_found() -> None:
    async with bench() as made:
        for ask in (Ask(TenantContext("guild-2", "guild"), QUESTION), Ask(TENANT, QUESTION, ("another-talk",))):
            result = await made.pipeline.ask(ask)
            assert isinstance(result, Ok)
            assert (result.data.supported, result.data.receipt.passages_searched) == (False, 0)
        assert (made.chat.prompts, made.ledger.calls) == ([], [])


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (Unavailable("The store"), ErrorCategory.UPSTREAM),
        (DeadlineExceeded("The model"), ErrorCategory.TIMEOUT),
    ],
)
async def test_a_part_that_is_down_is_a_failure_that_says_so(error: Exception, category: ErrorCategory) -> None:
    async with bench(ScriptedChat(error)) as made:
        assert await made.ask() == Fail(category, str(error), retryable=True)


async def test_a_model_that_fails_ends_the_run() -> None:
    refusal = Fail(ErrorCategory.UPSTREAM, "No model answered.", retryable=True)
    async with bench(ScriptedChat(refusal)) as made:
        assert await made.ask() == refusal


@pytest.mark.parametrize(("question", "part"), [("", "empty"), ("x" * 10_000_000, "10,000,000")])
async def test_a_question_that_cannot_be_used_costs_nothing(question: str, part: str) -> None:
    async with bench() as made:
        for result in (await made.ask(question), await made.pipeline.search(SearchQuery(TENANT, question))):
            assert isinstance(result, Fail)
            assert result.category is ErrorCategory.BAD_INPUT
            assert part in result.message
        assert (made.chat.prompts, made.pace.calls, made.ledger.calls) == ([], [], [])


async def test_the_deadline_ends_an_answer() -> None:
    async with bench(config=PipelineConfig(deadline_s=0.05)) as made:
        made.chat.gate.clear()
        result = await made.ask()
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.TIMEOUT
    assert result.retryable


# ---------------------------------------------------------------- limits
async def test_who_asks_is_counted_once_for_each_question_and_search() -> None:
    async with bench() as made:
        await made.answered()
        await made.pipeline.search(SearchQuery(TenantContext("guild-2", "guild"), "green tea"))
        assert made.pace.calls == [("tenant:guild-1", "member-1", 1.0), ("tenant:guild-2", "", 1.0)]


@pytest.mark.parametrize(
    ("refusal", "who"),
    [(Refused("user", 2.5, "It is empty."), "You ask"), (Refused("tenant", 2.5, "It is empty."), "This server asks")],
)
async def test_who_asks_too_much_is_told_whose_limit_it_is_and_how_long_to_wait(refusal: Refused, who: str) -> None:
    async with bench() as made:
        made.pace.refusal = refusal
        for result in (await made.ask(), await made.pipeline.search(SearchQuery(TENANT, "green tea"))):
            assert isinstance(result, Fail)
            assert (result.category, result.retryable) == (ErrorCategory.RATE_LIMITED, True)
            assert result.retry_after_s == 2.5
            assert result.message == f"{who} for more than is allowed now. It is empty."
        assert (made.chat.prompts, made.ledger.calls, made.activity.kept) == ([], [], {})


async def test_where_waiting_does_not_help_nobody_is_told_to_wait() -> None:
    async with bench() as made:
        made.pace.refusal = Refused("tenant", None, "It is closed.")
        result = await made.ask()
    assert result == Fail(
        ErrorCategory.RATE_LIMITED,
        "This server asks for more than is allowed now. It is closed. Ask the people who run this bot for more.",
    )


async def test_a_limiter_that_is_down_is_a_failure_that_says_so() -> None:
    async with bench() as made:
        made.pace.error = Unavailable("RateLimiter")
        assert isinstance(await made.ask(), Fail)
        made.pace.error = RateLimited("Too much.", 1.0)
        result = await made.ask()
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.RATE_LIMITED


# ---------------------------------------------------------------- without money
@pytest.mark.parametrize("config", [PipelineConfig(paid_models=False), None])
async def test_where_no_model_costs_anything_nothing_is_reserved(config: PipelineConfig | None) -> None:
    async with bench(ScriptedChat(TRUE, most=NOTHING), config) as made:
        answer = await made.answered()
        assert made.ledger.calls == []
        assert made.chat.paid == [True]
    reserved = ["reserve"] if config is None else []
    stages = [stage.stage for stage in answer.receipt.stages]
    assert stages == ["check", "limit", "embed", "search", "trim", *reserved, "generate", "verify"]


# ---------------------------------------------------------------- searching
async def test_a_search_returns_hits_best_first() -> None:
    async with bench() as made:
        result = await made.pipeline.search(SearchQuery(TENANT, "green tea"))
    assert isinstance(result, Ok)
    assert [hit.passage.passage_id for hit in result.data] == ["p-1"]


async def test_the_store_is_asked_for_the_cleaned_words() -> None:
    class ListeningStore(MemoryStore):
        async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
            heard.append(query.text)
            assert vector.shape == (64,)
            return ()

    heard: list[str] = []
    async with bench(store=ListeningStore()) as made:
        await made.pipeline.search(SearchQuery(TENANT, "green\x00  tea\u202e"))
        await made.ask("green\x00  tea\u202e")
    assert heard == ["green tea", "green tea"]


async def test_a_failing_search_is_a_failure() -> None:
    class BrokenStore(MemoryStore):
        async def search(self, query: SearchQuery, vector: Vectors) -> Sequence[Hit]:
            raise Unavailable("The store", f"It lost {query.limit} hits of {vector.shape}.")

    async with bench(store=BrokenStore()) as made:
        result = await made.pipeline.search(SearchQuery(TENANT, "green tea"))
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.UPSTREAM
