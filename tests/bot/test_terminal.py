import io
import re

from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from bot.page import Page, Progress, Span, Style, Tone, line
from bot.terminal import ProgressView, print_answer, print_page
from core.messages import Quote, Recording
from tests.fakes.assistant import answer_to, claim

HOSTILE = "\x1b]0;pwned\x07\x1b[2J[red]bold[/red] :smile: \x9b31m\u202e"


def screen(*, terminal: bool, width: int = 100) -> tuple[Console, io.StringIO]:
    out = io.StringIO()
    return Console(file=out, force_terminal=terminal, width=width, color_system=None, _environ={}), out


def test_an_answer_on_a_terminal_has_clickable_links() -> None:
    out = io.StringIO()
    console = Console(file=out, force_terminal=True, width=100, color_system="standard")
    print_answer(console, answer_to("How hot?", claim()))
    text = out.getvalue()
    assert re.search(r"\x1b\]8;[^;]*;https://talks\.example/1#t=754\x1b\\", text)
    assert "local/extractive" in text


def test_a_dumb_terminal_gets_the_addresses_too() -> None:
    console, out = screen(terminal=True, width=200)
    print_answer(console, answer_to("How hot?", claim()))
    assert "12:34 https://talks.example/1#t=754" in out.getvalue()


def test_an_answer_in_a_pipe_has_its_addresses_written_out() -> None:
    console, out = screen(terminal=False, width=40)
    print_answer(console, answer_to("How hot?", claim()))
    assert out.getvalue() == (
        "How hot?\n"
        "Use cooler water for green tea.\n"
        "  │ “Green tea wants water well below boiling.” — Ada Example, Brewing tea 12:34 https://talks.example/1#t=754\n"
        "local/extractive · 0.04 s · 345 tokens · free\n"
    )


def test_a_long_quote_has_its_bar_on_every_row() -> None:
    console, out = screen(terminal=True, width=40)
    print_page(console, Page((line("many words " * 20, quoted=True),)))
    rows = out.getvalue().rstrip("\n").split("\n")
    assert len(rows) > 4
    assert all(row.startswith("  │ ") and len(row) <= 40 for row in rows)


def test_hostile_text_reaches_no_terminal_as_it_is() -> None:
    console, out = screen(terminal=False)
    quote = Quote(HOSTILE, 1.0, "javascript:alert(1)", Recording("x", "https://talks.example", HOSTILE, HOSTILE))
    print_answer(console, answer_to(HOSTILE, claim(HOSTILE, quote)))
    text = out.getvalue()
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202e]", text)
    assert "[red]bold[/red] :smile:" in text, "markup is text"
    assert "javascript" not in text


@given(st.text(st.characters(codec=None)), st.text(st.characters(codec=None)), st.booleans())
def test_no_text_can_steer_the_terminal(text: str, url: str, quoted: bool) -> None:
    console, out = screen(terminal=False)
    print_page(console, Page((line("a", Span(text, Style.BOLD, url), quoted=quoted),), text, text, Tone.PROBLEM))
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]", out.getvalue())


def test_progress_in_a_pipe_prints_nothing() -> None:
    console, out = screen(terminal=False)
    with ProgressView(console) as view:
        view.show(Progress("Reading captions", 1, 2, "A talk"))
    assert out.getvalue() == ""


def test_progress_on_a_terminal_shows_step_title_and_count() -> None:
    console, out = screen(terminal=True)
    with ProgressView(console) as view:
        view.show(Progress("Reading the link"))
        view.show(Progress("Reading captions", 1, 2, f"A talk{HOSTILE}"))
        view._bar.refresh()
    text = out.getvalue()
    assert "Reading captions: A talk[red]bold[/red]" in text
    assert "1/2" in text
    assert "pwned" not in text


def test_leaving_without_progress_is_silent() -> None:
    console, out = screen(terminal=True)
    with ProgressView(console):
        pass
    assert out.getvalue() == ""


def test_a_title_with_an_address_is_a_link() -> None:
    console, out = screen(terminal=False)
    print_page(console, Page((), "A talk", url="https://talks.example/1"))
    print_page(console, Page((), "A talk", url="javascript:alert(1)"))
    assert out.getvalue() == "A talk https://talks.example/1\nA talk\n"
