"""The steps of an experiment: start, promote, roll back, and what a guard rail does. Each is a decision on evidence."""

from core.canary_slots import CanarySlot
from core.decision_chain import Evidence, Phase, PhaseDecision, sealed
from core.entities import Decision, Record
from core.entity_codec import to_json
from core.errors import BadInput
from core.experiment_evidence import evidence, lacking
from core.experiment_messages import Event, Moved, NotYet, Promote, RollBack, Start
from core.experiment_plans import ExperimentPlan
from core.experiment_state import Experiment

DECISION = "decision"
MAX_BY_CHARS, MAX_REASON_CHARS = 100, 500
_NEXT = {Phase.SHADOW: Phase.CANARY, Phase.CANARY: Phase.ACTIVE}


def decide_step(state: Experiment, command: Start | Promote | RollBack, now: float) -> Decision[Event]:
    """Raises BadInput for a plan that is none, and for who or why that cannot be written down."""
    _check_words(command)
    if isinstance(command, Start):
        return _start(state, command, now)
    plan, known = state.plan, evidence(state, now)
    if plan is None or state.phase is Phase.OFF:
        return _stays(state, known, "It is off: start it first.")
    if isinstance(command, RollBack):
        return written(moved(state, plan, Phase.OFF, known, now, command.by, command.reason))
    if state.phase is Phase.ACTIVE:
        return _stays(state, known, f"Everybody has {state.variant} already.")
    if state.phase is Phase.SHADOW:
        because = _no_slot(plan, command.slot, now)
        wanted: tuple[str, ...] = plan.candidates
    else:
        wanted = (_wanted(plan, command.variant),)
        because = ()
    because += tuple(lack for variant in wanted for lack in lacking(plan, known, variant))
    if because:
        return _stays(state, known, *because)
    after = _NEXT[state.phase]
    variant = wanted[0] if after is Phase.ACTIVE else ""
    return written(moved(state, plan, after, known, now, command.by, command.reason, variant))


def _start(state: Experiment, command: Start, now: float) -> Decision[Event]:
    plan = command.plan.check()
    if state.phase is not Phase.OFF:
        return _stays(state, evidence(state, now), f"It is in {state.phase} already.")
    return written(moved(state, plan, Phase.SHADOW, Evidence(), now, command.by, command.reason, begins=True))


def moved(
    state: Experiment,
    plan: ExperimentPlan,
    after: Phase,
    known: Evidence,
    now: float,
    by: str,
    reason: str,
    variant: str = "",
    begins: bool = False,
) -> Moved:
    """The next decision of the experiment's chain."""
    made = PhaseDecision(
        number=state.decisions + 1,
        experiment=plan.name,
        at=now,
        before=state.phase,
        after=after,
        by=by,
        reason=reason,
        policy=plan.policy,
        variant=variant,
        evidence=known,
    )
    return Moved(sealed(made, state.head), plan if begins else None)


def written(step: Moved, *before: Event) -> Decision[Event]:
    """The step, after the events `before` it, with its record beside the journal."""
    return Decision(step, (*before, step), (record(step.decision),))


def record(made: PhaseDecision) -> Record:
    return Record(f"{DECISION} {made.number}", made.at, DECISION, to_json(made))


def _stays(state: Experiment, known: Evidence, *because: str) -> Decision[Event]:
    return Decision(NotYet(state.phase, because, known))


def _no_slot(plan: ExperimentPlan, slot: CanarySlot | None, now: float) -> tuple[str, ...]:
    if slot is None or slot.experiment != plan.name:
        return ("It holds no slot of the canaries.",)
    if now > slot.enter_by:
        return ("Its slot of the canaries was not used in time: try again.",)
    return ()


def _wanted(plan: ExperimentPlan, variant: str) -> str:
    """The candidate that everybody is to have."""
    if variant in plan.candidates:
        return variant
    if not variant and len(plan.candidates) == 1:
        return plan.candidates[0]
    problem = f"{variant[:40]!r} is no candidate of {plan.name}." if variant else f"{plan.name} has several candidates."
    raise BadInput(problem, f"Name one: {', '.join(plan.candidates)}.")


def _check_words(command: Start | Promote | RollBack) -> None:
    for name, text, most in (("by", command.by, MAX_BY_CHARS), ("reason", command.reason, MAX_REASON_CHARS)):
        if len(text) > most or not (text.isprintable() and (text.strip() or name != "by")):
            problem = f"The {name} of the step is {text[:40]!r}."
            raise BadInput(problem, f"Pass up to {most} characters that can be shown.")
