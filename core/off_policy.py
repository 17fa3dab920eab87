"""What a policy would have earned that was not the one in charge: off-policy estimates from what was logged.

For each decision with a reward r the log holds the arm a that was used, the probability mu with which it was used, the
probabilities pi and beta with which the target policy and the baseline would have used it, and what a model expected
beforehand: of this arm (q), and of target and baseline on average (m_pi, m_beta). With w = pi/mu and v = beta/mu:

- IPS (Horvitz and Thompson 1952): the mean of w r;
- SNIPS (Swaminathan and Joachims 2015): sum w r / sum w, a little biased and much steadier;
- doubly robust (Dudik et al. 2011): the mean of m_pi + w (r - q), unbiased whatever the model expects, because it was
  fixed before the reward was known, and the steadier the better that is.

All three need only sums, which are kept as one symmetric matrix. The gain of target over baseline is estimated from the
differences within a decision, which cancel what makes a question hard. Intervals are those of a martingale's central
limit; policies that learn while they are logged are allowed. `always_from` holds at every look, not only at one fixed
beforehand: it uses the boundary of the experiments' confidence sequences.
"""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.confidence_sequences import BURN_IN, boundary
from core.entities import State
from core.errors import BadInput

Z_95 = 1.959964
_QUANTITIES = 7  # 1, w, v, w r, v r, and the doubly robust terms of target and baseline
_ROWS, _COLUMNS = np.triu_indices(_QUANTITIES)
_ALPHA = 0.05


class OffPolicySums(State, frozen=True):
    """Sums of products of the seven quantities: upper triangle by rows, float64, little-endian."""

    sums: bytes = bytes(8 * _QUANTITIES * (_QUANTITIES + 1) // 2)


@dataclass(frozen=True, slots=True)
class Logged:
    """A decision and its reward; see the formulas above."""

    used: float
    target: float
    baseline: float
    reward: float
    expected: float
    expected_of_target: float
    expected_of_baseline: float


@dataclass(frozen=True, slots=True)
class Estimate:
    """A value with its standard error and 95 % interval. `always_from` bounds it from below at every look."""

    value: float
    error: float
    low: float
    high: float
    always_from: float


@dataclass(frozen=True, slots=True)
class OffPolicyReport:
    """Gains of the target over the baseline, in units of reward, and what they rest on.

    `effective_n` is Kish's effective sample size of the target's weights: how many decisions would tell as much if the
    target had been in charge. `baseline` is what the baseline earned (doubly robust).
    """

    n: int
    effective_n: float
    ips: Estimate
    snips: Estimate
    doubly_robust: Estimate
    baseline: float


def logged(sums: OffPolicySums, entry: Logged) -> OffPolicySums:
    """`sums` with one decision more. Raises BadInput where a number is out of its range: nothing may become NaN."""
    if not 1e-6 <= entry.used <= 1.0:
        raise BadInput(f"An arm was used with the probability {entry.used}.", "Log what it was drawn with.")
    if not (0.0 <= entry.target <= 1.0 and 0.0 <= entry.baseline <= 1.0 and 0.0 <= entry.reward <= 1.0):
        raise BadInput("A probability or a reward is not within 0 and 1.", "Correct the log.")
    expected = (entry.expected, entry.expected_of_target, entry.expected_of_baseline)
    if not all(abs(value) <= 1e3 for value in expected):
        raise BadInput(f"A model expects the rewards {expected}.", "Correct the model.")
    w, v = entry.target / entry.used, entry.baseline / entry.used
    surprise = entry.reward - entry.expected
    quantities = np.array(
        [
            1.0,
            w,
            v,
            w * entry.reward,
            v * entry.reward,
            entry.expected_of_target + w * surprise,
            entry.expected_of_baseline + v * surprise,
        ]
    )
    added = np.frombuffer(sums.sums, "<f8") + quantities[_ROWS] * quantities[_COLUMNS]
    return OffPolicySums(added.tobytes())


def off_policy_report(sums: OffPolicySums) -> OffPolicyReport:
    """The estimates so far. Without two decisions every interval is -1 to 1, the widest that a gain can have."""
    matrix = np.empty((_QUANTITIES, _QUANTITIES))
    matrix[_ROWS, _COLUMNS] = np.frombuffer(sums.sums, "<f8")
    matrix[_COLUMNS, _ROWS] = matrix[_ROWS, _COLUMNS]
    n = float(matrix[0, 0])
    effective_n = float(matrix[0, 1] ** 2 / matrix[1, 1]) if matrix[1, 1] > 0.0 else 0.0
    influence, target_minus_baseline = _self_normalised(matrix)
    return OffPolicyReport(
        int(n),
        effective_n,
        _estimate(matrix, _difference(3, 4), effective_n),
        _moved(_estimate(matrix, influence, effective_n), target_minus_baseline),
        _estimate(matrix, _difference(5, 6), effective_n),
        float(matrix[0, 6]) / max(n, 1.0),
    )


def _self_normalised(matrix: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
    """The influence of a decision on the difference of the two ratios (delta method), and that difference."""
    influence = np.zeros(_QUANTITIES)
    _, w, v, wr, vr, _, _ = matrix[0]
    # Less than this is nothing, and would make numbers that no float can hold.
    if not (w > 1e-6 and v > 1e-6):
        return influence, 0.0
    n, target, baseline = matrix[0, 0], wr / w, vr / v
    influence[1:5] = -target * n / w, baseline * n / v, n / w, -n / v
    return influence, float(target - baseline)


def _difference(plus: int, minus: int) -> NDArray[np.float64]:
    weights = np.zeros(_QUANTITIES)
    weights[plus], weights[minus] = 1.0, -1.0
    return weights


def _estimate(matrix: NDArray[np.float64], weights: NDArray[np.float64], effective_n: float) -> Estimate:
    """The mean over decisions of a linear combination of the quantities."""
    n = float(matrix[0, 0])
    if n < 2.0 or not weights.any():
        return Estimate(0.0, 1.0, -1.0, 1.0, -1.0)
    mean = float(weights @ matrix[0]) / n
    variance = max(0.0, float(weights @ matrix @ weights) / n - mean * mean)
    error = math.sqrt(variance / (n - 1.0))
    always = float(boundary(effective_n, _ALPHA)) * error if effective_n >= BURN_IN else math.inf
    return Estimate(mean, error, mean - Z_95 * error, mean + Z_95 * error, max(-1.0, mean - always))


def _moved(estimate: Estimate, value: float) -> Estimate:
    by = value - estimate.value
    return Estimate(value, estimate.error, estimate.low + by, estimate.high + by, max(-1.0, estimate.always_from + by))
