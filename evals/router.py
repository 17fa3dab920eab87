"""Routing: does the bandit that the product runs choose models better than the best single one, and can its shadow be
believed?

Over a directory with `nine_models.jsonl.gz` and `pair_gpt4_mixtral.jsonl.gz` (each row a question and the outcome of
every model) and `prices.json`. Every shuffle of the rows is one pass: a context, a choice, the reward of the model that
was chosen and no other.

- `nine`: mean quality. `lints` starts with nothing but the prior, in which dearer models are believed a little better;
  `lints_warm` starts with what was learned on the project's own copy. Where `--data` holds rows of that copy, they are
  run in two halves of the questions, each warm from all questions of the copy but its own. (The projection of the
  embeddings saw the copy's questions, but no outcome.) `best_single` is the best in hindsight.
- `pair`: `acc_at_50` lets half of the calls go to the strong model, those of the largest expected gain, with a bar that
  knows the past alone; warm, as is `utility_price_0.10`: quality - 0.10 * the share of strong calls, by sampling.
- `shadow`: a static baseline (the best single model, by quality - price * cost from 0 for the cheapest to 1 for the
  dearest, on the first 200 rows) is in charge, and gives a share `epsilon` of the calls to any model alike. The bandit,
  warm, learns from these calls. `regret_reduction_vs_baseline` is the part of the baseline's regret that it would
  have saved, the smaller of the two sets; `estimate_error` the mean absolute error of the doubly robust estimate of its
  gain in reward, the larger one; `interval_coverage` the share of all 95 % intervals that held the true gain.
"""

import multiprocessing
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np

from core.ports import Vectors
from deployments.routing_prior import RoutingPrior
from evals.measure.router_cases import Case
from evals.measure.router_figures import nine_figures, pair_figures, shadow_figures
from evals.measure.router_plot import draw
from evals.measure.router_rows import NINE, PAIR, Outcomes, contexts_of, encoded, read_outcomes
from evals.measure.router_trials import pair_trial, shadow_trial, trial
from evals.retrieval import packaged_encoder

T = TypeVar("T")

PRICE = 0.10
OWN_COPY = Path(__file__).parent / "data" / "router"


def run(
    data: Path,
    *,
    plot: Path | None = None,
    seed: int = 0,
    shuffles: int = 20,
    replications: int = 100,
    epsilon: float = 0.1,
) -> Mapping[str, object]:
    """The figures over the outcomes in `data`, with the packaged embedding model and the committed prior."""
    sets = [read_outcomes(data, name) for name in (NINE, PAIR)]
    prior = RoutingPrior.load()
    with tempfile.TemporaryDirectory() as folder:
        encode = packaged_encoder(Path(folder))
        vectors = [encoded(outcomes.questions, encode) for outcomes in sets]
    nine, pair = (case_of(prior, outcomes, own) for outcomes, own in zip(sets, vectors, strict=True))
    return measure(nine, pair, plot=plot, seed=seed, shuffles=shuffles, replications=replications, epsilon=epsilon)


def case_of(prior: RoutingPrior, outcomes: Outcomes, vectors: Vectors, own_copy: Outcomes | None = None) -> Case:
    """A set of outcomes, with what was learned of its arms on the project's own copy (None: the one that is shipped).

    Known are the questions that are there word for word: from these the evidence was made.
    """
    own_copy = own_copy or read_outcomes(OWN_COPY, outcomes.name)
    _, groups = np.unique(outcomes.numbers, return_inverse=True)
    own = {_plain(question) for question in own_copy.questions}
    known = np.array([_plain(question) in own for question in outcomes.questions])
    print(f"{outcomes.name}: {int(known.sum()):,} of {len(known):,} questions are in the project's own copy")
    return Case(
        outcomes.arms,
        contexts_of(prior.projection, vectors, outcomes.questions),
        outcomes.quality,
        outcomes.prices,
        groups.astype(np.int64),
        known,
        prior.learned.get(outcomes.name),
    )


def _plain(question: str) -> str:
    return " ".join(question.casefold().split())


def measure(
    nine: Case, pair: Case, *, plot: Path | None, seed: int, shuffles: int, replications: int, epsilon: float
) -> Mapping[str, object]:
    """The figures of both sets, over `shuffles` shuffles and `replications` shadows each."""
    for name, case in (("nine", nine), ("pair", pair)):
        how = "in halves, each warm from the others" if case.known.any() else "warm from the project's own copy"
        print(f"{name}: {len(case.contexts):,} questions, {int(case.known.sum()):,} of them in the own copy; {how}")
    seeds = range(seed, seed + shuffles)
    trials = _each(partial(trial, nine), seeds)
    pairs = _each(partial(pair_trial, pair, price=PRICE), seeds)
    shadows = {
        f"{name}_{start}": _each(
            partial(shadow_trial, case, price=PRICE, epsilon=epsilon, warm=start == "warm"),
            range(seed, seed + (replications if start == "warm" else shuffles)),
        )
        for name, case in (("nine", nine), ("pair", pair))
        for start in ("warm", "cold")
    }
    figures = {
        "nine": nine_figures(nine, trials),
        "pair": pair_figures(pair, pairs, PRICE),
        "shadow": shadow_figures(shadows),
        "nan": sum(it.nan for it in trials)
        + sum(it.nan for it in pairs)
        + sum(it.nan for of_set in shadows.values() for it in of_set),
    }
    if plot:
        draw(plot, nine, trials, pair, pairs)
    return figures


def _each(work: Callable[[int], T], seeds: Sequence[int]) -> list[T]:
    """`work` for each seed, on all cores. Small matrices are not worth more than one thread each."""
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    with multiprocessing.get_context("spawn").Pool(min(os.cpu_count() or 1, len(seeds))) as pool:
        return pool.map(work, seeds)
