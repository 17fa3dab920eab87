"""Experiments from where answers are made: an assignment that never fails, and a measurement that nobody waits for.

given = await shadow.assign("trimming", tenant, unit)        control, whatever is down
... answer with given.variant ...
shadow.measure(given, live, compute)                         in shadow: the candidates, unseen, beside the answer
shadow.observe(given, metrics)                               in canary and active: what came of it
"""

import asyncio
import logging
import math
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from dataclasses import dataclass, replace
from typing import Any

from core.decision_chain import Phase
from core.errors import BadInput, BotError
from core.experiment_messages import Assigned
from core.experiment_plans import CONTROL, ERROR, LATENCY_MS
from core.experiment_ports import Assignments
from deployments.background import Background

Compute = Callable[[str], Awaitable[Mapping[str, float]]]
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Given:
    """An assignment, and the experiment that it is of."""

    experiment: str
    assigned: Assigned

    @property
    def variant(self) -> str:
        return self.assigned.variant


@dataclass(frozen=True, slots=True)
class ShadowConfig:
    """How much may go on beside the answers.

    At most `at_once` measurements; more are dropped, and counted. A candidate that takes longer than `candidate_s` has
    failed. An assignment that takes longer than `assign_s` is the control, and so are all for `rest_s` after that, so
    that nobody waits for a registry that is down. While everybody has the control, in off and in shadow, the registry
    is asked every `same_s` alone: that is how long a step takes to be seen.
    """

    at_once: int = 8
    candidate_s: float = 60.0
    assign_s: float = 0.25
    rest_s: float = 5.0
    same_s: float = 5.0


@dataclass(frozen=True, slots=True)
class ShadowCounts:
    """What happened since the beginning.

    `controls` are assignments that were the control because the registry did not answer; `lost` are outcomes that it
    did not take.
    """

    measured: int = 0
    dropped: int = 0
    failed: int = 0
    controls: int = 0
    lost: int = 0


class Shadow:
    """Measures candidates beside the answers: what it does never delays one, changes one or fails one.

    For one event loop. A restart loses what was under way: these questions are not counted.
    """

    def __init__(
        self,
        registry: Assignments,
        background: Background,
        config: ShadowConfig = ShadowConfig(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`clock` gives seconds and never goes back."""
        self._registry, self._background, self._config, self._clock = registry, background, config, clock
        self._under_way = 0
        # By experiment: what everybody has, and until when it need not be asked.
        self._same: dict[str, tuple[float, Assigned]] = {}
        self.counts = ShadowCounts()

    async def assign(self, experiment: str, tenant: str, unit: str, control: str = CONTROL) -> Given:
        """Which variant `unit` of `tenant` has; `control` where the registry does not say in time.

        An exposure whose reply comes too late is counted and has no outcome, of every variant alike.
        """
        until_s, same = self._same.get(experiment, (0.0, None))
        now_s = self._clock()
        if same is not None and now_s < until_s:
            return Given(experiment, same)
        try:
            async with asyncio.timeout(self._config.assign_s):
                assigned = await self._registry.assign(experiment, tenant, unit)
        except (BotError, TimeoutError) as error:
            _log.warning("%s goes on with %s: %s", experiment, control, error or "the registry did not answer in time")
            self._count(controls=1)
            assigned = Assigned(control)
            if not isinstance(error, BadInput):
                self._same[experiment] = now_s + self._config.rest_s, assigned
            return Given(experiment, assigned)
        if assigned.phase in (Phase.OFF, Phase.SHADOW):
            self._same[experiment] = now_s + self._config.same_s, assigned
        return Given(experiment, assigned)

    def observe(self, given: Given, metrics: Mapping[str, float]) -> None:
        """Count what came of an exposure, beside; `metrics` are the plan's, with `error` and `latency_ms`."""
        assigned = given.assigned
        if assigned.exposed:
            observing = self._registry.observe(given.experiment, assigned.variant, metrics, assigned.epoch)
            self._background.start(self._told(observing), f"What came of {given.experiment}")

    def measure(self, given: Given, live: Mapping[str, float], compute: Compute) -> None:
        """Have `compute(variant)` compute each candidate that is in shadow, beside, and compare it with the `live` one.

        It returns the candidate's metrics; its `latency_ms` is measured here where it is not among them. What it
        raises, and taking too long, is an error of the candidate's. Where too many are under way, nothing is computed.
        """
        for variant in given.assigned.shadowed:
            if self._under_way >= self._config.at_once:
                self._count(dropped=1)
                continue
            self._under_way += 1
            work = self._measured(given, variant, dict(live), compute)
            task = self._background.start(work, f"{variant} of {given.experiment} in shadow")
            task.add_done_callback(self._ended)

    def _ended(self, _: asyncio.Task[None]) -> None:
        self._under_way -= 1

    async def _measured(self, given: Given, variant: str, live: Mapping[str, float], compute: Compute) -> None:
        metrics = await self._outcome(given, variant, compute)
        pair = self._registry.observe_pair(given.experiment, variant, live, metrics, given.assigned.epoch)
        await self._told(pair)
        self._count(measured=1)

    async def _outcome(self, given: Given, variant: str, compute: Compute) -> Mapping[str, float]:
        began_s = self._clock()
        try:
            async with asyncio.timeout(self._config.candidate_s):
                found = await compute(variant)
        except Exception as error:  # noqa: BLE001 - whatever a candidate raises is its own outcome
            _log.warning("%s of %s failed in shadow: %r", variant, given.experiment, error)
            self._count(failed=1)
            return {ERROR: 1.0}
        metrics = {ERROR: 0.0, LATENCY_MS: 1000 * (self._clock() - began_s), **found}
        if not all(map(math.isfinite, metrics.values())):
            # Refused by the registry, it would count nowhere: a candidate that breaks down would look well.
            self._count(failed=1)
            return {ERROR: 1.0}
        return metrics

    async def _told(self, call: Coroutine[Any, Any, Any]) -> None:
        """Tell the registry; that it does not take it is logged by whoever started this."""
        try:
            await call
        except BotError:
            self._count(lost=1)
            raise

    def _count(self, **more: int) -> None:
        self.counts = replace(self.counts, **{name: getattr(self.counts, name) + by for name, by in more.items()})
