"""Who takes part in a crash test of ingest: real queues, followers, paces, store and announcer, and workers."""

import asyncio
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any, NamedTuple, cast

import ray
from ray.exceptions import RayError

from actors.announcer import Announcer
from actors.channel_follower import ChannelFollower
from actors.host_pace import HostPace
from actors.ingest_queue import IngestQueue
from actors.runtime import NAMESPACE, ActorSpec, reference
from actors.runtime_references import EntityRef, entity
from actors.transcript_store import TranscriptStore
from core import source_states
from core.errors import Unavailable
from core.host_pace_messages import PaceRules
from core.ingest_keys import queue_key
from core.ingest_messages import Urgency
from core.tenancy import TenantContext
from core.uploads import Channel
from deployments import channel_looks
from deployments.channel_looks import LookRules
from deployments.host_gate import GateConfig, HostGate
from deployments.ingest import Ingest, IngestConfig
from deployments.media_source import MediaSource
from deployments.shared_source import SharedSource
from tests.chaos.fuses import Fuses
from tests.chaos.ingest_points import Perilous
from tests.chaos.ingest_poster import Poster
from tests.chaos.stage import Plan
from tests.fakes.embedder import FakeEmbedder
from tests.fakes.pace import FakePace
from tests.fakes.tube import Tube, TubeClient

# A guild's one room in Discord has its number.
GUILDS = tuple(TenantContext(str(number), "talks") for number in (101, 102, 103))
KEYS = tuple(queue_key(guild) for guild in GUILDS)
WORKERS = 2
PACE = PaceRules(0.01, 50, max_wait_s=5.0, max_interval_s=0.2, max_pause_s=2.0, successes=3, recovery=0.5)
ALONE = PaceRules(0.2, 50, max_wait_s=5.0, max_interval_s=0.2, max_pause_s=2.0)
# Some uploads are never in the feed: what is for members only, and what is older than it reaches back.
LOOKS = LookRules(poll_s=2.0, full_s=15.0)
DIMENSIONS = 64
# Sites are waited for so much shorter than they are in the world.
_SHORTER = 200.0


class IngestWorker:
    """Works on the queues of all guilds as the ingest deployment does; a lit fuse ends its process."""

    def __init__(self, plan: Plan, port: int) -> None:
        _wait_shorter()
        parts, fuses = ingest_cast(plan, port), Fuses(f"{plan.folder}/IngestWorker")
        gate = HostGate(parts.pace, GateConfig(patience_s=10.0, alone=ALONE))
        source = SharedSource(source_of(port, gate=gate, attempts=2))
        far: Any = lambda part: Perilous(part, fuses)  # noqa: E731 - it stands for any of the ports
        self._ingest = Ingest(
            far(source),
            FakeEmbedder(DIMENSIONS),
            far(parts.store),
            far(parts.queue),
            far(parts.followers),
            FakePace(),
            IngestConfig(at_once=4, looks=LOOKS, lease_s=3.0),
        )

    async def ring(self, key: str, urgency: int) -> None:
        """There is something to do."""
        await self._ingest.ring(key, urgency)

    async def resolve(self, url: str) -> Channel:
        """The channel behind a link."""
        return await self._ingest.resolve(url)

    async def forget_fetched(self) -> None:
        """Keep nothing of what was read."""
        await self._ingest.forget_fetched()


@dataclass(frozen=True, slots=True)
class Bells:
    """Rings at every worker."""

    workers: Sequence[IngestWorker]

    async def ring(self, key: str, urgency: int) -> None:
        """Raises Unavailable where nobody hears it."""
        rung = await asyncio.gather(*(worker.ring(key, urgency) for worker in self.workers), return_exceptions=True)
        if all(isinstance(each, BaseException) for each in rung):
            raise Unavailable("Ingest", "It is rung for again.")


@dataclass(frozen=True, slots=True)
class IngestCast:
    """References to all that take part."""

    queue: IngestQueue
    followers: ChannelFollower
    pace: HostPace
    store: TranscriptStore
    announcer: Announcer
    poster: Poster
    bells: Bells

    def kinds(self) -> tuple[EntityRef, ...]:
        return tuple(cast(EntityRef, ref) for ref in (self.queue, self.followers, self.pace))

    async def go_on(self) -> None:
        """Have everybody at work who was started again: as the bot and the supervisor do it in the product."""
        while True:
            with suppress(Unavailable):
                await self.poster.go_on()
            for key in KEYS:
                with suppress(Unavailable):
                    await self.bells.ring(key, Urgency.BACKFILL)
            await asyncio.sleep(0.5)


def ingest_cast(plan: Plan, port: int) -> IngestCast:
    """The references, in whatever process."""
    workers = tuple(
        reference(ActorSpec(f"IngestWorker-{number}", 5.0), IngestWorker, plan, port) for number in range(WORKERS)
    )
    bells, announcer = Bells(workers), reference(ActorSpec("Announcer"), Announcer, 3.0)
    queue = entity(IngestQueue, plan.config("IngestQueue"), bells, announcer)
    return IngestCast(
        queue,
        entity(ChannelFollower, plan.config("ChannelFollower"), queue, LOOKS.full_s),
        entity(HostPace, plan.config("HostPace"), PACE),
        reference(ActorSpec("TranscriptStore"), TranscriptStore, f"{plan.folder}/transcripts", DIMENSIONS),
        announcer,
        reference(ActorSpec("Poster", 5.0), Poster, plan.folder, announcer),
        bells,
    )


def source_of(port: int, **options: Any) -> MediaSource:
    """The web: YouTube's hosts are the site at `port` of this machine."""
    tube = Tube()
    tube.port = port
    return MediaSource.of_the_web(
        language="en",
        max_recordings=50,
        max_caption_bytes=100_000,
        timeout_s=20.0,
        allow_loopback=True,
        http=TubeClient(tube, **options),
    )


def _wait_shorter() -> None:
    """In this process a site that fails is asked again after seconds, where the product waits for minutes."""
    waits = source_states._WAITS
    for state, wait in waits.items():
        waits[state] = replace(wait, first_s=wait.first_s / _SHORTER, longest_s=wait.longest_s / _SHORTER, tries=1_000)
    channel_looks._FAILED_S /= _SHORTER


# ---------------------------------------------------------------- what can be killed
class Alive(NamedTuple):
    """A process, by its id."""

    pid: int


@dataclass(frozen=True, slots=True)
class Process:
    """The process of an actor, by the actor's name."""

    name: str

    async def pulse(self) -> Alive:
        """Raises Unavailable where it does not answer."""
        try:
            async with asyncio.timeout(5.0):
                actor = await asyncio.to_thread(ray.get_actor, self.name, NAMESPACE)
                return Alive(await actor.__ray_call__.remote(lambda _: os.getpid()))
        except (RayError, ValueError, TimeoutError):
            raise Unavailable(self.name) from None


@dataclass(frozen=True, slots=True)
class Processes:
    """Actors of one kind, which `tests.chaos.killer.Killer` can kill."""

    name: str
    names: tuple[str, ...]

    @property
    def shards(self) -> int:
        return len(self.names)

    def shard(self, index: int) -> Process:
        return Process(self.names[index])
