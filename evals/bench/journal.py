"""What durability costs: acknowledged commands a second of a durable entity beside the same actor without a journal.

All sides are Ray actors called through the product's own references, in turn in each round of one run:

- `callers` at once, one command a call: durable (SQLite, synchronous=FULL), and undurable (nothing is kept);
- `batches` at once, each of `batch` commands that travel as one message: durable, undurable, and one commit for each
  command (the same durable actor, which begins no command before the last one is on disk).

The commands go to `keys` entities. Latencies are those of the durable side with `callers` at once. In the end every
acknowledged command is in the durable sums: `lost` must be 0.
"""

import asyncio
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping

from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, entity, together
from deployments.cluster import connected
from evals.measure.counters import CommitEachCounter, MeasuredCounter, UndurableCounter
from evals.measure.spread import percentile, spread

DURABLE, UNDURABLE, COMMIT_EACH = "durable", "undurable", "one commit a command"


def run(
    *, callers: int = 256, calls: int = 4_000, batch: int = 100, batches: int = 8, keys: int = 64, rounds: int = 7
) -> Mapping[str, object]:
    """Start Ray, measure, stop it. `calls` are the commands of a side in each round, batched ten times as many."""

    async def measured() -> Mapping[str, object]:
        with tempfile.TemporaryDirectory(prefix="bench-") as folder:
            async with connected("local"):
                return await measure(folder, callers, calls, batch, batches, keys, rounds)

    return asyncio.run(measured())


async def measure(
    folder: str, callers: int, calls: int, batch: int, batches: int, keys: int, rounds: int
) -> Mapping[str, object]:
    """The figures, with journals in `folder`, on the Ray that runs."""
    sides = Sides(folder, keys)
    single: dict[str, list[float]] = {DURABLE: [], UNDURABLE: []}
    batched: dict[str, list[float]] = {DURABLE: [], UNDURABLE: [], COMMIT_EACH: []}
    for number in range(-1, rounds):  # the first round warms up
        for side, rates in single.items():
            rates.append(await _rate(lambda side=side: sides.call(side), calls, callers))
        for side, rates in batched.items():
            # One commit for each command is slow enough to be measured on fewer.
            count = max(1, calls * (1 if side == COMMIT_EACH else 10) // batch)
            send = lambda side=side: sides.batch(side, batch)  # type: ignore[misc]  # noqa: E731
            rates.append(batch * await _rate(send, count, batches))
        if number < 0:
            for rates in (*single.values(), *batched.values()):
                rates.clear()
            sides.latencies_ms.clear()
            continue
        _print(single, f"commands/s, {callers} callers")
        _print(batched, f"commands/s, {batch} a call")
    return {
        "ratio_to_undurable": spread(_ratios(single[DURABLE], single[UNDURABLE])),
        "ratio_to_undurable_batched": spread(_ratios(batched[DURABLE], batched[UNDURABLE])),
        "ratio_to_commit_per_call_batched": spread(_ratios(batched[DURABLE], batched[COMMIT_EACH]), 1),
        "commands_per_s": spread(single[DURABLE], 0),
        "commands_per_s_batched": spread(batched[DURABLE], 0),
        "p50_ms": round(percentile(sides.latencies_ms, 50), 1),
        "p99_ms": round(percentile(sides.latencies_ms, 99), 1),
        "lost": await sides.lost(),
        "callers": callers,
        "batch": batch,
        "batches": batches,
    }


class Sides:
    """The three actors, and how much each has acknowledged."""

    def __init__(self, folder: str, keys: int) -> None:
        self.keys = [f"sum-{number}" for number in range(keys)]
        url = f"sqlite:///{folder}/journal.db"
        each_url = f"sqlite:///{folder}/each.db"
        self.of: dict[str, MeasuredCounter] = {
            DURABLE: entity(MeasuredCounter, ShardConfig(url)),
            UNDURABLE: entity(UndurableCounter, ShardConfig("")),
            COMMIT_EACH: entity(CommitEachCounter, ShardConfig(each_url)),
        }
        self.acknowledged = 0
        self.latencies_ms: list[float] = []
        self._count = 0

    def key(self) -> str:
        self._count += 1
        return self.keys[self._count % len(self.keys)]

    async def call(self, side: str) -> None:
        """One command, timed where it is durable."""
        started = time.perf_counter()
        await self.of[side].add(self.key(), 1)
        if side == DURABLE:
            self.acknowledged += 1
            self.latencies_ms.append((time.perf_counter() - started) * 1000)

    async def batch(self, side: str, size: int) -> None:
        """`size` commands as one message."""
        outcomes = await together(self.of[side], [Call("add", self.key(), (1,)) for _ in range(size)])
        for outcome in outcomes:
            outcome.result()
        if side == DURABLE:
            self.acknowledged += size

    async def lost(self) -> int:
        """Acknowledged commands that are not in the durable sums; below 0 where some were done twice."""
        totals = await asyncio.gather(*(self.of[DURABLE].total(key) for key in self.keys))
        return self.acknowledged - sum(each.total for each in totals)


async def _rate(send: Callable[[], Awaitable[None]], count: int, at_once: int) -> float:
    """Calls a second of `count` calls, `at_once` under way at any time."""
    left = iter(range(count))

    async def caller() -> None:
        for _ in left:
            await send()

    started = time.perf_counter()
    await asyncio.gather(*(caller() for _ in range(min(at_once, count))))
    return count / (time.perf_counter() - started)


def _ratios(ours: list[float], theirs: list[float]) -> list[float]:
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def _print(rates: Mapping[str, list[float]], what: str) -> None:
    print(f"{what}: " + ", ".join(f"{side} {values[-1]:,.0f}" for side, values in rates.items()))
