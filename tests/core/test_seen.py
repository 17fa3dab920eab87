"""The set of digests beside a real set, over every sequence of changes."""

from hypothesis import given
from hypothesis import strategies as st

from core.entity_codec import to_json
from core.seen import Seen

NAMES = st.text(max_size=20) | st.sampled_from(["a", "b", "youtube:x", "\ud800", ""])
CHANGES = st.lists(st.tuples(st.booleans(), st.lists(NAMES, max_size=8)), max_size=30)


@given(CHANGES, st.lists(NAMES, max_size=20))
def test_it_holds_what_a_set_holds(changes: list[tuple[bool, list[str]]], asked: list[str]) -> None:
    seen, oracle = Seen(), set[str]()
    for adds, names in changes:
        before = seen.parts
        changed = seen.adding(names) if adds else seen.without(names)
        assert seen.parts == before
        seen = changed
        oracle = oracle | set(names) if adds else oracle - set(names)
        assert len(seen) == len(oracle)
    for name in {*asked, *oracle}:
        assert (name in seen) == (name in oracle)


@given(st.sets(NAMES, max_size=40), st.randoms(use_true_random=False))
def test_what_is_added_and_taken_out_again_leaves_nothing(names: set[str], rng: object) -> None:
    order = sorted(names)
    rng.shuffle(order)  # type: ignore[attr-defined]
    assert Seen().adding(names).without(order) == Seen()


def test_tens_of_thousands_take_eight_bytes_each_and_none_is_lost() -> None:
    names = [f"youtube:{number:011}" for number in range(30_000)]
    seen = Seen().adding(names)
    assert len(seen) == 30_000
    assert sum(map(len, seen.parts)) == 8 * 30_000
    assert all(name in seen for name in names[::97])
    assert not any(f"vimeo:{number}" in seen for number in range(3_000))
    assert max(map(len, seen.parts)) < 2 * 8 * 30_000 / len(seen.parts)


def test_a_digest_that_lies_across_two_others_is_not_taken_for_one() -> None:
    """Whatever stands in a part, only whole digests at their places count."""
    seen = Seen().adding(["a"])
    part = next(part for part in seen.parts if part)
    place = seen.parts.index(part)
    shifted = list(seen.parts)
    shifted[place] = b"\0\0\0" + part + b"\0\0\0\0\0"
    assert "a" not in Seen(tuple(shifted))
    twice = list(seen.parts)
    twice[place] = b"\0\0\0" + part + b"\0\0\0\0\0" + part
    assert "a" in Seen(tuple(twice))
    assert "a" not in Seen(tuple(twice)).without(["a"])


def test_it_travels_in_an_entitys_state() -> None:
    assert to_json(Seen().adding(["a"])) == to_json(Seen().adding(["a", "a"]))
