"""Fakes of the ports of experiments: assignments as a test wants them, and a desk that remembers what it was asked."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from core.decision_chain import Evidence, Gain, Phase, PhaseDecision, sealed
from core.errors import BadInput
from core.experiment_messages import Assigned, Counted, ExperimentReport, Moved, NotYet
from core.experiment_plans import ExperimentPlan, Goal, Metric
from core.experiment_ports import ExperimentHistory, FeatureFlag

AT = 1_790_000_000.0
PLAN = ExperimentPlan("trimming", (Metric("quality"), Metric("cost_usd", Goal.LOWER, high=10.0)))
EVIDENCE = Evidence(
    lived_s=100 * 3_600.0,
    exposures={"candidate": 510, "control": 490},
    outcomes={"candidate": 505, "control": 488},
    units={"candidate": 300, "control": 290},
    gains=(Gain("candidate", 0.02, 0.005, 0.035, 488, 505),),
    ratio_p=0.8,
    loss_p=0.9,
    means={"candidate": {"quality": 0.82, "error": 0.01}, "control": {"quality": 0.8, "error": 0.01}},
    p95_ms={"candidate": 1_210.0, "control": 1_190.0},
)
REPORT = ExperimentReport(PLAN, Phase.CANARY, AT - 360_000.0, 2, EVIDENCE, 2, "head")
_STARTED = PhaseDecision(1, "trimming", AT - 720_000.0, Phase.OFF, Phase.SHADOW, "op-1", "cheaper", PLAN.policy)
_PROMOTED = PhaseDecision(
    2, "trimming", AT - 360_000.0, Phase.SHADOW, Phase.CANARY, "op-1", "", PLAN.policy, evidence=EVIDENCE
)
STARTED = sealed(_STARTED, "")
PROMOTED = sealed(_PROMOTED, STARTED.digest)


class FakeAssignments:
    """Gives `assigned`; `observed` and `pairs` are what it was told.

    With `error` it raises; it waits until `gate` is set.
    """

    def __init__(self, assigned: Assigned) -> None:
        self.assigned = assigned
        self.asked: list[tuple[str, str, str]] = []
        self.observed: list[tuple[Any, ...]] = []
        self.pairs: list[tuple[Any, ...]] = []
        self.error: Exception | None = None
        self.gate = asyncio.Event()
        self.gate.set()

    async def assign(self, key: str, tenant: str, unit: str) -> Assigned:
        self.asked.append((key, tenant, unit))
        await self._answering()
        return self.assigned

    async def observe(
        self, key: str, variant: str, metrics: Mapping[str, float], epoch: int, covariates: Mapping[str, float] = {}
    ) -> Counted:
        del covariates
        await self._answering()
        self.observed.append((key, variant, dict(metrics), epoch))
        return Counted(True, self.assigned.phase)

    async def observe_pair(
        self, key: str, variant: str, live: Mapping[str, float], candidate: Mapping[str, float], epoch: int
    ) -> Counted:
        await self._answering()
        self.pairs.append((key, variant, dict(live), dict(candidate), epoch))
        return Counted(True, self.assigned.phase)

    async def _answering(self) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error


class FakeExperiments:
    """A desk with the experiment "trimming" and two features.

    `calls` are what it was asked; with `because` it refuses every step.
    """

    def __init__(self) -> None:
        self.report = REPORT
        self.decisions: tuple[PhaseDecision, ...] = (STARTED, PROMOTED)
        self.broken_at: int | None = None
        self.because: tuple[str, ...] = ()
        self.own: dict[tuple[str, str], bool] = {}
        self.calls: list[tuple[Any, ...]] = []

    async def all(self) -> Sequence[ExperimentReport]:
        self.calls.append(("all",))
        return (self.report,)

    async def show(self, name: str) -> ExperimentHistory:
        self._known(name)
        self.calls.append(("show", name))
        return ExperimentHistory(self.report, self.decisions, self.broken_at)

    async def start(self, name: str, by: str, reason: str = "") -> Moved | NotYet:
        return self._step("start", name, by, reason, Phase.SHADOW)

    async def promote(self, name: str, by: str, reason: str = "", variant: str = "") -> Moved | NotYet:
        return self._step("promote", name, by, reason, Phase.ACTIVE, variant)

    async def roll_back(self, name: str, by: str, reason: str = "") -> Moved | NotYet:
        return self._step("roll_back", name, by, reason, Phase.OFF)

    async def flags(self, tenant: str) -> Sequence[FeatureFlag]:
        self.calls.append(("flags", tenant))
        settings = {"prompt_compression": True, "semantic_cache": False}
        return tuple(FeatureFlag(name, on, self.own.get((tenant, name))) for name, on in settings.items())

    async def set_flag(self, tenant: str, feature: str, value: bool | None, by: str) -> Sequence[FeatureFlag]:
        if feature not in ("prompt_compression", "semantic_cache"):
            raise BadInput(f"There is no feature {feature!r}.", "Choose from: prompt_compression, semantic_cache.")
        self.calls.append(("set_flag", tenant, feature, value, by))
        self.own.pop((tenant, feature), None)
        if value is not None:
            self.own[tenant, feature] = value
        return await self.flags(tenant)

    def _step(self, step: str, name: str, by: str, reason: str, after: Phase, variant: str = "") -> Moved | NotYet:
        self._known(name)
        self.calls.append((step, name, by, reason, variant))
        if self.because:
            return NotYet(self.report.phase, self.because, EVIDENCE)
        made = PhaseDecision(3, name, AT, self.report.phase, after, by, reason, variant=variant, evidence=EVIDENCE)
        return Moved(sealed(made, PROMOTED.digest))

    def _known(self, name: str) -> None:
        if name != "trimming":
            raise BadInput(f"There is no experiment {name!r}.", "There is trimming.")
