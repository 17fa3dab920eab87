"""What is typed or chosen, read into values."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.arguments import Argument, Choice, DiscordChannel, DiscordUser, Link, Phrases, Several, Text, WholeNumber
from bot.options import shape
from core.errors import BadInput

QUESTION = Text("question", "What you want to know.", required=True, max_chars=2000)
KINDS = Several("kinds", "Which.", options=("videos", "shorts", "streams"))
BACK = WholeNumber("back", "Days.", low=0, high=3650, default=365)
ACTION = Choice("action", "What.", options=("list", "retry"))
ONLY = Phrases("only", "Words.")
ANNOUNCE = DiscordChannel("announce", "Where.")
EVERY: tuple[Argument[Any], ...] = (QUESTION, KINDS, BACK, ACTION, ONLY, ANNOUNCE, DiscordUser("user", "Who."))


@pytest.mark.parametrize("text", ["", "   ", "\n\t "])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="The question is empty"):
        QUESTION.read(text)


def test_what_may_be_left_out_may_be_empty_and_nothing_else() -> None:
    optional = Text("id", "Which one.", max_chars=10)
    assert optional.read(" \t") == ""
    for bad in ("x" * 11, "a\x00"):
        with pytest.raises(BadInput):
            optional.read(bad)


def test_a_question_of_10_mb_is_refused_with_both_sizes() -> None:
    with pytest.raises(BadInput, match=r"10,000,000 characters; at most 2,000"):
        QUESTION.read("x" * 10_000_000)


@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31mred", "bell\x07", "a\x7fb", "\x9b31m", "\udcff"])
def test_control_characters_are_refused(text: str) -> None:
    for argument in EVERY:
        with pytest.raises(BadInput, match="control characters"):
            argument.read(text)


def test_line_breaks_tabs_and_any_language_are_fine() -> None:
    assert QUESTION.read("  Wie heiß?\n\tÇa va? 👍🏽 \u2028 ") == "Wie heiß?\n\tÇa va? 👍🏽"


@given(st.text(max_size=400))
def test_whatever_is_typed_is_a_value_or_a_sentence(text: str) -> None:
    for argument in EVERY:
        refusal = refusal_of(argument, text)
        assert refusal is None or (refusal.advice.endswith(".") and refusal.problem.endswith("."))


def refusal_of(argument: Argument[Any], text: str) -> BadInput | None:
    try:
        argument.read(text)
    except BadInput as error:
        return error
    return None


def test_a_link_may_stand_in_angle_brackets() -> None:
    assert Link("url", "A link.").read(" <https://a.example/?b=c> ") == "https://a.example/?b=c"


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("", ("videos", "shorts", "streams")),
        ("shorts", ("shorts",)),
        ("streams, VIDEOS", ("videos", "streams")),
        ("shorts,,shorts", ("shorts",)),
    ],
)
def test_several_are_read_in_their_order_and_all_where_none_is_named(typed: str, read: tuple[str, ...]) -> None:
    assert KINDS.read(typed) == read


def test_discord_offers_every_set_of_several_and_each_is_read_as_it_is_named() -> None:
    choices = shape(KINDS)["choices"]
    assert len(choices) == 7
    assert len({KINDS.read(choice.value) for choice in choices}) == 7
    assert all(KINDS.read(choice.name) == KINDS.read(choice.value) for choice in choices)


def test_one_of_several_that_is_none_is_named_with_those_that_are() -> None:
    with pytest.raises(BadInput, match=r"“clips” .*Choose from: videos, shorts, streams\."):
        KINDS.read("videos,clips")
    with pytest.raises(BadInput, match=r"Choose from: list, retry\."):
        ACTION.read("retry 17")
    assert (ACTION.read(""), ACTION.read("RETRY")) == ("list", "retry")


@pytest.mark.parametrize(("typed", "read"), [("", 365), ("0", 0), (" 3650 ", 3650), ("007", 7)])
def test_a_whole_number(typed: str, read: int) -> None:
    assert BACK.read(typed) == read


@pytest.mark.parametrize("typed", ["-1", "3651", "1.5", "1e3", "ten", "9" * 60, "٣", "1_000", "²"])
def test_what_is_no_number_of_the_range_is_refused_with_the_range(typed: str) -> None:
    with pytest.raises(BadInput, match=r"from 0 to 3650"):
        BACK.read(typed)


def test_phrases_are_told_apart_by_commas() -> None:
    assert ONLY.read(" live coding, q&a,, live coding ") == ("live coding", "q&a")
    assert ONLY.read("") == ()
    with pytest.raises(BadInput, match="11 phrases; at most 10"):
        ONLY.read(",".join(str(number) for number in range(11)))


@pytest.mark.parametrize(("typed", "read"), [("", ""), ("123", "123"), ("<#123>", "123")])
def test_a_channel_is_an_id_or_as_discord_writes_it(typed: str, read: str) -> None:
    assert ANNOUNCE.read(typed) == read


@pytest.mark.parametrize("typed", ["#talks", "<@123>", "12 3", "1" * 21, "<#>"])
def test_what_is_no_channel_is_refused(typed: str) -> None:
    with pytest.raises(BadInput, match="write its id"):
        ANNOUNCE.read(typed)


@pytest.mark.parametrize("typed", ["42", "<@42>", "<@!42>"])
def test_somebody_is_an_id_or_a_mention(typed: str) -> None:
    assert DiscordUser("user", "Who.").read(typed) == "42"


def test_an_argument_that_discord_has_no_form_for_is_named() -> None:
    class Colour(Argument[str]):
        def read(self, text: str) -> str:
            return text

    with pytest.raises(TypeError, match="Colour has no form on Discord"):
        shape(Colour("colour", "Which."))
