import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.messages import Hit, Passage, Recording, Sentence
from core.trimming import everything, select, support, supports, trim
from tests.fakes.embedder import FakeEmbedder

RECORDING = Recording("youtube:abc", "https://youtu.be/abc", "A talk")
QUESTION = "How does an attention mask hide padding?"


def hit(score: float, *said: tuple[str, float]) -> Hit:
    sentences = tuple(Sentence(n * 1.0, n + 1.0, text) for n, (text, _) in enumerate(said))
    return Hit(Passage(f"p{score}", RECORDING, 0, sentences), score, tuple(relevance for _, relevance in said))


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


@given(hits, st.sampled_from([QUESTION, "cats", "?"]))
def test_what_is_selected_is_part_of_everything_in_its_order(found: list[Hit], question: str) -> None:
    kept = iter(everything(found))
    assert all(any(it is other or it == other for other in kept) for it in select(found, question))


@given(hits)
def test_the_best_sentence_stays_where_it_is_good_enough(found: list[Hit]) -> None:
    scores = supports(QUESTION, everything(found))
    if max(scores, default=0.0) >= 0.6:
        best = everything(found)[scores.index(max(scores))]
        assert best in select(found, QUESTION)


def test_passages_beside_the_point_go_and_neighbours_of_what_matters_stay() -> None:
    on_topic = hit(
        1.0,
        ("Well.", 0.0),
        ("The attention mask hides padding.", 0.9),
        ("That is why.", 0.0),
        ("Bye.", 0.0),
        ("So long.", 0.0),
    )
    off_topic = hit(0.9, ("Cats sleep all day.", 0.05), ("Birds sing.", 0.0))
    assert [it.sentence.text for it in select([on_topic, off_topic], QUESTION)] == [
        "Well.",
        "The attention mask hides padding.",
        "That is why.",
        "Bye.",
    ]


def test_neighbours_are_of_the_same_passage() -> None:
    first = hit(1.0, ("Cats sleep all day.", -0.2))
    second = hit(0.9, ("The attention mask hides padding.", 0.9))
    assert [it.source for it in select([first, second], QUESTION)] == [2]


def test_a_passage_full_of_answers_stays_whole() -> None:
    full = hit(1.0, *((f"The attention mask hides padding {n}.", 0.8) for n in range(6)))
    assert len(select([full], QUESTION)) == 6


def test_nothing_stays_where_nothing_reaches_the_floor() -> None:
    assert select([hit(1.0, ("Cats sleep all day.", 0.2), ("Birds sing.", 0.1))], QUESTION) == ()
    assert select([], QUESTION) == ()


def test_support_adds_a_share_for_the_questions_words() -> None:
    scores = support("attention mask", ["The attention mask.", "It is small.", "Cats."], [0.5, 0.1, 0.2])
    assert scores == pytest.approx([0.8, 0.25, 0.2])
    assert support("what is it?", ["Cats."], [0.4]) == [0.4]


def test_trim_gives_positions_of_real_sentences() -> None:
    texts = ["Welcome all.", "Nice weather.", "The attention mask hides padding.", "Thanks.", "Cats sleep.", "Bye now."]
    vectors = FakeEmbedder().vectors([QUESTION, *texts])
    assert trim(QUESTION, texts, (vectors[1:] @ vectors[0]).tolist()) == (2,)
    assert trim(QUESTION, [], []) == ()
