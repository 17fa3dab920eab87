"""Flat lists of paths: whole, without doubles, and in words that a terminal can be trusted with."""

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.budget_messages import Reserved
from core.budget_state import Budget
from core.entities import State
from core.flat_paths import ABSENT, Change, changes, flat, line, plain, printable, said, shown
from core.spending import Amount, Tally

SCALARS = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5)
KEYS = st.sampled_from(["a", "b", "held_id", "x.y", "[0]", "", 'q"', "é", "a b"]) | st.text(max_size=3)
VALUES: st.SearchStrategy[Any] = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3), max_leaves=12
)
WITH_IDS = st.lists(
    st.fixed_dictionaries({"job_id": st.sampled_from(["1", "2", "x y"]), "n": st.integers(0, 2)}), max_size=3
)


@given(VALUES | WITH_IDS)
def test_every_path_is_named_once(value: Any) -> None:
    paths = [path for path, _ in flat(value)]
    assert len(paths) == len(set(paths))


@given(VALUES | WITH_IDS, VALUES | WITH_IDS)
def test_nothing_changed_means_equal_but_for_the_order_of_named_parts(before: Any, after: Any) -> None:
    assert not list(changes(before, before))
    assert bool(list(changes(before, after))) == (
        dict(flat(before)) != dict(flat(after)) or _kinds_differ(before, after)
    )


def _kinds_differ(before: Any, after: Any) -> bool:
    """True and 1 are equal to Python, and not the same."""
    one, other = dict(flat(before)), dict(flat(after))
    return any(isinstance(one[path], bool) != isinstance(other[path], bool) for path in one.keys() & other.keys())


@given(VALUES | WITH_IDS, VALUES | WITH_IDS)
def test_what_changed_turns_the_paths_before_into_those_after(before: Any, after: Any) -> None:
    paths = dict(flat(before))
    for path, was, now in changes(before, after):
        assert paths.pop(path, ABSENT) == was
        if now is not ABSENT:
            paths[path] = now
    # None and what is empty is told by the parts that came or went in its place.
    assert _filled(paths) == _filled(dict(flat(after)))


def _filled(paths: dict[str, Any]) -> dict[str, Any]:
    return {path: value for path, value in paths.items() if value not in (None, [], {})}


def test_every_field_of_a_state_has_a_path_also_at_its_default() -> None:
    held = Reserved("r 1", Amount(Decimal("0.50")), 1_768_478_400.25, 1_768_478_401.0)
    state = Budget(day=Tally(spent=Amount(Decimal("2E+1"))), held=(held,))
    told = {path: said(path, value) for path, value in flat(plain(state))}
    assert told["limits"] == "none"
    assert told["day.spent.cost_usd"] == "20"
    assert told["day.lost"] == "0"
    assert told["day.since"] == "0"
    assert told['held["r 1"].amount.cost_usd'] == "0.50"
    assert told['held["r 1"].at'] == "2026-01-15T12:00:00.250000Z"
    assert told["lost"] == "empty"


class Buckets(State, frozen=True):
    by_host: Mapping[str, float] = {}
    by_number: Mapping[int, bool] = {}
    names: frozenset[str] = frozenset()


def test_the_keys_of_a_mapping_are_told_apart_from_fields() -> None:
    state = Buckets({"example.com": 1.0, "plain": 2.5}, {7: True}, frozenset({"b", "a"}))
    assert [f"{path}: {said(path, value)}" for path, value in flat(plain(state))] == [
        'by_host["example.com"]: 1',
        "by_host.plain: 2.5",
        "by_number[7]: yes",
        "names[0]: a",
        "names[1]: b",
    ]


def test_parts_that_carry_an_id_are_followed_through_a_list() -> None:
    before = {"held": [{"job_id": "a", "n": 1}, {"job_id": "b", "n": 1}]}
    after = {"held": [{"job_id": "b", "n": 2}]}
    assert list(changes(before, after)) == [
        Change("held[a].job_id", "a", ABSENT),
        Change("held[a].n", 1, ABSENT),
        Change("held[b].n", 1, 2),
    ]


def test_parts_that_share_an_id_are_told_by_their_place() -> None:
    assert dict(flat([{"job_id": "a", "n": 1}, {"job_id": "a", "n": 2}])) == {
        "[0].job_id": "a",
        "[0].n": 1,
        "[1].job_id": "a",
        "[1].n": 2,
    }


def test_none_that_became_something_is_told_by_its_parts() -> None:
    assert list(changes({"limits": None}, {"limits": {"day": None, "most": 3}})) == [
        Change("limits.day", ABSENT, None),
        Change("limits.most", ABSENT, 3),
    ]
    assert list(changes({"limits": 5}, {"limits": {"most": 3}})) == [
        Change("limits", 5, ABSENT),
        Change("limits.most", ABSENT, 3),
    ]
    assert list(changes({"limits": None}, {"limits": []})) == [Change("limits", None, [])]


@pytest.mark.parametrize(
    ("path", "value", "told"),
    [
        ("at", 1_768_478_400, "2026-01-15T12:00:00Z"),
        ("held[r-1].expires_at", 1_768_478_400.5, "2026-01-15T12:00:00.500000Z"),
        ("day.since", 0.0, "0"),
        ("expires_at", float("nan"), "nan"),
        ("expires_at", float("inf"), "inf"),
        ("float", 1_768_478_400.0, "1768478400"),
        ("ttl_s", 0.25, "0.25"),
        ("cost_usd", "1E+3", "1000"),
        ("cost_usd", "much", "much"),
        ("open", False, "no"),
        ("open", ABSENT, "(absent)"),
        ("text", "", '""'),
        ("text", "a\x1b[2Jb\x9b\x7f\u202e𝄞\n", '"a\\u001b[2Jb\\u009b\\u007f\\u202e𝄞\\u000a"'),
    ],
)
def test_values_are_told_in_words(path: str, value: Any, told: str) -> None:
    assert said(path, value) == told


def test_a_message_is_one_line() -> None:
    text = '{"type":"OverBudget","limit":{"cost_usd":"1.20"},"at":1768478400.0,"because":"It is too much.","more":[]}'
    told = 'OverBudget limit.cost_usd=1.20 at=2026-01-15T12:00:00Z because="It is too much." more=empty'
    assert line(text) == told
    assert (line('{"type":"Prune"}'), line("{}"), line("[1]"), line("{\x1b")) == ("Prune", "", "[0]=1", '"{\\u001b"')


@given(st.text())
def test_nothing_that_is_shown_can_steer_a_terminal(text: str) -> None:
    assert printable(text).isprintable()
    assert shown(text).isprintable()
    assert said("text", text).isprintable()
    assert all(path.isprintable() for path, _ in flat({text: {"job_id": text}, "held": [{"job_id": text}]}))
