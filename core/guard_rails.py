"""Guard rails: does a variant do harm that takes it back at once? They may be looked at after every observation.

A rail trips when harm is proven (the lower bound of treatment over control is above 1) and the estimate is at least what
the rule allows. So a variant that does no harm is taken back, at any time ever, with a chance of at most `alpha`; and
the proof that it does harm comes long before a proof that the harm is above the limit would.

No burn-in and no limit theorem: the evidence is a product of likelihood ratios, averaged over some sizes of harm, that is
expected to stay at 1 without harm, and so passes 1 / alpha with a chance of at most alpha (Ville, 1939).

Both hold while the shares of the variants stay the same; when they change, start new sums.
"""

import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from core.entities import State
from core.errors import BadInput
from core.metric_sums import MetricSums, Numbers
from core.quantile_sketch import LOG_BASE, QuantileSketch

_Floats = NDArray[np.float64]

# Sizes of harm that the evidence is averaged over: how many times as often.
_TIMES = (1.5, 2.0, 4.0, 12.0)
# The same for a control whose quantile lies lower than asked: it passes the value more seldom.
_SELDOM = (0.2, 0.5, 0.7, 0.85)
_LIMIT = 1e6


class RateRule(State, frozen=True, tag=True):
    """Take back when a rate (a metric of 0 and 1: failed or not) is `max_increase` above control's: 0.5 is +50 %."""

    max_increase: float = 0.5
    alpha: float = 0.01


class QuantileRule(State, frozen=True, tag=True):
    """Take back when a quantile (0.95: the 95th percentile) is `max_increase` above control's: 0.2 is +20 %."""

    quantile: float = 0.95
    max_increase: float = 0.2
    alpha: float = 0.01


class Guard(State, frozen=True):
    """Whether the rail `tripped`.

    `increase` is the estimate and `low` its lower bound: 0.5 is +50 %, -1.0 is that nothing is known. An increase over a
    control of 0 is None.
    """

    tripped: bool
    low: float
    increase: float | None


def guard(
    control: MetricSums | QuantileSketch, treatment: MetricSums | QuantileSketch, rule: RateRule | QuantileRule
) -> Guard:
    """What the rail of `rule` says now: of sums of 0 and 1 for a rate, of sketches for a quantile. Raises BadInput."""
    if not 0.0 < rule.alpha < 1.0 or not 0.0 <= rule.max_increase < _LIMIT:
        problem = f"A guard rail at +{rule.max_increase:.0%} with a chance of a false alarm of {rule.alpha:g} is none."
        raise BadInput(problem, "Give an increase of 0 or more, and a chance between 0 and 1.")
    if isinstance(rule, RateRule) and isinstance(control, MetricSums) and isinstance(treatment, MetricSums):
        low, increase = _rates(control, treatment, rule)
    elif isinstance(rule, QuantileRule) and isinstance(control, QuantileSketch) and isinstance(treatment, QuantileSketch):
        low, increase = _quantiles(control, treatment, rule)
    else:
        raise BadInput("The guard rail's rule is for another kind of sums.", "Rates have sums, quantiles have sketches.")
    return Guard(low >= 0.0 and (increase is None or increase >= rule.max_increase), low, increase)


def _rates(control: MetricSums, treatment: MetricSums, rule: RateRule) -> tuple[float, float | None]:
    failed, all_failed = _failures(treatment), _failures(control) + _failures(treatment)
    if not failed or not control.n:
        return -1.0, 0.0 if control.n and treatment.n and all_failed else None if failed else 0.0

    def proven(log_ratio: float) -> bool:
        evidence = rate_evidence(failed, all_failed, treatment.n * math.exp(log_ratio), control.n)
        return bool(evidence >= -math.log(rule.alpha))

    low = math.exp(_highest(proven, -math.log(_LIMIT), math.log(_LIMIT), 1e-3)) - 1.0
    passed = all_failed - failed
    return low, failed / treatment.n / (passed / control.n) - 1.0 if passed else None
