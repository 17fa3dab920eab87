"""The streaming sums of a metric of one variant: six numbers that grow by one observation, or by those of others.

They are enough for a mean, its variance, CUPED with a covariate that was known before the experiment, and a ratio of
two sums. An observation must be independent of the others: where a unit gives many, sum them by unit and take a ratio.
"""

from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from core.entities import State
from core.errors import BadInput

Numbers: TypeAlias = float | NDArray[np.float64]

LARGEST = 1e100
_ROUNDING = 1e-12


class Moments(NamedTuple):
    """The sums as plain numbers, or as arrays of one shape: the sums of many streams, or after each observation."""

    n: Numbers
    mean: Numbers
    m2: Numbers
    x_mean: Numbers
    x_m2: Numbers
    xy: Numbers

    def merge(self, other: "Moments") -> "Moments":
        """The sums of both ("Updating formulae and a pairwise algorithm", Chan, Golub and LeVeque, 1979)."""
        n = self.n + other.n
        whole = np.maximum(n, 1)
        share, weight = other.n / whole, self.n * other.n / whole
        gap, x_gap = other.mean - self.mean, other.x_mean - self.x_mean
        return Moments(
            n,
            self.mean + gap * share,
            self.m2 + other.m2 + gap * gap * weight,
            self.x_mean + x_gap * share,
            self.x_m2 + other.x_m2 + x_gap * x_gap * weight,
            self.xy + other.xy + gap * x_gap * weight,
        )

    def varies(self) -> NDArray[np.bool_]:
        """Whether the values differ by more than what rounding makes of equal ones."""
        return np.asarray(self.m2 > self.n * (_ROUNDING * np.abs(self.mean)) ** 2)

    def covaries(self) -> NDArray[np.bool_]:
        """Whether the covariates do."""
        return np.asarray(self.x_m2 > self.n * (_ROUNDING * np.abs(self.x_mean)) ** 2)


class MetricSums(State, frozen=True):
    """A metric's observations so far: `n`, the mean, and the sum of squares around it (`m2`).

    `x_mean`, `x_m2` are the same of the covariate or of the ratio's denominator, and `xy` is the sum of products around
    both means.
    """

    n: int = 0
    mean: float = 0.0
    m2: float = 0.0
    x_mean: float = 0.0
    x_m2: float = 0.0
    xy: float = 0.0

    def add(self, value: float, covariate: float | None = None) -> "MetricSums":
        """These sums and one observation more (Welford, 1962).

        `covariate` is what was known of the unit before it got a variant (the same metric in the weeks before), or the
        denominator of a ratio; None counts as 0.0, which stays valid because both variants are treated alike.
        Raises BadInput for a number that is not finite.
        """
        value = checked_number(value, "value")
        x = 0.0 if covariate is None else checked_number(covariate, "covariate")
        n = self.n + 1
        gap, x_gap = value - self.mean, x - self.x_mean
        mean, x_mean = self.mean + gap / n, self.x_mean + x_gap / n
        return MetricSums(
            n,
            mean,
            self.m2 + gap * (value - mean),
            x_mean,
            self.x_m2 + x_gap * (x - x_mean),
            self.xy + x_gap * (value - mean),
        )

    def merge(self, other: "MetricSums") -> "MetricSums":
        """These observations and those of `other`."""
        merged = self.moments.merge(other.moments)
        return MetricSums(self.n + other.n, *(float(number) for number in merged[1:]))

    @property
    def moments(self) -> Moments:
        return Moments(self.n, self.mean, self.m2, self.x_mean, self.x_m2, self.xy)

    @property
    def variance(self) -> float:
        """The sample variance; 0.0 below two observations."""
        return self.m2 / (self.n - 1) if self.n > 1 else 0.0

    @property
    def total(self) -> float:
        return self.mean * self.n


def checked_number(value: float, name: str) -> float:
    """`value` as a float. Raises BadInput, with the metric's part by `name`, where it could spoil the sums."""
    number = float(value)
    # Not the other way round: NaN is neither above nor below anything.
    if not abs(number) <= LARGEST:
        problem = f"The {name} of the metric is {number:g}, which is not a number that can be summed."
        raise BadInput(problem, "Leave the observation out, or report it as an error of its own.")
    return number


def running_moments(values: NDArray[np.float64], taken: NDArray[np.bool_], x: Numbers = 0.0) -> Moments:
    """The sums after each observation of `values`, along the last axis, of those that are `taken`.

    The array form of `MetricSums.add`, for simulations, and equal to it up to rounding: the sums are formed around the
    first value of each row. Before the first one taken the means are 0.0.
    """
    values, x = np.broadcast_arrays(np.asarray(values, np.float64), np.asarray(x, np.float64))
    start, x_start = values[..., :1], x[..., :1]
    weight = taken.astype(np.float64)
    n = np.cumsum(weight, axis=-1)
    whole = np.maximum(n, 1.0)

    def mean_of(numbers: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.asarray(np.cumsum(numbers * weight, axis=-1) / whole)

    y, z = values - start, x - x_start
    y_mean, z_mean = mean_of(y), mean_of(z)
    some = n > 0
    return Moments(
        n,
        np.where(some, y_mean + start, 0.0),
        n * np.maximum(mean_of(y * y) - y_mean * y_mean, 0.0),
        np.where(some, z_mean + x_start, 0.0),
        n * np.maximum(mean_of(z * z) - z_mean * z_mean, 0.0),
        n * (mean_of(y * z) - y_mean * z_mean),
    )
