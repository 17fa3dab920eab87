"""What an experiment remembers, and how events change it.

Counts and sums are those of the present phase: a new one begins at nothing, but that in active, where nobody has the
control any more, the control's of the canary stay to compare with. Nothing grows with the number of calls: a variant
has two counts and a few sums, and of the units there are the first two thousand.

How long a phase has lasted is added up from one entry of the stream to the next, at most `MAX_STEP_S` each. So a clock
that jumps ahead gains no more than that, and a time in which nobody came counts no more either. One that goes back
gains nothing: the shell refuses until it is right.
"""

from collections.abc import Mapping

import msgspec
from msgspec.structs import replace

from core import exposed_units
from core.decision_chain import Phase
from core.entities import State
from core.experiment_messages import Exposed, Moved, Observed, Paired
from core.experiment_plans import LATENCY_MS, ExperimentPlan
from core.metric_sums import MetricSums
from core.quantile_sketch import QuantileSketch

MAX_STEP_S = 6 * 3_600.0
Sums = dict[str, MetricSums]


class Tally(State, frozen=True):
    """One variant in one phase: the sums of its metrics, and a sketch of its latency in ms.

    `differences` are its metrics less the live ones of the same question, in shadow.
    """

    exposures: int = 0
    outcomes: int = 0
    sums: Sums = msgspec.field(default_factory=dict)
    latency: QuantileSketch = QuantileSketch()
    differences: Sums = msgspec.field(default_factory=dict)


class Experiment(State, frozen=True):
    """An experiment; without a `plan` it never ran. `tallies` are by variant, in the order of `plan.variants`.

    `variant` is the one that everybody has in active. `decisions` is the number of the last decision, `head` its
    digest.
    """

    plan: ExperimentPlan | None = None
    phase: Phase = Phase.OFF
    epoch: int = 0
    since: float = 0.0
    last_at: float = 0.0
    counted_s: float = 0.0
    tallies: tuple[Tally, ...] = ()
    units: bytes = b""
    variant: str = ""
    reason: str = ""
    decisions: int = 0
    head: str = ""

    def lived_s(self, now: float) -> float:
        """How long the phase has lasted, as it counts for going on."""
        return self.counted_s + min(max(0.0, now - self.last_at), MAX_STEP_S)


ExperimentEvent = Exposed | Observed | Paired | Moved


def evolve_experiment(state: Experiment, event: ExperimentEvent) -> Experiment:
    if isinstance(event, Moved):
        return _moved(state, event)
    counted_s, last_at = state.lived_s(event.at), max(state.last_at, event.at)
    units, tallies = state.units, list(state.tallies)
    mine = tallies[event.variant]
    match event:
        case Exposed():
            tallies[event.variant] = replace(mine, exposures=mine.exposures + 1)
            units = exposed_units.with_unit(units, event.unit) if event.unit else units
        case Observed():
            tallies[event.variant] = _with(mine, event.metrics, event.covariates)
        case Paired():
            assert state.plan is not None
            control = state.plan.variants.index(state.plan.control)
            both = event.candidate.keys() & event.live.keys()
            apart = {name: event.candidate[name] - event.live[name] for name in sorted(both)}
            differences = _added(mine.differences, apart)
            tallies[event.variant] = replace(_with(mine, event.candidate), differences=differences)
            tallies[control] = _with(tallies[control], event.live)
    return replace(state, counted_s=counted_s, last_at=last_at, units=units, tallies=tuple(tallies))


def _with(tally: Tally, metrics: Mapping[str, float], covariates: Mapping[str, float] = {}) -> Tally:
    """The tally with one outcome more."""
    latency_ms = metrics.get(LATENCY_MS)
    return replace(
        tally,
        outcomes=tally.outcomes + 1,
        sums=_added(tally.sums, metrics, covariates),
        latency=tally.latency if latency_ms is None else tally.latency.add(latency_ms),
    )


def _added(sums: Sums, metrics: Mapping[str, float], covariates: Mapping[str, float] = {}) -> Sums:
    more = {name: sums.get(name, MetricSums()).add(value, covariates.get(name)) for name, value in metrics.items()}
    return sums | more


def _moved(state: Experiment, event: Moved) -> Experiment:
    """In another phase: its counts begin at nothing."""
    made, plan = event.decision, event.plan or state.plan
    assert plan is not None
    tallies = [Tally()] * len(plan.variants)
    if made.after is Phase.ACTIVE:
        control = plan.variants.index(plan.control)
        tallies[control] = state.tallies[control]
    return Experiment(
        plan=plan,
        phase=made.after,
        epoch=state.epoch + 1,
        since=made.at,
        last_at=made.at,
        tallies=tuple(tallies),
        variant=made.variant,
        reason=made.reason,
        decisions=made.number,
        head=made.digest,
    )
