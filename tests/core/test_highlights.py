from collections import Counter
from itertools import pairwise
from pathlib import Path

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.following import Chapter
from core.highlights import Talk, choose, read, telling
from core.messages import Passage, Recording, Sentence
from core.passages import to_passages
from tests.core.talks import CHANNEL, passages_of
from tests.fakes.embedder import FakeEmbedder

EMBEDDER = FakeEmbedder()
RECORDING = Recording("r", "https://talks.example/r", "A talk")


def of(passages: tuple[Passage, ...], parts: int = 5, chapters: tuple[Chapter, ...] = ()) -> Talk:
    vectors = [EMBEDDER.vectors([it.text for it in passage.sentences]) for passage in passages]
    return read(passages, vectors, chapters, parts)


def talk(*said: str) -> Talk:
    return of(to_passages(RECORDING, [Sentence(n * 5.0, n * 5.0 + 4, text) for n, text in enumerate(said)], 40))


def test_every_row_is_the_vector_of_its_sentence() -> None:
    for path in CHANNEL:
        passages = passages_of(path)
        found = of(passages)
        for it in found.spoken:
            assert it.sentence in passages[it.source].sentences
            assert np.allclose(found.vectors[it.row], EMBEDDER.vectors([it.sentence.text])[0])


@given(st.integers(0, 8), st.sampled_from(CHANNEL))
def test_what_is_chosen_is_spread_over_the_talk_and_in_order(count: int, path: Path) -> None:
    found = of(passages_of(path), 5)
    chosen = choose(found, count, telling(found))
    assert len(chosen) <= count
    assert all(one.row < other.row for one, other in pairwise(chosen))
    sections = {it.section for it in found.spoken if it.tells}
    if chosen:
        assert max(Counter(it.section for it in chosen).values()) <= -(-count // len(sections))


def test_chapters_are_the_parts_where_there_are_enough() -> None:
    passages = passages_of(CHANNEL[5])
    chapters = tuple(Chapter(at_s, f"From {at_s}") for at_s in (0.0, 300.0, 600.0, 2000.0, 3000.0, 3500.0))
    found = of(passages, 5, chapters)
    chosen = choose(found, 5, telling(found))
    assert found.sections == 6
    assert len({it.section for it in chosen}) == 5


def test_greetings_thanks_sponsors_sounds_and_scraps_are_never_quoted() -> None:
    found = talk(
        "Hello everybody and welcome to this talk on the habits of the seagull.",
        "This part of the video is sponsored by a company that makes very good shoes.",
        "[Music] Seagulls stamp on the wet grass to bring up the worms.",
        "Don't forget to subscribe to the channel and to hit the like button below.",
        "Seagulls do.",
        "Seagulls stamp on the wet grass because worms take the drumming for heavy rain.",
        "Thank you so much for coming out tonight in spite of the bad weather here.",
        "word " * 60,
    )
    assert [it.sentence.text[:21] for it in found.spoken] == ["Seagulls stamp on the"]


def test_a_question_or_what_leans_on_the_sentence_before_tells_nothing_alone() -> None:
    found = talk(
        "Why do the seagulls of this town stamp on the wet grass?",
        "That is why the seagulls of this town stamp on the wet grass.",
        "In this video we will look at the seagulls of this town.",
        "Seagulls of this town stamp on the wet grass to bring up worms.",
    )
    assert [it.tells for it in found.spoken] == [False, False, False, True]
    assert len(choose(found, 3, telling(found))) == 1


def test_of_captions_in_which_nothing_tells_something_is_chosen_all_the_same() -> None:
    found = talk("that is why the seagulls of this town stamp on the wet grass and")
    assert len(choose(found, 3, telling(found))) == 1


def test_what_was_chosen_before_is_not_chosen_again() -> None:
    found = talk(
        "Seagulls of this town stamp on the wet grass to bring up worms.",
        "Penguins carry smooth stones over the ice to build their round nests.",
    )
    first = choose(found, 1, telling(found))
    second = choose(found, 2, telling(found), but=first)
    assert len(first) == len(second) == 1
    assert first != second


def test_of_nothing_nothing_is_chosen() -> None:
    assert choose(talk("Too short."), 3, []) == []
