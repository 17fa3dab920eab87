"""Percentiles and spreads of measured values."""

from collections.abc import Sequence

import numpy as np


def percentile(values: Sequence[float], percent: float) -> float:
    """The `percent`-th percentile (0 to 100) with linear interpolation. Raises ValueError for no values."""
    if not values:
        raise ValueError("there are no values")
    return float(np.percentile(np.asarray(values, dtype=float), percent))


def spread(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """The median with the smallest and the largest value beside it, rounded."""
    return {
        "median": round(percentile(values, 50), digits),
        "min": round(min(values), digits),
        "max": round(max(values), digits),
    }
