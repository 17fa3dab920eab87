"""What a tenant with a rate limiter and a budget costs, and how soon it is back: for 1,000 tenants, 10,000 and 100,000.

Two shards on Ray with a SQLite journal. For each number of tenants, in this order:
- `bytes_per_tenant`: every tenant takes from its limiter, reserves of its budget and settles. What the two processes
  grew by (anonymous memory), for each of them, right after that: so with all that a repeated command would need;
- `kept_bytes_per_tenant`: what of that the processes have not given back to the system when all tenants were dropped,
  because nobody called for them. Python keeps it for others;
- `idle_bytes_per_tenant`: as many others call. By how much the processes are larger than when the first ones had called
  is what the first ones cost now;
- the ledger's process is killed (SIGKILL). `first_answer_s` is the time until the first call is answered,
  `cold_first_call_ms` the median time of the first call of a tenant that has to be loaded, and `warm_call_ms` that of
  a second call;
- it is killed again. `recovery_s` is the time until each of the first tenants has answered.
"""

import asyncio
import os
import random
import signal
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import cast

from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, EntityRef, entity, together
from core.budget_messages import BudgetLimits
from core.errors import StartupFailed, Unavailable
from core.spending import Limit
from core.supervision import Pulse
from core.token_buckets import Limits, Rate
from deployments.local_ray import local_ray
from evals.measure.memory import anonymous_mb
from evals.measure.spread import percentile

GROWTH = 10
RECOVERED = 10_000
WARM_UP = 5_000
AT_ONCE = 200
SENDERS = 4
LIMITS = Limits(total=Rate(10.0, 20.0), user=Rate(1.0, 5.0))
BUDGET = BudgetLimits(day=Limit(Decimal(10), 1_000_000), month=Limit(Decimal(100)))
_PATIENCE_S = 300.0


@dataclass(frozen=True, slots=True)
class Shards:
    """One shard of limiters and one of ledgers."""

    limiter: RateLimiter
    ledger: BudgetLedger

    def both(self) -> tuple[EntityRef, EntityRef]:
        return cast(EntityRef, self.limiter), cast(EntityRef, self.ledger)


def run(
    *,
    data: Path | None = None,
    smallest: int = 1_000,
    largest: int = 100_000,
    cold: int = 300,
    idle_s: float = 20.0,
    idle_ms_per_tenant: float = 1.5,
    seed: int = 7,
) -> Mapping[str, object]:
    """Start Ray, measure, stop it. Tenants are dropped `idle_s` after their last call, and later where there are many:
    all of them have to be there at once before the first is dropped. The journals lie in `data` meanwhile.
    """
    sizes = []
    while smallest <= largest:
        sizes.append(smallest)
        smallest *= GROWTH
    by_n = {}
    with tempfile.TemporaryDirectory(prefix="entities-", dir=data) as folder, local_ray():
        for count in sizes:
            drop_s = idle_s + count * idle_ms_per_tenant / 1000
            by_n[count] = asyncio.run(measure(Path(folder) / str(count), count, cold, drop_s, random.Random(seed)))
            print(count, by_n[count], flush=True)
    most, recovered = by_n[sizes[-1]], by_n.get(RECOVERED, by_n[sizes[-1]])
    return {
        "bytes_per_tenant": most["bytes_per_tenant"],
        "idle_bytes_per_tenant": most["idle_bytes_per_tenant"],
        "kept_bytes_per_tenant": most["kept_bytes_per_tenant"],
        "cold_first_call_ms": most["cold_first_call_ms"],
        "recovery_s": recovered["recovery_s"],
        "by_n": by_n,
    }


async def measure(folder: Path, count: int, cold: int, idle_s: float, rng: random.Random) -> Mapping[str, float]:
    """The figures for `count` tenants, in the Ray that runs. Its shards end with it."""
    config = ShardConfig(f"sqlite:///{folder}/journal.db", idle_s=idle_s)
    shards = Shards(entity(RateLimiter, config, LIMITS, LIMITS), entity(BudgetLedger, config, BUDGET))
    try:
        grown = await _growth(shards, count, idle_s)
        return grown | await _recovery(shards.ledger, count, cold, rng)
    finally:
        for ref in shards.both():
            await ref.shard(0).retire()


async def _growth(shards: Shards, count: int, idle_s: float) -> dict[str, float]:
    # Others call before, so that what a process needs once is no tenant's. They stay, as they are called last again.
    others = [f"warm-{number}" for number in range(WARM_UP)]
    first, second = _tenants(0, count), _tenants(count, count)
    await _ask_all(shards, others)
    pids = [(await _pulse(ref)).pid for ref in shards.both()]
    empty_mb = _memory_mb(pids)
    began_s = time.perf_counter()
    await _ask_all(shards, first)
    asked_s = time.perf_counter() - began_s
    await _check_resident(shards, WARM_UP + count)
    full_mb = _memory_mb(pids)
    await _until_dropped(shards, idle_s)
    dropped_mb = _memory_mb(pids)
    await _ask_all(shards, others)
    await _ask_all(shards, second)
    await _check_resident(shards, WARM_UP + count)
    again_mb = _memory_mb(pids)
    return {
        "bytes_per_tenant": round((full_mb - empty_mb) * 1e6 / count),
        "idle_bytes_per_tenant": round((again_mb - full_mb) * 1e6 / count),
        "kept_bytes_per_tenant": round((dropped_mb - empty_mb) * 1e6 / count),
        "commands_per_s": round(3 * count / asked_s),
    }


async def _recovery(ledger: BudgetLedger, count: int, cold: int, rng: random.Random) -> dict[str, float]:
    tenants = _tenants(0, count)
    await _kill(ledger)
    began_s = time.perf_counter()
    await _answered(ledger, tenants[:1])
    first_s = time.perf_counter() - began_s
    drawn = rng.sample(tenants[1:], min(cold, count - 1))
    cold_s: list[float] = []
    warm_s: list[float] = []
    for tenant in drawn:
        for took_s in (cold_s, warm_s):
            began_s = time.perf_counter()
            await ledger.report(tenant)
            took_s.append(time.perf_counter() - began_s)
    await _kill(ledger)
    began_s = time.perf_counter()
    await _answered(ledger, tenants)
    return {
        "first_answer_s": round(first_s, 2),
        "cold_first_call_ms": round(percentile(cold_s, 50) * 1000, 2),
        "warm_call_ms": round(percentile(warm_s, 50) * 1000, 2),
        "recovery_s": round(time.perf_counter() - began_s, 2),
    }


def _tenants(first: int, count: int) -> list[str]:
    """Names as Discord gives them: 18 digits."""
    return [str(10**17 + 7 * number) for number in range(first, first + count)]


async def _ask_all(shards: Shards, tenants: Sequence[str]) -> None:
    """One question's way through the limiter and the ledger, for each tenant."""

    def take(tenant: str) -> Call:
        return Call("take", f"tenant:{tenant}", (tenant[::-1], 1.0))

    def reserve(tenant: str) -> Call:
        return Call("reserve", tenant, (f"reservation-{tenant}", Decimal("0.002"), 900, 60.0))

    def settle(tenant: str) -> Call:
        return Call("settle", tenant, (f"reservation-{tenant}", Decimal("0.0013"), 712))

    await _send(shards.limiter, tenants, (take,))
    await _send(shards.ledger, tenants, (reserve, settle))


async def _send(kind: object, tenants: Sequence[str], calls: Sequence[Callable[[str], Call]]) -> None:
    pieces = iter([tenants[first : first + AT_ONCE] for first in range(0, len(tenants), AT_ONCE)])

    async def sender() -> None:
        for piece in pieces:
            for call in calls:
                for outcome in await together(kind, [call(tenant) for tenant in piece]):
                    outcome.result()

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


async def _answered(ledger: BudgetLedger, tenants: Sequence[str]) -> None:
    """Until each of these has answered. A process that was killed takes a while to come back."""
    pieces = iter([tenants[first : first + AT_ONCE] for first in range(0, len(tenants), AT_ONCE)])

    async def sender() -> None:
        for piece in pieces:
            waiting = list(piece)
            async with asyncio.timeout(_PATIENCE_S):
                while waiting:
                    outcomes = await together(ledger, [Call("report", tenant) for tenant in waiting])
                    for outcome in outcomes:
                        if not isinstance(outcome.error, Unavailable):
                            outcome.result()
                    waiting = [t for t, outcome in zip(waiting, outcomes, strict=True) if outcome.error]

    await asyncio.gather(*(sender() for _ in range(SENDERS)))


async def _kill(ledger: BudgetLedger) -> None:
    os.kill((await _pulse(cast(EntityRef, ledger))).pid, signal.SIGKILL)


async def _pulse(ref: EntityRef) -> Pulse:
    """How a shard is; where the machine is busy, it takes a while to say."""
    async with asyncio.timeout(_PATIENCE_S):
        while True:
            with suppress(Unavailable):
                return await ref.shard(0).pulse()
            await asyncio.sleep(0.2)


async def _check_resident(shards: Shards, count: int) -> None:
    there = [(await _pulse(ref)).resident for ref in shards.both()]
    if there != [count, count]:
        problem = f"{there} tenants are in memory, not {count} of each: some were dropped before all had called."
        raise StartupFailed(problem, "Give --idle-ms-per-tenant more.")


async def _until_dropped(shards: Shards, idle_s: float) -> None:
    async with asyncio.timeout(idle_s + _PATIENCE_S):
        for ref in shards.both():
            while (await _pulse(ref)).resident:  # noqa: ASYNC110 - nothing tells when an entity is dropped
                await asyncio.sleep(0.5)


def _memory_mb(pids: Sequence[int]) -> float:
    return sum(anonymous_mb(pid) for pid in pids)
