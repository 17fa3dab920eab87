"""The picture of the routing evaluation: regret over time of nine models, quality against cost of the pair."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from matplotlib.figure import Figure

from evals.measure.router_cases import Case
from evals.measure.router_trials import SHARES, PairTrial, Trial


def draw(path: Path, nine: Case, trials: Sequence[Trial], pair: Case, pairs: Sequence[PairTrial]) -> None:
    """Write the picture to `path` (.png or .svg)."""
    figure = Figure(figsize=(12.0, 4.8), layout="constrained")
    left, right = figure.subplots(1, 2)
    oracle = np.mean([np.cumsum(it.oracle) for it in trials], axis=0)
    asked = np.arange(1, len(oracle) + 1)
    random = np.cumsum(np.full(len(oracle), nine.quality.mean()))
    best = np.mean([np.cumsum(it.best_single) for it in trials], axis=0)
    left.plot(asked, oracle - random, color="tab:gray", label="random")
    left.plot(asked, oracle - best, color="black", linestyle="--", label="best single model (hindsight)")
    for name, colour in (("cold", "tab:blue"), ("warm", "tab:green")):
        sums = np.array([np.cumsum(getattr(it, name)) for it in trials])
        # A warm run's halves are shorter streams: its regret is that of the rate.
        low, high = (oracle - np.percentile(sums, percent, axis=0) for percent in (90, 10))
        left.plot(asked, oracle - sums.mean(axis=0), color=colour, label=f"Thompson sampling, {name}")
        left.fill_between(asked, low, high, color=colour, alpha=0.15, linewidth=0)
    left.set(xlabel="questions asked", ylabel="regret to the oracle (answers lost)", title="Nine models, one pass")
    left.legend(loc="upper left")
    _pair(right, pair, pairs)
    figure.savefig(path, dpi=120)


def _pair(axes: object, pair: Case, pairs: Sequence[PairTrial]) -> None:
    from matplotlib.axes import Axes

    assert isinstance(axes, Axes)
    strong = int(pair.prices.argmax())
    ends = (float(pair.quality[:, 1 - strong].mean()), float(pair.quality[:, strong].mean()))
    spent = np.mean([it.spent for it in pairs], axis=0)
    quality = np.mean([it.quality for it in pairs], axis=0)
    axes.plot([0.0, 1.0], ends, color="tab:gray", linestyle="--", label="random mix")
    axes.plot([0.0, *spent, 1.0], [ends[0], *quality, ends[1]], "o-", color="tab:green", label="by expected gain, warm")
    oracle = float(pair.quality.max(axis=1).mean())
    axes.axhline(oracle, color="black", linestyle=":", label="oracle")
    axes.set(
        xlabel="share of calls to the strong model", ylabel="share of right answers", title="Strong and weak model"
    )
    axes.set_xticks([0.0, *SHARES, 1.0])
    axes.legend(loc="lower right")
