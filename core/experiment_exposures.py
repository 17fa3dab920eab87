"""Who gets which variant, and what came of it."""

from collections.abc import Mapping

from core import exposed_units
from core.assignment import bucket, variant_at
from core.decision_chain import Phase
from core.entities import Decision
from core.errors import BadInput
from core.experiment_evidence import evidence, tripped
from core.experiment_messages import (
    GUARD_RAIL,
    Assign,
    Assigned,
    Counted,
    Event,
    Exposed,
    Observe,
    Observed,
    ObservePair,
    Paired,
)
from core.experiment_phases import moved, record
from core.experiment_plans import ERROR, ExperimentPlan
from core.experiment_state import Experiment, evolve_experiment

MAX_COVARIATE = 1e12


def assign_command(plan: ExperimentPlan, tenant: str, unit: str) -> Assign:
    """The unit's hashed places in the experiment. Raises BadInput where tenant or unit is empty."""
    name = plan.name
    inside = plan.place is None or plan.place.holds(tenant, unit)
    # Three hashes that have nothing to do with each other: who is in the canary, with which variant, and who is one
    # unit.
    places = (
        bucket(f"{name} share", tenant, unit),
        bucket(name, tenant, unit),
        bucket(f"{name} identity", tenant, unit),
    )
    return Assign(*places, inside, plan.control)


def decide_assign(state: Experiment, command: Assign, now: float) -> Decision[Event]:
    plan, phase = state.plan, state.phase
    if plan is None or phase is Phase.OFF:
        return Decision(Assigned(command.control))
    if phase is Phase.SHADOW:
        # Whatever its slice of a layer: in shadow experiments do not meet.
        return Decision(Assigned(plan.control, phase, state.epoch, shadowed=plan.candidates))
    if not command.inside or (phase is Phase.CANARY and command.share >= plan.canary_share):
        return Decision(Assigned(plan.control, phase, state.epoch))
    variant = state.variant if phase is Phase.ACTIVE else variant_at(plan.fractions, command.position)
    index = plan.variants.index(variant)
    unit = exposed_units.row(command.identity, index)
    new = exposed_units.is_new(state.units, unit)
    reply = Assigned(variant, phase, state.epoch, exposed=True)
    return Decision(reply, (Exposed(index, now, unit if new else b""),))


def decide_outcome(state: Experiment, command: Observe | ObservePair, now: float) -> Decision[Event]:
    """Raises BadInput for a variant or metric that the run has not, and a number that the metric cannot be."""
    plan = state.plan
    if plan is None or state.phase is Phase.OFF:
        return _uncounted(state, "The experiment is off.")
    if command.epoch != state.epoch:
        return _uncounted(state, "It belongs to an earlier phase.")
    if command.variant not in plan.variants:
        problem = f"The run of {plan.name} has no variant {command.variant[:40]!r}."
        raise BadInput(problem, f"It began with {', '.join(plan.variants)}; roll it back and start it anew.")
    index = plan.variants.index(command.variant)
    event: Observed | Paired
    if isinstance(command, ObservePair):
        if state.phase is not Phase.SHADOW or command.variant == plan.control:
            return _uncounted(state, "Pairs are of candidates, in shadow.")
        event = Paired(index, now, _read(plan, command.live), _read(plan, command.candidate))
    else:
        # A variant without an exposure that is still open was not assigned: nobody outside of the canary is counted.
        tally = state.tallies[index]
        if state.phase is Phase.SHADOW or tally.outcomes >= tally.exposures:
            return _uncounted(state, "It belongs to no exposure.")
        event = Observed(index, now, _read(plan, command.metrics), _covariates(command))
    return _counted(state, plan, event, now)


def _counted(state: Experiment, plan: ExperimentPlan, event: Observed | Paired, now: float) -> Decision[Event]:
    """The outcome counts; where that trips a guard rail, the experiment is off from here on."""
    after = evolve_experiment(state, event)
    rail = tripped(after, plan.variants[event.variant])
    if not rail:
        return Decision(Counted(True, state.phase), (event,))
    step = moved(after, plan, Phase.OFF, evidence(after, now), now, GUARD_RAIL, rail)
    return Decision(Counted(True, Phase.OFF, rail), (event, step), (record(step.decision),))


def _uncounted(state: Experiment, because: str) -> Decision[Event]:
    return Decision(Counted(False, state.phase, because))


def _read(plan: ExperimentPlan, metrics: Mapping[str, float]) -> dict[str, float]:
    measured = {metric.name: metric for metric in plan.measured}
    if not metrics:
        raise BadInput(f"An outcome of {plan.name} has no number.", f"Observe some of {', '.join(measured)}.")
    for name in metrics:
        if name not in measured:
            problem = f"The run of {plan.name} has no metric {name[:40]!r}."
            raise BadInput(problem, f"It began with {', '.join(measured)}; roll it back and start it anew.")
    if metrics.get(ERROR, 0.0) not in (0.0, 1.0):
        raise BadInput(f"The error of an outcome is {str(metrics[ERROR])[:40]}.", "Pass 1.0 where it failed, else 0.0.")
    return {name: measured[name].read(value) for name, value in sorted(metrics.items())}


def _covariates(command: Observe) -> dict[str, float]:
    for name, value in command.covariates.items():
        if name not in command.metrics or not abs(value) <= MAX_COVARIATE:
            problem = f"The covariate {name[:40]!r} is {str(value)[:40]}."
            raise BadInput(problem, "Pass a finite number beside the metric that it explains.")
    return dict(sorted(command.covariates.items()))
