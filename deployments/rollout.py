"""Which features a question gets: by the settings, the tenant's own switches and the experiments."""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import BotError
from core.feature_flags import flags_key
from core.rollout import Feature, Mode, mode_of
from deployments.shadowing import Given

# How long a tenant's own switch may take to be heeded.
_FLAGS_S = 10.0
_FLAGS_WAIT_S = 0.25
_MOST_KNOWN = 10_000


class Assigner(Protocol):
    """`deployments.shadowing.Shadow`, as far as it is needed here: it never fails."""

    async def assign(self, experiment: str, tenant: str, unit: str) -> Given: ...


class Flags(Protocol):
    """`core.experiment_ports.ExperimentRegistry`, as far as it is needed here."""

    async def flags(self, key: str) -> Mapping[str, bool]: ...


@dataclass(frozen=True, slots=True)
class Rolled:
    """The mode of each feature for one question, and what its experiment assigned."""

    modes: Mapping[str, Mode]
    given: Mapping[str, Given]

    def __getitem__(self, feature: str) -> Mode:
        return self.modes.get(feature, Mode.OFF)


class Rollout:
    """Without a harness the settings alone decide, and nobody is asked.

    With one, a question costs a call of the registry for each experiment, all at once; the tenants' switches are asked
    for now and then. Where the registry does not answer, the settings decide.
    """

    def __init__(
        self,
        features: Sequence[Feature] = (),
        experiments: Assigner | None = None,
        flags: Flags | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._features, self._experiments, self._flags, self._clock = tuple(features), experiments, flags, clock
        self._known: dict[str, tuple[float, Mapping[str, bool]]] = {}

    async def of(self, tenant: str, unit: str) -> Rolled:
        """The modes for `unit`, a question of `tenant`: questions are what outcomes are counted by."""
        overrides = await self._overrides(tenant)
        given = await self._given(tenant, unit, overrides)
        modes = {
            each.name: mode_of(
                each, overrides.get(each.name), given[each.name].assigned if each.name in given else None
            )
            for each in self._features
        }
        return Rolled(modes, given)

    async def _given(self, tenant: str, unit: str, overrides: Mapping[str, bool]) -> Mapping[str, Given]:
        """The assignments of those features about which nothing else decides: only these are exposed to anything."""
        experiments = self._experiments
        if experiments is None:
            return {}
        names = [each.name for each in self._features if not each.on and overrides.get(each.name) is None]
        assigned = await asyncio.gather(*(experiments.assign(name, tenant, unit) for name in names))
        return dict(zip(names, assigned, strict=True))

    async def _overrides(self, tenant: str) -> Mapping[str, bool]:
        if self._flags is None:
            return {}
        asked_at, known = self._known.get(tenant, (-_FLAGS_S, {}))
        if self._clock() - asked_at < _FLAGS_S:
            return known
        if len(self._known) >= _MOST_KNOWN:
            self._known.clear()
        # Before the call: while it is under way, others take what is known.
        self._known[tenant] = (self._clock(), known)
        try:
            async with asyncio.timeout(_FLAGS_WAIT_S):
                known = await self._flags.flags(flags_key(tenant))
        except (BotError, TimeoutError):
            return known
        self._known[tenant] = (self._clock(), known)
        return known
