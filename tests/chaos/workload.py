"""The callers of a crash test: many in each process, each writing down what it asked and what it was told.

python -m tests.chaos.workload PLAN NUMBER
"""

import asyncio
import itertools
import sys
import time
from collections.abc import Sequence
from decimal import Decimal
from random import Random
from typing import Any, Protocol, cast

import msgspec

from actors.runtime_calls import Outcome, Request, request
from actors.runtime_references import DEADLINE_S, EntityRef
from core.activity_documents import ToolUse
from core.budget_messages import OverBudget
from core.errors import Busy, Unavailable
from deployments.leased_limiter import LeasedLimiter
from deployments.limiter_calls import LimiterConfig
from tests.chaos.notes import LEASED_TAKE, Notebook
from tests.chaos.stage import COUNTERS, LIMITED, USERS, Plan, cast_of, connected

ERA_S = 6.0
LONGEST_PAUSE_S = 0.05


class Caller(Protocol):
    """Does one thing after the other."""

    async def step(self) -> None: ...


class Line:
    """The way to one kind: every call and what came of it is written down."""

    def __init__(self, ref: object, notebook: Notebook) -> None:
        self._ref, self._notebook = cast(EntityRef, ref), notebook
        self.kind = self._ref.name

    async def ask(self, method: str, key: str, *args: Any) -> Any:
        """Call `method`; returns the reply, None where there was none."""
        (outcome,) = await self.send([request(method, key, args, {}, DEADLINE_S)])
        return outcome.value

    async def send(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """Send requests as one message to each shard, and wait as long as a refusal says.

        Raises what is no outage.
        """
        began_s = time.monotonic()
        outcomes = await self._ref.perform(requests)
        times_s = began_s, time.monotonic()
        for (method, key, args, _, command_id, *_), outcome in zip(requests, outcomes, strict=True):
            if not isinstance(outcome.error, Unavailable | None):
                raise outcome.error
            self._notebook.write(self.kind, key, method, args, command_id, times_s, outcome)
        hints_s = [outcome.error.retry_after_s for outcome in outcomes if isinstance(outcome.error, Busy)]
        if hints_s:
            await asyncio.sleep(max(hints_s))
        return outcomes


class Counting:
    """Adds to several counters at once, reads them, and sends commands twice."""

    def __init__(self, line: Line, rng: Random) -> None:
        self._line, self._rng = line, rng

    async def step(self) -> None:
        rng = self._rng
        match rng.choices(("add", "together", "total", "twice"), (60, 15, 15, 10))[0]:
            case "add":
                await self._line.send([self._add()])
            case "together":
                await self._line.send([self._add() for _ in range(rng.randint(2, 8))])
            case "total":
                await self._line.ask("total", rng.choice(COUNTERS))
            case "twice":
                again = self._add()
                await asyncio.gather(self._line.send([again]), self._line.send([again]))

    def _add(self) -> Request:
        by = float(self._rng.randint(1, 1_000_000))
        return request("add", self._rng.choice(COUNTERS), (by,), {}, DEADLINE_S)


class Spending:
    """Reserves, settles for less, releases, and forgets a reservation now and then. Tenants change with time."""

    def __init__(self, line: Line, rng: Random, name: str, began_s: float) -> None:
        self._line, self._rng, self._name, self._began_s = line, rng, name, began_s
        self._count = itertools.count()
        self._open: list[tuple[str, str, Decimal, int]] = []

    async def step(self) -> None:
        if self._open and self._rng.random() < 0.25 * len(self._open):
            await self._close(*self._open.pop(self._rng.randrange(len(self._open))))
        else:
            await self._reserve()

    async def _reserve(self) -> None:
        rng, era = self._rng, int((time.monotonic() - self._began_s) / ERA_S)
        tenant, its_id = f"guild-{rng.randrange(3)}-{era}", f"{self._name}-{next(self._count)}"
        cost, tokens, ttl_s = Decimal(rng.randint(1, 50)) / 1000, rng.randint(1, 500), rng.choice((2.0, 60.0))
        reply = await self._line.ask("reserve", tenant, its_id, cost, tokens, ttl_s)
        if not isinstance(reply, OverBudget):
            self._open.append((tenant, its_id, cost, tokens))

    async def _close(self, tenant: str, its_id: str, cost: Decimal, tokens: int) -> None:
        match self._rng.choices(("settle", "release", "forget"), (70, 20, 10))[0]:
            case "settle":
                part = self._rng.randint(0, 4)
                spent, used = cost * part / 4, tokens * part // 4
                await self._line.ask("settle", tenant, its_id, spent, used)
            case "release":
                await self._line.ask("release", tenant, its_id)


class Logging:
    """Logs documents, a few at a time, each under an id of its own."""

    def __init__(self, line: Line, rng: Random, name: str) -> None:
        self._line, self._rng, self._name = line, rng, name
        self._count = itertools.count()

    async def step(self) -> None:
        documents = [self._document() for _ in range(self._rng.randint(1, 3))]
        await self._line.ask("log", self._rng.choice(COUNTERS), documents)

    def _document(self) -> ToolUse:
        answer_id = f"{self._name}-{next(self._count)}"
        return ToolUse(answer_id=answer_id, workspace="talks", number=1, agent="a", tool="t", ok=True, wall_ms=1.0)


class Pacing:
    """Takes tokens: some by a call each, most out of the leases of its process."""

    def __init__(self, line: Line, leased: LeasedLimiter, notebook: Notebook, rng: Random) -> None:
        self._line, self._leased, self._notebook, self._rng = line, leased, notebook, rng

    async def step(self) -> None:
        rng = self._rng
        key, user, cost = rng.choice(LIMITED), rng.choice(USERS), rng.choice((1.0, 1.0, 1.0, 2.0, 5.0))
        if rng.random() < 0.3:
            await self._line.ask("take", key, user, cost)
            return
        for _ in range(rng.randint(1, 5)):
            began_s = time.monotonic()
            outcome = Outcome(await self._leased.take(key, user, cost))
            times_s = began_s, time.monotonic()
            self._notebook.write(self._line.kind, key, LEASED_TAKE, (user, cost), "", times_s, outcome)


async def work(plan: Plan, number: int) -> None:
    """Let this process' callers go on until the plan's end."""
    kinds = cast_of(plan)
    leased = LeasedLimiter(kinds.limiter, LimiterConfig(ttl_s=3.0, idle_s=1.0))
    with Notebook.opened(plan.folder, str(number)) as notebook:
        async with asyncio.TaskGroup() as group:
            for caller in range(plan.callers):
                name, rng = f"{number}.{caller}", Random(f"{plan.seed} {number} {caller}")
                some: Sequence[Caller] = (
                    Counting(Line(kinds.counter, notebook), rng),
                    Spending(Line(kinds.ledger, notebook), rng, name, plan.began_s),
                    Logging(Line(kinds.activity, notebook), rng, name),
                    Pacing(Line(kinds.limiter, notebook), leased, notebook, rng),
                )
                group.create_task(_go_on(some[caller % len(some)], rng, plan))
        await leased.close()


async def _go_on(caller: Caller, rng: Random, plan: Plan) -> None:
    while not plan.is_over:
        await caller.step()
        await asyncio.sleep(rng.uniform(0, LONGEST_PAUSE_S))


async def main(plan: Plan, number: int) -> None:
    async with connected(plan.address):
        await work(plan, number)


if __name__ == "__main__":
    asyncio.run(main(msgspec.json.decode(sys.argv[1], type=Plan), int(sys.argv[2])))
