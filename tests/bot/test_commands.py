"""Every file in bot/commands is a command: it loads, has a name of its own and is described as Discord wants it."""

import pkgutil
from collections.abc import Mapping

import discord
import pytest
from discord import app_commands

import bot.commands
from bot import errors
from bot.command import Call, Command, perform
from bot.command_line import CONFIRM, given
from bot.commands import all_commands
from bot.options import Interaction, slash_command
from bot.page import Page, Progress, Tone
from core.activity_documents import receipt_from
from core.errors import Unavailable
from core.messages import Health, IngestProgress, IngestStep, Library, PartHealth
from core.results import ErrorCategory, Fail, Skip
from core.tenancy import TenantContext
from tests.fakes.assistant import FakeAssistant
from tests.fakes.discord.limits import command_errors

TENANT = TenantContext("guild-1", "guild", "user-1")
COMMANDS = {command.name: command for command in all_commands()}


async def run(name: str, assistant: FakeAssistant, text: str = "") -> tuple[Page, list[Progress]]:
    shown: list[Progress] = []
    command = COMMANDS[name]
    page = await perform(command, Call(assistant, TENANT, given(command, text)), shown.append)
    return page, shown


def said(page: Page) -> str:
    return " ".join(span.text for line in page.lines for span in line.spans)


def test_each_file_is_one_command_of_its_name() -> None:
    files = sorted(module.name for module in pkgutil.iter_modules(bot.commands.__path__))
    assert sorted(COMMANDS) == files
    assert {"ask", "search", "analyze", "status", "quota", "receipt", "health"} <= set(files)


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: command.name)
def test_a_command_is_documented_within_discords_limits(command: Command) -> None:
    tree = app_commands.CommandTree(discord.Client(intents=discord.Intents.none()))
    registered = slash_command(command, nobody_serves, nobody_calls).to_dict(tree)
    assert command_errors([registered]) == {}
    assert command.description.endswith(".")
    names = [argument.name for argument in command.arguments]
    assert [option["name"] for option in registered["options"]] == names
    assert len(set(names)) == len(names)
    assert CONFIRM not in names
    for argument, option in zip(command.arguments, registered["options"], strict=True):
        assert argument.description.endswith(".")
        assert option["required"] == argument.required
        if not argument.required:
            argument.read("")


@pytest.mark.parametrize("command", all_commands(), ids=lambda command: command.name)
def test_moderators_commands_are_hidden_from_others(command: Command) -> None:
    permissions = slash_command(command, nobody_serves, nobody_calls).default_permissions
    assert (permissions is not None) == command.moderators
    assert permissions is None or permissions.manage_guild


async def nobody_serves(_: Interaction, __: Mapping[str, str]) -> None:
    raise AssertionError("Nothing is carried out here.")


def nobody_calls(_: Interaction) -> Call:
    raise AssertionError("Nothing is completed here.")


def test_a_file_without_a_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.commands.ask.COMMAND", "not a command")
    with pytest.raises(TypeError, match=r"bot/commands/ask\.py"):
        all_commands()


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
