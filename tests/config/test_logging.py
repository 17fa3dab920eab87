"""The log: one line a record, no secrets, nothing that could forge or colour a line."""

import io
import logging
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from config.logging import REDACTED, configure, one_line, redact


@pytest.fixture(autouse=True)
def root_logger_as_it_was() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)


def test_a_record_is_one_line_with_level_and_name() -> None:
    stream = io.StringIO()
    configure("INFO", stream=stream)
    logging.getLogger("bot.ask").info("asked\nfake WARNING line\x1b[31m\u2028next\u202e")
    logging.getLogger("bot.ask").debug("not shown")
    (line,) = stream.getvalue().splitlines()
    assert "INFO bot.ask: asked\\nfake WARNING line\\x1b[31m\\u2028next\\u202e" in line


def test_a_traceback_stays_on_its_line() -> None:
    stream = io.StringIO()
    configure(stream=stream)
    try:
        raise ValueError("first\nsecond")
    except ValueError:
        logging.getLogger("bot").exception("It failed.")
    (line,) = stream.getvalue().splitlines()
    assert "Traceback" in line
    assert "ValueError: first\\nsecond" in line


def test_it_may_be_configured_again() -> None:
    first, second = io.StringIO(), io.StringIO()
    configure("INFO", stream=first)
    configure("ERROR", stream=second)
    logging.getLogger("bot").error("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1


def test_it_writes_to_stderr_unless_told_otherwise(capsys: pytest.CaptureFixture[str]) -> None:
    configure()
    logging.getLogger("bot").warning("here")
    captured = capsys.readouterr()
    assert "here" in captured.err
    assert captured.out == ""


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("Authorization: Bearer abcdef.123456-x", "abcdef.123456-x"),
        ("api_key='abc123456'", "abc123456"),
        ('{"token": "abc123456"}', "abc123456"),
        ("OPENAI_API_KEY=abc123456 next", "abc123456"),
        ("password: hunter22", "hunter22"),
        ("postgresql://bot:hunter22@db:5432/x", "hunter22"),
        ("used sk-proj-0123456789abcdef here", "sk-proj-0123456789abcdef"),
        ("lsv2_pt_0123456789abcdef", "0123456789abcdef"),
        ("MTAwMDAwMDAwMDAwMDAwMDAwMA.GaBcDe." + "x" * 38, "x" * 38),
        ("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abcdefghijkl", "eyJzdWIiOiIxIn0"),
    ],
)
def test_what_looks_like_a_secret_is_left_out(text: str, secret: str) -> None:
    assert secret not in redact(text)
    assert REDACTED in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "prompt_tokens=123456 completion_tokens=987654",
        "https://talks.example/watch?v=abc#t=10",
        "The bot answered in 12.5 ms.",
        "Ask for a token at the desk.",
    ],
)
def test_ordinary_text_stays_as_it_is(text: str) -> None:
    assert redact(text) == text


def test_known_secrets_are_left_out_of_message_arguments_and_traceback() -> None:
    stream = io.StringIO()
    configure("INFO", secrets=["tea", "correct horse", "correct horse battery"], stream=stream)
    try:
        raise ValueError("correct horse battery")
    except ValueError:
        logging.getLogger("bot").exception("with %s and tea", "correct horse")
    assert "correct" not in stream.getvalue()
    assert "battery" not in stream.getvalue()
    assert "tea" in stream.getvalue(), "what is shorter than a secret can be would redact half of the text"


@given(st.text())
def test_any_text_becomes_one_printable_line(text: str) -> None:
    assert one_line(text).isprintable()
    assert one_line(one_line(text)) == one_line(text)
