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
questions).
"""

import asyncio
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from core.errors import BadInput
from deployments.routing_prior import RoutingPrior
from evals.measure import money_general, money_grounded
from evals.measure.cache_rows import read_questions
from evals.measure.money_costs import Bill, read_prices
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
        halves = {"grounded": [money_grounded.bills(rows, cases, prices[model], encode, seed)], "general": []}
        prior = RoutingPrior.load()
        for name in (NINE, PAIR):
            outcomes = money_general.sample(read_outcomes(data / "router", name), general, seed)
            vectors = encoded(outcomes.questions, encode)
            case = case_of(prior, outcomes, vectors)
            halves["general"].append(
                money_general.bills(
                    outcomes, case, vectors, prices, written=written, cost_weight=cost_weight, seed=seed
                )
            )
    parts = [(grounded / len(halves["grounded"]), it) for it in halves["grounded"]]
    parts += [((1 - grounded) / len(halves["general"]), it) for it in halves["general"]]
    return figures(parts, seed) | {"questions": {name: sum(map(_size, of)) for name, of in halves.items()}}


def figures(parts: list[tuple[float, dict[str, Bill]]], seed: int) -> dict[str, object]:
    """The figures of streams, each with its share of the traffic."""
    table = {way: {"usd_per_1000": 0.0, "quality": 0.0} for way in WAYS}
    for share, bills in parts:
        for way in WAYS:
            table[way]["usd_per_1000"] += share * 1000 * float(bills[way].usd.mean())
            table[way]["quality"] += share * float(bills[way].quality.mean())
    for way, row in table.items():
        saved = 1 - row["usd_per_1000"] / table["off"]["usd_per_1000"]
        print(
            f"{way:9s} {row['usd_per_1000']:8.3f} USD for 1,000 questions ({saved:6.1%} saved), "
            f"quality {row['quality']:.4f}"
        )
    rng = np.random.default_rng(seed)
    changes = np.zeros(_RESAMPLES)
    for share, bills in parts:
        change = bills["all"].quality - bills["off"].quality
        drawn = rng.integers(0, len(change), (_RESAMPLES, len(change)))
        changes += share * change[drawn].mean(axis=1)
    return {
        **{way: {name: round(value, 5) for name, value in row.items()} for way, row in table.items()},
        "saved_share": round(1 - table["all"]["usd_per_1000"] / table["off"]["usd_per_1000"], 4),
        "quality_change": round(table["all"]["quality"] - table["off"]["quality"], 4),
        "quality_change_low95": round(float(np.percentile(changes, 2.5)), 4),
    }


def _size(bills: Mapping[str, Bill]) -> int:
    return len(bills["off"].usd)
