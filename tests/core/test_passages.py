from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.chapters import heading_at
from core.following import Chapter
from core.messages import Recording, Sentence
from core.passages import passage_id, to_passages
from core.words import count_tokens

RECORDING = Recording("youtube:abc", "https://youtu.be/abc", "A talk")
texts = st.lists(st.text(alphabet="ab .,é\n", max_size=40), max_size=30)


def sentences(*said: str) -> list[Sentence]:
    return [Sentence(float(number), number + 1.0, text) for number, text in enumerate(said)]


@given(texts, st.integers(1, 12))
def test_every_sentence_with_text_is_in_one_passage_whole_and_in_order(said: list[str], max_tokens: int) -> None:
    passages = to_passages(RECORDING, sentences(*said), max_tokens)
    assert [it for passage in passages for it in passage.sentences] == [
        it for it in sentences(*said) if it.text.strip()
    ]
    assert [passage.index for passage in passages] == list(range(len(passages)))


@given(texts, st.integers(1, 12))
def test_a_passage_is_longer_than_the_limit_only_where_it_is_one_sentence(said: list[str], max_tokens: int) -> None:
    for passage in to_passages(RECORDING, sentences(*said), max_tokens):
        assert len(passage.sentences) == 1 or count_tokens(passage.text) <= max_tokens


@given(texts, st.integers(1, 12))
def test_neighbouring_passages_would_not_fit_into_one(said: list[str], max_tokens: int) -> None:
    passages = to_passages(RECORDING, sentences(*said), max_tokens)
    for one, other in pairwise(passages):
        assert count_tokens(one.text) + count_tokens(other.sentences[0].text) > max_tokens


def test_ids_are_the_same_in_every_process_and_version() -> None:
    assert passage_id("youtube:abc", 0, "Hello.") == "465b90e6-a63b-55b4-a632-896d2520cf9f"


def test_ids_depend_on_recording_place_and_words() -> None:
    said = sentences("One two.", "One two.", "Three four.")
    other = Recording("youtube:xyz", "https://youtu.be/xyz", "A talk")
    ids = [it.passage_id for it in (*to_passages(RECORDING, said, 3), *to_passages(other, said, 3))]
    assert len(set(ids)) == 6
    assert ids[:3] == [it.passage_id for it in to_passages(RECORDING, said, 3)]


def test_a_passage_knows_its_times_and_text() -> None:
    (passage,) = to_passages(RECORDING, sentences("Hello there.", "  ", "Goodbye."))
    assert (passage.start_s, passage.end_s, passage.text) == (0.0, 3.0, "Hello there. Goodbye.")


def test_a_limit_below_one_is_a_mistake() -> None:
    with pytest.raises(ValueError, match="max_tokens is 0"):
        to_passages(RECORDING, [], 0)


def test_half_a_character_becomes_a_question_mark() -> None:
    (passage,) = to_passages(RECORDING, sentences("Half \ud83d of it."))
    assert passage.text == "Half ? of it."


CHAPTERS = (Chapter(2.0, "Middle"), Chapter(4.5, "End"))


@given(texts, st.integers(1, 12), st.lists(st.floats(0, 30), max_size=6, unique=True))
def test_no_passage_goes_on_into_the_next_chapter(said: list[str], max_tokens: int, starts: list[float]) -> None:
    chapters = [Chapter(start_s, f"From {start_s}") for start_s in sorted(starts)]
    passages = to_passages(RECORDING, sentences(*said), max_tokens, chapters)
    for passage in passages:
        headings = {heading_at(chapters, sentence.start_s) for sentence in passage.sentences}
        assert headings == {passage.heading}
    kept = [it for passage in passages for it in passage.sentences]
    assert kept == [it for it in sentences(*said) if it.text.strip()]


def test_a_sentence_that_is_said_across_a_chapters_start_stays_whole() -> None:
    passages = to_passages(RECORDING, sentences("One.", "Two.", "Three.", "Four.", "Five.", "Six."), 100, CHAPTERS)
    assert [(it.heading, it.text) for it in passages] == [
        ("", "One. Two."),
        ("Middle", "Three. Four. Five."),
        ("End", "Six."),
    ]


def test_without_chapters_ids_and_passages_are_what_they_were() -> None:
    (passage,) = to_passages(RECORDING, sentences("Hello."))
    assert (passage.passage_id, passage.heading) == ("465b90e6-a63b-55b4-a632-896d2520cf9f", "")


def test_every_passage_keeps_the_language_of_its_captions() -> None:
    japanese = replace(RECORDING, language="ja")
    passages = to_passages(japanese, sentences("一つ。", "二つ。"), 1, CHAPTERS)
    assert [passage.recording.language for passage in passages] == ["ja", "ja"]
