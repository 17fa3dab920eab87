"""What a question may be."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import BadInput
from core.questions import checked_question


@pytest.mark.parametrize("text", ["", "   ", "\x00\x07\u202e", "???", "\n\t\n"])
def test_an_empty_question_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="empty"):
        checked_question(text, 2000)


def test_ten_megabytes_are_refused_with_both_sizes() -> None:
    with pytest.raises(BadInput, match=r"10,000,000 characters; at most 2,000"):
        checked_question("a" * 10_000_000, 2000)


def test_control_characters_and_blanks_are_cleaned() -> None:
    assert checked_question("  what\x00is\u202e \n this? ", 2000) == "what is this?"


def test_joiners_stay_in_words() -> None:
    assert checked_question("می\u200cخواهم", 2000) == "می\u200cخواهم"


@given(st.text(max_size=200))
def test_a_question_comes_back_clean_or_is_refused(text: str) -> None:
    try:
        question = checked_question(text, 150)
    except BadInput:
        return
    assert question == checked_question(question, 150)
    assert not any(ord(char) < 32 for char in question)
    assert question == question.strip()
