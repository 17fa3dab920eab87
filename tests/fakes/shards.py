"""The fake of a shard's link: it answers as it is told to, and remembers what was done to it."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field

from actors.runtime_calls import Outcome, Request
from core.supervision import Pulse

WELL = Pulse(1, 0.0, 3, 0, 5.0, 0.0, 2)


class FakeShard:
    """Runs no entities. `pulses` are what it says of itself, an exception where it says nothing; the last one stays."""

    def __init__(self, *pulses: Pulse | Exception) -> None:
        self.pulses = [*pulses] or [WELL]
        self.done: list[str] = []
        self.probed = 0
        self.hangs: set[str] = set()
        self.errors: dict[str, Exception] = {}

    async def pulse(self) -> Pulse:
        self.probed += 1
        await self._do("pulse")
        told = self.pulses.pop(0) if len(self.pulses) > 1 else self.pulses[0]
        if isinstance(told, Exception):
            raise told
        return told

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        return [Outcome(request.key) for request in requests]

    async def start(self) -> None:
        await self._do("start")

    async def drain(self) -> None:
        await self._do("drain")

    async def adopt(self) -> None:
        await self._do("adopt")

    async def replace(self) -> None:
        await self._do("replace")

    async def retire(self) -> None:
        await self._do("retire")

    async def _do(self, what: str) -> None:
        if what != "pulse":
            self.done.append(what)
        if what in self.hangs:
            await asyncio.Event().wait()
        if what in self.errors:
            raise self.errors[what]


@dataclass
class FakeKind:
    """A kind with these shards, as a supervisor is given it."""

    name: str
    fakes: Sequence[FakeShard]
    shards: int = field(default=0)

    def __post_init__(self) -> None:
        self.shards = self.shards or len(self.fakes)

    def shard(self, index: int) -> FakeShard:
        return self.fakes[index]
