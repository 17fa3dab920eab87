"""The experiments as operators and moderators have them: the port `core.experiment_ports.Experiments`."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence

from core.canary_slots import CANARIES, MOST, CanarySlot, NoSlot
from core.decision_chain import Phase, broken_at
from core.errors import BadInput
from core.experiment_evidence import lacking
from core.experiment_messages import ExperimentReport, Moved, NotYet
from core.experiment_ports import ExperimentHistory, ExperimentRegistry, FeatureFlag
from core.feature_flags import flags_key


class ExperimentDesk:
    """Takes an experiment from phase to phase, and never more than `MOST` into the canary (`core.canary_slots`).

    It keeps nothing: whatever it was at when it died, the next call goes on from what the registry says.
    """

    def __init__(
        self,
        registry: ExperimentRegistry,
        names: Sequence[str],
        defaults: Mapping[str, bool],
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`names` are the plans'; `defaults` is what the bot's settings say of each feature that can be switched."""
        self._registry, self._names, self._defaults, self._clock = registry, tuple(sorted(names)), defaults, clock

    async def all(self) -> Sequence[ExperimentReport]:
        """Every experiment, by name."""
        return await asyncio.gather(*(self._registry.report(name) for name in self._names))

    async def show(self, name: str) -> ExperimentHistory:
        """An experiment and its decisions, with the first that was changed afterwards."""
        report = await self._registry.report(name)
        made = await self._registry.decisions(name)
        # A step in between is in the one and not in the other.
        decisions = tuple(each for each in made if each.number <= report.decisions)
        return ExperimentHistory(report, decisions, broken_at(decisions, report.head))

    async def start(self, name: str, by: str, reason: str = "") -> Moved | NotYet:
        """Go from off into the shadow."""
        return await self._registry.begin(name, by, reason)

    async def promote(self, name: str, by: str, reason: str = "", variant: str = "") -> Moved | NotYet:
        """Go on to the next phase, if the evidence allows it and, for the canary, there is a place in it."""
        now = await self._registry.report(name)
        if now.phase is not Phase.SHADOW:
            return await self._registry.promote(name, by, reason, None, variant)
        candidates = now.plan.candidates
        if because := tuple(lack for each in candidates for lack in lacking(now.plan, now.evidence, each)):
            return NotYet(now.phase, because, now.evidence)
        slot = await self._slot(name)
        if isinstance(slot, NoSlot):
            others = " and ".join(taken.experiment for taken in slot.slots)
            because = (f"{MOST} experiments may be in the canary at once, and the places are those of {others}.",)
            return NotYet(now.phase, because, now.evidence)
        return await self._registry.promote(name, by, reason, slot)

    async def roll_back(self, name: str, by: str, reason: str = "") -> Moved | NotYet:
        """Back to off, from whatever phase."""
        return await self._registry.roll_back(name, by, reason)

    async def flags(self, tenant: str) -> Sequence[FeatureFlag]:
        """Every feature that a tenant may switch, by name."""
        own = await self._registry.flags(flags_key(tenant))
        return tuple(FeatureFlag(name, on, own.get(name)) for name, on in sorted(self._defaults.items()))

    async def set_flag(self, tenant: str, feature: str, value: bool | None, by: str) -> Sequence[FeatureFlag]:
        """Switch a feature for a tenant (None: as the bot's setting says); returns all of them."""
        await self._registry.set_flag(flags_key(tenant), feature, value, by)
        return await self.flags(tenant)

    async def _slot(self, name: str) -> CanarySlot | NoSlot:
        reply = await self._registry.reserve_slot(CANARIES, name)
        if isinstance(reply, NoSlot):
            for slot in reply.slots:
                await self._free(slot)
            reply = await self._registry.reserve_slot(CANARIES, name)
        return reply if isinstance(reply, NoSlot) else reply.slot

    async def _free(self, slot: CanarySlot) -> None:
        """Free a slot whose experiment is not in the canary, and cannot enter it with that slot any more."""
        # Before the look, not after: only then is what the look says true from there on.
        if self._clock() < slot.free_from:
            return
        try:
            holder = (await self._registry.report(slot.experiment)).phase
        except BadInput:
            holder = Phase.OFF  # its plan is gone, and it does not run
        if holder is not Phase.CANARY:
            await self._registry.free_slot(CANARIES, slot.experiment, slot.number)
