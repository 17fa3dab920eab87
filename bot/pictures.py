"""Pictures as PNG bytes. matplotlib is imported when the first is drawn, and never draws in the event loop's thread."""

import asyncio
import io
from collections.abc import Sequence
from dataclasses import dataclass

from core.experiment_ports import ExperimentHistory

MAX_ROWS = 12
_WIDTH_IN, _ROW_IN, _FRAME_IN, _DPI = 7.0, 0.35, 1.2, 110


@dataclass(frozen=True, slots=True)
class _Row:
    """A gain with its interval, if there is one, and what stands beside it."""

    label: str
    gain: float
    low: float | None
    high: float | None


async def experiment_png(value: ExperimentHistory) -> bytes:
    """The gains of an experiment's candidates with their intervals: at each decision, and now."""
    rows, plan = _rows(value), value.report.plan
    title, unit = f"{plan.name}: {value.report.phase}", f"gain of {plan.primary.name} over {plan.control}"
    return await asyncio.to_thread(_forest, title, unit, rows, plan.least_gain)


def _rows(value: ExperimentHistory) -> Sequence[_Row]:
    rows = [
        _Row(f"{made.before} to {made.after}: {gain.variant}", gain.gain, gain.low, gain.high)
        for made in value.decisions
        for gain in made.evidence.gains
    ]
    rows += [_Row(f"now: {gain.variant}", gain.gain, gain.low, gain.high) for gain in value.report.evidence.gains]
    return rows[-MAX_ROWS:]


def _forest(title: str, unit: str, rows: Sequence[_Row], least_gain: float | None) -> bytes:
    """A row for each gain, the newest below; what has no interval yet is a hollow point."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(_WIDTH_IN, _FRAME_IN + _ROW_IN * max(1, len(rows))), dpi=_DPI, layout="constrained")
    axes = figure.add_subplot()
    axes.axvline(0.0, color="0.4", linewidth=1)
    if least_gain is not None:
        axes.axvline(least_gain, color="tab:green", linewidth=1, linestyle="--")
        unit += f" (dashed: {least_gain:g} is asked for)"
    for place, row in enumerate(rows):
        known = row.low is not None and row.high is not None
        if row.low is not None and row.high is not None:
            axes.hlines(place, row.low, row.high, color="tab:blue", linewidth=3)
        face = "tab:blue" if known else "white"
        axes.plot([row.gain], [place], marker="o", color="tab:blue", markerfacecolor=face)
    axes.set_yticks(range(len(rows)), [row.label for row in rows])
    axes.set_ylim(max(1, len(rows)) - 0.5, -0.5)
    axes.set_xlabel(unit)
    axes.set_title(title)
    written = io.BytesIO()
    figure.savefig(written, format="png")
    return written.getvalue()
