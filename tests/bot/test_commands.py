"""Every file in bot/commands is a command: it loads, has a name of its own and is described as Discord wants it."""

import pkgutil

import pytest

import bot.commands
from bot import errors
from bot.command import Argument, Call, Command, perform, read_argument
from bot.commands import all_commands
from bot.page import Page, Progress, Tone
from core.activity_documents import receipt_from
from core.errors import BadInput, Unavailable
from core.messages import Health, IngestProgress, IngestStep, Library, PartHealth
from core.results import ErrorCategory, Fail, Skip
from core.tenancy import TenantContext
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord.limits import command_errors

TENANT = TenantContext("guild-1", "guild", "user-1")
COMMANDS = {command.name: command for command in all_commands()}


async def run(name: str, assistant: FakeAssistant, text: str = "") -> tuple[Page, list[Progress]]:
    shown: list[Progress] = []
    page = await perform(COMMANDS[name], Call(assistant, TENANT, text), shown.append)
    return page, shown


def said(page: Page) -> str:
    return " ".join(span.text for line in page.lines for span in line.spans)


def test_each_file_is_one_command_of_its_name() -> None:
    files = sorted(module.name for module in pkgutil.iter_modules(bot.commands.__path__))
    assert sorted(COMMANDS) == files
    assert {"ask", "search", "analyze", "status", "quota", "receipt", "health"} <= set(files)


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: command.name)
def test_a_command_is_documented_within_discords_limits(command: Command) -> None:
    options = []
    if command.argument:
        argument = command.argument
        options = [{"name": argument.name, "description": argument.description, "required": argument.required}]
        assert command.argument.description.endswith(".")
        assert command.argument.max_chars <= 6000
    assert command_errors([{"name": command.name, "description": command.description, "options": options}]) == {}
    assert command.description.endswith(".")


def test_a_file_without_a_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.commands.ask.COMMAND", "not a command")
    with pytest.raises(TypeError, match=r"bot/commands/ask\.py"):
        all_commands()


# ---------------------------------------------------------------- arguments
QUESTION = Argument("question", "What you want to know.", max_chars=2000)


@pytest.mark.parametrize("text", ["", "   ", "\n\t "])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="The question is empty"):
        read_argument(QUESTION, text)


def test_what_may_be_left_out_may_be_empty_and_nothing_else() -> None:
    optional = Argument("id", "Which one.", max_chars=10, required=False)
    assert read_argument(optional, " \t") == ""
    for bad in ("x" * 11, "a\x00"):
        with pytest.raises(BadInput):
            read_argument(optional, bad)


def test_a_question_of_10_mb_is_refused_with_both_sizes() -> None:
    with pytest.raises(BadInput, match=r"10,000,000 characters; at most 2,000"):
        read_argument(QUESTION, "x" * 10_000_000)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "bell\x07", "a\x7fb", "\x9b31m", "\udcff"])
def test_control_characters_are_refused(text: str) -> None:
    with pytest.raises(BadInput, match="control characters"):
        read_argument(QUESTION, text)


def test_line_breaks_tabs_and_any_language_are_fine() -> None:
    assert read_argument(QUESTION, "  Wie heiß?\n\tÇa va? 👍🏽 \u2028 ") == "Wie heiß?\n\tÇa va? 👍🏽"


# ---------------------------------------------------------------- what the commands pass on
async def test_ask_passes_the_tenant_and_the_question() -> None:
    assistant = FakeAssistant()
    page, _ = await run("ask", assistant, "  How hot?  ")
    assert (assistant.asks[0].tenant, assistant.asks[0].question) == (TENANT, "How hot?")
    assert page.tone is Tone.ANSWER


async def test_search_passes_the_words() -> None:
    assistant = FakeAssistant()
    page, _ = await run("search", assistant, "green tea")
    assert (assistant.searches[0].tenant, assistant.searches[0].text) == (TENANT, "green tea")
    assert "Brewing tea" in said(page)


async def test_analyze_takes_a_link_in_angle_brackets_and_shows_progress() -> None:
    assistant = FakeAssistant()
    page, shown = await run("analyze", assistant, "<https://talks.example/1>")
    assert assistant.ingests[0].url == "https://talks.example/1"
    assert [(step.done, step.total) for step in shown] == [(0, 0), (1, 2)]
    assert "1 new" in said(page)


async def test_an_ingest_without_a_report_is_an_error() -> None:
    assistant = FakeAssistant()
    assistant.events = [IngestProgress(IngestStep.STORING, 1, 2)]
    with pytest.raises(Unavailable, match="report"):
        await run("analyze", assistant, "https://talks.example/1")


async def test_status_asks_for_the_tenants_library() -> None:
    assistant = FakeAssistant()
    assistant.held = Library()
    page, _ = await run("status", assistant)
    assert assistant.tenants == [TENANT]
    assert "bring in talks with /analyze" in said(page)


async def test_status_tells_which_part_is_down_though_the_store_is() -> None:
    class Storeless(FakeAssistant):
        async def library(self, tenant: TenantContext) -> Library:
            raise Unavailable("TranscriptStore", tenant.tenant)

    assistant = Storeless()
    assistant.parts = Health((PartHealth("TranscriptStore", False, "it has stopped"),))
    page, _ = await run("status", assistant)
    assert "✗ TranscriptStore (it has stopped)" in said(page)


async def test_health_gives_each_parts_reason() -> None:
    assistant = FakeAssistant()
    page, _ = await run("health", assistant)
    assert (page.title, page.tone) == ("Health", Tone.ANSWER)
    assert "✓ store (12 passages)" in said(page)
    assistant.parts = Health((PartHealth("BudgetLedger", False, "its journal cannot be written"),))
    page, _ = await run("health", assistant)
    assert page.tone is Tone.PROBLEM
    assert "✗ BudgetLedger (its journal cannot be written)" in said(page)


async def test_quota_is_the_callers_own() -> None:
    assistant = FakeAssistant()
    page, _ = await run("quota", assistant)
    assert assistant.tenants == [TENANT]
    assert "12 of 20 requests left" in said(page)


@pytest.mark.parametrize(("typed", "asked"), [("", ""), ("  ", ""), (" a-1 ", "a-1")])
async def test_receipt_is_for_the_caller_and_the_last_one_unless_named(typed: str, asked: str) -> None:
    assistant = FakeAssistant()
    page, _ = await run("receipt", assistant, typed)
    assert assistant.receipts == [(TENANT, asked)]
    assert "local/extractive" in said(page)


async def test_where_there_is_no_receipt_it_says_what_to_do() -> None:
    assistant = FakeAssistant()
    assistant.logged = receipt_from(())
    page, _ = await run("receipt", assistant)
    assert page.tone is Tone.NOTHING
    assert "/ask" in said(page)


@pytest.mark.parametrize("name", ["ask", "search"])
async def test_a_fail_or_skip_becomes_its_sentence(name: str) -> None:
    assistant = FakeAssistant()
    assistant.answer = assistant.found = Fail(ErrorCategory.RATE_LIMITED, "Too many questions.", True, 12.0)
    page, _ = await run(name, assistant, "tea")
    assert (said(page), page.tone) == ("Too many questions. Try again in 12 s.", Tone.PROBLEM)
    assistant.answer = assistant.found = Skip("Nothing to do.")
    page, _ = await run(name, assistant, "tea")
    assert (said(page), page.tone) == ("Nothing to do.", Tone.NOTHING)


async def test_a_command_that_ends_without_a_page_is_a_bug() -> None:
    async def silent(_: Call) -> object:
        return
        yield

    broken = Command("broken", "Says nothing.", silent)  # type: ignore[arg-type]  # an async generator of nothing
    with pytest.raises(RuntimeError, match="/broken ended without a page"):
        await perform(broken, Call(FakeAssistant(), TENANT), lambda _: None)
    assert errors.page(RuntimeError("x")).tone is Tone.PROBLEM
