"""The index over entries: beside brute force, through additions and removals, small and large."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from core.answer_cache_index import FEATURES, NEAREST, AnswerIndex
from core.answer_cache_prior import PRIOR
from core.answer_cache_vectors import EntryVectors
from core.question_features import traits_of
from tests.core.talked_about import DIMENSIONS, near, unit


@settings(max_examples=40, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60)), max_size=120), st.integers(0, 1_000))
def test_the_nearest_are_those_of_brute_force_after_any_changes(steps: list[tuple[bool, int]], seed: int) -> None:
    kept: dict[str, np.ndarray] = {}
    vectors = EntryVectors(8)
    for adds, number in steps:
        name = str(number)
        if adds and name not in kept:
            kept[name] = np.random.default_rng(number).normal(size=8).astype(np.float32)
            vectors.add(name, kept[name])
        elif not adds and name in kept:
            assert np.array_equal(vectors.take_out(name), kept.pop(name))
    asked = np.random.default_rng(seed).normal(size=8).astype(np.float32)
    found, cosines = vectors.nearest(asked, 5)
    expected = sorted((float(vector @ asked) for vector in kept.values()), reverse=True)[:5]
    assert np.allclose(cosines, expected, atol=1e-5)
    assert [float(kept[name] @ asked) for name in found] == sorted(
        (float(kept[name] @ asked) for name in found), reverse=True
    )


def test_a_large_index_finds_what_a_full_product_finds() -> None:
    rng = np.random.default_rng(3)
    # As real embeddings: a few directions hold most of what differs.
    mixing = rng.normal(size=(DIMENSIONS, DIMENSIONS)) * (1.0 / np.arange(1, DIMENSIONS + 1))[:, None]
    rows = rng.normal(size=(5_000, DIMENSIONS)) @ mixing
    rows = (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)
    vectors = EntryVectors(DIMENSIONS)
    for place, row in enumerate(rows):
        vectors.add(str(place), row)
    found = best = 0
    for number in range(100):
        asked = near(rows[number * 50], number, 0.9)
        names, _ = vectors.nearest(asked, NEAREST)
        true = np.argsort(-(rows @ asked))[:NEAREST]
        best += int(names[0]) == true[0]
        found += len({int(name) for name in names} & set(true.tolist()))
    assert best == 100
    assert found >= 0.95 * 100 * NEAREST


def filled(count: int, answers: int = 5) -> AnswerIndex:
    index = AnswerIndex(DIMENSIONS)
    for number in range(count):
        text = f"What did they say about topic {number % answers} here?"
        index.add(str(number), f"a{number % answers}", near(unit(number % answers), 1_000 + number), traits_of(text))
    return index


def test_a_few_entries_are_no_neighbourhood() -> None:
    asked, traits = unit(0), traits_of("What did they say about topic 0 here?")
    assert {each.conflict for each in filled(NEAREST - 1).candidates(asked, traits)} == {"few entries"}
    assert AnswerIndex(DIMENSIONS).candidates(asked, traits) == []
    found = filled(NEAREST).candidates(asked, traits)
    assert (found[0].answer_id, found[0].conflict) == ("a0", "")
    assert all(len(each.features) == len(FEATURES) for each in found)


def test_what_is_removed_is_as_if_it_had_never_been_there() -> None:
    index, never = filled(60), filled(40)
    index.remove([str(number) for number in range(40, 60)])
    index.remove(["nobody"])
    asked, traits = near(unit(2), 9), traits_of("What about topic 2?")
    for one, other in zip(index.candidates(asked, traits), never.candidates(asked, traits), strict=True):
        assert one.answer_id == other.answer_id
        assert np.allclose(one.features, other.features, atol=1e-5)


def test_an_entry_that_conflicts_stands_back_for_one_of_its_answer_that_does_not() -> None:
    index = filled(NEAREST)
    index.add("with", "a9", near(unit(50), 1, 0.99), traits_of("What did they say about the 2023 budget?"))
    asked = traits_of("What did they say about the budget?")
    assert index.candidates(unit(50), asked)[0].conflict == "numbers"
    index.add("without", "a9", near(unit(50), 2, 0.9), traits_of("What did they say of the budget?"))
    found = index.candidates(unit(50), asked)[0]
    assert (found.entry_id, found.conflict) == ("without", "")


def test_the_shipped_verifier_trusts_a_near_answer_more_than_a_far_one() -> None:
    index, traits = filled(60), traits_of("What did they say about topic 3 here?")
    close, far = (index.candidates(near(unit(3), 77, cosine), traits)[0] for cosine in (0.98, 0.5))
    nearer, farther = PRIOR.logits([close.features, far.features])
    assert nearer > farther
