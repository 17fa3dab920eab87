"""The benchmark of routing: both sides of each round, and a short run as a command with a Ray of its own."""

import numpy as np
import pytest

from evals.bench.bandit import ARMS, FEATURES, measure_sides, questions_of
from tests.cluster.test_runtime_benches import bench

pytestmark = pytest.mark.timeout(300)


def test_both_sides_answer_the_same_questions_in_every_round() -> None:
    asked = questions_of(20, np.random.default_rng(1))
    assert asked.contexts.shape == (20, FEATURES)
    assert asked.rewards.shape == (20, ARMS)
    times = measure_sides(asked, rounds=2, seed=1)
    assert {name: len(of_side) for name, of_side in times.items()} == {"ours": 2, "mabwiser": 2}
    assert all(time_s > 0.0 for of_side in times.values() for time_s in of_side)


@pytest.mark.cluster
async def test_the_command_prints_the_bandit_beside_its_peer_and_an_empty_entity() -> None:
    figures = await bench("bandit", "--rounds", "1", "--questions", "20", "--seconds", "0.3", "--at-once", "5")
    for key in ("ratio_to_mabwiser", "entity_calls_per_s", "ratio_to_empty_entity"):
        assert 0 < figures[key]["min"] <= figures[key]["median"] <= figures[key]["max"]
