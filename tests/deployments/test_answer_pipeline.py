"""A question's way: every stage, every bound, and what happens when a part fails."""

import asyncio
from collections.abc import Callable

import pytest

from core.errors import DeadlineExceeded, Unavailable
from core.messages import Answer, Ask, Passage, Recording, SearchQuery, Sentence
from core.ports import Vectors
from core.prompting import Completion, DraftClaim, Prompt
from core.results import ErrorCategory, Fail, Ok, StepResult
from core.tenancy import TenantContext
from deployments.answer_pipeline import AnswerPipeline, PipelineConfig
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.store import MemoryStore

TENANT = TenantContext("guild-1", "guild")
TALK = Recording("talk-1", "https://youtu.be/abc", "Brewing tea", "Somebody")
SENTENCES = (
    Sentence(0.0, 4.0, "Welcome everybody to the show."),
    Sentence(4.0, 9.0, "Green tea wants water well below boiling."),
    Sentence(9.0, 12.0, "My cat is asleep."),
    Sentence(12.0, 15.0, "The weather was fine."),
    Sentence(15.0, 19.0, "Yesterday somebody painted my garage."),
    Sentence(19.0, 24.0, "It took an afternoon and two buckets."),
    Sentence(24.0, 28.0, "See you next week."),
)
QUESTION = "How hot should the water for green tea be?"


class ScriptedChat:
    """Answers with what it is given, or raises it, and records the prompts."""

    def __init__(self, reply: StepResult[Completion] | Exception) -> None:
        self._reply = reply
        self.prompts: list[Prompt] = []

    async def complete(self, prompt: Prompt) -> StepResult[Completion]:
        self.prompts.append(prompt)
        if isinstance(self._reply, Exception):
            raise self._reply
        return self._reply


def says(*quotes: str) -> Ok[Completion]:
    claims = tuple(DraftClaim(f"About: {quote}", ((1, quote),)) for quote in quotes)
    return Ok(Completion(claims, "some/model", 120, 30, 0.002))


TRUE = says("Green tea wants water well below boiling.")


async def filled_store() -> MemoryStore:
    store, embedder = MemoryStore(), FakeEmbedder()
    passage = Passage("p-1", TALK, 0, SENTENCES)
    sentence_vectors = embedder.vectors([sentence.text for sentence in SENTENCES])
    await store.replace_recording(TENANT, [passage], embedder.vectors([passage.text]), [sentence_vectors])
    return store


async def pipeline(
    chat: ScriptedChat, config: PipelineConfig | None = None, clock: Callable[[], float] = lambda: 0.0
) -> AnswerPipeline:
    return AnswerPipeline(config or PipelineConfig(), FakeEmbedder(), await filled_store(), chat, clock)


async def answered(chat: ScriptedChat, config: PipelineConfig | None = None, question: str = QUESTION) -> Answer:
    result = await (await pipeline(chat, config)).ask(Ask(TENANT, question))
    assert isinstance(result, Ok)
    return result.data


async def test_an_answer_carries_its_quote_link_and_receipt() -> None:
    answer = await answered(ScriptedChat(TRUE))
    quote = answer.claims[0].quotes[0]
    assert (quote.text, quote.start_s, quote.recording) == (SENTENCES[1].text, 4.0, TALK)
    assert quote.link == "https://youtu.be/abc?t=4"
    receipt = answer.receipt
    assert (receipt.model, receipt.prompt_tokens, receipt.completion_tokens) == ("some/model", 120, 30)
    assert (receipt.cost_usd, receipt.passages_searched, receipt.quotes_dropped) == (0.002, 1, 0)
    assert [stage.stage for stage in receipt.stages] == ["check", "embed", "search", "trim", "generate", "verify"]


async def test_an_invented_quote_is_dropped_and_counted() -> None:
    answer = await answered(ScriptedChat(says("Green tea wants boiling water at once.", SENTENCES[1].text)))
    assert [claim.quotes[0].text for claim in answer.claims] == [SENTENCES[1].text]
    assert answer.receipt.quotes_dropped == 1
    nothing = await answered(ScriptedChat(says("Only invented words here.")))
    assert not nothing.supported


@pytest.mark.parametrize("compress", [False, True])
async def test_the_flag_decides_what_the_model_is_sent_and_both_are_counted(compress: bool) -> None:
    chat = ScriptedChat(TRUE)
    answer = await answered(chat, PipelineConfig(compress=compress))
    sent = [item.sentence for item in chat.prompts[0].evidence]
    assert (len(sent) < len(SENTENCES)) is compress
    assert SENTENCES[1] in sent
    assert 0 < answer.receipt.tokens_trimmed < answer.receipt.tokens_untrimmed


async def test_no_model_is_asked_where_nothing_was_found() -> None:
    chat = ScriptedChat(TRUE)
    other = Ask(TenantContext("guild-2", "guild"), QUESTION)
    result = await (await pipeline(chat)).ask(other)
    assert isinstance(result, Ok)
    assert (result.data.supported, result.data.receipt.passages_searched) == (False, 0)
    narrowed = await (await pipeline(chat)).ask(Ask(TENANT, QUESTION, ("another-talk",)))
    assert isinstance(narrowed, Ok)
    assert not narrowed.data.supported
    assert chat.prompts == []


@pytest.mark.parametrize(
    ("error", "category"),
    [
        (Unavailable("The store"), ErrorCategory.UPSTREAM),
        (DeadlineExceeded("The model"), ErrorCategory.TIMEOUT),
    ],
)
async def test_a_part_that_is_down_is_a_failure_that_says_so(error: Exception, category: ErrorCategory) -> None:
    result = await (await pipeline(ScriptedChat(error))).ask(Ask(TENANT, QUESTION))
    assert result == Fail(category, str(error), retryable=True)


async def test_a_model_that_fails_ends_the_run() -> None:
    refusal = Fail(ErrorCategory.UPSTREAM, "No model answered.", retryable=True)
    assert await (await pipeline(ScriptedChat(refusal))).ask(Ask(TENANT, QUESTION)) == refusal


@pytest.mark.parametrize(("question", "part"), [("", "empty"), ("x" * 10_000_000, "10,000,000")])
async def test_a_question_that_cannot_be_used_costs_nothing(question: str, part: str) -> None:
    chat = ScriptedChat(TRUE)
    asked = await pipeline(chat)
    for result in (await asked.ask(Ask(TENANT, question)), await asked.search(SearchQuery(TENANT, question))):
        assert isinstance(result, Fail)
        assert result.category is ErrorCategory.BAD_INPUT
        assert part in result.message
    assert chat.prompts == []


async def test_the_deadline_ends_an_answer() -> None:
    class HangingChat(ScriptedChat):
        async def complete(self, prompt: Prompt) -> StepResult[Completion]:
            await asyncio.sleep(60)
            return await super().complete(prompt)

    result = await (await pipeline(HangingChat(TRUE), PipelineConfig(deadline_s=0.05))).ask(Ask(TENANT, QUESTION))
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.TIMEOUT
    assert result.retryable


async def test_a_search_returns_hits_best_first() -> None:
    result = await (await pipeline(ScriptedChat(TRUE))).search(SearchQuery(TENANT, "green tea"))
    assert isinstance(result, Ok)
    assert [hit.passage.passage_id for hit in result.data] == ["p-1"]


async def test_the_store_is_asked_for_the_cleaned_words() -> None:
    class ListeningStore(MemoryStore):
        async def search(self, query: SearchQuery, vector: Vectors) -> tuple[()]:
            heard.append(query.text)
            assert vector.shape == (64,)
            return ()

    heard: list[str] = []
    listening = AnswerPipeline(PipelineConfig(), FakeEmbedder(), ListeningStore(), ScriptedChat(TRUE))
    await listening.search(SearchQuery(TENANT, "green\x00  tea\u202e"))
    await listening.ask(Ask(TENANT, "green\x00  tea\u202e"))
    assert heard == ["green tea", "green tea"]


async def test_a_failing_search_is_a_failure() -> None:
    class BrokenStore(MemoryStore):
        async def search(self, query: SearchQuery, vector: Vectors) -> tuple[()]:
            raise Unavailable("The store", f"It lost {query.limit} hits of {vector.shape}.")

    broken = AnswerPipeline(PipelineConfig(), FakeEmbedder(), BrokenStore(), ScriptedChat(TRUE))
    result = await broken.search(SearchQuery(TENANT, "green tea"))
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.UPSTREAM
