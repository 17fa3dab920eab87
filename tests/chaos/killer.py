"""Ends the processes of shards, of the supervisor, and of a database, and waits until they are back by themselves."""

import asyncio
import os
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from random import Random
from typing import Protocol

from core.errors import BotError
from tests.chaos.fuses import Fuses

RANDOM = "at a random moment"
STOPPED = "stopped"
BACK_S = 120.0
BURNS_S = 8.0
LONGEST_PAUSE_S = 1.0


class Pulse(Protocol):
    """A sign of life."""

    @property
    def pid(self) -> int: ...


class Shard(Protocol):
    """What can be killed."""

    async def pulse(self) -> Pulse: ...


class Shards(Protocol):
    """Those of one kind, such as an `EntityRef`'s."""

    @property
    def name(self) -> str: ...

    @property
    def shards(self) -> int: ...

    def shard(self, index: int) -> Shard: ...


class Killer:
    """Kills the shards of one kind, one at a time, in all `ways` by turns. `kills` counts them by how.

    A way of an enumeration is a step at which a process ends itself, see `Fuses`.
    `back_s` are the times from a kill to the first sign of life, by how.
    """

    def __init__(
        self, kind: Shards, folder: str, ways: Sequence[str], rng: Random, pause_s: float = LONGEST_PAUSE_S
    ) -> None:
        """`pause_s` is the longest time from one that is back to the next kill."""
        self.name = kind.name
        self._kind, self._ways, self._rng = kind, ways, rng
        self._pause_s = pause_s
        self._fuses = Fuses(folder)
        self.kills: Counter[str] = Counter()
        self.back_s: defaultdict[str, list[float]] = defaultdict(list)

    async def go_on(self, stop: Callable[[], bool]) -> None:
        """Kill until `stop`. Raises AssertionError where a shard does not come back."""
        for way in self._turns():
            if stop():
                return
            pid = await (self._at_step(way) if isinstance(way, StrEnum) else self._at_once(way))
            if pid is None:
                continue
            self.kills[way] += 1
            began_s = time.monotonic()
            await self._back(pid, way)
            self.back_s[way].append(time.monotonic() - began_s)
            await asyncio.sleep(self._rng.uniform(0, self._pause_s))

    def _turns(self) -> Iterator[str]:
        yield from self._ways
        while True:
            yield from self._rng.sample(self._ways, len(self._ways))

    async def _at_once(self, way: str) -> int | None:
        await asyncio.sleep(self._rng.uniform(0, 0.5))
        try:
            pulse = await self._kind.shard(self._rng.randrange(self._kind.shards)).pulse()
            os.kill(pulse.pid, signal.SIGSTOP if way == STOPPED else signal.SIGKILL)
        except (BotError, ProcessLookupError):
            return None
        return pulse.pid

    async def _at_step(self, step: StrEnum) -> int | None:
        self._fuses.light(step)
        until_s = time.monotonic() + BURNS_S
        while (pid := self._fuses.burnt()) is None:
            if time.monotonic() > until_s and self._fuses.put_out(step):
                return None
            await asyncio.sleep(0.02)
        return pid

    async def _back(self, pid: int, way: str) -> None:
        """Until every shard of the kind answers, and none from that process."""
        try:
            async with asyncio.timeout(BACK_S):
                for index in range(self._kind.shards):
                    while not await self._answers(index, pid):  # noqa: ASYNC110 - nobody else tells
                        await asyncio.sleep(0.1)
        except TimeoutError:
            raise AssertionError(f"{self._kind.name}, killed {way}, was not back after {BACK_S:g} s") from None

    async def _answers(self, index: int, pid: int) -> bool:
        try:
            return (await self._kind.shard(index).pulse()).pid != pid
        except BotError:
            return False
