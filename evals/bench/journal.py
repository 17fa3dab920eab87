"""What durability costs: acknowledged commands/s of one durable entity beside the same actor without a journal.

- one command a call, from `callers` concurrent callers: calls/s of both sides, and how long a durable call takes;
- `batch` commands a call, from `senders` concurrent callers: commands/s of both sides, and of a third that commits
  every command alone.

The entity is a counter (evals/measure/counter.py), so that all cost is the runtime's. The sides take turns in one run,
each round the other way round. SQLite, each commit synced to the disk of the folder `data` (by default that of
temporary files). The callers run in this process and the actors in theirs, so both sides pay for Ray. As an extra, a
real resident: reservations and settlements of a BudgetLedger, `batch` a call.
"""

import asyncio
import os
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path

from actors.budget_ledger import BudgetLedger
from actors.runtime_host import ShardConfig
from actors.runtime_references import Call, entity, together
from core.budget_messages import BudgetLimits
from core.spending import Limit
from deployments.local_ray import local_ray
from evals.measure.counter import Counter, UndurableCounter, UnsharedCounter
from evals.measure.spread import percentile, spread

KEY = "one"
DISK = Path(tempfile.gettempdir())
SYNCS = 50
TENANTS = 50
Round = Callable[[Counter], Awaitable[float]]


def run(
    *,
    data: Path = DISK,
    callers: int = 256,
    calls: int = 4_000,
    senders: int = 16,
    batch: int = 100,
    commands: int = 20_000,
    rounds: int = 7,
) -> Mapping[str, object]:
    """Start Ray, measure, stop it. `calls` and `commands` are those of one side in one round."""
    with tempfile.TemporaryDirectory(prefix="journal-", dir=data) as folder, local_ray():
        return asyncio.run(measure(Path(folder), callers, calls, senders, batch, commands, rounds))


async def measure(
    folder: Path, callers: int, calls: int, senders: int, batch: int, commands: int, rounds: int
) -> Mapping[str, object]:
    """The figures, in the Ray that runs."""
    durable = entity(Counter, ShardConfig(f"sqlite:///{folder}/shared.db"))
    undurable = entity(UndurableCounter, ShardConfig(""))
    unshared = entity(UnsharedCounter, ShardConfig(f"sqlite:///{folder}/unshared.db"))
    took_s: list[float] = []

    async def called(counter: Counter) -> float:
        return await call_rate(counter, callers, calls, took_s if counter is durable else [])

    async def sent(counter: Counter) -> float:
        # The third side is far slower: as long a round of it would be most of the measurement.
        count = commands // 10 if counter is unshared else commands
        return await batch_rate(counter, senders, batch, count)

    single = await take_turns(called, {"durable": durable, "undurable": undurable}, rounds)
    batched = await take_turns(sent, {"durable": durable, "undurable": undurable, "unshared": unshared}, rounds)
    ledger = entity(BudgetLedger, ShardConfig(f"sqlite:///{folder}/ledger.db"), BudgetLimits(day=Limit(Decimal(1_000))))
    ledger_per_s = [await ledger_rate(ledger, senders, batch, commands // 4) for _ in range(1 + rounds // 2)]
    return {
        "ratio_to_undurable": spread(_ratios(single, "undurable")),
        "ratio_to_undurable_batched": spread(_ratios(batched, "undurable")),
        "ratio_to_commit_per_call_batched": spread(_ratios(batched, "unshared"), 1),
        "commands_per_s": spread(single["durable"], 0),
        "commands_per_s_batched": spread(batched["durable"], 0),
        "p50_ms": round(percentile(took_s, 50) * 1000, 1),
        "p99_ms": round(percentile(took_s, 99) * 1000, 1),
        "undurable_per_s": spread(single["undurable"], 0),
        "undurable_per_s_batched": spread(batched["undurable"], 0),
        "commit_per_call_per_s_batched": spread(batched["unshared"], 0),
        "ledger_commands_per_s_batched": spread(ledger_per_s[1:] or ledger_per_s, 0),
        "sync_p50_ms": round(percentile(syncs_s(folder), 50) * 1000, 2),
        "callers": callers,
        "batch": batch,
    }


async def take_turns(measured: Round, sides: Mapping[str, Counter], rounds: int) -> Mapping[str, Sequence[float]]:
    """Commands/s of every side in every round, the sides in turn, back and forth; a first round only warms up."""
    rates: dict[str, list[float]] = {name: [] for name in sides}
    for number in range(rounds + 1):
        order = list(sides.items())
        for name, counter in order if number % 2 else order[::-1]:
            rate = await measured(counter)
            if number:
                rates[name].append(rate)
        if number:
            print(" ".join(f"{name} {rates[name][-1]:8,.0f}/s" for name in sides), flush=True)
    return rates


async def call_rate(counter: Counter, callers: int, calls: int, took_s: list[float]) -> float:
    """Calls/s of so many callers, who each wait for a reply before they call again; `took_s` gets each call's time."""
    numbers = iter(range(calls))

    async def caller() -> None:
        for _ in numbers:
            began_s = time.perf_counter()
            await counter.add(KEY, 1)
            took_s.append(time.perf_counter() - began_s)

    return calls / await _timed([caller() for _ in range(callers)])


async def batch_rate(counter: Counter, senders: int, batch: int, commands: int) -> float:
    """Commands/s where each call carries `batch` of them."""
    numbers = iter(range(max(1, commands // batch)))

    async def sender() -> int:
        done = 0
        for _ in numbers:
            for outcome in await together(counter, [Call("add", KEY, (1,))] * batch):
                outcome.result()
                done += 1
        return done

    return max(1, commands // batch) * batch / await _timed([sender() for _ in range(senders)])


async def ledger_rate(ledger: BudgetLedger, senders: int, batch: int, commands: int) -> float:
    """Reservations and settlements a second, of many tenants, `batch` in a call."""
    pairs = iter(range(max(1, commands // 2)))

    async def sender() -> None:
        while numbers := [number for number, _ in zip(pairs, range(batch // 2), strict=False)]:
            calls = [
                call for number in numbers for call in _spending(f"tenant-{number % TENANTS}", f"{os.urandom(8).hex()}")
            ]
            for outcome in await together(ledger, calls):
                outcome.result()

    return max(1, commands // 2) * 2 / await _timed([sender() for _ in range(senders)])


def _spending(tenant: str, reservation_id: str) -> tuple[Call, Call]:
    reserve = Call("reserve", tenant, (reservation_id, Decimal("0.002"), 900, 60.0))
    return reserve, Call("settle", tenant, (reservation_id, Decimal("0.0013"), 712))


def syncs_s(folder: Path, size: int = 4_096) -> list[float]:
    """How long it takes to add `size` bytes to a file and to have them on disk, in seconds: what a commit waits for."""
    took_s = []
    with (folder / "synced").open("wb", buffering=0) as file:
        for _ in range(SYNCS):
            began_s = time.perf_counter()
            file.write(bytes(size))
            os.fdatasync(file.fileno())
            took_s.append(time.perf_counter() - began_s)
    return took_s


async def _timed(work: Sequence[Awaitable[object]]) -> float:
    began_s = time.perf_counter()
    await asyncio.gather(*work)
    return time.perf_counter() - began_s


def _ratios(rates: Mapping[str, Sequence[float]], peer: str) -> list[float]:
    """The durable side's rate by the peer's, round by round."""
    return [ours / theirs for ours, theirs in zip(rates["durable"], rates[peer], strict=True)]
