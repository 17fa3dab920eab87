import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.histories import LATEST, Turn, trim_history
from tests.fakes.embedder import FakeEmbedder

QUESTION = "How long do rents stay frozen?"
SAID = ["Um, rents stay frozen for a year.", "Yeah.", "The harbour has a new crane.", "Rents are frozen for one year."]
turns_ = st.lists(
    st.tuples(st.sampled_from(["user", "assistant"]), st.lists(st.sampled_from([*SAID, ""]), max_size=4)), max_size=6
).map(lambda rows: [Turn(role, tuple(said)) for role, said in rows])


def trimmed(turns: list[Turn], floor: float = 0.9) -> tuple[Turn, ...]:
    asked, *rows = FakeEmbedder().vectors([QUESTION, *(text for turn in turns for text in turn.sentences)])
    return trim_history(QUESTION, turns, np.array(rows).reshape(len(rows), len(asked)), asked, floor)


@given(turns_)
def test_the_latest_turns_stay_word_for_word(turns: list[Turn]) -> None:
    assert list(trimmed(turns)[-LATEST:]) == turns[-LATEST:]


@given(turns_)
def test_what_is_left_is_in_order_and_nothing_is_added(turns: list[Turn]) -> None:
    rest = iter(turns)
    for turn in trimmed(turns):
        assert any(
            turn.role == other.role and set(" ".join(turn.sentences).split()) <= set(" ".join(other.sentences).split())
            for other in rest
        )


def test_what_was_said_twice_and_what_says_nothing_goes() -> None:
    turns = [
        Turn("assistant", (SAID[0], SAID[1])),
        Turn("user", (SAID[3],)),
        Turn("user", ("And the harbour?",)),
        Turn("assistant", (SAID[2],)),
    ]
    left = trimmed(turns)
    assert sum("frozen" in text for turn in left for text in turn.sentences) == 1
    assert not any(text == "Yeah." for turn in left for text in turn.sentences)


def test_a_vector_is_needed_for_each_sentence() -> None:
    with pytest.raises(ValueError, match="2 vectors for 1 sentences"):
        trim_history(QUESTION, [Turn("user", ("Hello.",))], np.zeros((2, 4)), np.ones(4))
