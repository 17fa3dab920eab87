import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.lines import Floats, Lines
from core.sentence_worth import FEATURES, SHIPPED, features

TEXTS = ("The mask hides padding.", "Okay.", "Why?", "")


def lines(cosines: Floats, similarity: Floats, speakers: tuple[str, ...] = ("Ada", "Bob", "Bob", "Ada")) -> Lines:
    return Lines(TEXTS, speakers, np.array([0, 0, 1, 1]), np.zeros(4), cosines, similarity)


@given(
    arrays(np.float64, 4, elements=st.floats(-1, 1)),
    arrays(np.float64, (4, 4), elements=st.floats(-1, 1)),
    st.text(),
)
def test_worth_is_a_chance_for_any_input(cosines: Floats, similarity: Floats, question: str) -> None:
    rows = features(question, lines(cosines, similarity))
    assert rows.shape == (4, len(FEATURES)) == (4, len(SHIPPED.weights))
    worth = SHIPPED.worth(rows)
    assert np.all((worth > 0) & (worth < 1))


def test_who_is_asked_about_is_told_from_the_others() -> None:
    found = lines(np.zeros(4), np.eye(4), ("Professor A", "Professor B", "Professor B", "Professor A"))
    column = FEATURES.index("another")
    assert features("What did Professor B think?", found)[:, column].tolist() == [1, 0, 0, 1]
    assert features("What did the professor think?", found)[:, column].tolist() == [0, 0, 0, 0]


def test_what_says_nothing_is_worth_less_than_what_does() -> None:
    worth = SHIPPED.worth(features("What hides padding?", lines(np.full(4, 0.3), np.eye(4))))
    assert worth[0] > worth[2]
    assert worth[0] > worth[1]


def test_no_sentences_have_no_features() -> None:
    none = Lines((), (), np.zeros(0, dtype=np.int64), np.zeros(0), np.zeros(0), np.zeros((0, 0)))
    assert features("Why?", none).shape == (0, len(FEATURES))
