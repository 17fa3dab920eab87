"""Who gets which variant: stable, fair, and apart from every other experiment."""

from collections import Counter
from collections.abc import Mapping
from hashlib import sha256

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.assignment import Slice, bucket, checked_fractions, variant_at
from core.errors import BadInput

HALVES = {"control": 0.5, "treatment": 0.5}
UNITS = [f"unit-{number}" for number in range(20_000)]
WEIGHTS = st.dictionaries(st.text(min_size=1).filter(str.strip), st.integers(0, 100), min_size=1, max_size=8)


# ---------------------------------------------------------------- the position
@pytest.mark.parametrize(
    ("parts", "position"),
    [
        (("trim-2026", "guild-1", "user-7"), 0.9639071883299749),
        (("a", "b", "c"), 0.7400410826946053),
        (("köln", "日本", "u"), 0.8984582123489506),
    ],
)
def test_a_unit_keeps_its_position_for_ever(parts: tuple[str, str, str], position: float) -> None:
    assert bucket(*parts) == position


def assigned(
    experiment: str, fractions: Mapping[str, float], tenant: str, unit: str, place: Slice | None = None
) -> str | None:
    """The variant of `unit`, None where the experiment's slice of its layer does not hold it."""
    if place is not None and not place.holds(tenant, unit):
        return None
    return variant_at(fractions, bucket(experiment, tenant, unit))


@given(st.text(min_size=1), st.text(min_size=1), st.text(min_size=1))
def test_the_position_is_the_head_of_the_hash_of_parts_with_their_lengths(one: str, two: str, three: str) -> None:
    coded = [part.encode("utf-8", "surrogatepass") for part in (one, two, three)]
    head = sha256(b"".join(len(text).to_bytes(8, "big") + text for text in coded)).digest()
    position = bucket(one, two, three)
    assert 0.0 <= position < 1.0
    assert position == int.from_bytes(head, "big") // 2**203 / 2**53


def test_parts_that_read_the_same_in_a_row_are_other_units() -> None:
    assert len({bucket("ab", "c", "d"), bucket("a", "bc", "d"), bucket("a", "b", "cd")}) == 3


def test_positions_are_uniform_and_those_of_two_experiments_have_nothing_to_do_with_each_other() -> None:
    one, other = (np.array([bucket(name, "guild", unit) for unit in UNITS]) for name in ("one", "other"))
    expected = len(UNITS) / 20
    for positions in (one, other):
        counts = np.histogram(positions, 20, (0.0, 1.0))[0]
        assert ((counts - expected) ** 2 / expected).sum() < 50  # chi-square, 19 degrees: one in 10,000
    assert abs(np.corrcoef(one, other)[0, 1]) < 4 / len(UNITS) ** 0.5


@pytest.mark.parametrize("parts", [("", "t", "u"), ("e", "", "u"), ("e", "t", "")])
def test_nobody_is_assigned_without_a_name(parts: tuple[str, str, str]) -> None:
    with pytest.raises(BadInput, match="names no"):
        bucket(*parts)


# ---------------------------------------------------------------- fractions
@given(WEIGHTS.filter(lambda weights: sum(weights.values()) > 0), st.floats(0, 1, exclude_max=True))
def test_every_position_has_a_variant_that_is_open_whatever_the_order(weights: dict[str, int], position: float) -> None:
    total = sum(weights.values())
    fractions = {name: weight / total for name, weight in weights.items()}
    variant = variant_at(fractions, position)
    assert fractions[variant] > 0
    assert variant_at(dict(reversed(fractions.items())), position) == variant


def test_units_come_in_the_promised_shares() -> None:
    fractions = {"a": 0.7, "b": 0.2, "c": 0.1, "closed": 0.0}
    counts = Counter(assigned("e", fractions, "guild", unit) for unit in UNITS)
    for name, share in fractions.items():
        deviation = (len(UNITS) * share * (1 - share)) ** 0.5
        assert abs(counts[name] - len(UNITS) * share) <= 4 * deviation


def test_a_growing_share_keeps_those_who_had_it() -> None:
    def treated(share: float) -> set[str | None]:
        fractions = {"control": 1 - share, "treatment": share}
        return {unit for unit in UNITS[:2_000] if assigned("e", fractions, "guild", unit) == "treatment"}

    assert treated(0.05) < treated(0.25) < treated(0.5)


@pytest.mark.parametrize(
    "fractions",
    [
        {},
        {"a": 0.5, "b": 0.4},
        {"a": 0.5, "b": 0.6},
        {"a": 1.5, "b": -0.5},
        {"a": float("nan"), "b": 1.0},
        {"a": float("inf")},
        {"a": 0.5, " ": 0.5},
        {"a": 0.5, "b": 0.499_999},
    ],
)
def test_fractions_that_do_not_make_one_are_refused(fractions: dict[str, float]) -> None:
    with pytest.raises(BadInput) as refused:
        checked_fractions(fractions)
    assert refused.value.advice
    with pytest.raises(BadInput):
        variant_at(fractions, 0.5)


def test_the_refusal_says_what_the_fractions_make() -> None:
    with pytest.raises(BadInput, match=r"make 0\.9, not 1 \(a 0\.5, b 0\.4\)"):
        checked_fractions({"a": 0.5, "b": 0.4})


def test_ten_tenths_are_one_and_their_last_gets_what_rounding_leaves() -> None:
    tenths = {f"v{number}": 0.1 for number in range(10)}
    assert sum(tenths.values()) < 1.0
    assert variant_at(tenths, 1 - 2**-53) == "v9"


@pytest.mark.parametrize("position", [-0.1, 1.0, float("nan")])
def test_a_position_off_the_line_is_refused(position: float) -> None:
    with pytest.raises(BadInput, match="position"):
        variant_at(HALVES, position)


# ---------------------------------------------------------------- layers
def test_experiments_of_one_layer_never_share_a_unit_and_leave_none_over() -> None:
    slices = [Slice("answers", 0.0, 0.3), Slice("answers", 0.3, 0.8), Slice("answers", 0.8, 1.0)]
    for unit in UNITS[:3_000]:
        assert sum(each.holds("guild", unit) for each in slices) == 1


def test_units_of_a_slice_are_dealt_out_evenly_even_where_layer_and_experiment_have_one_name() -> None:
    half = Slice("trim", 0.0, 0.5)
    counts = Counter(assigned("trim", HALVES, "guild", unit, half) for unit in UNITS)
    assert abs(counts[None] - 10_000) < 300
    assert abs(counts["control"] - 5_000) < 300
    assert abs(counts["treatment"] - 5_000) < 300


def test_the_next_experiment_of_a_slice_spreads_the_units_anew() -> None:
    place = Slice("answers", 0.0, 0.5)
    pairs = Counter((assigned("one", HALVES, "g", it, place), assigned("two", HALVES, "g", it, place)) for it in UNITS)
    del pairs[None, None]
    assert len(pairs) == 4
    assert max(pairs.values()) - min(pairs.values()) < 300


@pytest.mark.parametrize(
    "place", [Slice(" "), Slice("a", 0.5, 0.5), Slice("a", -0.1, 0.5), Slice("a", 0.5, 1.1), Slice("a", float("nan"))]
)
def test_a_slice_that_is_no_part_of_a_layer_is_refused(place: Slice) -> None:
    with pytest.raises(BadInput):
        place.check()
