"""The demo, with an assistant that answers what the test says, and the sample channel through the real yt-dlp."""

import io

import pytest
from rich.console import Console

from core.messages import IngestOutcome, IngestReport, IngestState
from core.results import ErrorCategory, Fail, Ok
from demo.tour import QUESTIONS, TENANT, tour
from tests.fakes.assistant import FakeAssistant, answer_to


def console() -> Console:
    return Console(file=io.StringIO(), width=200)


def printed(on: Console) -> str:
    assert isinstance(on.file, io.StringIO)
    return on.file.getvalue()


async def test_it_ingests_then_asks_every_question_and_prints_the_replies() -> None:
    assistant, on = FakeAssistant(), console()
    assert await tour(assistant, "https://talks.example/feed", on)
    assert [request.url for request in assistant.ingests] == ["https://talks.example/feed"]
    assert [ask.question for ask in assistant.asks] == list(QUESTIONS)
    assert {ask.tenant for ask in assistant.asks} == {TENANT}
    text = printed(on)
    assert text.count("Green tea wants water well below boiling.") == len(QUESTIONS)
    assert text.count("https://talks.example/1#t=754") == len(QUESTIONS)
    assert text.count("local/extractive") == len(QUESTIONS)


async def test_a_question_without_an_answer_is_a_reply_too() -> None:
    assistant, on = FakeAssistant(), console()
    assistant.answer = Ok(answer_to("Why?"))
    assert await tour(assistant, "https://talks.example/feed", on, ["Why?"])


async def test_a_question_that_fails_is_told_and_the_others_are_asked() -> None:
    assistant, on = FakeAssistant(), console()
    assistant.answer = Fail(ErrorCategory.UPSTREAM, "The model is down.")
    assert not await tour(assistant, "https://talks.example/feed", on, ["Why [bold]so[/bold]?", "How?"])
    assert len(assistant.asks) == 2
    assert "The model is down." in printed(on)
    assert "Why [bold]so[/bold]?" in printed(on)


@pytest.mark.parametrize("state", [IngestState.FAILED, IngestState.SKIPPED])
async def test_nothing_is_asked_where_nothing_came_in(state: IngestState) -> None:
    assistant, on = FakeAssistant(), console()
    outcome = IngestOutcome("https://talks.example/1", "Brewing tea", state, reason="It is odd.")
    assistant.events = [IngestReport("https://talks.example/feed", (outcome,))]
    assert not await tour(assistant, "https://talks.example/feed", on)
    assert assistant.asks == []
    assert "It is odd." in printed(on)


async def test_an_ingest_without_a_report_is_a_failure() -> None:
    assistant = FakeAssistant()
    assistant.events = []
    assert not await tour(assistant, "https://talks.example/feed", console())


def test_there_are_five_questions() -> None:
    assert len(set(QUESTIONS)) == 5
