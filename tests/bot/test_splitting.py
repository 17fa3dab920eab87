import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.splitting import split_markdown

WORDS = st.text(st.sampled_from("abc .!?\n*[]()`>\\é👍"), max_size=1200)
PIECES = st.lists(
    st.sampled_from(
        ["word", "A sentence.", "\n\n", "\n", " ", "[12:34](https://talks.example/1#t=754)", "*Title of it*", "\\*"]
    ),
    max_size=150,
).map(" ".join)


def test_short_text_is_one_piece_and_empty_text_none() -> None:
    assert split_markdown(" Hello. ", 100) == ["Hello."]
    assert split_markdown("  \n ", 100) == []


def test_a_limit_that_is_too_small_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 100"):
        split_markdown("x", 99)


def test_paragraphs_are_preferred_then_lines_then_sentences_then_words() -> None:
    paragraph = "One sentence here. " * 3
    assert split_markdown(f"{paragraph}\n\n{paragraph}", 100) == [paragraph.strip()] * 2
    assert split_markdown(f"{paragraph}\n{paragraph}", 100) == [paragraph.strip()] * 2
    assert all(piece.endswith(".") for piece in split_markdown(paragraph * 4, 100))
    assert all(re.fullmatch(r"(word ?)+", piece) for piece in split_markdown("word " * 60, 100))


def test_a_word_longer_than_a_piece_is_cut_hard() -> None:
    pieces = split_markdown("x" * 250, 100)
    assert "".join(pieces) == "x" * 250
    assert max(map(len, pieces)) <= 100


def test_a_quote_goes_on_as_a_quote() -> None:
    pieces = split_markdown("> " + "some words " * 30, 100)
    assert len(pieces) > 1
    assert all(piece.startswith("> ") for piece in pieces)


def test_the_line_after_a_quote_is_none() -> None:
    pieces = split_markdown("> " + "q" * 80 + "\n" + "plain " * 10, 100)
    assert pieces[1].startswith("plain")


def test_a_code_fence_is_closed_and_opened_again() -> None:
    code = "\n".join(f"    line {number}" for number in range(30))
    pieces = split_markdown(f"Look:\n```python\n{code}\n```\nDone.", 120)
    assert all(piece.count("```") % 2 == 0 for piece in pieces)
    assert pieces[1].startswith("```python\n    line")
    lines = [line for piece in pieces for line in piece.splitlines() if line.startswith("    line")]
    assert lines == code.splitlines()


def test_a_fence_with_an_endless_header_is_opened_plainly() -> None:
    pieces = split_markdown("```" + "h" * 60 + "\n" + "code\n" * 40 + "```", 100)
    assert max(map(len, pieces)) <= 100
    assert pieces[1].startswith("```\ncode")


def test_a_link_longer_than_a_piece_is_cut_rather_than_lost() -> None:
    link = f"[label](https://talks.example/{'a' * 300})"
    pieces = split_markdown(f"before {link} after", 100)
    assert "".join(pieces).replace(" ", "") == f"before{link}after"


@pytest.mark.parametrize(
    "whole", ["[a label of words](https://talks.example/1#t=754)", "*A title of words*", "**Two stars**"]
)
@pytest.mark.parametrize("limit", range(100, 130))
def test_a_run_with_spaces_in_it_stays_whole(whole: str, limit: int) -> None:
    pieces = split_markdown(" ".join([whole] * 20), limit)
    assert sum(piece.count(whole) for piece in pieces) == 20


@given(PIECES, st.integers(100, 300))
def test_links_and_styled_runs_are_never_cut(text: str, limit: int) -> None:
    pieces = split_markdown(text, limit)
    assert all(len(piece) <= limit for piece in pieces)
    for whole in ("[12:34](https://talks.example/1#t=754)", "*Title of it*", "\\*"):
        assert sum(piece.count(whole) for piece in pieces) == text.count(whole)
    assert " ".join(pieces).split() == text.split()


@given(WORDS, st.integers(100, 200))
@example("```" * 80, 100)
@example("> " * 120, 100)
@example("`" * 150 + "\n```\n" * 30, 100)
def test_any_text_splits_within_the_limit_and_loses_no_letters(text: str, limit: int) -> None:
    pieces = split_markdown(text, limit)
    assert all(0 < len(piece) <= limit for piece in pieces)
    letters = re.sub(r"[\s>`]", "", text)
    assert re.sub(r"[\s>`]", "", "".join(pieces)) == letters
