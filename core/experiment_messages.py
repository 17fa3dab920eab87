"""What an experiment is told (commands), what happened (events), and what callers get (replies).

Times are unix seconds. Who a unit is stands in none of them: a command carries its hashed places alone.
"""

from typing import TypeAlias

import msgspec

from core.canary_slots import CanarySlot, FreeSlot, NoSlot, ReserveSlot, SlotFreed, SlotKept, SlotTaken
from core.decision_chain import Evidence, Phase, PhaseDecision
from core.entities import Message
from core.experiment_plans import CONTROL, ExperimentPlan
from core.feature_flags import FlagSet, SetFlag

GUARD_RAIL = "guard rail"


# ---------------------------------------------------------------- commands
class Assign(Message, frozen=True, gc=False):
    """Which variant has a unit, whose hashed places in [0, 1) these are?

    `share` says whether it is in the canary, `position` which variant it has there, and `identity` tells it from other
    units; `inside` is whether the experiment's slice of its layer holds it. `control` is that of a run to come.
    """

    share: float
    position: float
    identity: float
    inside: bool = True
    control: str = CONTROL


class Observe(Message, frozen=True):
    """What came of one exposure of `variant`: a number for each metric that was measured.

    `epoch` is the one of its assignment. `covariates` are numbers from before the exposure that tell something about a
    metric (CUPED). Once for each exposure: a call that is repeated by the runtime counts once.
    """

    variant: str
    metrics: dict[str, float]
    epoch: int
    covariates: dict[str, float] = msgspec.field(default_factory=dict)


class ObservePair(Message, frozen=True):
    """What came of one question in shadow: of the control, which the person got, and of `variant` beside it."""

    variant: str
    live: dict[str, float]
    candidate: dict[str, float]
    epoch: int


class Start(Message, frozen=True):
    """Go from off into the shadow, with this plan from now on."""

    plan: ExperimentPlan
    by: str
    reason: str = ""


class Promote(Message, frozen=True):
    """Go on: into the canary with a `slot` of it, or to active, where everybody has `variant` ("": the only one)."""

    by: str
    reason: str = ""
    slot: CanarySlot | None = None
    variant: str = ""


class RollBack(Message, frozen=True):
    """Back to off from whatever phase: everybody has the control."""

    by: str
    reason: str = ""


# ---------------------------------------------------------------- events
class Exposed(Message, frozen=True, gc=False):
    """A unit has the variant of this index; `unit` are its bytes where it is counted as a new one."""

    variant: int
    at: float
    unit: bytes = b""


class Observed(Message, frozen=True):
    """An outcome of the variant of this index."""

    variant: int
    at: float
    metrics: dict[str, float]
    covariates: dict[str, float] = msgspec.field(default_factory=dict)


class Paired(Message, frozen=True):
    """An outcome of the control, and of the variant of this index for the same question."""

    variant: int
    at: float
    live: dict[str, float]
    candidate: dict[str, float]


class Moved(Message, frozen=True):
    """The experiment is in another phase, by this decision; with `plan`, a run of it began."""

    decision: PhaseDecision
    plan: ExperimentPlan | None = None


# ---------------------------------------------------------------- replies
class Assigned(Message, frozen=True):
    """Use `variant`, and give `epoch` back with what came of it.

    `exposed` says that its outcome is wanted; `shadowed` are the variants to be computed beside it, unseen.
    """

    variant: str
    phase: Phase = Phase.OFF
    epoch: int = 0
    exposed: bool = False
    shadowed: tuple[str, ...] = ()


class Counted(Message, frozen=True):
    """The outcome counts, or does not, `because`; the experiment is in `phase` now, and why, if a rail took it back."""

    counted: bool
    phase: Phase
    because: str = ""


class NotYet(Message, frozen=True):
    """The experiment stays in its phase, for these reasons, on this evidence."""

    phase: Phase
    because: tuple[str, ...]
    evidence: Evidence


class ExperimentReport(Message, frozen=True):
    """How an experiment stands: aggregate numbers alone.

    `head` is the digest of the last of `decisions`. `plan` is that of the run, or the one that a run would have.
    """

    plan: ExperimentPlan
    phase: Phase
    since: float
    epoch: int
    evidence: Evidence
    decisions: int = 0
    head: str = ""
    variant: str = ""
    reason: str = ""


Command: TypeAlias = Assign | Observe | ObservePair | Start | Promote | RollBack | ReserveSlot | FreeSlot | SetFlag
Event: TypeAlias = Exposed | Observed | Paired | Moved | SlotTaken | SlotFreed | FlagSet
Reply: TypeAlias = Assigned | Counted | NotYet | Moved | SlotTaken | NoSlot | SlotFreed | SlotKept | FlagSet
