"""The picture of `evals trimming`: what each way to trim loses for what it saves."""

from collections.abc import Mapping, Sequence
from pathlib import Path

Point = tuple[float, float]


def draw(path: Path, curves: Mapping[str, Sequence[Point]], shipped: Point) -> None:
    """Loss of support against tokens removed, both in per cent, one line for each way; `shipped` is marked."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(figsize=(7, 4.5), layout="constrained")
    for name, points in curves.items():
        ordered = sorted(points)
        axes.plot(
            [100 * removed for removed, _ in ordered],
            [100 * drop for _, drop in ordered],
            marker="o",
            linewidth=2.5 if name == "ours" else 1.2,
            label=name,
        )
    axes.plot(
        100 * shipped[0], 100 * shipped[1], marker="*", markersize=16, color="black", linestyle="", label="shipped"
    )
    axes.axhline(1.0, color="grey", linestyle=":", label="1 % loss")
    axes.set_xlabel("tokens removed, % (median over queries)")
    axes.set_ylabel("loss of support for the answer, %")
    axes.set_ylim(-1.5, 12)
    axes.legend()
    figure.savefig(path, dpi=120)
    pyplot.close(figure)
