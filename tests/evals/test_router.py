"""The routing evaluation on small sets whose truth is known."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from core.errors import BadInput
from core.ports import Vectors
from core.routing_context import FEATURES
from deployments.routing_prior import RoutingPrior
from evals.measure.router_cases import Case
from evals.measure.router_rows import NINE, PAIR, TWO, Outcomes, question_number, read_outcomes
from evals.measure.router_streams import by_gain, shadow, thompson
from evals.router import case_of, measure
from evals.router_prior import fitted, principal_components

ARMS = ("cheap", "dear", "trap")
PRICES = {"cheap": 0.1, "dear": 1.0, "trap": 1.0}


def encode(texts: Sequence[str]) -> Vectors:
    """Questions of sums lie on one side, those of history on the other; the rest is noise of each text."""
    rows = [np.random.default_rng(question_number(text)).normal(size=24) * 0.3 for text in texts]
    for row, text in zip(rows, texts, strict=True):
        row[0] += 2.0 if text.startswith("sum") else -2.0
    vectors = np.array(rows, np.float32)
    normed: Vectors = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    return normed


def outcomes(name: str, count: int, first: int = 0, arms: tuple[str, ...] = ARMS) -> Outcomes:
    """`dear` is right on sums (9 of 10) and not on history (4 of 10), `cheap` the other way round, a little worse."""
    rng = np.random.default_rng([first, len(arms)])
    questions = tuple(
        f"{'sum' if number % 2 else 'history'} question {number}" for number in range(first, first + count)
    )
    chances = {"cheap": (0.2, 0.8), "dear": (0.9, 0.4), "trap": (0.1, 0.1)}
    quality = np.array(
        [
            [float(rng.random() < chances[arm][0 if question.startswith("sum") else 1]) for arm in arms]
            for question in questions
        ]
    )
    return Outcomes(name, questions, arms, quality, np.array([PRICES[arm] for arm in arms]))


def prior_of(*sets: Outcomes) -> RoutingPrior:
    return fitted(sets, [encode(one.questions) for one in sets])


OWN = (outcomes(NINE, 400), outcomes(PAIR, 400, arms=ARMS[:2]), outcomes(TWO, 40))
PRIOR = prior_of(*OWN)


def case(name: str, count: int, first: int, arms: tuple[str, ...] = ARMS) -> Case:
    made = outcomes(name, count, first, arms)
    return case_of(PRIOR, made, encode(made.questions))


def test_a_warm_bandit_beats_the_best_single_model_where_questions_tell_and_a_cold_one_comes_to() -> None:
    nine = case(NINE, 600, 10_000)
    assert not nine.known.any()
    rng, order = np.random.default_rng(1), np.arange(600)
    best = float(nine.quality.mean(axis=0).max())
    warm = thompson(nine.stream(order, 0.0, warm=True), rng)
    assert nine.quality[order, warm.used].mean() > best + 0.1
    cold = thompson(nine.stream(order, 0.0, warm=False), rng)
    assert nine.quality[order, cold.used][400:].mean() > best + 0.05
    assert warm.nan == cold.nan == 0


def test_with_a_share_of_strong_calls_it_is_better_than_a_random_mix_and_keeps_to_the_share() -> None:
    pair = case(PAIR, 800, 10_000, ARMS[:2])
    run = by_gain(pair.stream(np.arange(800), 0.0, warm=True), 1, 0.5)
    assert abs(run.used.mean() - 0.5) < 0.03
    assert pair.quality[np.arange(800), run.used].mean() > pair.quality.mean() + 0.15
    few = by_gain(pair.stream(np.arange(800), 0.0, warm=True), 1, 0.25)
    assert abs(few.used.mean() - 0.25) < 0.03


def test_where_nothing_can_be_told_from_a_question_nothing_is_gained() -> None:
    pair = case(PAIR, 800, 10_000, ARMS[:2])
    shuffled = np.random.default_rng(0).permutation(pair.quality)
    blind = Case(pair.arms, pair.contexts, shuffled, pair.prices, pair.groups, pair.known, None)
    run = by_gain(blind.stream(np.arange(800), 0.0, warm=True), 1, 0.5)
    assert abs(shuffled[np.arange(800), run.used].mean() - shuffled.mean()) < 0.05


def test_the_shadows_log_tells_its_true_gain() -> None:
    pair = case(PAIR, 600, 10_000, ARMS[:2])
    held = []
    for seed in range(20):
        rng = np.random.default_rng(seed)
        seen = shadow(pair.stream(rng.permutation(600), 0.1, warm=True), 1, 0.2, rng)
        assert seen.gain > 0.05
        held.append(seen.report.doubly_robust.low <= seen.gain <= seen.report.doubly_robust.high)
    assert sum(held) >= 16


def test_a_known_question_is_never_judged_by_what_was_learned_from_it() -> None:
    own = OWN[0]
    nine = case_of(PRIOR, own, encode(own.questions), own)
    assert nine.known.all()
    halves = list(nine.halves(np.random.default_rng(3)))
    assert sorted(np.concatenate(halves)) == list(range(400))
    for rows in halves:
        others = np.setdiff1d(np.arange(400), rows)
        start = nine.stream(rows, 0.0, warm=True).start
        for arm, evidence in enumerate(start):
            moment = nine.contexts[others].T @ nine.quality[others, arm]
            np.testing.assert_allclose(np.frombuffer(evidence.moment), moment, atol=1e-6)


def test_the_same_question_in_other_clothes_stays_on_one_side() -> None:
    twice = Outcomes(NINE, ("Sum of 2 and 3?", "  sum of 2 and 3", "history"), ("a", "b"), np.eye(3, 2), np.ones(2))
    made = case_of(PRIOR, twice, encode(twice.questions))
    assert made.groups[0] == made.groups[1] != made.groups[2]


def test_the_projection_does_not_depend_on_how_many_texts_a_set_has() -> None:
    some, others = encode(OWN[0].questions), encode(OWN[2].questions)
    once = principal_components([some, others])
    again = principal_components([np.concatenate([some, some]), others])
    np.testing.assert_allclose(once.matrix, again.matrix, atol=1e-4)


def test_every_figure_that_is_promised_is_there_and_the_plot_too(tmp_path: Path) -> None:
    figures: Any = measure(
        case(NINE, 240, 10_000),
        case(PAIR, 240, 10_000, ARMS[:2]),
        plot=tmp_path / "router.png",
        seed=1,
        shuffles=2,
        replications=3,
        epsilon=0.2,
    )
    nine = {"random", "best_single", "oracle", "lints", "lints_last_third", "best_single_last_third", "lints_warm"}
    pair = {"acc_at_25", "acc_at_50", "acc_at_75", "random_mix_at_50", "utility_price_0.10", "utility_best_single_0.10"}
    shadow_keys = {"regret_reduction_vs_baseline", "estimate_error", "interval_coverage"}
    assert nine <= set(figures["nine"])
    assert pair <= set(figures["pair"])
    assert shadow_keys <= set(figures["shadow"])
    assert figures["nan"] == 0
    assert figures["nine"]["lints_warm"] > figures["nine"]["best_single"]
    assert figures["pair"]["utility_price_0.10"] > figures["pair"]["utility_best_single_0.10"]
    assert figures["shadow"]["regret_reduction_vs_baseline"] > 0.03
    assert (tmp_path / "router.png").read_bytes().startswith(b"\x89PNG")
    json.dumps(figures)


def test_data_of_another_form_is_refused(tmp_path: Path) -> None:
    rows = [{"id": "1", "question": "q", "score": {"a": 1.0, "b": 0.0}}]
    prices: dict[str, Any] = {"a": {"output_usd_per_mtok": 1.0}, "b": {"output_usd_per_mtok": 2.0}}
    with pytest.raises(BadInput, match=r"nine_models\.jsonl\.gz"):
        read_outcomes(tmp_path, NINE)
    for bad_rows, bad_prices in (
        ([], prices),
        (rows, {"a": prices["a"]}),
        ([{"id": "1", "score": {"a": 1.0, "b": 0.0}}], prices),
        ([{**rows[0], "score": {"a": 1.0}}], prices),
        ([{**rows[0], "score": {"a": float("nan"), "b": 0.0}}], prices),
    ):
        write(tmp_path, bad_rows, bad_prices)
        with pytest.raises(BadInput):
            read_outcomes(tmp_path, NINE)
    write(tmp_path, rows, prices)
    read = read_outcomes(tmp_path, NINE)
    assert (read.arms, read.quality.tolist(), read.prices.tolist()) == (("a", "b"), [[1.0, 0.0]], [1.0, 2.0])
    (tmp_path / f"{NINE}.jsonl.gz").write_bytes(b"half")
    with pytest.raises(BadInput):
        read_outcomes(tmp_path, NINE)


def write(folder: Path, rows: list[dict[str, Any]], prices: dict[str, Any]) -> None:
    text = "\n".join(json.dumps(row) for row in rows)
    (folder / f"{NINE}.jsonl.gz").write_bytes(gzip.compress(text.encode()))
    (folder / "prices.json").write_text(json.dumps(prices), encoding="utf-8")


def test_contexts_are_those_of_the_product() -> None:
    assert case(NINE, 4, 0).contexts.shape == (4, FEATURES)
