"""The first units of a phase, each once."""

from hypothesis import given
from hypothesis import strategies as st

from core.exposed_units import MOST, counts, is_new, row, with_unit

UNIT = st.tuples(st.floats(0, 1, exclude_max=True), st.integers(0, 2))


@given(st.lists(UNIT))
def test_each_unit_is_counted_once_whenever_it_comes(units: list[tuple[float, int]]) -> None:
    held, seen = b"", set[bytes]()
    for place, variant in units:
        unit = row(place, variant)
        assert is_new(held, unit) == (unit not in seen)
        if is_new(held, unit):
            held = with_unit(held, unit)
            seen.add(unit)
    assert held == b"".join(sorted(seen))
    assert counts(held, 3) == tuple(sum(unit[-1] == index for unit in seen) for index in range(3))


def test_after_so_many_there_is_no_room() -> None:
    held = b"".join(row(index / (2 * MOST), index % 2) for index in range(MOST))
    assert not is_new(held, row(0.99, 0))
    assert counts(held, 2) == (MOST // 2, MOST // 2)
