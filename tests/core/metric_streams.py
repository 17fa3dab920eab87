"""Streams of a metric for the tests of the statistics."""

from collections.abc import Iterable, Sequence
from typing import TypeAlias

import numpy as np
from hypothesis import strategies as st

from core.metric_sums import MetricSums
from core.quantile_sketch import QuantileSketch

Pairs: TypeAlias = Sequence[tuple[float, float]]

_NUMBERS = st.floats(-1e3, 1e3, allow_subnormal=False).map(lambda number: round(number, 6))


def pairs(min_size: int = 0, max_size: int = 40) -> st.SearchStrategy[Pairs]:
    """Values with their covariates."""
    return st.lists(st.tuples(_NUMBERS, _NUMBERS), min_size=min_size, max_size=max_size)


def sums_of(found: Iterable[tuple[float, float]]) -> MetricSums:
    sums = MetricSums()
    for value, covariate in found:
        sums = sums.add(value, covariate)
    return sums


def sums_of_values(values: Iterable[float]) -> MetricSums:
    return sums_of((float(value), 0.0) for value in values)


def rate(ones: int, of: int) -> MetricSums:
    """The sums of `of` outcomes, `ones` of them 1."""
    return MetricSums(of, ones / of, ones * (1 - ones / of)) if of else MetricSums()


def sketch_of(values: Iterable[float]) -> QuantileSketch:
    sketch = QuantileSketch()
    for value in np.asarray(values, dtype=float):
        sketch = sketch.add(float(value))
    return sketch
