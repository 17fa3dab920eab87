"""Experiments: who gets what, what came of it, and each step from off over shadow and canary to active, on evidence.

One kind, three sorts of keys: an experiment's name; `CANARIES`, the slots of all canaries together; and
"flags:<tenant>", a tenant's switches.

The promises. The same unit has the same variant in every process and after every restart; an exposure is on disk
before the variant is told, so none acts that is not counted. While a plan stays the same a unit keeps its variant: who
is in a canary of 5 % is in one of 10 % too, with the same variant, and nothing has to be remembered for that. Nobody
is promoted without the evidence that the plan asks for; a guard rail takes the experiment back in the commit that
writes the outcome which trips it. Every step is a decision with its numbers, chained to the one before
(`core.decision_chain`).

What does not fit is refused: a number that a metric cannot be, a variant or metric that the run's plan has not. A plan
that changed in the code meanwhile changes no run under way: the one that it began with holds until it ends. An outcome
of an earlier phase is not counted, nor one without an exposure.
"""

from typing import Any

from msgspec.structs import replace

from core.canary_slots import CANARIES, Canaries, FreeSlot, ReserveSlot, SlotFreed, SlotTaken, decide_slot, evolve_slot
from core.entities import Chance, Decision, EntityKind, State, checked_key
from core.errors import BadInput
from core.experiment_evidence import evidence
from core.experiment_exposures import decide_assign, decide_outcome
from core.experiment_messages import Assign, Command, Event, ExperimentReport, Observe, ObservePair, Reply, Start
from core.experiment_phases import decide_step
from core.experiment_plans import ExperimentPlan, checked_name
from core.experiment_state import Experiment, evolve_experiment
from core.feature_flags import FLAGS, Flags, FlagSet, SetFlag, decide_flag, evolve_flag


class Registered(State, frozen=True):
    """What stands under one key: an experiment, the slots of all canaries, or a tenant's flags."""

    key: str
    experiment: Experiment = Experiment()
    canaries: Canaries = Canaries()
    flags: Flags = Flags()


def initial(key: str) -> Registered:
    """Raises BadInput where the key is neither an experiment's name nor one of the other two sorts."""
    if checked_key(key) != CANARIES and not (key.startswith(FLAGS) and key[len(FLAGS) :].strip()):
        checked_name(key)
    return Registered(key)


def decide(state: Registered, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """Raises BadInput for a command that is not for this sort of key, and as the parts do."""
    del chance
    if isinstance(command, ReserveSlot | FreeSlot):
        _check_sort(state, state.key == CANARIES, command)
        return decide_slot(state.canaries, command, now)  # type: ignore[return-value]  # its events are among ours
    if isinstance(command, SetFlag):
        _check_sort(state, state.key.startswith(FLAGS), command)
        return decide_flag(state.flags, command, now)  # type: ignore[return-value]  # as above
    _check_sort(state, state.key != CANARIES and not state.key.startswith(FLAGS), command)
    if isinstance(command, Assign):
        return decide_assign(state.experiment, command, now)
    if isinstance(command, Observe | ObservePair):
        return decide_outcome(state.experiment, command, now)
    if isinstance(command, Start) and command.plan.name != state.key:
        raise BadInput(f"The plan of {command.plan.name} cannot start {state.key}.", "Pass the plan of that name.")
    return decide_step(state.experiment, command, now)


def _check_sort(state: Registered, fits: bool, command: Any) -> None:
    if not fits:
        raise BadInput(f"{type(command).__name__} is not for {state.key!r}.", "Pass the key that it is for.")


def evolve(state: Registered, event: Event) -> Registered:
    if isinstance(event, SlotTaken | SlotFreed):
        return replace(state, canaries=evolve_slot(state.canaries, event))
    if isinstance(event, FlagSet):
        return replace(state, flags=evolve_flag(state.flags, event))
    return replace(state, experiment=evolve_experiment(state.experiment, event))


def report(state: Experiment, plan: ExperimentPlan, now: float) -> ExperimentReport:
    """How the experiment stands at `now`; `plan` is the one of a run that is to come."""
    return ExperimentReport(
        plan=state.plan if state.plan is not None and state.phase.runs else plan,
        phase=state.phase,
        since=state.since,
        epoch=state.epoch,
        evidence=evidence(state, now),
        decisions=state.decisions,
        head=state.head,
        variant=state.variant,
        reason=state.reason,
    )


KIND = EntityKind(
    name="ExperimentRegistry",
    state=Registered,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=initial,
    decide=decide,
    evolve=evolve,
)
