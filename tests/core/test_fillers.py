import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.fillers import filler_spans, without_fillers

SPEECH = st.lists(
    st.sampled_from(["um", "Uh", ",", "we", "have", "a", "I", "you know", "{gap}", "[Music]", "5", ".", "-", "isn't"])
).map(" ".join)


@pytest.mark.parametrize(
    ("said", "left"),
    [
        ("Um, so we, uh, start.", "so we, start."),
        ("I {disfmarker} I think it's {vocalsound} fine .", "I think it's fine ."),
        ("[Music] Welcome back. [Applause]", "Welcome back."),
        ("♪ We are the champions ♪", "We are the champions"),
        ("we have we have we have to go", "we have to go"),
        ("It 's the , the remote .", "It 's the remote ."),
        ("Well, okay, we start.", "we start."),
        ("It is, you know, a mask.", "It is, a mask."),
        ("Mm - hmm .", ""),
        ("{vocalsound}", ""),
        ("Um .", ""),
        ("", ""),
    ],
)
def test_fillers_go(said: str, left: str) -> None:
    assert without_fillers(said) == left


@pytest.mark.parametrize(
    "said",
    [
        "He said [the minister] would go.",
        "The ER was full.",
        "Do you know the answer?",
        "Double A A batteries.",
        "Dial five 5 5.",
        "It's umbrella weather, so we go.",
        "Yes.",
        "No, we do not.",
        "Uh-oh, it broke.",
        "They like, kind of, nothing",
        "Das Fahrrad steht am Haus.",
    ],
)
def test_words_that_carry_something_stay(said: str) -> None:
    kept = without_fillers(said)
    assert kept == said or kept == said.replace(", kind of,", ",")


@given(SPEECH)
def test_what_is_left_is_a_subsequence_and_has_a_word(said: str) -> None:
    left = without_fillers(said)
    rest = iter(said)
    assert all(char == " " or char in rest for char in left)
    assert not left or any(map(str.isalnum, left))


@given(st.one_of(SPEECH, st.text()))
def test_spans_are_ascending_and_apart(said: str) -> None:
    spans = filler_spans(said)
    edges = [edge for span in spans for edge in span]
    assert edges == sorted(edges)
    assert all(start < end <= len(said) for start, end in spans)
