"""Guard rails: does a variant do harm that takes it back at once? They may be looked at after every observation.

A rail trips when harm is proven (the lower bound of the increase is 0 or more) and the estimate is at least what the
rule allows. So a variant that does no harm is ever taken back with a chance of at most `alpha`; and the proof that it
does harm comes long before a proof that the harm is above the limit would.

No burn-in and no limit theorem: the evidence is a product of likelihood ratios, averaged over some sizes of harm, that
is expected to stay at 1 without harm, and so ever passes 1 / alpha with a chance of at most alpha (Ville, 1939).

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
_TIMES = (1.2, 1.5, 2.0, 4.0, 12.0)
# The same for a control whose quantile lies below a value: it is above that value more seldom than it should be.
_SELDOM = (0.5, 0.7, 0.85, 0.93)
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

    `increase` is the estimate and `low` the lower bound of it: 0.5 is +50 %, a `low` of -1.0 is that nothing is known.
    An increase from 0 is None.
    """

    tripped: bool
    low: float
    increase: float | None


def guard(
    control: MetricSums | QuantileSketch, treatment: MetricSums | QuantileSketch, rule: RateRule | QuantileRule
) -> Guard:
    """What the rail of `rule` says now: of sums of 0 and 1 for a rate, of sketches for a quantile.

    Raises BadInput for a rule that cannot be kept, sums of another kind than the rule's, or a rate of other values.
    """
    if not 0.0 < rule.alpha < 1.0 or not 0.0 <= rule.max_increase < _LIMIT:
        problem = f"A guard rail at +{rule.max_increase:.0%} with a chance of a false alarm of {rule.alpha:g} is none."
        raise BadInput(problem, "Give an increase of 0 or more, and a chance between 0 and 1.")
    if isinstance(rule, RateRule) and isinstance(control, MetricSums) and isinstance(treatment, MetricSums):
        return _rate_guard(control, treatment, rule)
    if isinstance(rule, QuantileRule) and isinstance(control, QuantileSketch) and isinstance(treatment, QuantileSketch):
        return _quantile_guard(control, treatment, rule)
    raise BadInput("The guard rail's rule is for another kind of sums.", "Rates have sums, quantiles have sketches.")


def _rate_guard(control: MetricSums, treatment: MetricSums, rule: RateRule) -> Guard:
    before, now = _ones(control), _ones(treatment)
    if not control.n or not treatment.n or not now:
        return Guard(False, -1.0, -1.0 if before and treatment.n else 0.0)

    def proven(log_ratio: float) -> bool:
        evidence = rate_evidence(before, control.n, now, treatment.n, math.exp(log_ratio))
        return bool(evidence >= -math.log(rule.alpha))

    low = math.expm1(_highest(proven))
    increase = now / treatment.n / (before / control.n) - 1.0 if before else None
    tripped = bool(rate_trips(before, control.n, now, treatment.n, rule))
    return Guard(tripped, max(low, 0.0) if proven(0.0) else min(low, 0.0), increase)


def _ones(sums: MetricSums) -> int:
    share = sums.mean
    if abs(sums.m2 - sums.n * share * (1.0 - share)) > 1e-6 * max(1, sums.n):
        raise BadInput("The metric of a rate holds values other than 0 and 1.", "Report 1.0 for a failure, else 0.0.")
    return round(sums.total)


def rate_trips(before: Numbers, n_before: Numbers, now: Numbers, n_now: Numbers, rule: RateRule) -> NDArray[np.bool_]:
    """Whether `now` failures of `n_now` trip the rail, with `before` of `n_before` in control. Takes arrays."""
    harm = rate_evidence(before, n_before, now, n_now) >= -math.log(rule.alpha)
    return np.asarray(harm & (now * n_before >= (1.0 + rule.max_increase) * before * n_now))


def rate_evidence(before: Numbers, n_before: Numbers, now: Numbers, n_now: Numbers, ratio: float = 1.0) -> Numbers:
    """The log of the evidence that treatment fails more than `ratio` times as often as control. Takes arrays.

    Of all failures a share u = ratio * n_now / (n_before + ratio * n_now) would be treatment's at most. Each that is
    its own counts g / (1 + u (g - 1)), each other 1 / (1 + u (g - 1)), where g is how many times as often it could be.
    """
    expected = ratio * np.asarray(n_now, np.float64)
    u = expected / np.maximum(n_before + expected, 1e-300)
    return _mean([now * math.log(g) - (before + now) * np.log1p(u * (g - 1.0)) for g in _TIMES])


def _quantile_guard(control: QuantileSketch, treatment: QuantileSketch, rule: QuantileRule) -> Guard:
    if not 0.0 < rule.quantile < 1.0:
        raise BadInput(f"The quantile {rule.quantile:g} is not between 0 and 1.", "Take 0.95 for the 95th percentile.")
    before, now = control.quantile(rule.quantile), treatment.quantile(rule.quantile)
    if before is None or now is None:
        return Guard(False, -1.0, 0.0)
    evidence = _quantile_evidence(control, treatment, 1.0 - rule.quantile)
    needed = -math.log(rule.alpha)
    log_ratio = _highest(lambda log_ratio: evidence(math.floor(log_ratio / LOG_BASE)) >= needed)
    low = math.expm1(math.floor(log_ratio / LOG_BASE) * LOG_BASE) if math.isfinite(log_ratio) else -1.0
    harm = evidence(0) >= needed
    increase = now / before - 1.0
    return Guard(harm and increase >= rule.max_increase, max(low, 0.0) if harm else min(low, 0.0), increase)


def _quantile_evidence(control: QuantileSketch, treatment: QuantileSketch, tail: float) -> Callable[[int], float]:
    """The log of the evidence that treatment's quantile is more than a number of buckets above control's.

    Nobody knows control's quantile, so it is the least evidence over all buckets that may hold it: against control's
    lying there times that for treatment's lying higher. In that bucket's lower end control's share above it is at least
    `tail`; at the bucket's upper end, so many buckets on, treatment's is at most `tail`. Shares below a fixed value are
    coin throws: S. Howard and A. Ramdas, "Sequential estimation of quantiles with applications to A/B testing and
    best-arm identification", Bernoulli 28, 2022. Adding 1 and halving keeps what is no evidence from undoing what is.
    """
    buckets = [*control.counts, *treatment.counts]
    first, last = min(buckets) - 1, max(buckets) + 1
    seldom = _half(_tail_evidence(control.above(first - 1, last), control.n, tail, _SELDOM))
    often = _half(_tail_evidence(treatment.above(first, last), treatment.n, tail, _TIMES))

    places = np.arange(len(often))

    def evidence(shift: int) -> float:
        higher = np.minimum(np.maximum(places + shift, 0), len(places) - 1)
        return float((seldom[:-1] + often[higher]).min())

    return evidence


def _tail_evidence(above: _Floats, n: int, tail: float, times: tuple[float, ...]) -> _Floats:
    """The log of the evidence that a share of other than `tail` lies above: `times` as many."""
    sizes = [g for g in times if g * tail < 1.0]
    if not sizes:
        return np.zeros_like(above)
    return _mean([above * math.log(g) + (n - above) * math.log((1.0 - g * tail) / (1.0 - tail)) for g in sizes])


def _half(evidence: _Floats) -> _Floats:
    return np.asarray(np.logaddexp(evidence, 0.0) - math.log(2))


def _mean(logs: list[_Floats]) -> _Floats:
    """The log of the mean of numbers whose logs these are."""
    return np.asarray(np.logaddexp.reduce(np.asarray(logs), axis=0) - math.log(len(logs)))


def _highest(proven: Callable[[float], bool]) -> float:
    """The highest log ratio that is `proven`, which is true up to somewhere; -infinity where it is nowhere."""
    low, high = -math.log(_LIMIT), math.log(_LIMIT)
    if not proven(low):
        return -math.inf
    while high - low > 1e-3:
        middle = (low + high) / 2
        low, high = (middle, high) if proven(middle) else (low, middle)
    return low
