import math
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.citations import verify
from core.fillers import without_fillers
from core.messages import Hit, Passage, Recording, Sentence
from core.prompting import DraftClaim, Evidence
from core.trimming import everything, select, support, supports, trim
from tests.fakes.embedder import FakeEmbedder

RECORDING = Recording("youtube:abc", "https://youtu.be/abc", "A talk")
QUESTION = "How does an attention mask hide padding?"


def hit(score: float, *said: tuple[str, float]) -> Hit:
    sentences = tuple(Sentence(n * 1.0, n + 1.0, text) for n, (text, _) in enumerate(said))
    return Hit(Passage(f"p{score}", RECORDING, 0, sentences), score, tuple(relevance for _, relevance in said))


def embedded(said: Sequence[str]) -> Hit:
    """A hit with the vectors that the store would keep for its sentences."""
    asked, *rows = FakeEmbedder().vectors([QUESTION, *said])
    found = hit(1.0, *((text, float(row @ asked)) for text, row in zip(said, rows, strict=True)))
    return replace(found, vectors=np.asarray(rows, dtype="<f2").tobytes())


def spoken(evidence: Sequence[Evidence]) -> list[Evidence]:
    return [replace(it, sentence=replace(it.sentence, text=without_fillers(it.sentence.text))) for it in evidence]


hits = st.lists(
    st.lists(st.tuples(st.sampled_from(["Padding hides.", "The mask.", "Cats."]), st.floats(-1, 1)), min_size=1).map(
        lambda said: hit(0.5, *said)
    ),
    max_size=4,
)


def test_everything_is_in_the_order_of_hits_and_time() -> None:
    evidence = everything([hit(1.0, ("One.", 0.1), ("Two.", 0.2)), hit(0.5, ("Three.", 0.3))])
    assert [(it.source, it.sentence.text, it.relevance) for it in evidence] == [
        (1, "One.", 0.1),
        (1, "Two.", 0.2),
        (2, "Three.", 0.3),
    ]


def test_sentences_without_vectors_count_by_their_words() -> None:
    passage = hit(1.0, ("Cats sleep.", 0.0), ("Birds sing.", 0.0), ("The mask hides padding.", 0.0)).passage
    evidence = everything([Hit(passage, 1.0)])
    assert [it.relevance for it in evidence] == [0.0] * 3
    scores = supports(QUESTION, evidence)
    assert scores[0] == 0 < scores[1] < scores[2] <= 0.3


@given(hits, st.sampled_from([QUESTION, "cats", "?"]), st.floats(0, 1))
def test_what_is_selected_is_part_of_everything_in_its_order(found: list[Hit], question: str, floor: float) -> None:
    kept = iter(spoken(everything(found)))
    assert all(any(it == other for other in kept) for it in select(found, question, floor))


@given(hits, st.sampled_from([QUESTION, "cats", "?"]))
def test_something_stays_where_anything_was_said(found: list[Hit], question: str) -> None:
    assert bool(select(found, question)) == bool(found)


@given(hits, st.floats(0, 1), st.floats(0, 1))
def test_a_higher_floor_keeps_no_less(found: list[Hit], one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert set(select(found, QUESTION, low)) <= set(select(found, QUESTION, high))


def test_what_another_sentence_says_as_well_goes() -> None:
    said = [
        "The attention mask hides the padding of a batch.",
        "Okay, yeah.",
        "Every sentence is cut into word pieces by the tokenizer.",
        "So the padding of the batch is hidden by the attention mask.",
        "The learning rate falls from a warm start to zero.",
    ]
    kept = [it.sentence.text for it in select([embedded(said)], QUESTION)]
    assert said[2] in kept
    assert said[4] in kept
    assert len({said[0], said[3].removeprefix("So ")} & {it.removeprefix("So ") for it in kept}) == 1


def test_small_talk_beside_sentences_that_say_something_goes() -> None:
    words = ("first", "batch", "token", "layer", "head", "query", "value", "model")
    said = [f"The {word} of the attention mask hides {word} padding." for word in words]
    talk = ["Yeah.", "Right.", "Okay.", "Is it?"]
    kept = [it.sentence.text for it in select([embedded([*said, *talk])], QUESTION)]
    assert set(kept) & set(said)
    assert len(set(kept) & set(talk)) < len(talk)


def test_a_passage_that_says_something_else_in_each_sentence_stays_whole() -> None:
    said = [f"The {word} of the attention mask hides {word} padding." for word in ("first", "batch", "token", "layer")]
    passage = hit(1.0, *((text, 0.8) for text in said)).passage
    apart = np.eye(4, dtype="<f2").tobytes()
    assert len(select([Hit(passage, 1.0, (0.8,) * 4, apart)], QUESTION)) == 4


def test_fillers_go_and_a_quote_of_what_is_left_is_proven_by_the_passage() -> None:
    said = "Um, the the attention {vocalsound} mask, you know, hides uh padding."
    hits_ = [embedded([said])]
    kept = select(hits_, QUESTION)
    assert [it.sentence.text for it in kept] == ["the attention mask, hides padding."]
    claim = DraftClaim("It hides it.", ((1, kept[0].sentence.text),))
    verified, dropped = verify([claim], [hits_[0].passage])
    assert dropped == 0
    assert verified[0].quotes[0].text == "the attention {vocalsound} mask, you know, hides uh padding."


def test_without_sentence_vectors_words_tell_what_is_said_twice() -> None:
    said = ["The attention mask hides padding.", "The attention mask hides padding now.", "Word pieces are short."]
    passage = embedded(said).passage
    assert len(select([Hit(passage, 1.0)], QUESTION, 0.9)) == 2


def test_vectors_that_do_not_fit_are_not_used() -> None:
    first, second = embedded(["The mask hides it."]), embedded(["Word pieces.", "Padding."])
    odd = [first, replace(second, vectors=second.vectors[:-2]), replace(second, vectors=second.vectors[: 2 * 2 * 8])]
    for other in odd[1:]:
        assert {it.source for it in select([first, other], QUESTION)} == {1, 2}


def test_values_that_are_no_numbers_do_no_harm() -> None:
    broken = embedded(["The mask hides padding.", "Word pieces are short."])
    silent = np.full((2, 64), np.nan, dtype="<f2").tobytes()
    assert select([replace(broken, relevance=(math.nan, math.inf), vectors=silent)], QUESTION)


def test_support_adds_a_share_for_the_questions_words() -> None:
    scores = support("attention mask", ["The attention mask.", "It is small.", "Cats."], [0.5, 0.1, 0.2])
    assert scores == pytest.approx([0.8, 0.25, 0.2])
    assert support("what is it?", ["Cats."], [0.4]) == [0.4]


def test_trim_gives_positions_of_real_sentences() -> None:
    texts = ["Welcome all.", "Nice weather.", "The attention mask hides padding.", "Thanks.", "Cats sleep.", "Bye now."]
    vectors = FakeEmbedder().vectors([QUESTION, *texts])
    assert trim(QUESTION, texts, (vectors[1:] @ vectors[0]).tolist()) == (2,)
    assert trim(QUESTION, [], []) == ()
