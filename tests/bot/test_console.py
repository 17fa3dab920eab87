"""The same commands without Discord."""

import asyncio
import io
import os
import runpy
import signal
import sys
import types
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from rich.console import Console

from bot import console as console_module
from bot.commands import all_commands
from bot.console import HISTORY, TENANT, Connect, main, run_console
from bot.lines import CommandCompleter, StreamLines
from bot.product import Product
from core.errors import StartupFailed, Unavailable
from core.results import ErrorCategory, Fail, Ok
from tests.fakes.assistant import FakeAssistant, answer_to
from tests.fakes.curator import FakeCurator


def screen() -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=False, width=200), out


def connect_to(assistant: FakeAssistant, curator: FakeCurator | None = None) -> Connect:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Product]:
        yield Product(assistant, curator)

    return connect


async def typed(assistant: FakeAssistant, text: str) -> str:
    console, out = screen()
    await run_console(assistant, console=console, lines=StreamLines(io.StringIO(text)))
    return out.getvalue()


async def once(assistant: FakeAssistant, *argv: str) -> tuple[int, str]:
    console, out = screen()
    return await main(argv, connect_to(assistant), console), out.getvalue()


# ---------------------------------------------------------------- the prompt
async def test_plain_text_is_a_question() -> None:
    assistant = FakeAssistant()
    shown = await typed(assistant, "How hot?\n")
    assert assistant.asks[0].tenant == TENANT
    assert "https://talks.example/1#t=754" in shown
    assert "345 tokens" in shown


async def test_every_command_works_with_a_slash() -> None:
    assistant = FakeAssistant()
    shown = await typed(assistant, "/ask How hot?\n/search tea\n/ANALYZE https://talks.example/1\n/status\n")
    assert (len(assistant.asks), len(assistant.searches), len(assistant.ingests)) == (1, 1, 1)
    assert "1 new" in shown
    assert "Every part works" in shown


async def test_a_receipt_is_the_last_one_or_the_one_named() -> None:
    assistant = FakeAssistant()
    shown = await typed(assistant, "/receipt\n/receipt a-1\n/quota\n/health\n")
    assert assistant.receipts == [(TENANT, ""), (TENANT, "a-1")]
    assert assistant.tenants == [TENANT]
    for said in ("local/extractive", "requests left", "✓ store"):
        assert said in shown


async def test_help_names_every_command() -> None:
    shown = await typed(FakeAssistant(), "/help\n")
    for command in all_commands():
        assert f"/{command.name}" in shown
        assert command.description in shown


@pytest.mark.parametrize("leave", ["/quit", "/exit"])
async def test_quit_leaves_and_blank_lines_are_nothing(leave: str) -> None:
    assistant = FakeAssistant()
    assert await typed(assistant, f"\n   \n{leave}\nHow hot?\n") == ""
    assert assistant.asks == []


async def test_bad_input_is_a_sentence_and_the_prompt_goes_on() -> None:
    assistant = FakeAssistant()
    shown = await typed(assistant, f"/nothing\n/ask\n/status now\na\x00b\n{'x' * 10_000_000}\nHow hot?\n")
    for said in ("no command /nothing", "question is empty", "takes nothing", "control characters", "10,000,000"):
        assert said in shown
    assert len(assistant.asks) == 1


async def test_an_error_is_a_sentence_and_the_prompt_goes_on() -> None:
    assistant = FakeAssistant()
    assistant.answer = Unavailable("The store")
    shown = await typed(assistant, "How hot?\nHow cold?\n")
    assert shown.count("The store is not available. Try again") == 2


async def test_ctrl_c_stops_the_command_and_only_it() -> None:
    assistant = FakeAssistant()
    assistant.gate.clear()
    before = signal.getsignal(signal.SIGINT)
    console, out = screen()
    running = asyncio.ensure_future(
        run_console(assistant, console=console, lines=StreamLines(io.StringIO("How hot?\n/help\n")))
    )
    await asyncio.wait_for(assistant.entered.wait(), 10)
    os.kill(os.getpid(), signal.SIGINT)
    await asyncio.wait_for(running, 10)
    assert "This was stopped" in out.getvalue()
    assert "Commands" in out.getvalue()
    assert signal.getsignal(signal.SIGINT) == before


async def test_standard_input_and_output_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("How hot?\n"))
    await run_console(FakeAssistant())
    assert "Green tea" in capsys.readouterr().out


async def test_a_terminal_gets_a_prompt_with_history(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    made: list[tuple[Path | None, CommandCompleter]] = []

    class Prompt(StreamLines):
        def __init__(self, history: Path | None, completer: CommandCompleter) -> None:
            super().__init__(io.StringIO("/quit\n"))
            made.append((history, completer))

    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr(console_module, "PromptLines", Prompt)
    await run_console(FakeAssistant(), tmp_path)
    await run_console(FakeAssistant())
    assert [history for history, _ in made] == [tmp_path / HISTORY, None]
    assert {"ask", "help", "quit"} <= set(made[0][1].names)


async def test_an_output_that_knows_no_quotes_shows_something_else(monkeypatch: pytest.MonkeyPatch) -> None:
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding="ascii"))
    assert await main(["ask", "How hot?"], connect_to(FakeAssistant())) == 0
    sys.stdout.flush()
    assert b"?Green tea wants water" in raw.getvalue()


# ---------------------------------------------------------------- once
async def test_one_shot_answers_and_exits_with_0() -> None:
    code, shown = await once(FakeAssistant(), "ask", "How", "hot?")
    assert code == 0
    assert "Green tea" in shown


@pytest.mark.parametrize(
    ("argv", "said"),
    [(["search", "tea"], "12:34"), (["status"], "works"), (["/status"], "works"), (["receipt"], "a-1")],
)
async def test_the_other_commands(argv: list[str], said: str) -> None:
    code, shown = await once(FakeAssistant(), *argv)
    assert code == 0
    assert said in shown


async def test_that_the_transcripts_dont_say_is_an_answer_too() -> None:
    assistant = FakeAssistant()
    assistant.answer = Ok(answer_to("Who?"))
    code, shown = await once(assistant, "ask", "Who?")
    assert code == 0
    assert "The transcripts don't say." in shown


async def test_a_failure_exits_with_1() -> None:
    assistant = FakeAssistant()
    assistant.answer = Fail(ErrorCategory.UPSTREAM, "No model answered.")
    assert (await once(assistant, "ask", "How hot?"))[0] == 1


@pytest.mark.parametrize(
    "argv",
    [["nope"], ["ask"], ["ask", ""], ["ask", "\x07"], ["ask", "x" * 10_000_000], ["status", "x"], ["receipt", "\x07"]],
)
async def test_bad_input_exits_with_2_without_connecting(argv: list[str]) -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Product]:
        raise AssertionError("It takes seconds to connect.")
        yield

    console, out = screen()
    assert await main(argv, connect, console) == 2
    assert out.getvalue().strip().endswith(".")


@pytest.mark.parametrize("argv", [["help"], ["--help"], ["-h"]])
async def test_help_needs_no_connection(argv: list[str]) -> None:
    shown = (await once(FakeAssistant(), *argv))[1]
    assert "/ask QUESTION" in shown
    assert "/receipt [ID]" in shown


async def test_a_start_that_fails_is_a_sentence() -> None:
    @asynccontextmanager
    async def connect() -> AsyncIterator[Product]:
        raise StartupFailed("Port 8000 is taken.", "Set API_PORT to another.")
        yield

    console, out = screen()
    assert await main(["status"], connect, console) == 1
    assert out.getvalue() == "Port 8000 is taken. Set API_PORT to another.\n"


async def test_without_a_command_it_is_the_prompt(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.StringIO("How hot?\n"))
    code, shown = await once(FakeAssistant())
    assert code == 0
    assert "Green tea" in shown


def test_as_a_module_it_connects_to_the_bot_that_runs(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    main_module = types.ModuleType("bot.__main__")
    main_module.connected = connect_to(FakeAssistant())  # type: ignore[attr-defined]  # a stand-in
    monkeypatch.setitem(sys.modules, "bot.__main__", main_module)
    monkeypatch.setattr(sys, "argv", ["bot.console", "ask", "How hot?"])
    monkeypatch.delitem(sys.modules, "bot.console")
    with pytest.raises(SystemExit) as left:
        runpy.run_module("bot.console", run_name="__main__")
    assert left.value.code == 0
    assert "Green tea" in capsys.readouterr().out
