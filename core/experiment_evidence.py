"""What the numbers of a phase say: how much better a candidate is, whether anything is wrong, and what still lacks."""

import math
from collections.abc import Iterator, Mapping

from core import exposed_units
from core.decision_chain import Evidence, Gain, Phase
from core.experiment_plans import ERROR, HOUR_S, LATENCY_MS, RATIO_ALARM, ExperimentPlan
from core.experiment_state import Experiment, Tally
from core.experiment_statistics import MetricSums, compare, sample_ratio

_NOTHING = MetricSums()


def evidence(state: Experiment, now: float) -> Evidence:
    """What is known of the phase at `now`; of an experiment that never ran, nothing."""
    plan = state.plan
    if plan is None:
        return Evidence()
    tallies = dict(zip(plan.variants, state.tallies, strict=True))
    units = dict(zip(plan.variants, exposed_units.counts(state.sample, len(plan.variants)), strict=True))
    ratio_p = loss_p = 1.0
    if state.phase is Phase.CANARY:
        ratio_p = _ratio_p(units, plan.fractions)
        loss_p = _loss_p(tallies)
    return Evidence(
        lived_s=state.lived_s(now) if state.phase is not Phase.OFF else 0.0,
        exposures={name: tally.exposures for name, tally in tallies.items()},
        outcomes={name: tally.outcomes for name, tally in tallies.items()},
        units=units,
        gains=tuple(_gain(plan, tallies, name) for name in _compared(state, plan)),
        ratio_p=ratio_p,
        loss_p=loss_p,
        alarms=tuple(_alarms(ratio_p, loss_p)),
    )
