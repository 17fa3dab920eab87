"""Every experiment, the slots of the canaries, and each tenant's feature flags: over `core.experiments`."""

from collections.abc import Mapping, Sequence

from actors.runtime_entities import EntityActor, query
from actors.runtime_host import ShardConfig
from core.canary_slots import CanarySlot, FreeSlot, NoSlot, ReserveSlot, SlotFreed, SlotKept, SlotTaken
from core.decision_chain import Phase, PhaseDecision, read_decision
from core.entities import Find
from core.errors import BadInput
from core.experiment_exposures import assign_command
from core.experiment_messages import (
    Assigned,
    Command,
    Counted,
    Event,
    ExperimentReport,
    Moved,
    NotYet,
    Observe,
    ObservePair,
    Promote,
    RollBack,
    Start,
)
from core.experiment_phases import DECISION
from core.experiment_plans import ExperimentPlan, checked_plans
from core.experiments import KIND, Registered, report
from core.feature_flags import FlagSet, SetFlag

MAX_DECISIONS = 1_000
SWITCHED_OFF = "ENABLE_EXPERIMENT_HARNESS is off."


class ExperimentRegistry(EntityActor[Registered, Command, Event]):
    """An exposure is on disk before the variant is told; no step without its evidence; two canaries at most.

    The phase, counts and sums, decisions, slots and flags survive a restart. An experiment's key is its name; the slots
    are those of `core.canary_slots.CANARIES`; a tenant's flags those of `core.feature_flags.flags_key`.

    With `enabled` False everybody has the control, nothing is recorded and nothing starts; flags can be set.
    """

    kind = KIND

    def __init__(
        self,
        config: ShardConfig,
        plans: Sequence[ExperimentPlan] = (),
        features: Sequence[str] = (),
        enabled: bool = False,
    ) -> None:
        """`plans` are the experiments that there are, `features` those that a tenant may switch. Raises BadInput."""
        self._plans, self._features, self._enabled = checked_plans(plans), tuple(features), enabled
        super().__init__(config)

    # ------------------------------------------------------------ the pipeline
    async def assign(self, key: str, tenant: str, unit: str) -> Assigned:
        """Which variant `unit` of `tenant` has, now counted as exposed to it.

        A unit is what is assigned and counted as one: a question's id, whose outcome is independent of the others, or a
        user's where nobody may see a variant change.
        """
        plan = self._plan(key)
        if not self._enabled:
            return Assigned(plan.control)
        reply: Assigned = self.decide(key, assign_command(plan, tenant, unit))
        return reply

    async def observe(
        self, key: str, variant: str, metrics: Mapping[str, float], epoch: int, covariates: Mapping[str, float] = {}
    ) -> Counted:
        """What came of an exposure; once for each. A rail that this trips takes the experiment back at once.

        A call that the runtime repeats counts once. Raises BadInput for what is no number of the metric.
        """
        if not self._enabled:
            return Counted(False, Phase.OFF, SWITCHED_OFF)
        reply: Counted = self.decide(key, Observe(variant, dict(metrics), epoch, dict(covariates)))
        return reply

    async def observe_pair(
        self, key: str, variant: str, live: Mapping[str, float], candidate: Mapping[str, float], epoch: int
    ) -> Counted:
        """What came of one question in shadow, live and of the candidate beside it. Otherwise as `observe`."""
        if not self._enabled:
            return Counted(False, Phase.OFF, SWITCHED_OFF)
        reply: Counted = self.decide(key, ObservePair(variant, dict(live), dict(candidate), epoch))
        return reply

    # ------------------------------------------------------------ the steps
    async def begin(self, key: str, by: str, reason: str = "") -> Moved | NotYet:
        """Go from off into the shadow, with the plan of today."""
        plan = self._known(key)
        if not self._enabled:
            return self._not_on(key)
        reply: Moved | NotYet = self.decide(key, Start(plan, by, reason))
        return reply

    async def promote(
        self, key: str, by: str, reason: str = "", slot: CanarySlot | None = None, variant: str = ""
    ) -> Moved | NotYet:
        """Go on, if the evidence allows it: into the canary with a slot, or to active with `variant`."""
        if not self._enabled:
            return self._not_on(key)
        reply: Moved | NotYet = self.decide(key, Promote(by, reason, slot, variant))
        return reply

    async def roll_back(self, key: str, by: str, reason: str = "") -> Moved | NotYet:
        """Back to off, from whatever phase."""
        reply: Moved | NotYet = self.decide(key, RollBack(by, reason))
        return reply

    async def report(self, key: str) -> ExperimentReport:
        """How the experiment stands now, in aggregate numbers."""
        return self._report(key)

    @query
    async def decisions(self, key: str) -> Sequence[PhaseDecision]:
        """Every step so far, oldest first, of the last `MAX_DECISIONS`; `core.decision_chain.broken_at` checks them."""
        records = await self.find(key, Find(kind=DECISION, limit=MAX_DECISIONS))
        return tuple(sorted((read_decision(record.body) for record in records), key=lambda made: made.number))

    # ------------------------------------------------------------ the canaries' slots
    async def reserve_slot(self, key: str, experiment: str) -> SlotTaken | NoSlot:
        """A slot for `experiment` to go into the canary with, or whose they are."""
        reply: SlotTaken | NoSlot = self.decide(key, ReserveSlot(experiment))
        return reply

    async def free_slot(self, key: str, experiment: str, number: int) -> SlotFreed | SlotKept:
        """The slot's experiment was found outside of the canary after the slot's `free_from`."""
        reply: SlotFreed | SlotKept = self.decide(key, FreeSlot(experiment, number))
        return reply

    # ------------------------------------------------------------ a tenant's flags
    async def set_flag(self, key: str, feature: str, value: bool | None, by: str) -> FlagSet:
        """Switch a feature on or off for the tenant; None: as the settings say again."""
        reply: FlagSet = self.decide(key, SetFlag(feature, value, by, self._features))
        return reply

    async def flags(self, key: str) -> Mapping[str, bool]:
        """The tenant's own switches, of the features that there are."""
        return {name: on for name, on in self.state(key).flags.of_feature.items() if name in self._features}

    # ------------------------------------------------------------ plans
    def _plan(self, key: str) -> ExperimentPlan:
        """The plan of the run under way, else the one of today."""
        state = self.state(key).experiment
        return state.plan if state.plan is not None and state.phase.runs else self._known(key)

    def _known(self, key: str) -> ExperimentPlan:
        if key not in self._plans:
            raise BadInput(f"There is no experiment {key[:40]!r}.", f"There is {', '.join(self._plans) or 'none'}.")
        return self._plans[key]

    def _report(self, key: str) -> ExperimentReport:
        return report(self.state(key).experiment, self._plan(key), self.now())

    def _not_on(self, key: str) -> NotYet:
        now = self._report(key)
        return NotYet(now.phase, (SWITCHED_OFF,), now.evidence)
