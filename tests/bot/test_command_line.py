"""What is typed after a command in the console, as its arguments."""

import shlex
from collections.abc import Mapping

import pytest
from hypothesis import given as over
from hypothesis import strategies as st

from bot.command import Command
from bot.command_line import given
from bot.commands import all_commands
from core.errors import BadInput

COMMANDS = {command.name: command for command in all_commands()}
FOLLOW, ASK, FORGET, BACKFILL, STATUS = (COMMANDS[name] for name in ("follow", "ask", "forget", "backfill", "status"))


def test_the_first_stands_alone_and_the_others_have_names() -> None:
    line = ' https://a.example/watch?v=b&c=d back=90 kinds=videos,shorts announce=123  only="live coding, q&a" '
    assert given(FOLLOW, line) == {
        "url": "https://a.example/watch?v=b&c=d",
        "back": "90",
        "kinds": "videos,shorts",
        "announce": "123",
        "only": "live coding, q&a",
    }


def test_a_shells_words_are_read_as_the_line_that_they_were() -> None:
    line = 'https://a.example back=90 only="live coding"'
    assert given(FOLLOW, shlex.split(line)) == given(FOLLOW, line)


@pytest.mark.parametrize("line", ["what is x=3?", 'who said "no"?', 'an odd " here', "back=90"])
def test_a_command_of_one_argument_takes_the_line_as_it_is(line: str) -> None:
    assert given(ASK, line) == {"question": line}
    assert given(ASK, line.split(" ")) == {"question": line}


def test_a_title_of_several_words_needs_no_quotation_marks() -> None:
    assert given(BACKFILL, "Ada's kitchen back=30") == {"channel": "Ada's kitchen", "back": "30"}
    assert given(BACKFILL, '"x=5 show" back=30') == {"channel": "x=5 show", "back": "30"}
    assert given(BACKFILL, 'channel="x=5 show"') == {"channel": "x=5 show"}


def test_nothing_typed_is_nothing_given() -> None:
    assert given(FOLLOW, "  ") == {}
    assert given(STATUS, "") == {}


@pytest.mark.parametrize(
    ("command", "line", "said"),
    [
        (FOLLOW, "https://a.example since=90", "/follow takes nothing that is called since"),
        (FOLLOW, "https://a.example back=1 back=2", "The back is given twice"),
        (FOLLOW, "https://a.example url=https://b.example", "The url is given twice"),
        (FOLLOW, 'https://a.example only="live', "A quotation mark is not closed"),
        (FOLLOW, "https://a.example confirm=yes", "nothing that is called confirm"),
        (STATUS, "now", "/status takes nothing"),
    ],
)
def test_what_cannot_be_read_is_a_sentence(command: Command, line: str, said: str) -> None:
    with pytest.raises(BadInput, match=said) as caught:
        given(command, line)
    assert caught.value.advice.endswith((".", "…."))


def test_only_what_asks_for_it_takes_a_confirmation() -> None:
    assert given(FORGET, "https://a.example confirm=yes") == {"what": "https://a.example", "confirm": "yes"}
    assert given(FORGET, "mine") == {"what": "mine"}


@over(st.text(max_size=200))
def test_any_line_is_read_or_refused_with_a_sentence(line: str) -> None:
    for command in COMMANDS.values():
        found = given_or_refused(command, line)
        if isinstance(found, BadInput):
            assert found.advice
        else:
            assert set(found) <= {*(argument.name for argument in command.arguments), "confirm"}


def given_or_refused(command: Command, line: str) -> Mapping[str, str] | BadInput:
    try:
        return given(command, line)
    except BadInput as error:
        return error


_WORDS = st.text(st.characters(exclude_characters='"=', exclude_categories=("Z", "C")), min_size=1, max_size=8)


@over(st.lists(_WORDS, min_size=1, max_size=3), _WORDS, st.integers(0, 3650))
def test_what_is_written_is_what_is_read(title: list[str], only: str, back: int) -> None:
    line = f'{" ".join(title)} only="{only} {only}" back={back}'
    assert given(FOLLOW, line) == {"url": " ".join(title), "only": f"{only} {only}", "back": str(back)}
