from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.citations import verify
from core.extractive import answer
from core.fillers import without_fillers
from core.messages import Hit, Passage, Recording, Sentence
from core.prompting import DraftClaim, Prompt
from core.trimming import everything, select

RECORDING = Recording("youtube:abc", "https://youtu.be/abc", "A talk")
Said = tuple[str, float]


def passage(*said: Said) -> Hit:
    sentences = tuple(Sentence(n * 3.0, n * 3.0 + 3, text) for n, (text, _) in enumerate(said))
    return Hit(Passage("p", RECORDING, 0, sentences), 1.0, tuple(relevance for _, relevance in said))


def texts(question: str, *hits: Hit) -> list[str]:
    return [claim.text for claim in answer(Prompt(question, everything(hits)))]


DEFINITION = "Perplexity is a common metric for the performance of language models."


def test_the_sentence_that_answers_is_the_claim_with_its_exact_quote() -> None:
    found = [
        passage(("Hello and welcome to everyone.", 0.1)),
        passage((DEFINITION, 0.7), ("Thanks for watching.", 0.0)),
    ]
    assert answer(Prompt("What is perplexity?", everything(found))) == (DraftClaim(DEFINITION, ((2, DEFINITION),)),)


@pytest.mark.parametrize(
    ("question", "relevance"),
    [
        ("What is the capital of France?", 0.25),
        ("How do I train a puppy?", 0.55),
        ("Does perplexity cure cancer?", 0.45),
    ],
)
def test_a_question_that_the_evidence_does_not_answer_gets_nothing(question: str, relevance: float) -> None:
    assert texts(question, passage(("You always train your model on a lot of data.", relevance))) == []


def test_other_words_are_enough_where_the_meaning_is_near() -> None:
    said = "Rehearse your slides aloud before the big day comes."
    assert texts("How should one practise presentations?", passage((said, 0.66))) == [said]
    assert texts("How should one practise presentations?", passage((said, 0.5))) == []


def test_no_evidence_gives_no_claim() -> None:
    assert answer(Prompt("What is perplexity?", ())) == ()


def test_a_question_in_the_talk_is_no_answer_but_the_sentence_after_it_is() -> None:
    found = passage(
        ("So what is perplexity, really?", 0.9),
        ("A common metric for the performance of language models.", 0.3),
        ("Moving on to something else entirely now.", 0.1),
    )
    assert texts("What is perplexity?", found) == ["A common metric for the performance of language models."]


def test_a_definition_comes_before_an_announcement_and_an_aside() -> None:
    found = passage(
        ("In this video, we take a look at a mysterious metric called perplexity.", 0.72),
        ("One of them is perplexity, I guess.", 0.75),
        (DEFINITION, 0.66),
    )
    assert texts("What is perplexity?", found)[0] == DEFINITION


def test_a_sentence_that_leans_on_the_one_before_comes_with_it() -> None:
    before, leaning = "To ignore padding, we build an attention mask.", "It holds a one for each real token of padding."
    found = passage((before, 0.3), (leaning, 0.7), ("Good night everybody.", 0.0))
    (claim,) = answer(Prompt("How is padding ignored by a token?", everything([found])))
    assert claim == DraftClaim(f"{before} {leaning}", ((1, before), (1, leaning)))


def test_what_was_trimmed_away_or_is_too_short_is_not_taken_for_the_sentence_before() -> None:
    leaning = "It holds a one for each real token of padding."
    far = passage(("Two words.", 0.1), ("To ignore padding, we build a mask.", 0.3), ("Um okay.", 0.0), (leaning, 0.7))
    question = "How is padding ignored by a token?"
    assert texts(question, far) == [leaning]
    evidence = tuple(item for item in everything([far]) if item.sentence.text != "Um okay.")
    assert [claim.text for claim in answer(Prompt(question, evidence))] == [leaning]


def test_the_same_said_twice_is_shown_once_and_there_are_three_claims_at_most() -> None:
    again = "Perplexity is a common metric for the performance of many language models."
    others = [
        "Low perplexity means that the network predicted unseen sentences well.",
        "Perplexity follows from cross entropy by exponentiation of an average.",
        "Comparing perplexity across different vocabularies makes little sense anyway.",
    ]
    found = texts("What is perplexity?", passage((DEFINITION, 0.8), (again, 0.79), *((text, 0.7) for text in others)))
    assert found == [DEFINITION, *others[:2]]


def test_a_claim_that_is_shown_within_a_better_one_is_not_repeated() -> None:
    first, second = (
        "Perplexity is a measure of surprise for networks.",
        "It grows whenever perplexity confuses networks.",
    )
    assert texts("What is perplexity?", passage((first, 0.6), (second, 0.85))) == [f"{first} {second}"]


def test_weaker_sentences_are_left_out() -> None:
    weak = "Perplexity came up in another discussion among colleagues yesterday."
    assert texts("What is perplexity?", passage((DEFINITION, 0.9), (weak, 0.2))) == [DEFINITION]


vocabulary = ["perplexity", "is", "a", "metric", "and", "it,", "models?", "Yes.", "so", "the", "of"]
words = st.lists(st.sampled_from(vocabulary), max_size=12)
said = st.lists(st.tuples(words.map(" ".join), st.floats(-1, 1)), min_size=1, max_size=6)


@given(st.lists(said, max_size=3), st.sampled_from(["What is perplexity?", "models", "?", "What is it?"]))
def test_every_quote_is_a_sentence_of_its_source_and_is_accepted_as_proof(
    found: Sequence[Sequence[Said]], question: str
) -> None:
    hits = [passage(*sentences) for sentences in found]
    for evidence in (everything(hits), select(hits, question)):
        claims = answer(Prompt(question, evidence))
        assert len(claims) <= 3
        for claim in claims:
            assert claim.text == " ".join(quote for _, quote in claim.quotes)
            for source, quote in claim.quotes:
                said = [it.text for it in hits[source - 1].passage.sentences]
                assert quote in said or quote in map(without_fillers, said)
        verified, dropped = verify(claims, [hit.passage for hit in hits])
        assert (len(verified), dropped) == (len(claims), 0)


def test_no_sentence_is_shown_twice() -> None:
    shared = "Padding tokens fill the end of every shorter sentence."
    leaning = "They are hidden from attention by the mask that padding needs."
    found = passage((shared, 0.8), (leaning, 0.75), ("Good night everybody.", 0.0))
    quotes = [words for claim in answer(Prompt("What is padding?", everything([found]))) for _, words in claim.quotes]
    assert quotes == [shared, leaning]


@pytest.mark.parametrize(
    ("question", "answered"),
    [
        ("How do you learn Rust programming?", False),
        ("How do you learn Python programming?", True),
        ("Where does Ada say how to learn programming?", True),
        ("HOW DO YOU LEARN PROGRAMMING?", True),
    ],
)
def test_a_name_that_nobody_mentions_is_not_answered(question: str, answered: bool) -> None:
    said = Sentence(0.0, 3.0, "You learn programming in Python by writing small programs every day.", "Ada")
    hit = Hit(Passage("p", RECORDING, 0, (said,)), 1.0, (0.8,))
    assert bool(answer(Prompt(question, everything([hit])))) is answered
