"""The plot of `python -m evals experiments`: why one may look at any time, and what it costs."""

from pathlib import Path
from typing import Any

import matplotlib as mpl
import numpy as np

from evals.measure.experiment_streams import Block, Integers, Looks

mpl.use("Agg")
from matplotlib import pyplot

_SAFE, _PEEKING, _TRUTH = "#1f6fb4", "#d1495b", "#444444"


def draw(
    file: Path, example: Block, same: Looks, differing: Looks, planned: int, units: int, alpha: float, burn_in: int
) -> None:
    """Write the three panels to `file`. `planned` is the single look's number of observations."""
    figure, (left, middle, right) = pyplot.subplots(1, 3, figsize=(17, 5.2), layout="constrained")
    _intervals(left, example, units, alpha, burn_in)
    _shares(
        middle, units, [(same.sequence, _SAFE, "confidence sequence"), (same.peeking, _PEEKING, "peeking at a z test")]
    )
    middle.axhline(alpha, color=_TRUTH, linestyle="--", linewidth=1, label=f"what was promised: {alpha:.0%}")
    middle.set(title="Both variants are the same:\nhow many runs have said by now that they differ", xscale="log")
    middle.set(ylabel="share of runs with a false alarm so far", xlim=(burn_in, units))
    middle.legend(loc="upper left", frameon=False)
    _shares(right, 2 * planned, [(differing.sequence, _SAFE, "confidence sequence, a look each time")])
    power = float(np.mean(differing.planned))
    right.plot([planned], [power], "o", color=_TRUTH, label="z test with its one look, at the planned size")
    right.set(title="The variants differ:\nhow many runs have seen it by now", ylim=(0, 1))
    right.set(ylabel="share of runs that have decided so far")
    right.legend(loc="lower right", frameon=False)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)


def _intervals(axes: Any, example: Block, units: int, alpha: float, burn_in: int) -> None:
    """The run of the block that fools who peeks for longest, and the sequence never."""
    effect, half = example.sequence(alpha, burn_in)
    _, single = example.single_look(burn_in)
    number = int(((np.abs(effect) > single).sum(axis=1) * ~(np.abs(effect) > half).any(axis=1)).argmax())
    at = np.arange(1, units + 1)
    for width, color, name in (
        (half[number], _SAFE, f"confidence sequence, {1 - alpha:.0%} over all looks"),
        (single[number], _PEEKING, "95 % interval that is meant for one look"),
    ):
        known = np.isfinite(width)
        middle = effect[number][known]
        axes.fill_between(at[known], middle - width[known], middle + width[known], color=color, alpha=0.25, label=name)
    axes.plot(at, effect[number], color="black", linewidth=0.8, label="difference so far")
    false = np.abs(effect[number]) > single[number]
    axes.plot(at[false], np.zeros(false.sum()), "|", color=_PEEKING, markersize=9, label="peeking says: they differ")
    axes.axhline(0.0, color=_TRUTH, linestyle="--", linewidth=1, label="the truth")
    known = np.isfinite(half[number])
    shown = 1.1 * float((half[number] + np.abs(effect[number]))[known].max(initial=0.1))
    axes.set(title="One run in which both variants are the same,\nand peeking is fooled", xscale="log")
    axes.set(xlabel="observations (both variants)", ylabel="treatment minus control, in standard deviations")
    axes.set(xlim=(burn_in, units), ylim=(-shown, shown))
    below = float(effect[number][known].sum()) > 0
    axes.legend(loc="lower right" if below else "upper right", frameon=False, fontsize=8)


def _shares(axes: Any, units: int, lines: list[tuple[Integers, str, str]]) -> None:
    at = np.arange(1, units + 1)
    for stops, color, name in lines:
        reached = np.cumsum(np.bincount(stops[stops > 0], minlength=units + 1)[1 : units + 1]) / len(stops)
        axes.plot(at, reached, color=color, label=name)
    axes.set(xlabel="observations (both variants)")
