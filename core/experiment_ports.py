"""The interfaces of experiments: the registry as the pipeline and the desk have it, and the desk as the bot has it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.canary_slots import CanarySlot, NoSlot, SlotFreed, SlotKept, SlotTaken
from core.decision_chain import PhaseDecision
from core.experiment_messages import Assigned, Counted, ExperimentReport, Moved, NotYet
from core.feature_flags import FlagSet


class Assignments(Protocol):
    """Says who has which variant, and counts what came of it; the key is the experiment's name."""

    async def assign(self, key: str, tenant: str, unit: str) -> Assigned:
        """Which variant `unit` of `tenant` has, now counted as exposed to it."""
        ...

    async def observe(
        self, key: str, variant: str, metrics: Mapping[str, float], epoch: int, covariates: Mapping[str, float] = {}
    ) -> Counted:
        """What came of an exposure; once for each."""
        ...

    async def observe_pair(
        self, key: str, variant: str, live: Mapping[str, float], candidate: Mapping[str, float], epoch: int
    ) -> Counted:
        """What came of one question in shadow, live and of the candidate beside it."""
        ...


class ExperimentRegistry(Assignments, Protocol):
    """Keeps experiments, the slots of the canaries (`CANARIES`) and a tenant's flags (`flags_key`)."""

    async def begin(self, key: str, by: str, reason: str = "") -> Moved | NotYet: ...

    async def promote(
        self, key: str, by: str, reason: str = "", slot: CanarySlot | None = None, variant: str = ""
    ) -> Moved | NotYet: ...

    async def roll_back(self, key: str, by: str, reason: str = "") -> Moved | NotYet: ...

    async def report(self, key: str) -> ExperimentReport: ...

    async def decisions(self, key: str) -> Sequence[PhaseDecision]: ...

    async def reserve_slot(self, key: str, experiment: str) -> SlotTaken | NoSlot: ...

    async def free_slot(self, key: str, experiment: str, number: int) -> SlotFreed | SlotKept: ...

    async def set_flag(self, key: str, feature: str, value: bool | None, by: str) -> FlagSet: ...

    async def flags(self, key: str) -> Mapping[str, bool]: ...


@dataclass(frozen=True, slots=True)
class ExperimentHistory:
    """An experiment and its decisions, oldest first; `broken_at` is the first that was changed, None for none."""

    report: ExperimentReport
    decisions: Sequence[PhaseDecision]
    broken_at: int | None = None


@dataclass(frozen=True, slots=True)
class FeatureFlag:
    """A feature for one tenant: the bot's setting, and the tenant's own switch, None where it has none."""

    name: str
    default: bool
    override: bool | None


class Experiments(Protocol):
    """What operators do about experiments, and moderators about their server's flags. Raises BadInput for no such one.

    Experiments run for the whole bot: what is told of them are sums over all tenants, and nothing of any one.
    """

    async def all(self) -> Sequence[ExperimentReport]:
        """Every experiment, by name."""
        ...

    async def show(self, name: str) -> ExperimentHistory: ...

    async def start(self, name: str, by: str, reason: str = "") -> Moved | NotYet: ...

    async def promote(self, name: str, by: str, reason: str = "", variant: str = "") -> Moved | NotYet: ...

    async def roll_back(self, name: str, by: str, reason: str = "") -> Moved | NotYet: ...

    async def flags(self, tenant: str) -> Sequence[FeatureFlag]:
        """Every feature that a tenant may switch, by name."""
        ...

    async def set_flag(self, tenant: str, feature: str, value: bool | None, by: str) -> Sequence[FeatureFlag]:
        """Switch a feature for a tenant (None: as the bot's setting says); returns all of them."""
        ...
