from hypothesis import given
from hypothesis import strategies as st

from evals.measure.stretches import best_stretches

scores = st.lists(st.tuples(st.floats(0, 30), st.floats(-1, 1), st.integers(1, 300)), max_size=30)


@given(scores, st.integers(0, 3000))
def test_the_budget_is_kept_and_time_is_the_order(rows: list[tuple[float, float, int]], budget: int) -> None:
    tokens = [row[2] for row in rows]
    taken = best_stretches([row[0] for row in rows], [row[1] for row in rows], tokens, budget)
    assert sum(tokens[at] for at in taken) <= budget
    assert taken == sorted(set(taken))


def test_everything_is_taken_where_everything_fits() -> None:
    assert best_stretches([0.0, 1.0], [0.0, 0.0], [5, 5], 10) == [0, 1]
    assert best_stretches([], [], [], 10) == []


def test_a_weak_passage_between_two_strong_ones_comes_before_a_stronger_one_alone() -> None:
    scores = [0.0, 9.0, 2.0, 9.0, 0.0, 0.0, 0.0, 0.0, 3.0, 0.0]
    assert best_stretches(scores, scores, [100] * 10, 300) == [1, 2, 3]
