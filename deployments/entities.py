"""Composes the durable entities, a line for each kind, and the supervisor that keeps them running."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, fields
from typing import cast

from actors.activity_log import ActivityLog
from actors.announcer import Announcer
from actors.answer_cache import AnswerCache
from actors.budget_ledger import BudgetLedger
from actors.channel_follower import ChannelFollower
from actors.experiment_registry import ExperimentRegistry
from actors.host_pace import HostPace
from actors.ingest_queue import IngestQueue
from actors.model_bandit import ModelBandit
from actors.rate_limiter import RateLimiter
from actors.runtime import START_S, ActorGone, ActorRef, ActorSpec, reference
from actors.runtime_gauges import ShardGauges
from actors.runtime_host import ShardConfig
from actors.runtime_references import EntityRef, entity
from actors.supervisor import Supervisor
from config.settings import Settings
from core.answer_cache_messages import CacheRules
from core.bandit_messages import BanditRules
from core.feature_plans import PLANS
from core.host_pace_messages import PaceRules
from core.linear_thompson import Prior
from core.routing_context import FEATURES
from core.routing_rewards import RewardWeights
from core.token_buckets import Limits
from deployments.ingest_bell import IngestBell
from deployments.routing_prior import RoutingPrior

DAY_S = 86_400.0
NAMES = tuple(plan.name for plan in PLANS)
# Sites are asked at the pace of HostPace; the limiter's own hosts are for whoever needs a limit that refuses.
HOST = Limits()


@dataclass(frozen=True, slots=True)
class Entities:
    """References to all entities, by kind.

    `resting` are those that no flag asks for: their processes start when somebody calls them all the same, as whoever
    deletes what was kept while the flag was on.
    """

    limiter: RateLimiter
    ledger: BudgetLedger
    activity: ActivityLog
    pace: HostPace
    queue: IngestQueue
    followers: ChannelFollower
    registry: ExperimentRegistry
    bandit: ModelBandit
    cache: AnswerCache
    resting: frozenset[str] = frozenset()

    def kinds(self) -> tuple[EntityRef, ...]:
        """The references of those that are to run, as the supervisor and resharding see them."""
        names = [each.name for each in fields(self) if each.name not in {"resting", *self.resting}]
        return tuple(cast(EntityRef, getattr(self, name)) for name in names)


def entities(settings: Settings) -> Entities:
    """References to the entities with the settings of this machine; their actors start when first called."""
    shard = shard_config(settings)
    rate, budget, enable = settings.rate, settings.budget, settings.enable
    queue = entity(IngestQueue, shard, IngestBell(), announcer())
    return Entities(
        limiter=entity(RateLimiter, shard, rate.limits(), HOST, rate.limits_of_tenants()),
        ledger=entity(BudgetLedger, shard, budget.limits(), budget.limits_of_tenants(), enforce=enable.budgets),
        activity=entity(ActivityLog, shard, settings.activity.retention_days, keep_text=enable.activity_text),
        pace=entity(HostPace, shard, pace_rules(settings)),
        queue=queue,
        followers=entity(ChannelFollower, shard, queue, settings.follow.full_s),
        registry=entity(ExperimentRegistry, shard, PLANS, NAMES, enabled=enable.experiment_harness),
        bandit=entity(
            ModelBandit,
            shard,
            BanditRules(Prior(FEATURES), settings.routing.exploration),
            RoutingPrior.load().projection.feature_version,
            weights=reward_weights(settings),
        ),
        cache=entity(AnswerCache, shard, cache_rules(settings), settings.embedding.dimensions),
        resting=_resting(settings),
    )


def _resting(settings: Settings) -> frozenset[str]:
    enable = settings.enable
    wanted = {
        "registry": enable.experiment_harness,
        "bandit": enable.experiment_harness or enable.rl_lints or enable.rl_shadow,
        "cache": enable.experiment_harness
        or enable.semantic_cache
        or enable.semantic_cache_shadow
        or enable.semantic_cache_promotion,
    }
    return frozenset(name for name, runs in wanted.items() if not runs)


def reward_weights(settings: Settings) -> RewardWeights:
    """What routing learns from."""
    routing = settings.routing
    return RewardWeights(
        routing.quality, routing.latency, routing.cost, routing.latency_limit_s, routing.cost_limit_usd
    )


def cache_rules(settings: Settings) -> CacheRules:
    """When answers are given again, and how long they are kept."""
    cache = settings.cache
    return CacheRules(
        delta=cache.wrong_share,
        audit_share=cache.audit_share,
        max_age_s=cache.max_age_days * DAY_S,
        max_entries=cache.max_entries,
    )


def announcer() -> Announcer:
    """A reference to the actor at which the bot fetches what it posts."""
    return reference(ActorSpec("Announcer"), Announcer)


def pace_rules(settings: Settings) -> PaceRules:
    """How fast one site is asked, by everybody together."""
    pace = settings.pace
    return PaceRules(pace.interval_s, pace.burst, max_interval_s=max(pace.interval_s, pace.max_interval_s))


def supervisor(kinds: tuple[EntityRef, ...]) -> Supervisor:
    """A reference to the actor that watches over these kinds."""
    return reference(ActorSpec("Supervisor"), Supervisor, kinds, ShardGauges)


async def supervised(kinds: tuple[EntityRef, ...], *, afresh: bool) -> None:
    """Have every shard of these kinds run and be watched over; returns when each was looked at once.

    `afresh` ends the actors that a cluster runs already, so that they take up the settings of today: callers wait for
    a second, and nothing is lost. Raises StartupFailed, WriteFailed or JournalUnreadable where a shard cannot start.
    """
    watch = supervisor(kinds)
    if afresh:
        await cast(ActorRef[Supervisor], watch).kill(restart=False)
    # Before anybody watches: a shard that cannot start is the operator's business now.
    await asyncio.gather(*(_begun(kind, afresh) for kind in kinds))
    await _patiently(watch.start)


async def _begun(kind: EntityRef, afresh: bool) -> None:
    """Start the first shard, which knows from the journal how many there are; the others the supervisor starts."""
    first = kind.shard(0)
    if afresh:
        await first.retire()
    await _patiently(first.start)
    kind.shards = (await first.pulse()).shards
    if afresh:
        await asyncio.gather(*(kind.shard(index).retire() for index in range(1, kind.shards)))


async def _patiently(start: Callable[[], Awaitable[None]]) -> None:
    """Start an actor whose namesake may not quite have ended."""
    async with asyncio.timeout(START_S):
        while True:
            try:
                return await start()
            except ActorGone:
                await asyncio.sleep(0.2)


def shard_config(settings: Settings) -> ShardConfig:
    """Where the journal is, and how shards run."""
    journal = settings.journal
    return ShardConfig(settings.journal_url, shards=journal.shards, keep_s=journal.keep_days * DAY_S)
