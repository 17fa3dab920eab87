"""Money, the general half: questions whose answer by every model is known, routed as the product routes."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from core.answer_cache_messages import CacheRules
from core.answer_cache_prior import PRIOR
from core.ports import Vectors
from core.words import count_tokens
from evals.measure.cache_rows import Questions, Row
from evals.measure.cache_stream import play
from evals.measure.money_costs import Bill, Numbers, Price
from evals.measure.router_cases import Case
from evals.measure.router_rows import Outcomes
from evals.measure.router_streams import thompson

# What an operator looks at before settling on one model.
FIRST = 200
_DELAY = 8


def sample(outcomes: Outcomes, count: int, seed: int) -> Outcomes:
    """`count` of the questions in an order of `seed`."""
    rows = np.random.default_rng([seed, 5]).permutation(len(outcomes.questions))[:count]
    return replace(outcomes, questions=tuple(outcomes.questions[row] for row in rows), quality=outcomes.quality[rows])


def bills(
    outcomes: Outcomes,
    case: Case,
    vectors: Vectors,
    prices: Mapping[str, Price],
    *,
    written: int,
    cost_weight: float,
    seed: int,
) -> dict[str, Bill]:
    """What the questions cost with nothing on, the cache, trimming (which has nothing to trim), routing, and all.

    Every answer is taken to have `written` words. Off, all go to the best single model by quality - `cost_weight` *
    cost of the first rows. Quality is that of the answer over the mean of this baseline; an answer that the cache gave
    to another question counts 0.
    """
    usd = np.array(
        [[prices[arm].of(count_tokens(text), written) for arm in outcomes.arms] for text in outcomes.questions]
    )
    baseline = int(case.utility(cost_weight)[:FIRST].mean(axis=0).argmax())
    scale = float(outcomes.quality[:, baseline].mean())
    every = np.arange(len(outcomes.questions))
    arms = (np.full(len(every), baseline), _routed(case, cost_weight, seed))
    missed, right = _cached(outcomes, vectors, seed)
    unit = [str(number) for number in outcomes.numbers]
    quality = outcomes.quality / max(scale, 1e-9)
    off, routed = (Bill(usd[every, arm], quality[every, arm], unit) for arm in arms)

    def cached(bill: Bill) -> Bill:
        return Bill(bill.usd * missed, bill.quality * right, unit)

    return {"off": off, "cache": cached(off), "trimming": off, "routing": routed, "all": cached(routed)}


def _routed(case: Case, cost_weight: float, seed: int) -> NDArray[np.intp]:
    """The arm of each question; those that the warm start knows are learned from the other half, as in evals.router."""
    used = np.zeros(len(case.contexts), np.intp)
    rng = np.random.default_rng([seed, 6])
    for rows in case.halves(rng):
        used[rows] = thompson(case.stream(rows, cost_weight, warm=True, delay=_DELAY), rng).used
    return used


def _cached(outcomes: Outcomes, vectors: Vectors, seed: int) -> tuple[Numbers, Numbers]:
    """Whether the model was asked (1) and whether the answer is one to this question (1), for each."""
    groups = [str(number) for number in outcomes.numbers]
    rows = tuple(
        Row(str(at), text, group, "general")
        for at, (text, group) in enumerate(zip(outcomes.questions, groups, strict=True))
    )
    served = play(Questions("scope", rows), vectors, lambda _: PRIOR, CacheRules(), seed).served
    missed = np.array([who is None for who in served], dtype=float)
    right = np.array([who is None or who == group for who, group in zip(served, groups, strict=True)], dtype=float)
    return missed, right
