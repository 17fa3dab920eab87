"""Quantiles of a stream in a few hundred counts: every quantile within 1 % of its value, and two sketches add up.

DDSketch: C. Masson, J. E. Rim and H. K. Lee, "DDSketch: a fast and fully-mergeable quantile sketch with relative-error
guarantees", VLDB 2019. Bucket i counts the values in (g^(i-1), g^i] with g = (1 + e) / (1 - e), e = 0.01, so the middle of a
bucket is within 1 % of each value in it. All sketches have the same buckets, so merging is adding and loses nothing.
"""

import math

from core.entities import State
from core.errors import BadInput
from core.metric_sums import checked_number

RELATIVE_ERROR = 0.01
SMALLEST, GREATEST = 1e-9, 1e12
"""Values below the one count as 0, values above the other as it: the sketch has at most 2,416 buckets."""

_LOG_BASE = math.log((1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR))


class QuantileSketch(State, frozen=True):
    """How many values fell into each bucket; `zeros` are those below `SMALLEST`. The counts are never changed in place."""

    n: int = 0
    zeros: int = 0
    counts: dict[int, int] = {}  # noqa: RUF012: msgspec copies it

    def add(self, value: float) -> "QuantileSketch":
        """This sketch and one value more. Raises BadInput for a value that is negative or not finite."""
        number = checked_number(value, "value")
        if number < 0.0:
            raise BadInput(f"The value {number:g} is negative; quantiles are kept of times and sizes.", "Report 0 or more.")
        if number < SMALLEST:
            return QuantileSketch(self.n + 1, self.zeros + 1, self.counts)
        bucket = math.ceil(math.log(min(number, GREATEST)) / _LOG_BASE)
        return QuantileSketch(self.n + 1, self.zeros, {**self.counts, bucket: self.counts.get(bucket, 0) + 1})

    def merge(self, other: "QuantileSketch") -> "QuantileSketch":
        """The values of both."""
        counts = dict(self.counts)
        for bucket, count in other.counts.items():
            counts[bucket] = counts.get(bucket, 0) + count
        return QuantileSketch(self.n + other.n, self.zeros + other.zeros, counts)

    def quantile(self, share: float) -> float | None:
        """The value that `share` (0 to 1) of all are at most, within 1 %; None where there are no values."""
        if not 0.0 <= share <= 1.0:
            raise BadInput(f"The quantile {share:g} is not in 0 to 1.", "Take 0.95 for the 95th percentile.")
        if self.n == 0:
            return None
        rank = max(1, math.ceil(share * self.n))
        return next(value for value, below in self.steps() if below >= rank)

    def steps(self) -> list[tuple[float, int]]:
        """The middle of each bucket that has values, rising, with how many values lie in it or below."""
        below, found = self.zeros, [(0.0, self.zeros)] if self.zeros else []
        for bucket in sorted(self.counts):
            below += self.counts[bucket]
            found.append((math.exp((bucket - 0.5) * _LOG_BASE) * _CENTRE, below))
        return found


# The middle of a bucket is 2 g^i / (g + 1): the same relative distance from both of its ends.
_CENTRE = 2 / (math.exp(0.5 * _LOG_BASE) + math.exp(-0.5 * _LOG_BASE))
