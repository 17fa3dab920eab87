"""Experiments: how often is "something differs" false, and how soon is a true difference seen, with a look each time?

Simulated, so the truth is known; every stream is judged by the functions that the ExperimentRegistry uses, after every
observation. `aa_false_positive`: of `runs` experiments in which both variants are the same, the share in which the
confidence sequence ever excludes 0, over eight shapes of metrics and shares of 50/50 and 90/10. `power`: the share that
sees an effect of `effect` standard deviations within twice the size that a single look needs for a power of 0.8;
`median_stop_share`: when, as a share of that size, the median over those that see it. `srm_false_alarm`,
`srm_caught`: the check of the shares, where they are right and where 50/50 is 52/48 in truth, within 25,000 units.
"""

import math
from collections.abc import Mapping, Sequence
from itertools import product
from pathlib import Path
from statistics import NormalDist

import numpy as np

from core.confidence_sequences import BURN_IN
from core.errors import BadInput
from core.experiment_statistics import SAMPLE_RATIO_ALPHA, log_evidence
from evals.measure import experiment_plots, experiment_rails
from evals.measure.experiment_streams import (
    OTHER_SHAPE,
    POWER_SHAPES,
    SHAPES,
    SINGLE_LOOK_Z,
    WITH_COVARIATE,
    Integers,
    Looks,
    Shape,
    blocks,
    first,
    together,
    watch,
)
from evals.measure.intervals import wilson

_SHARES = (0.5, 0.1)
_POWER = 0.8
_HORIZON = 2
_SRM_UNITS, _SRM_BLOCK, _MISMATCH = 25_000, 50, 0.52
_EXAMPLES = 50


def run(
    data: Path | None = None,
    *,
    plot: Path | None = None,
    seed: int = 0,
    runs: int = 2000,
    units: int = 10_000,
    effect: float = 0.2,
    alpha: float = 0.05,
    burn_in: int = BURN_IN,
) -> Mapping[str, object]:
    """The figures of `runs` simulated experiments of `units` observations each; `data` is not looked at.

    Raises BadInput for fewer runs than shapes and shares, or for sizes at which nothing could be decided.
    """
    del data
    if runs < len(SHAPES) * len(_SHARES) or burn_in < 20 or units < 20 * burn_in or not 0.02 <= effect <= 2.0:
        problem = f"{runs} runs of {units} units with a burn-in of {burn_in} and an effect of {effect:g} show nothing."
        raise BadInput(problem, "Take 16 runs or more, a burn-in from 20 on, 20 times that in units, an effect to 2.")
    rng = np.random.default_rng(seed)
    same = _same(runs, units, alpha, burn_in, rng)
    size = single_look_size(effect)
    seen = _differing(POWER_SHAPES, runs, size, effect, (alpha, burn_in), rng)
    figures = {
        **_false_positives(same, alpha),
        "same_mean_other_shape": _other_shape(runs, units, alpha, burn_in, rng),
        **_power(seen, size, effect),
        "cuped": _cuped(_differing((WITH_COVARIATE,), runs, size, effect, (alpha, burn_in), rng), size),
        **_sample_ratios(runs, rng),
        "guard_rails": experiment_rails.figures(runs, rng),
    }
    if plot is not None:
        example = next(blocks(SHAPES[0], _EXAMPLES, units, 0.5, rng))
        experiment_plots.draw(plot, example, together(same.values()), seen, 2 * size, units, alpha, burn_in)
        print(f"plot: {plot}")
    return figures


def single_look_size(effect: float) -> int:
    """How many of each variant a single two-sided test at 0.05 needs to see `effect` deviations at a power of 0.8.

    As planned for ever: 2 ((z(0.975) + z(0.8)) / effect)^2.
    """
    return math.ceil(2 * ((SINGLE_LOOK_Z + NormalDist().inv_cdf(_POWER)) / effect) ** 2)


def _same(
    runs: int, units: int, alpha: float, burn_in: int, rng: np.random.Generator
) -> Mapping[tuple[str, float], Looks]:
    """What is seen where nothing differs, by shape and share; the runs are dealt out evenly."""
    cells = list(product(SHAPES, _SHARES))
    return {
        (shape.name, share): watch(blocks(shape, count, units, share, rng), alpha, burn_in, units)
        for (shape, share), count in zip(cells, _dealt(runs, len(cells)), strict=True)
    }


def _dealt(runs: int, cells: int) -> list[int]:
    return [runs * (cell + 1) // cells - runs * cell // cells for cell in range(cells)]


def _false_positives(same: Mapping[tuple[str, float], Looks], alpha: float) -> Mapping[str, object]:
    everyone = together(same.values())
    by_cell = {}
    print(f"both variants the same, alpha {alpha:g}, a look after every observation: the share that says they differ")
    for (name, share), looks in same.items():
        low, high = wilson(int((looks.sequence > 0).sum()), len(looks.sequence))
        cell = f"{name}, {1 - share:.0%}/{share:.0%}"
        by_cell[cell] = {"share": round(looks.found, 4), "low": low, "high": high}
        print(f"  {cell:33} {looks.found:.3f} ({low:.3f} to {high:.3f}); peeking {np.mean(looks.peeking > 0):.3f}")
    low, high = wilson(int((everyone.sequence > 0).sum()), len(everyone.sequence))
    peeking = float(np.mean(everyone.peeking > 0))
    print(f"  all: {everyone.found:.4f} ({low:.4f} to {high:.4f}); who peeks at a single look's test: {peeking:.3f}")
    return {
        "aa_false_positive": round(everyone.found, 4),
        "aa_interval": [low, high],
        "aa_peeking_t_test": round(peeking, 4),
        "aa_single_look": round(float(np.mean(everyone.planned)), 4),
        "aa_by_shape": by_cell,
    }


def _other_shape(runs: int, units: int, alpha: float, burn_in: int, rng: np.random.Generator) -> Mapping[str, float]:
    """Not an A/A run: the means are the same and the shapes are not. Here "asymptotic" costs most."""
    found = {}
    for share in _SHARES:
        looks = watch(blocks(OTHER_SHAPE, runs // 4, units, share, rng, 1.0), alpha, burn_in, units)
        found[f"{1 - share:.0%}/{share:.0%}"] = round(looks.found, 4)
    print(f"the same mean, but treatment lognormal and control normal: says that they differ {found}")
    return found


def _differing(
    shapes: Sequence[Shape], runs: int, size: int, effect: float, level: tuple[float, int], rng: np.random.Generator
) -> Looks:
    """What is seen of a true effect at 50/50 within the horizon; the single look is at `size` of each variant."""
    return together(
        watch(blocks(shape, count, _HORIZON * 2 * size, 0.5, rng, effect), *level, 2 * size)
        for shape, count in zip(shapes, _dealt(runs, len(shapes)), strict=True)
    )


def _power(seen: Looks, size: int, effect: float) -> Mapping[str, float]:
    at_size = float(np.mean((seen.sequence > 0) & (seen.sequence <= 2 * size)))
    single, stop = float(np.mean(seen.planned)), float(np.median(seen.stops)) / (2 * size) if len(seen.stops) else 0.0
    waited = np.where(seen.sequence > 0, seen.sequence, _HORIZON * 2 * size)
    mean = float(np.mean(waited)) / (2 * size)
    print(f"an effect of {effect:g} standard deviations; a single look is planned at {2 * size:,} observations:")
    print(f"  power {seen.found:.3f} within {_HORIZON} times that, {at_size:.3f} within it; single look {single:.3f}")
    print(f"  stops at {stop:.2f} of it (median of those that see it), {mean:.2f} in the mean of all")
    return {
        "power": round(seen.found, 4),
        "power_horizon_share": _HORIZON,
        "power_at_single_look_size": round(at_size, 4),
        "single_look_power": round(single, 4),
        "single_look_observations": 2 * size,
        "effect_in_deviations": effect,
        "median_stop_share": round(stop, 4),
        "mean_stop_share_of_all": round(mean, 4),
    }


def _cuped(seen: Looks, size: int) -> Mapping[str, float]:
    stop = float(np.median(seen.stops)) / (2 * size) if len(seen.stops) else 0.0
    print(f"  with a covariate that correlates by 0.6 (CUPED): power {seen.found:.3f}, stops at {stop:.2f}")
    return {"variance_removed_in_theory": 0.36, "power": round(seen.found, 4), "median_stop_share": round(stop, 4)}


def _sample_ratios(runs: int, rng: np.random.Generator) -> Mapping[str, object]:
    """Alarms of the check of the shares, a look after every unit."""
    # More runs than of the rest: of 2,000 a rate of 0.001 would be two, give or take three.
    right = [_alarms(count, share, share, rng) for count, share in zip(_dealt(5 * runs, 2), _SHARES, strict=True)]
    caught = _alarms(max(1, runs // 4), 0.5, _MISMATCH, rng)
    false = float(np.mean(np.concatenate(right) > 0))
    share, delay = float(np.mean(caught > 0)), float(np.median(caught[caught > 0])) if caught.any() else 0.0
    print(f"sample ratio, {_SRM_UNITS:,} units: false alarms {false:.4f} of {5 * runs:,} runs")
    print(f"  52/48 for 50/50 caught {share:.3f}, in the median after {delay:,.0f} units")
    return {
        "srm_false_alarm": round(false, 5),
        "srm_caught": round(share, 4),
        "srm_units": _SRM_UNITS,
        "srm_median_units": delay,
    }


def _alarms(runs: int, promised: float, given: float, rng: np.random.Generator) -> Integers:
    """At which unit each run alarms (0: never) where a variant is promised one share and given another."""
    n = np.arange(1.0, _SRM_UNITS + 1)
    found = []
    for start in range(0, runs, _SRM_BLOCK):
        mine = np.cumsum(rng.random((min(_SRM_BLOCK, runs - start), _SRM_UNITS)) < given, axis=1).astype(np.float64)
        evidence = np.asarray(log_evidence([n - mine, mine], [1.0 - promised, promised]))
        found.append(first(evidence >= -math.log(SAMPLE_RATIO_ALPHA)))
    return np.concatenate(found)
