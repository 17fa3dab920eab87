"""Where a crash test takes place: the kinds of entity that take part, how they are set up, and who is told where."""

import asyncio
import itertools
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import cast

import msgspec
import ray

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from actors.runtime_references import EntityRef, entity
from core.budget_messages import BudgetLimits
from core.journal import no_step
from core.placement import shard_of
from core.spending import Limit
from core.token_buckets import Limits, Rate
from deployments.local_ray import init_ray
from tests.actors.counters import KIND, Counter
from tests.actors.shards import asked
from tests.chaos.fuses import Fuses

LIMITS = BudgetLimits(day=Limit(Decimal(1), 10_000))
RATES = Limits(total=Rate(per_s=40.0, burst=60.0), user=Rate(per_s=10.0, burst=20.0))
COUNTERS = tuple(f"guild-{number}" for number in range(6))
LIMITED = tuple(f"tenant:guild-{number}" for number in range(3))
USERS = ("ada", "ben", "cyd", "dee")
SHARDS = 2
# More than the run takes: what is written in it stays, and what was written before grows old in it.
KEEP_S = 3_600.0
OLD_EVERY_S = 0.7
SNAPSHOT_EVERY = 8


class Plan(msgspec.Struct, frozen=True):
    """What every process of a run is told. `began_s` is the monotonic clock's."""

    journal_url: str
    folder: str
    address: str
    began_s: float
    seed: int
    callers: int

    @property
    def is_over(self) -> bool:
        return self._over.exists()

    def end(self) -> None:
        """Tell all processes to finish what they are at."""
        self._over.touch()

    @property
    def _over(self) -> Path:
        return Path(self.folder, "over")

    def config(self, kind: str) -> ShardConfig:
        """Snapshots and compactions come often, mailboxes are short, and a lit fuse ends the process."""
        return ShardConfig(
            self.journal_url,
            shards=SHARDS,
            idle_s=5.0,
            mailbox=8,
            keep_s=KEEP_S,
            compact_s=0.5,
            snapshot_every=SNAPSHOT_EVERY,
            at_step=Fuses(f"{self.folder}/{kind}"),
        )


class CrashedCounter(Counter):
    """The tests' counter under a name of its own."""

    kind = replace(KIND, name="CrashedCounter")


@dataclass(frozen=True, slots=True)
class Cast:
    """References to the kinds that take part."""

    counter: CrashedCounter
    ledger: BudgetLedger
    activity: ActivityLog
    limiter: RateLimiter

    def kinds(self) -> Sequence[EntityRef]:
        return tuple(cast(EntityRef, ref) for ref in (self.counter, self.ledger, self.activity, self.limiter))


def cast_of(plan: Plan) -> Cast:
    """The references, in whatever process."""
    return Cast(
        entity(CrashedCounter, plan.config("CrashedCounter")),
        entity(BudgetLedger, plan.config("BudgetLedger"), LIMITS),
        entity(ActivityLog, plan.config("ActivityLog"), 30),
        entity(RateLimiter, plan.config("RateLimiter"), RATES, Limits()),
    )


@asynccontextmanager
async def connected(address: str, **options: object) -> AsyncIterator[None]:
    """A process of its own on a Ray that runs, or ("local") with a Ray of its own."""
    await asyncio.to_thread(init_ray, address=address, **options)
    try:
        yield
    finally:
        await asyncio.to_thread(ray.shutdown)


async def grow_old(plan: Plan, seconds: float) -> Mapping[str, int]:
    """Give each counter a past, of which more is too old to be kept with every second of the run.

    Returns how often 1 was added to each.
    """
    begin, adds = time.time() - KEEP_S, dict.fromkeys(COUNTERS, 0)
    for index in range(SHARDS):
        past = Past(begin)
        counter = CrashedCounter(replace(plan.config("CrashedCounter"), index=index, clock=past, at_step=no_step))
        keys = [key for key in COUNTERS if shard_of(key, SHARDS) == index]
        try:
            for key in itertools.cycle(keys):
                past.now += OLD_EVERY_S
                if past.now > begin + seconds:
                    break
                # As many as it takes for a snapshot, before which they are not needed.
                for outcome in await counter.perform([asked("add", key, at=past.now) for _ in range(SNAPSHOT_EVERY)]):
                    outcome.result()
                adds[key] += SNAPSHOT_EVERY
        finally:
            await counter.close()
    return adds


class Past:
    """A clock that shows a time in the past."""

    def __init__(self, now: float) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now
