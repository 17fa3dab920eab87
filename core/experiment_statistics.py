"""What the observations of an experiment say, valid at whatever moment it is asked: nobody has to wait for an end.

    compare       is treatment different from control?          an interval, ever wrong with a chance of at most alpha
    sample_ratio  do the variants get the shares they should?   an alarm, ever false with a chance of at most 0.001
    guard         does the variant do harm that takes it back?  see core/guard_rails.py

Each looks at the sums as they are now, and may be asked after every observation.
"""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from core.assignment import checked_fractions
from core.confidence_sequences import BURN_IN, cuped_slope, difference
from core.entities import State
from core.errors import BadInput
from core.guard_rails import Guard, QuantileRule, RateRule, guard
from core.metric_sums import MetricSums, Numbers
from core.quantile_sketch import QuantileSketch

__all__ = [
    "SAMPLE_RATIO_ALPHA",
    "Comparison",
    "Guard",
    "MetricSums",
    "QuantileRule",
    "QuantileSketch",
    "RateRule",
    "SampleRatio",
    "compare",
    "guard",
    "sample_ratio",
    "variance_removed",
]

SAMPLE_RATIO_ALPHA = 0.001
# The prior weights of the sample ratio, in observations: broad for a variant that gets nobody, narrow for 52 to 48.
_RATIO_WEIGHTS = (10.0, 1000.0)


class Comparison(State, frozen=True):
    """Treatment minus control: `effect`, and the bounds of its confidence sequence.

    `low` and `high` are None while nothing can be said: during the burn-in, with a variant that has nobody, or while
    all values are equal. `decided` is whether 0 is outside of the bounds.
    """

    effect: float
    low: float | None
    high: float | None
    n_control: int
    n_treatment: int
    decided: bool = False


class SampleRatio(State, frozen=True):
    """How well the counts fit the fractions: `p_value` may be looked at at any time; `alarm` is at most 0.001."""

    p_value: float
    alarm: bool = False


def compare(
    control: MetricSums,
    treatment: MetricSums,
    alpha: float = 0.05,
    *,
    burn_in: float = BURN_IN,
    ratio: bool = False,
) -> Comparison:
    """Treatment minus control, at a level that holds with a look after every observation.

    Of means, corrected by the covariate where there is one (CUPED); with `ratio` of the sums of values over the sums of
    covariates. Nothing is said before the variants are worth two of `burn_in` each: with shares of 90 % and 10 % that
    is after 5.6 times `burn_in` in all. A larger burn-in suits a smaller effect: half of the size of a variant that
    a single look would need. Raises BadInput for an alpha that is no chance, or a burn-in below 20.
    """
    if not burn_in >= 20:
        raise BadInput(
            f"A burn-in of {burn_in:g} is too short for sums to be trusted.", "Take 20 or more; 200 is usual."
        )
    effect, half_width = (
        float(number) for number in difference(control.moments, treatment.moments, alpha, burn_in=burn_in, ratio=ratio)
    )
    if not math.isfinite(half_width):
        return Comparison(effect, None, None, control.n, treatment.n)
    low, high = effect - half_width, effect + half_width
    return Comparison(effect, low, high, control.n, treatment.n, decided=low > 0.0 or high < 0.0)


def variance_removed(control: MetricSums, treatment: MetricSums) -> float:
    """The share of the variance within the variants that the covariate explains, 0 to 1: what CUPED saves."""
    slope = float(cuped_slope(control.moments, treatment.moments))
    m2, xy = control.m2 + treatment.m2, control.xy + treatment.xy
    return min(1.0, max(0.0, slope * xy / m2)) if m2 > 0.0 else 0.0


def sample_ratio(counts: Mapping[str, int], fractions: Mapping[str, float]) -> SampleRatio:
    """Whether the variants have got the units that their fractions promise. A variant without a count has nobody.

    Alarm when the p-value is at most 0.001, at any look: the chance of a false alarm is at most that, over all looks.
    Raises BadInput for fractions that make no whole, a count below 0, or one of an unknown variant.
    """
    shares = checked_fractions(fractions)
    for name, count in counts.items():
        if name not in shares or count < 0:
            raise BadInput(
                f"{count} units are counted for the variant {name!r}.", f"Count those of {', '.join(shares)}."
            )
    if any(counts.get(name, 0) for name, share in shares.items() if share == 0.0):
        return SampleRatio(0.0, alarm=True)
    open_to = [name for name, share in shares.items() if share > 0.0]
    evidence = log_evidence([counts.get(name, 0) for name in open_to], [shares[name] for name in open_to])
    p_value = math.exp(min(0.0, -float(evidence)))
    return SampleRatio(p_value, alarm=p_value <= SAMPLE_RATIO_ALPHA)


def log_evidence(counts: Sequence[Numbers], shares: Sequence[float]) -> Numbers:
    """The log of the evidence against `shares` (each above 0) in `counts`, numbers or arrays of one shape.

    The Bayes factor of a multinomial with a Dirichlet prior around `shares`: a martingale that starts at 1, so that it
    ever exceeds 1000 with a chance of at most 0.001 ("Anytime-valid inference for multinomial count data", Lindon and
    Malek, NeurIPS 2022). Here the mean of two, of a broad and a narrow prior, which is a martingale again.
    """
    n = sum(counts[1:], start=counts[0])
    each = []
    for weight in _RATIO_WEIGHTS:
        log_factor = -_log_rising(weight, n)
        for count, share in zip(counts, shares, strict=True):
            log_factor = log_factor + _log_rising(weight * share, count) - count * math.log(share)
        each.append(log_factor)
    return np.logaddexp(each[0], each[1]) - math.log(2)


def _log_rising(start: float, counts: Numbers) -> Numbers:
    """The log of gamma(start + count) / gamma(start); of an array, for every whole number in its range once."""
    if isinstance(counts, np.ndarray):
        known = [math.lgamma(start + count) for count in range(int(counts.max(initial=0)) + 1)]
        return np.asarray(known)[counts.astype(np.intp)] - known[0]
    return math.lgamma(start + counts) - math.lgamma(start)
