from hypothesis import given
from hypothesis import strategies as st

from core.words import STOPWORDS, content_stems, count_tokens, stem, words


def test_tokens_are_words_and_punctuation_marks() -> None:
    assert count_tokens("Don't stop, it's 3.5 km!") == 9
    assert count_tokens(" \n") == 0


def test_both_apostrophes_make_the_same_word() -> None:
    assert words("Don’t DON'T") == ["don't", "don't"]


def test_forms_of_a_word_have_one_stem() -> None:
    assert len({stem(word) for word in ("tokenizer", "tokenizers", "tokenizer's")}) == 1


def test_words_without_a_subject_are_left_out() -> None:
    assert content_stems("What did they say about the tokenizers?") == [stem("tokenizer")]
    assert not STOPWORDS & {"time", "model", "price"}


@given(st.text())
def test_any_text_has_at_least_as_many_tokens_as_words(text: str) -> None:
    assert count_tokens(text) >= len(words(text)) >= len(content_stems(text))
