"""A shard as a Ray actor: how it is started, called, probed beside its event loop, replaced and retired."""

import asyncio
import sys
import time
from collections.abc import Sequence
from typing import Any, ClassVar

import ray

from actors.runtime import ActorRef, ActorSpec
from actors.runtime_calls import Outcome, Request, busy, outcomes_in, pack, requests_in
from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.supervision import Pulse

PROBE_S = 2.0
COMING_UP_S = 20.0
_RATE_EVERY_S = 0.25
_PROBE = "probe"
# A commit is a dozen short steps in a thread, and each waits so long for the interpreter while the event loop is busy.
_SWITCH_S = 0.000_5


class Shell:
    """What is called of a shard from other processes.

    Ray wraps every method of an actor's class, and each of its own calls of another method pays for that. So a shard is
    held by its actor, and is none itself.
    """

    cls: ClassVar[type[EntityActor[Any, Any, Any]]]

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        sys.setswitchinterval(_SWITCH_S)
        self._shard = self.cls(*args, **kwargs)

    async def perform_packed(self, packed: bytes) -> bytes:
        return pack(await self._shard.perform(requests_in(packed)))

    def pulse(self) -> Pulse:
        return self._shard.pulse()

    async def start(self) -> None:
        await self._shard.start()

    async def drain(self) -> None:
        await self._shard.drain()

    async def adopt(self) -> None:
        await self._shard.adopt()


class ShardRef(ActorRef[Any]):
    """One shard. Of this caller at most `config.mailbox` requests are under way: more are refused and do not travel."""

    def __init__(
        self,
        cls: type[EntityActor[Any, Any, Any]],
        config: ShardConfig,
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        deadline_s: float,
    ) -> None:
        super().__init__(ActorSpec(f"{cls.kind.name}-{config.index}", deadline_s), cls, args, kwargs)
        self._mailbox = config.mailbox
        self._under_way = 0
        self._answered = 0
        self._answers_per_s = 0.0
        self._counted_at = time.monotonic()

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        """What came of each request. Raises Busy with how long to wait, ActorGone, or DeadlineExceeded."""
        if self._under_way and self._under_way + len(requests) > self._mailbox:
            raise busy(self._spec.name, self._under_way, self._answers_per_s)
        self._under_way += len(requests)
        try:
            return outcomes_in(await self._call("perform_packed", (pack(requests),), {}))
        finally:
            self._under_way -= len(requests)
            self._count(len(requests))

    async def pulse(self) -> Pulse:
        """How the shard is, also while its event loop hangs. Raises Unavailable where it does not say."""
        handle, wait_s = self._handle, PROBE_S
        if handle is None:
            # Nobody waits until it is ready: that goes through its event loop. One that comes up needs its time.
            handle = self._handle = await asyncio.to_thread(self._find_or_start)
            wait_s = COMING_UP_S
        pulse: Pulse = await self._wait_for(handle.pulse.options(concurrency_group=_PROBE).remote(), wait_s)
        return pulse

    async def start(self) -> None:
        await self._call("start", (), {})

    async def drain(self) -> None:
        await self._call("drain", (), {})

    async def adopt(self) -> None:
        await self._call("adopt", (), {})

    async def replace(self) -> None:
        """End the process with SIGKILL; Ray starts another."""
        await self.kill(restart=True)

    async def retire(self) -> None:
        """End the process, and the name with it."""
        await self.kill(restart=False)

    def _count(self, answered: int) -> None:
        self._answered += answered
        now = time.monotonic()
        passed_s = now - self._counted_at
        if passed_s >= _RATE_EVERY_S:
            self._answers_per_s = 0.5 * self._answers_per_s + 0.5 * self._answered / passed_s
            self._answered, self._counted_at = 0, now

    def _remote(self) -> Any:
        # Probes have a thread and a loop of their own, so that a loop that hangs is seen.
        remote: Any = ray.remote
        # Under the name of the kind's own class, which is what the Ray dashboard shows.
        shell = type(self._spec.name.rpartition("-")[0], (Shell,), {"cls": self._cls})
        return remote(concurrency_groups={_PROBE: 1})(shell).options(**self._options())

    def _options(self) -> dict[str, Any]:
        # More than a mailbox may be inside at once, so that the shard itself refuses what is too much.
        return {**super()._options(), "max_concurrency": 2 * self._mailbox}
