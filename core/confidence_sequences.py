"""An interval for the difference of two variants that may be looked at after every observation.

Boundary: H. Robbins and D. Siegmund, "Boundary crossing probabilities for the Wiener process and sample sums", Annals
of Mathematical Statistics 41, 1970. For Brownian motion W, the chance that |W(t)| >= sqrt(t (a^2 + log(t / m))) for any
t >= m, however late, is 2 (1 - Phi(a) + a phi(a)); `a` is chosen so that it is alpha. Nothing is said before m, the
burn-in, and what is saved there is what makes the interval narrow: 2.80 standard errors at m and 3.03 at 4 m, where a
normal mixture that starts at 0 and is tuned to 4 m has 3.23 and 3.03. A single look at a fixed size has 1.96.

Asymptotic: sums of observations stand for W ("Time-uniform central limit theory and asymptotic confidence sequences",
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas, Annals of Statistics 52, 2024). So the promise is that of the limit of
a large burn-in. What goes wrong with less is that a small variant of a skewed metric shows too little variance exactly
when its mean is low. Therefore the variance is the larger of Welch's (each variant by its own) and that of all
observations together, which is the right one if the variants don't differ. `python -m evals experiments` measures what
is left.
"""

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from core.errors import BadInput
from core.metric_sums import Moments, Numbers

BURN_IN = 200
"""From this balanced size on: half of what a single look needs to see 0.2 standard deviations at a power of 0.8."""


def balanced_n(n_control: Numbers, n_treatment: Numbers) -> Numbers:
    """The size of each of two equal variants that would give the same precision; 0.0 where one has nobody."""
    return 2.0 * n_control * n_treatment / np.maximum(n_control + n_treatment, 1)


def boundary(size: Numbers, alpha: float, burn_in: float = BURN_IN) -> Numbers:
    """How many standard errors an estimate at balanced size `size` is allowed; infinitely many before the burn-in."""
    ratio = np.maximum(np.asarray(size, np.float64) / burn_in, 1.0)
    return np.where(np.asarray(size) >= burn_in, np.sqrt(_a_squared(alpha) + np.log(ratio)), math.inf)


@lru_cache(maxsize=256)
def _a_squared(alpha: float) -> float:
    """`a` squared, by bisection: `a` is falling in alpha."""
    if not 0.0 < alpha < 1.0:
        raise BadInput(f"The chance of a false decision is {alpha:g}; it may be above 0 and below 1.", "Take 0.05.")
    low, high = 0.0, 40.0
    for _ in range(100):
        a = (low + high) / 2
        spent = math.erfc(a / math.sqrt(2)) + 2 * a * math.exp(-a * a / 2) / math.sqrt(2 * math.pi)
        low, high = (a, high) if spent > alpha else (low, a)
    return high * high


def difference(
    control: Moments, treatment: Moments, alpha: float, *, burn_in: float = BURN_IN, ratio: bool = False
) -> tuple[Numbers, Numbers]:
    """The difference of treatment and control, and the half width of its confidence sequence at level 1 - `alpha`.

    Of means, each corrected by what the covariate explains (CUPED: Deng, Xu, Kohavi and Walker, WSDM 2013), or with
    `ratio` of ratios of sums, by the delta method. The half width is infinite during the burn-in and while nothing
    varies or a denominator's mean is 0. Works on numbers and on arrays alike.
    """
    # What is too great for a number, or divided by nothing, is unknown below.
    with np.errstate(all="ignore"):
        effect, variance = _ratios(control, treatment) if ratio else _means(control, treatment)
    z = boundary(balanced_n(control.n, treatment.n), alpha, burn_in)
    known = np.isfinite(z) & np.isfinite(variance) & (variance > 0)
    half_width = np.where(known, np.where(known, z, 0.0) * np.sqrt(np.where(known, variance, 0.0)), math.inf)
    return np.where(np.isfinite(effect), effect, 0.0), half_width


def cuped_slope(control: Moments, treatment: Moments) -> Numbers:
    """The slope of the metric on its covariate within the variants (between them lies the effect); 0.0 without one."""
    x_m2 = control.x_m2 + treatment.x_m2
    known = control.merge(treatment).covaries() & (x_m2 > 0.0)
    return np.where(known, control.xy + treatment.xy, 0.0) / np.where(known, x_m2, 1.0)


def _means(control: Moments, treatment: Moments) -> tuple[Numbers, Numbers]:
    both = control.merge(treatment)
    slope = cuped_slope(control, treatment)
    effect = treatment.mean - control.mean - slope * (treatment.x_mean - control.x_mean)
    unit = np.ones_like(effect)
    variance = _variance(control, treatment, both, (slope, slope, slope), (unit, unit, unit))
    return effect, np.where(both.varies(), variance, 0.0)


def _ratios(control: Moments, treatment: Moments) -> tuple[Numbers, Numbers]:
    both = control.merge(treatment)
    scales = [np.where(it.x_mean == 0.0, np.nan, it.x_mean) for it in (control, treatment, both)]
    slopes = [it.mean / scale for it, scale in zip((control, treatment, both), scales, strict=True)]
    variance = _variance(control, treatment, both, tuple(slopes), tuple(scales))
    return slopes[1] - slopes[0], np.where(both.varies() | both.covaries(), variance, 0.0)


def _variance(
    control: Moments,
    treatment: Moments,
    both: Moments,
    slopes: tuple[Numbers, ...],
    scales: tuple[Numbers, ...],
) -> NDArray[np.float64]:
    """The variance of the difference: the larger of Welch's and that of all observations together."""
    own, other, all_of_them = (
        np.maximum(it.m2 - 2 * slope * it.xy + slope * slope * it.x_m2, 0.0) / np.maximum(it.n - 1, 1) / (scale * scale)
        for it, slope, scale in zip((control, treatment, both), slopes, scales, strict=True)
    )
    n_control, n_treatment = np.maximum(control.n, 1), np.maximum(treatment.n, 1)
    welch = own / n_control + other / n_treatment
    return np.asarray(np.maximum(welch, all_of_them * (1 / n_control + 1 / n_treatment)))
