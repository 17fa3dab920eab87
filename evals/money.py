"""Money: what the API costs with everything off, each part on, and all on, and what that does to the answers.

Over a directory with `qmsum`, `semcache_scope` and `router` as in evals/data. The traffic is replayed in two kinds; the
share of the first is `--grounded`, a choice, not a finding:

- grounded questions about meetings: the stream of semcache_scope (questions come back verbatim) over the meetings of
  qmsum. A question costs what retrieval really sends, rules and all, at the price of `--model`; trimming and the cache
  are the product's. Quality is the share of the support for the reference answer that reaches the model (see
  `evals.trimming`); the cache's answer to another question counts 0. No data tells how other models would have
  answered these, so they are not routed.
- general questions: the rows of router, of which every model's outcome is known, routed by the product's bandit, warm
  as in `evals.router`. Off, all go to the best single model by quality - `--cost-weight` * cost (0 to 1) of the first
  200 rows, for each of the two sets; the bandit is paid by the same. Quality is correctness over that of this baseline.
  The cache is on for these too, although none of them comes back: what it serves wrongly is paid for in quality. There
  is nothing to trim in them.

A wrong answer costs what a right one does; a cached one nothing. `saved_share` is 1 - all / off; `quality_change` the
mean change of quality with all on, `quality_change_low95` the lower end of its 95 % interval (bootstrap over
questions). `..._without_credit` is the same with no credit for a support that rises because fillers are gone.
"""

import asyncio
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from core.errors import BadInput
from deployments.routing_prior import RoutingPrior
from evals.measure import money_general, money_grounded
from evals.measure.cache_rows import read_questions
from evals.measure.money_costs import Bill, Numbers, read_prices
from evals.measure.router_rows import NINE, PAIR, encoded, read_outcomes
from evals.measure.trimming_cases import read_cases
from evals.retrieval import packaged_encoder, read_meetings
from evals.router import case_of

WAYS = ("off", "cache", "trimming", "routing", "all")
_OWN = Path(__file__).parent / "data"
_RESAMPLES = 2000


def run(
    data: Path = _OWN,
    *,
    grounded: float = 0.5,
    model: str = "gpt-4-1106-preview",
    meetings: int = 20,
    general: int = 1000,
    written: int = 150,
    cost_weight: float = 0.02,
    seed: int = 0,
) -> Mapping[str, object]:
    """The figures for a mix with a share of `grounded` questions, with the packaged embedding model.

    Raises BadInput where a data set is missing, or `model` has no price.
    """
    if not 0.0 <= grounded <= 1.0:
        raise BadInput(f"--grounded is {grounded}.", "Give a share from 0 to 1.")
    prices = read_prices(data / "router")
    if model not in prices:
        raise BadInput(f"{model} has no price.", f"Give --model one of {', '.join(sorted(prices))}.")
    found = [meeting for meeting in read_meetings(data / "qmsum", markers=True) if meeting.queries]
    found = found[:: max(1, len(found) // meetings)][:meetings]
    rows = read_questions(data / "semcache_scope").rows
    with tempfile.TemporaryDirectory() as folder:
        encode = packaged_encoder(Path(folder))
        cases = asyncio.run(read_cases(found, encode))
        credited, uncredited = money_grounded.bills(rows, cases, prices[model], encode, seed)
        others = []
        prior = RoutingPrior.load()
        for name in (NINE, PAIR):
            outcomes = money_general.sample(read_outcomes(data / "router", name), general, seed)
            vectors = encoded(outcomes.questions, encode)
            case = case_of(prior, outcomes, vectors)
            others.append(
                money_general.bills(
                    outcomes, case, vectors, prices, written=written, cost_weight=cost_weight, seed=seed
                )
            )
    parts = [((1 - grounded) / len(others), bills) for bills in others]
    measured, strict = (figures([(grounded, bills), *parts], seed) for bills in (credited, uncredited))
    _show(measured)
    without = {f"{name}_without_credit": strict[name] for name in ("quality_change", "quality_change_low95")}
    questions = {"grounded": len(credited["off"].usd), "general": sum(len(bills["off"].usd) for bills in others)}
    return measured | without | {"questions": questions}


def figures(parts: Sequence[tuple[float, Mapping[str, Bill]]], seed: int) -> dict[str, Any]:
    """The figures of streams, each with its share of the traffic."""
    table = {
        way: {
            "usd_per_1000": sum(share * 1000 * float(bills[way].usd.mean()) for share, bills in parts),
            "quality": sum(share * float(bills[way].quality.mean()) for share, bills in parts),
        }
        for way in WAYS
    }
    rng = np.random.default_rng(seed)
    changes = sum(share * _resampled(bills["off"], bills["all"], rng) for share, bills in parts)
    return {
        **{way: {name: round(value, 5) for name, value in row.items()} for way, row in table.items()},
        "saved_share": round(1 - table["all"]["usd_per_1000"] / table["off"]["usd_per_1000"], 4),
        "quality_change": round(table["all"]["quality"] - table["off"]["quality"], 4),
        "quality_change_low95": round(float(np.percentile(changes, 2.5)), 4),
    }


def _resampled(off: Bill, on: Bill, rng: np.random.Generator) -> Numbers:
    """The mean change of quality in each of many samples of questions, each with all its repeats."""
    _, unit = np.unique(off.unit, return_inverse=True)
    sums, counts = np.bincount(unit, weights=on.quality - off.quality), np.bincount(unit)
    drawn = rng.integers(0, len(sums), (_RESAMPLES, len(sums)))
    return np.asarray(sums[drawn].sum(axis=1) / counts[drawn].sum(axis=1))


def _show(measured: Mapping[str, Any]) -> None:
    for way in WAYS:
        row, saved = measured[way], 1 - measured[way]["usd_per_1000"] / measured["off"]["usd_per_1000"]
        told = f"{row['usd_per_1000']:8.3f} USD for 1,000 questions, {saved:5.1%} saved"
        print(f"{way:9s} {told}, quality {row['quality']:.4f}")
