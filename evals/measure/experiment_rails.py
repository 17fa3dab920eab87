"""How soon a guard rail takes a harmful variant back, and how often it takes back one that does no harm.

Treatment gets 10 % of the observations. Errors: a rate of 0.05, looked at after each. Latency: lognormal, looked at
after each tenth, in sketches as the ExperimentRegistry keeps them.
"""

from collections.abc import Mapping

import numpy as np

from core.guard_rails import QuantileRule, RateRule, guard, rate_trips
from core.quantile_sketch import QuantileSketch
from evals.measure.experiment_streams import Bools, Floats, Integers, first

_SHARE = 0.1
_RATE, _RATE_UNITS, _BLOCK = 0.05, 20_000, 50
_SIGMA, _LATENCY_UNITS, _EACH = 0.8, 10_000, 10
_TIMES = (1.5, 2.0, 4.0)


def figures(runs: int, rng: np.random.Generator) -> Mapping[str, object]:
    """False alarms of both rails, and for some sizes of harm the share caught and the median delay in observations."""
    errors, latency = RateRule(), QuantileRule()
    tenth, few = max(1, runs // 10), max(1, runs // 100)
    print(
        f"guard rails (treatment has {_SHARE:.0%}; delays are observations of both variants, median of those caught):"
    )
    return {
        "errors_false_alarm": _false("errors", _errors(runs, 1.0, errors, rng)),
        "errors": [_caught("errors", times, _errors(tenth, times, errors, rng)) for times in _TIMES],
        "p95_false_alarm": _false("p95", _latencies(5 * few, 1.0, latency, rng)),
        "p95": [_caught("p95", times, _latencies(few, times, latency, rng)) for times in _TIMES],
    }


def _false(name: str, alarms: Integers) -> float:
    share = float(np.mean(alarms > 0))
    print(f"  {name}: false alarms {share:.4f} of {len(alarms):,} runs")
    return round(share, 4)


def _caught(name: str, times: float, alarms: Integers) -> Mapping[str, float | None]:
    share = float(np.mean(alarms > 0))
    delay = float(np.median(alarms[alarms > 0])) if share else None
    print(f"  {name} times {times:g}: caught {share:.3f}" + (f", after {delay:,.0f}" if delay else ""))
    return {"times": times, "caught": round(share, 4), "median_observations": delay}


def _errors(runs: int, times: float, rule: RateRule, rng: np.random.Generator) -> Integers:
    """At which observation each run's rail trips; 0 where it never does."""
    alarms = []
    for start in range(0, runs, _BLOCK):
        taken = rng.random((min(_BLOCK, runs - start), _RATE_UNITS)) < _SHARE
        failed = rng.random(taken.shape) < np.where(taken, _RATE * times, _RATE)
        before, n_before = _counted(failed & ~taken), _counted(~taken)
        alarms.append(first(rate_trips(before, n_before, _counted(failed & taken), _counted(taken), rule)))
    return np.concatenate(alarms)


def _counted(what: Bools) -> Floats:
    return np.cumsum(what, axis=1).astype(np.float64)


def _latencies(runs: int, times: float, rule: QuantileRule, rng: np.random.Generator) -> Integers:
    """The same, one observation at a time."""
    return np.array([_latency(times, rule, rng) for _ in range(runs)], dtype=np.int64)


def _latency(times: float, rule: QuantileRule, rng: np.random.Generator) -> int:
    taken = rng.random(_LATENCY_UNITS) < _SHARE
    seconds = rng.lognormal(0.0, _SIGMA, _LATENCY_UNITS) * np.where(taken, times, 1.0)
    sketches = [QuantileSketch(), QuantileSketch()]
    for number, (arm, value) in enumerate(zip(taken.tolist(), seconds.tolist(), strict=True), 1):
        sketches[arm] = sketches[arm].add(value)
        if number % _EACH == 0 and guard(sketches[0], sketches[1], rule).tripped:
            return number
    return 0
