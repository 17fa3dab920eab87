"""What tenants cost: memory, the first call of a cold one, and recovery, for growing numbers of them.

Each tenant has a limiter (one take) and a budget (one reservation, settled): two entities in two shards on Ray, with a
SQLite journal. For each N, in this order:

- `bytes_per_tenant`: what both processes hold more than before these tenants called (PSS), by N, right after the calls,
  so with all that repeats of them would need. Before, some others have called: what a process that works needs in any
  case is no tenant's;
- `recovery_s`: from SIGKILL of the ledger's process until every one of its N streams has answered again;
- `cold_first_call_ms`: the first call of a tenant that is not in memory, at the median of `cold` of them;
- `idle_bytes_per_tenant`: what is left when all N were called and then dropped.

The figures at the top are those of the largest N; `recovery_s` is that of N = 10,000 where it is among them.
"""

import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import cast

from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, EntityRef, entity, together
from core.budget_messages import BudgetLimits
from core.spending import Limit
from core.token_buckets import Limits, Rate
from deployments.local_ray import local_ray
from evals.measure.memory import pss_mb
from evals.measure.spread import percentile

SIZES = "1000,10000,100000"
RECOVERED = 10_000
PIECE = 500
NEVER_S = 86_400.0
AT_ONCE_S = 0.5
WARM = [f"warm-{number}" for number in range(2 * PIECE)]
BUDGET = BudgetLimits(day=Limit(Decimal(10)), month=Limit(Decimal(100)))
RATE = Limits(Rate(10.0, 20.0), Rate(1.0, 10.0))
PRICE = Decimal("0.001")


def run(*, sizes: str = SIZES, cold: int = 200) -> Mapping[str, object]:
    """Start Ray, measure for each of `sizes`, stop it."""
    wanted = [int(size) for size in sizes.split(",")]

    async def measured() -> Mapping[str, object]:
        with local_ray():
            return {str(size): await measure(size, cold) for size in wanted}

    by_n = cast(Mapping[str, Mapping[str, float]], asyncio.run(measured()))
    largest = by_n[str(max(wanted))]
    recovered = by_n.get(str(RECOVERED), largest)
    return {**largest, "recovery_s": recovered["recovery_s"], "by_n": by_n}


async def measure(size: int, cold: int) -> Mapping[str, float]:
    """The figures for `size` tenants, on the Ray that runs."""
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        kinds = _kinds(folder, NEVER_S)
        tenants = [f"{number}" for number in range(size)]
        await _call_all(kinds, WARM)
        before = await _pss_bytes(kinds)
        await _call_all(kinds, tenants)
        resident = await _pss_bytes(kinds) - before
        recovery_s = await _recovery_s(kinds[1], tenants)
        cold_ms = await _cold_ms(kinds[1], tenants[:cold])
        await _retire(kinds)
        kinds = _kinds(folder, AT_ONCE_S)
        await _call_all(kinds, WARM)
        before = await _pss_bytes(kinds)
        await _call_all(kinds, tenants)
        await _dropped(kinds)
        idle = await _pss_bytes(kinds) - before
        await _retire(kinds)
    figures = {
        "bytes_per_tenant": round(resident / size, 1),
        "idle_bytes_per_tenant": round(idle / size, 1),
        "cold_first_call_ms": round(cold_ms, 2),
        "recovery_s": round(recovery_s, 2),
    }
    print(f"{size:>7,} tenants: {figures}")
    return figures


def _kinds(folder: str, idle_s: float) -> tuple[EntityRef, EntityRef]:
    config = ShardConfig(f"sqlite:///{folder}/journal.db", idle_s=idle_s)
    limiter, ledger = entity(RateLimiter, config, RATE, RATE), entity(BudgetLedger, config, BUDGET)
    return cast(EntityRef, limiter), cast(EntityRef, ledger)


async def _call_all(kinds: tuple[EntityRef, EntityRef], tenants: Sequence[str]) -> None:
    """One take, and one reservation that is settled, of every tenant."""
    limiter, ledger = kinds
    for piece in _pieces(tenants):
        await _done(limiter, [Call("take", f"tenant:{tenant}", ("member",)) for tenant in piece])
        await _done(ledger, [Call("reserve", tenant, ("answer", PRICE, 100, 60.0)) for tenant in piece])
        await _done(ledger, [Call("settle", tenant, ("answer", PRICE, 100)) for tenant in piece])


async def _done(kind: EntityRef, calls: Sequence[Call]) -> None:
    for outcome in await together(kind, calls):
        outcome.result()


async def _recovery_s(kind: EntityRef, tenants: Sequence[str]) -> float:
    pid = (await kind.shard(0).pulse()).pid
    started = time.perf_counter()
    os.kill(pid, signal.SIGKILL)
    for piece in _pieces(tenants):
        await _done(kind, [Call("report", tenant) for tenant in piece])
    return time.perf_counter() - started


async def _cold_ms(kind: EntityRef, tenants: Sequence[str]) -> float:
    """The process is up and warm, and has not one of these in memory."""
    os.kill((await kind.shard(0).pulse()).pid, signal.SIGKILL)
    await kind.report("warm")
    times_ms = []
    for tenant in tenants:
        started = time.perf_counter()
        await kind.report(tenant)
        times_ms.append((time.perf_counter() - started) * 1000)
    return percentile(times_ms, 50)


async def _dropped(kinds: Sequence[EntityRef]) -> None:
    for kind in kinds:
        while (await kind.shard(0).pulse()).resident:  # noqa: ASYNC110 - nothing tells when an entity is dropped
            await asyncio.sleep(0.5)


async def _pss_bytes(kinds: Sequence[EntityRef]) -> float:
    """The memory of both processes."""
    return sum([pss_mb((await kind.shard(0).pulse()).pid) for kind in kinds]) * 1e6


async def _retire(kinds: Sequence[EntityRef]) -> None:
    for kind in kinds:
        await kind.shard(0).retire()
    await asyncio.sleep(1.0)  # until Ray has given their names free


def _pieces(tenants: Sequence[str]) -> Iterator[Sequence[str]]:
    return (tenants[first : first + PIECE] for first in range(0, len(tenants), PIECE))
