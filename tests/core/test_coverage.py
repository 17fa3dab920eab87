from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from core.coverage import Floats, cover


@st.composite
def problems(draw: st.DrawFn) -> tuple[Floats, Floats, list[float]]:
    count = draw(st.integers(1, 7))
    rows = draw(arrays(np.float64, (count, 3), elements=st.floats(-1, 1)))
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    units = rows / np.where(lengths > 0, lengths, 1.0)
    similarity = units @ units.T
    np.fill_diagonal(similarity, 1.0)
    worth = draw(arrays(np.float64, count, elements=st.floats(0.01, 1)))
    return similarity, worth, draw(st.lists(st.integers(1, 30).map(float), min_size=count, max_size=count))


def covered(similarity: Floats, worth: Floats, chosen: list[int]) -> float:
    return float(np.maximum(similarity[chosen], 0).max(axis=0) @ worth) if chosen else 0.0


@given(problems(), st.floats(0, 1))
def test_the_floor_is_reached(problem: tuple[Floats, Floats, list[float]], floor: float) -> None:
    similarity, worth, cost = problem
    chosen = cover(similarity, worth, cost, floor)
    assert covered(similarity, worth, chosen) >= floor * worth.sum() - 1e-9
    assert chosen == sorted(set(chosen))


@given(problems(), st.integers(1, 6))
def test_with_equal_costs_greedy_is_within_its_bound_of_the_best(
    problem: tuple[Floats, Floats, list[float]], size: int
) -> None:
    """Nemhauser, Wolsey and Fisher (1978): at least 1 - 1/e of the best set of the same size."""
    similarity, worth, _ = problem
    size = min(size, len(worth))
    best = max(covered(similarity, worth, list(it)) for it in combinations(range(len(worth)), size))
    sizes = [(len(cover(similarity, worth, [1.0] * len(worth), floor)), floor) for floor in np.linspace(0, 1, 60)]
    chosen = max((cover(similarity, worth, [1.0] * len(worth), f) for n, f in sizes if n <= size), key=len, default=[])
    if len(chosen) == size:
        assert covered(similarity, worth, chosen) >= (1 - 1 / np.e) * best - 1e-9


def test_of_two_that_say_the_same_the_cheaper_stays() -> None:
    similarity = np.array([[1.0, 1.0, 0.0], [1.0, 1.0, 0.0], [0.0, 0.0, 1.0]])
    assert cover(similarity, np.ones(3), [9.0, 4.0, 5.0], 1.0) == [1, 2]


@pytest.mark.parametrize(("worth", "cost"), [([0.0, 0.0], [1.0, 1.0]), ([1.0, 1.0], [0.0, 0.0]), ([], [])])
def test_what_costs_nothing_or_is_worth_nothing_is_not_taken(worth: list[float], cost: list[float]) -> None:
    assert cover(np.eye(len(worth)), np.array(worth), cost, 1.0) == []
