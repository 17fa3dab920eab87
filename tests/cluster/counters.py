"""Counters that can be made to misbehave, each test's under a name of its own, and callers in other processes."""

import asyncio
import os
import time
from collections import Counter as Tally
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple, cast

import ray

from actors.runtime import NAMESPACE
from actors.runtime_references import Call, EntityRef, together
from core.errors import Busy
from core.journal import Step
from tests.actors.counters import KIND, Counter, Total


class Hanging(Counter):
    """Its event loop can be blocked."""

    kind = replace(KIND, name="HangingCounter")

    async def hang(self, key: str, seconds: float) -> Total:
        time.sleep(seconds)  # noqa: ASYNC251 - that is what it is for
        return await self.total(key)


class Flooded(Counter):
    kind = replace(KIND, name="FloodedCounter")


class Slowed(Counter):
    kind = replace(KIND, name="SlowedCounter")


class Reminded(Counter):
    kind = replace(KIND, name="RemindedCounter")


class Watched(Counter):
    kind = replace(KIND, name="WatchedCounter")


class Homeless(Counter):
    kind = replace(KIND, name="HomelessCounter")


class SlowDisk:
    """Each commit takes `seconds` longer while the file is there."""

    def __init__(self, file: Path, seconds: float) -> None:
        self._file, self._seconds = file, seconds

    def __call__(self, step: Step) -> None:
        if step is Step.BEFORE_COMMIT and self._file.exists():
            time.sleep(self._seconds)


class Flood(NamedTuple):
    """What came of many calls at once: how many of each kind, and the shortest and longest wait that was named."""

    outcomes: Tally[str]
    waits_s: tuple[float, ...]
    pid: int


@ray.remote(num_cpus=0)
def flood(counter: Counter, messages: int, calls: int) -> Flood:
    """Send so many messages of so many calls at once, in a process of its own."""
    return asyncio.run(_flooded(counter, messages, calls))


async def _flooded(counter: Counter, messages: int, calls: int) -> Flood:
    message = [Call("add", f"key {number}") for number in range(calls)]
    came = await asyncio.gather(*(together(counter, message) for _ in range(messages)))
    outcomes = [outcome for outcomes in came for outcome in outcomes]
    waits_s = [each.error.retry_after_s for each in outcomes if isinstance(each.error, Busy)]
    told = Tally(type(each.error or each.value).__name__ for each in outcomes)
    return Flood(told, (min(waits_s), max(waits_s)) if waits_s else (), os.getpid())


def pid_of(name: str) -> int:
    """The process of an actor."""
    actor = ray.get_actor(name, NAMESPACE)
    told: Any = ray.get(actor.__ray_call__.remote(lambda _: os.getpid()))
    return int(told)


async def retired(counters: Sequence[Counter]) -> None:
    """End all shards of these."""
    refs = [cast(EntityRef, counter) for counter in counters]
    await asyncio.gather(*(ref.shard(index).retire() for ref in refs for index in range(ref.shards)))
