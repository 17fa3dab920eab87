"""Those who are asked about a question, as tests want them: a bandit, an answer cache and a registry that remember."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from core.answer_cache_messages import CacheReport
from core.answer_cache_ports import CachedAnswer, Kept, Lookup, ModelAnswer, NotCached
from core.bandit_messages import Choice, Learned, NotWaitedFor
from core.bandit_report import BanditReport
from core.errors import BotError
from core.experiment_messages import Assigned
from core.feature_plans import ANSWER_CACHE, ROUTING, TRIMMING
from core.messages import Claim, Quote
from core.rollout import Feature
from core.routing_context import PROJECTED, Projection
from deployments.decisions import Deciding
from tests.deployments.pipelines import SENTENCES, TALK, Bench
from tests.fakes.experiments import FakeAssignments

ARMS = ("some/model", "second/model")
# The fake embedder's vectors have 64 numbers.
NOTHING_REPORTED = CacheReport()
PROJECTION = Projection(np.zeros(64, np.float32), np.eye(64, PROJECTED, dtype=np.float32))
REMEMBERED = (Claim("It was said.", (Quote(SENTENCES[1].text, 4.0, "https://youtu.be/abc?t=4", TALK),)),)
CACHE_ON, CACHE_SHADOW = (Feature(ANSWER_CACHE, on=True),), (Feature(ANSWER_CACHE, shadow=True),)
ROUTING_ON, ROUTING_SHADOW = (Feature(ROUTING, on=True),), (Feature(ROUTING, shadow=True),)
SHADOWS = (Feature(TRIMMING, shadow=True), *ROUTING_SHADOW, *CACHE_SHADOW)
HIT = CachedAnswer(REMEMBERED, 0.99, cost_usd=0.01)


@dataclass
class ScriptedCache:
    """Finds `found`; `asked`, `shadows` and `kept` are what it was told."""

    found: CachedAnswer | NotCached = field(default_factory=NotCached)
    error: BotError | None = None
    asked: list[Lookup] = field(default_factory=list)
    shadows: list[bool] = field(default_factory=list)
    kept: list[ModelAnswer] = field(default_factory=list)
    forgotten: list[str] = field(default_factory=list)
    reported: CacheReport = NOTHING_REPORTED
    gate: asyncio.Event = field(default_factory=asyncio.Event)
    right: bool | None = True

    def __post_init__(self) -> None:
        self.gate.set()

    async def look_up(self, key: str, asked: Lookup, shadow: bool = False) -> CachedAnswer | NotCached:
        assert key == "guild-1"
        self.asked.append(asked)
        self.shadows.append(shadow)
        await self._answering()
        return NotCached(would_serve=True) if shadow and isinstance(self.found, CachedAnswer) else self.found

    async def keep(self, key: str, asked: Lookup, found: NotCached, answer: ModelAnswer) -> Kept:
        assert key == "guild-1"
        assert asked in self.asked
        assert isinstance(found, NotCached)
        await self._answering()
        self.kept.append(answer)
        return Kept(True, self.right)

    async def forget_recordings(self, key: str, recording_ids: Sequence[str]) -> int:
        assert key == "guild-1"
        self.forgotten += recording_ids
        return len(recording_ids)

    async def forget_user(self, key: str, user: str, workspace: str = "") -> int:
        raise NotImplementedError

    async def forget_tenant(self, key: str, workspace: str = "") -> int:
        raise NotImplementedError

    async def report(self, key: str) -> CacheReport:
        assert key == "guild-1"
        return self.reported

    async def _answering(self) -> None:
        await self.gate.wait()
        if self.error is not None:
            raise self.error


@dataclass
class ScriptedBandit:
    """Chooses `arm`; `chosen` and `observed` are what it was told."""

    arm: str = ARMS[1]
    error: BotError | None = None
    chosen: list[tuple[str, tuple[str, ...], str, bool]] = field(default_factory=list)
    observed: list[tuple[str, float, float, float, str]] = field(default_factory=list)

    async def choose(
        self,
        key: str,
        decision_id: str,
        context: bytes,
        arms: tuple[str, ...],
        baseline: str = "",
        shadow: bool = False,
    ) -> Choice:
        assert key == "answers"
        assert len(context) == 4 * 33
        if self.error is not None:
            raise self.error
        self.chosen.append((decision_id, arms, baseline, shadow))
        return Choice(decision_id, self.arm, 0.9, self.arm, 0.9, 0.01)

    async def observe(
        self, key: str, decision_id: str, quality: float, latency_s: float, cost_usd: float, tenant: str = ""
    ) -> Learned | NotWaitedFor:
        assert key == "answers"
        self.observed.append((decision_id, quality, latency_s, cost_usd, tenant))
        return Learned(quality, False, 0.8, 0.5)

    async def report(self, key: str) -> BanditReport:
        raise NotImplementedError


class ScriptedRegistry(FakeAssignments):
    """Assigns by experiment; who is not in `of` has the control."""

    def __init__(self, of: Mapping[str, Assigned], own: Mapping[str, bool] = {}) -> None:
        super().__init__(Assigned("control"))
        self.of, self.own = of, own

    async def assign(self, key: str, tenant: str, unit: str) -> Assigned:
        await super().assign(key, tenant, unit)
        return self.of.get(key, self.assigned)

    async def flags(self, key: str) -> Mapping[str, bool]:
        assert key == "flags:guild-1"
        if self.error is not None:
            raise self.error
        return self.own


def routed(features: Sequence[Feature], bandit: ScriptedBandit) -> Deciding:
    return Deciding(features, bandit=bandit, projection=PROJECTION, arms=ARMS)


async def settled(made: Bench) -> None:
    await made.pipeline.close()
