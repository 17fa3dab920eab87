"""One shuffle of a set of outcomes through each policy: what a process of its own computes."""

from dataclasses import dataclass

import numpy as np

from core.linear_thompson import Floats
from evals.measure.router_cases import Case
from evals.measure.router_streams import by_gain, shadow, thompson

SHARES = (0.25, 0.5, 0.75)
# Answers of the pair and of the shadow are judged some questions later, several at once, as in a running system.
DELAY = 8
FIRST = 200


@dataclass(frozen=True, slots=True)
class Trial:
    """Quality in the order of the stream: cold, warm (the halves one after the other), the best single, the oracle."""

    cold: Floats
    warm: Floats
    best_single: Floats
    oracle: Floats
    nan: int


@dataclass(frozen=True, slots=True)
class PairTrial:
    """Of a pair: mean quality and share of strong calls, by SHARES, and the utility of warm and cold sampling."""

    quality: tuple[float, ...]
    spent: tuple[float, ...]
    utility: float
    utility_cold: float
    nan: int


@dataclass(frozen=True, slots=True)
class ShadowTrial:
    """Of a shadow: true gain over the baseline in reward, what part of the baseline's regret that is, and estimates.

    `errors` and `covered` are of IPS, SNIPS and the doubly robust estimate: absolute error, and whether the interval
    held the truth. `low` and `relative` are of the doubly robust gain over what the baseline earned.
    """

    gain: float
    regret_reduction: float
    errors: tuple[float, ...]
    covered: tuple[bool, ...]
    effective_n: float
    low: float
    nan: int


def trial(case: Case, seed: int) -> Trial:
    rng = np.random.default_rng([seed, 1])
    order = rng.permutation(len(case.contexts))
    cold = thompson(case.stream(order, 0.0, warm=False), rng)
    nan, warm = cold.nan, []
    for rows in case.halves(rng):
        run = thompson(case.stream(rows, 0.0, warm=True), rng)
        warm.append(case.quality[rows, run.used])
        nan += run.nan
    best = int(case.quality.mean(axis=0).argmax())
    quality = case.quality[order]
    got = quality[np.arange(len(order)), cold.used]
    return Trial(got, np.concatenate(warm), quality[:, best], quality.max(axis=1), nan)


def pair_trial(case: Case, seed: int, price: float) -> PairTrial:
    rng = np.random.default_rng([seed, 2])
    strong, rows, nan = int(case.prices.argmax()), len(case.contexts), 0
    quality, spent, utility = [0.0] * len(SHARES), [0.0] * len(SHARES), 0.0
    for part in case.halves(rng):
        weight = len(part) / rows
        for number, share in enumerate(SHARES):
            run = by_gain(case.stream(part, 0.0, warm=True, delay=DELAY), strong, share)
            quality[number] += weight * float(case.quality[part, run.used].mean())
            spent[number] += weight * float((run.used == strong).mean())
            nan += run.nan
        run = thompson(case.stream(part, price, warm=True, delay=DELAY), rng)
        utility += weight * float(case.utility(price)[part, run.used].mean())
        nan += run.nan
    order = rng.permutation(rows)
    cold = thompson(case.stream(order, price, warm=False, delay=DELAY), rng)
    of_cold = float(case.utility(price)[order, cold.used].mean())
    return PairTrial(tuple(quality), tuple(spent), utility, of_cold, nan + cold.nan)


def shadow_trial(case: Case, seed: int, price: float, epsilon: float, warm: bool) -> ShadowTrial:
    """The baseline is what a sensible operator would take: the best single arm, by reward, of the first rows."""
    rng = np.random.default_rng([seed, 3])
    rows = next(case.halves(rng))
    rewards = case.rewards(price)[rows]
    baseline = int(rewards[:FIRST].mean(axis=0).argmax())
    seen = shadow(case.stream(rows, price, warm=warm, delay=DELAY), baseline, epsilon, rng)
    regret = float(rewards.max(axis=1).mean()) - seen.of_baseline
    report = seen.report
    estimates = (report.ips, report.snips, report.doubly_robust)
    return ShadowTrial(
        seen.gain,
        seen.gain / max(regret, 1e-9),
        tuple(abs(estimate.value - seen.gain) for estimate in estimates),
        tuple(estimate.low <= seen.gain <= estimate.high for estimate in estimates),
        report.effective_n,
        report.doubly_robust.low / max(report.baseline, 1e-9),
        seen.nan,
    )
