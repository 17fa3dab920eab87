"""Quantiles of a stream in a few hundred counts: every quantile within 1 % of its value, and two sketches add up.

DDSketch: C. Masson, J. E. Rim and H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019. Bucket i counts the values in (g^(i-1), g^i] with g = (1 + e) / (1 - e), e = 0.01, so the middle
of a bucket is within 1 % of each value in it. All sketches have the same buckets: merging is adding and loses nothing.
"""

import math

import msgspec
import numpy as np
from numpy.typing import NDArray

from core.entities import State
from core.errors import BadInput
from core.metric_sums import checked_number

RELATIVE_ERROR = 0.01
SMALLEST, GREATEST = 1e-9, 1e12
"""A value below the one counts as it, one above the other as that: at most 2,419 buckets."""

LOG_BASE = math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))
# The middle of a bucket is 2 g^i / (g + 1): as far, relative to them, from both of its ends.
_MIDDLE = 2 / (math.exp(LOG_BASE) + 1)


class QuantileSketch(State, frozen=True):
    """How many values fell into each bucket. The counts are never changed in place."""

    n: int = 0
    counts: dict[int, int] = msgspec.field(default_factory=dict)

    def add(self, value: float) -> "QuantileSketch":
        """This sketch and one value more. Raises BadInput for a value that is negative or not finite."""
        number = checked_number(value, "value")
        if number < 0.0:
            raise BadInput(f"The value {number:g} is negative; quantiles are of times and sizes.", "Report 0 or more.")
        bucket = math.ceil(math.log(min(max(number, SMALLEST), GREATEST)) / LOG_BASE)
        return QuantileSketch(self.n + 1, {**self.counts, bucket: self.counts.get(bucket, 0) + 1})

    def merge(self, other: "QuantileSketch") -> "QuantileSketch":
        """The values of both."""
        counts = dict(self.counts)
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return QuantileSketch(self.n + other.n, counts)

    def quantile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of all are at most, within 1 %; None where there are no values."""
        if not 0.0 <= share <= 1.0:
            raise BadInput(f"The quantile {share:g} is not in 0 to 1.", "Take 0.95 for the 95th percentile.")
        rank, below = max(1, math.ceil(share * self.n)), 0
        for bucket in sorted(self.counts):
            below += self.counts[bucket]
            if below >= rank:
                return _MIDDLE * math.exp(bucket * LOG_BASE)
        return None

    def above(self, first: int, last: int) -> NDArray[np.float64]:
        """How many values lie above each bucket from `first` to `last`, which holds all of them."""
        counts = np.zeros(last - first + 1)
        for bucket, count in self.counts.items():
            counts[bucket - first] = count
        return self.n - np.cumsum(counts)
