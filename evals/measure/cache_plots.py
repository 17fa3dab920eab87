"""Draws what the answer cache answers rightly against what it answers wrongly."""

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from core.answer_cache_messages import CacheRules


class Point(NamedTuple):
    """One setting: the share of wrong answers among those served, and of right hits among those possible."""

    wrong_share: float
    useful_recall: float


def draw(path: Path, ours: Sequence[Point], static: Sequence[Point], shipped: Point) -> None:
    """Write the plot to `path` (.png or .svg)."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    delta = CacheRules().delta
    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    axes.axvspan(0, 100 * delta, color="tab:green", alpha=0.08, label=f"bound: at most {100 * delta:g} % wrong")
    for points, label, style in ((static, "one cosine threshold", "s-"), (ours, "answer cache, by its bound", "o-")):
        axes.plot(
            [100 * point.wrong_share for point in points],
            [100 * point.useful_recall for point in points],
            style,
            markersize=4,
            label=label,
        )
    axes.plot(100 * shipped.wrong_share, 100 * shipped.useful_recall, "k*", markersize=14, label="as shipped")
    axes.set(
        xlim=(0, 10),
        ylim=(0, 70),
        xlabel="wrong among the served answers, %",
        ylabel="useful recall: right hits among those possible, %",
        title="Answers from the cache: how many, and how many wrong",
    )
    axes.grid(alpha=0.3)
    axes.legend(loc="lower right")
    figure.savefig(path, dpi=150)
    pyplot.close(figure)
