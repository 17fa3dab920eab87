"""Shards in this process as references and supervisors see them, with ways to end them."""

from collections.abc import Callable, Sequence
from dataclasses import replace

from actors.runtime import ActorGone
from actors.runtime_calls import Outcome, Request
from actors.runtime_host import ShardConfig
from actors.runtime_references import EntityRef, ShardLink
from core.supervision import Pulse
from tests.actors.counters import Counter


class NearLink:
    """One shard. `replace` loses what was in its memory and leaves its callers without an answer, as a kill does."""

    def __init__(self, config: ShardConfig) -> None:
        self._config = config
        self._shard: Counter | None = None
        self._ended: list[Counter] = []

    @property
    def shard(self) -> Counter:
        if self._shard is None:
            self._shard = Counter(self._config)
        return self._shard

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        shard = self.shard
        outcomes = await shard.perform(requests)
        if shard in self._ended:
            raise ActorGone("Counter")
        return outcomes

    async def pulse(self) -> Pulse:
        return self.shard.pulse()

    async def start(self) -> None:
        await self.shard.start()

    async def drain(self) -> None:
        await self.shard.drain()

    async def adopt(self) -> None:
        await self.shard.adopt()

    async def replace(self) -> None:
        self._ended.append(self.shard)
        # The next incarnation claims the shard; the old one's tasks go on and can write nothing.
        self._shard = Counter(self._config)

    async def retire(self) -> None:
        if self._shard is not None:
            self._ended.append(self._shard)
            self._shard = None

    async def close(self) -> None:
        for shard in (*self._ended, *([self._shard] if self._shard else [])):
            await shard.close()


class NearLinks:
    """Every shard of the counters on one journal."""

    def __init__(self, config: ShardConfig) -> None:
        self._config = config
        self.of: dict[int, NearLink] = {}

    def __call__(self, index: int) -> NearLink:
        if index not in self.of:
            self.of[index] = NearLink(self.config(index))
        return self.of[index]

    def config(self, index: int) -> ShardConfig:
        return replace(self._config, index=index)

    def ref(self, deadline_s: float = 15.0) -> EntityRef:
        link: Callable[[int], ShardLink] = self
        return EntityRef("Counter", link, self._config.shards, deadline_s)

    async def close(self) -> None:
        for link in self.of.values():
            await link.close()
