import math

from hypothesis import given
from hypothesis import strategies as st

from core.messages import Passage, Recording, Sentence
from core.retrieval import Leg, Place, fuse, passage_weights, question_weights

RECORDING = Recording("youtube:abc", "https://youtu.be/abc", "A talk")
places = st.builds(Place, st.sampled_from(["a", "b"]), st.integers(0, 12))
legs = st.lists(st.dictionaries(places, st.floats(-1, 30), max_size=20), max_size=3)


def passage(*said: tuple[str, str]) -> Passage:
    return Passage("id", RECORDING, 0, tuple(Sentence(0.0, 1.0, text, speaker) for speaker, text in said))


def weight(of: str, inside: Passage) -> float:
    weights = passage_weights(inside)
    return dict(zip(weights.indices, weights.values, strict=True)).get(question_weights(of).indices[0], 0.0)


@given(legs, st.integers(1, 12))
def test_fused_places_are_found_ones_each_once_with_falling_scores(found: list[Leg], limit: int) -> None:
    fused = fuse(found, limit)
    everywhere = {place for leg in found for place in leg}
    assert len(fused) == min(limit, len(everywhere)) == len({place for place, _ in fused})
    assert {place for place, _ in fused} <= everywhere
    scores = [score for _, score in fused]
    assert scores == sorted(scores, reverse=True)


@given(legs, st.integers(1, 12))
def test_a_leg_counts_by_its_order_of_size_not_by_its_unit(found: list[Leg], limit: int) -> None:
    rounded = [{place: float(round(score)) for place, score in leg.items()} for leg in found]
    moved = [{place: score * 4 + 8 for place, score in leg.items()} for leg in rounded]
    assert fuse(rounded, limit) == fuse(moved, limit)


def test_a_place_that_both_legs_like_comes_before_one_that_one_leg_likes() -> None:
    dense = {Place("a", 0): 0.9, Place("b", 3): 0.8, Place("b", 9): 0.1}
    lexical = {Place("b", 3): 12.0, Place("b", 9): 1.0}
    assert fuse([dense, lexical], 1)[0][0] == Place("b", 3)


def test_the_first_half_spreads_and_the_second_half_goes_deeper() -> None:
    leg = {Place("a", 4): 1.0, Place("a", 5): 0.8, Place("a", 20): 0.7, Place("b", 1): 0.69, Place("b", 9): 0.0}
    order = [place for place, _ in fuse([leg], 4)]
    assert order == [Place("a", 4), Place("a", 20), Place("a", 5), Place("b", 1)]


def test_equal_scores_are_ordered_by_place() -> None:
    leg = {Place("b", 7): 0.5, Place("a", 3): 0.5, Place("a", 9): 0.5}
    assert [place for place, _ in fuse([leg], 3)] == [Place("a", 3), Place("a", 9), Place("b", 7)]


def test_word_weights_follow_bm25() -> None:
    words = " ".join(["tokenizer"] * 2 + ["model"] * 88)
    # tf 2, length 90 = average: 2 * 2.2 / (2 + 1.2)
    assert math.isclose(weight("tokenizers", passage(("", words))), 4.4 / 3.2)


def test_a_speaker_counts_once_for_each_time_that_they_begin() -> None:
    one = passage(("Ada Lovelace", "Engines compute."), ("Ada Lovelace", "Looms weave."))
    two = passage(("Ada Lovelace", "Engines compute."), ("Charles", "Indeed, gears."), ("Ada Lovelace", "Looms weave."))
    assert 0 < weight("lovelace", one) < weight("lovelace", two)


def test_a_question_of_stop_words_alone_keeps_them() -> None:
    assert len(question_weights("What is this about?").indices) == 4
    assert len(question_weights("What is padding about?").indices) == 1
    assert question_weights("?!").indices == ()


def test_word_ids_are_the_same_in_every_process() -> None:
    assert question_weights("perplexity").indices == (181508341,)


@given(st.text())
def test_ids_ascend_and_weights_are_positive(text: str) -> None:
    for weights in (question_weights(text), passage_weights(passage(("", text)))):
        assert list(weights.indices) == sorted(set(weights.indices))
        assert all(0 < value < 2.3 for value in weights.values)
