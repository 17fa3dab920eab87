"""What two questions differ in that their vectors hardly see: each kind of difference forbids a shared answer."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.question_features import conflict, normal_form, traits_of


@pytest.mark.parametrize(
    ("reason", "one", "other"),
    [
        ("numbers", "What did they say about the 2023 budget?", "What did they say about the 2024 budget?"),
        ("numbers", "What are the 3 main risks?", "What are the main risks?"),
        ("names", "What did Ann say about testing?", "What did Bo say about testing?"),
        ("names", "What is the plan for Berlin?", "What is the plan for Lisbon?"),
        ("question type", "When did they hire a designer?", "Why did they hire a designer?"),
        ("question type", "How many people tested the remote?", "Who tested the remote?"),
        ("negation", "Which features did they ship?", "Which features did they not ship?"),
        ("negation", "Why does the battery last?", "Why doesn't the battery last?"),
        ("opposites", "What are the advantages of the plan?", "What are the disadvantages of the plan?"),
        ("opposites", "What happened before the launch?", "What happened after the launch?"),
        ("opposites", "What did they like about it?", "What did they dislike about it?"),
        (
            "order",
            "Did marketing convince engineering of the design?",
            "Did engineering convince marketing of the design?",
        ),
        ("order", "How to convert euros to dollars?", "How to convert dollars to euros?"),
    ],
)
def test_what_needs_another_answer_is_seen_from_both_sides(reason: str, one: str, other: str) -> None:
    assert conflict(traits_of(one), traits_of(other)) == reason
    assert conflict(traits_of(other), traits_of(one)) == reason


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("What did they say about testing?", "what do they say about testing"),
        ("What is the SEPA limit?", "what's the sepa limit?"),
        ("WHAT DID ANN SAY ABOUT TESTING?", "what did ann say about testing?"),
        ("My transfer has not arrived at the other bank yet", "I am still waiting for the money that I sent"),
    ],
)
def test_paraphrases_are_left_to_the_verifier(one: str, other: str) -> None:
    assert conflict(traits_of(one), traits_of(other)) == ""


@given(st.text(max_size=200), st.text(max_size=200))
def test_any_two_texts_can_be_compared_and_none_conflicts_with_itself(one: str, other: str) -> None:
    mine, theirs = traits_of(one), traits_of(other)
    assert conflict(mine, mine) == ""
    assert bool(conflict(mine, theirs)) == bool(conflict(theirs, mine))


def test_the_same_words_have_one_normal_form_and_other_words_another() -> None:
    assert normal_form("What’s  NEW in\ttesting?") == normal_form("what's new in testing")
    assert normal_form("What is new?") != normal_form("What is not new?")
