"""What a crash test of ingest left behind, beside an undisturbed run over the same channel."""

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from core.errors import BotError
from core.following import Followed, FollowRequest
from core.ingest_queue_work import ANNOUNCE
from core.messages import Passage
from core.ports import TranscriptStore
from core.results import Fail, Ok
from core.tenancy import TenantContext
from deployments.curator import DeployedCurator, FollowBounds
from deployments.ingest import IngestConfig
from tests.chaos.ingest_cast import GUILDS, LOOKS, IngestCast, source_of
from tests.chaos.ingest_poster import Discord
from tests.chaos.ingest_site import SKIPPED, URL
from tests.chaos.judge import reading
from tests.fakes.activity import FakeActivityLog
from tests.fakes.answer_cache import FakeAnswerCache
from tests.fakes.ingest import house
from tests.fakes.pace import FakePace
from tests.fakes.store import MemoryStore

FAULTS = ("lost", "doubled", "differing", "unwanted", "untold", "told_again", "unbalanced", "stalled")
_BOUNDS = FollowBounds(max_past=10_000)
_BACK_DAYS = 20_000
Tell = Callable[[str], None]


@dataclass
class Watcher:
    """Follows the channel for all guilds and looks at their reports; `unbalanced` are those that did not add up."""

    curator: DeployedCurator
    tell: Tell
    looks: int = 0
    unbalanced: list[Followed] = field(default_factory=list)
    last: dict[TenantContext, Followed] = field(default_factory=dict)
    retried: int = 0

    async def follow(self, guild: TenantContext) -> None:
        """Everything of it, also of the past, announced; the last guild leaves out some titles."""
        without = (SKIPPED,) if guild is GUILDS[-1] else ()
        asked = FollowRequest(
            guild, URL, back_days=_BACK_DAYS, announce_to=guild.tenant, announce_past=True, without=without
        )
        async with asyncio.timeout(60):
            # Whoever is told that it did not work does it again.
            while isinstance(await self.curator.follow(asked), Fail):  # noqa: ASYNC110 - it goes on elsewhere
                await asyncio.sleep(0.2)

    async def look(self) -> None:
        """Look at every guild's report, where it can be had."""
        for guild in GUILDS:
            with suppress(BotError):
                shown = await self.curator.following(guild)
                if isinstance(shown, Ok) and shown.data:
                    (followed,) = shown.data
                    self.looks += 1
                    self.last[guild] = followed
                    if not followed.completeness.adds_up:
                        self.unbalanced.append(followed)

    async def retry(self) -> None:
        """What was given up because its worker died too often is tried again, as a moderator would."""
        for guild in GUILDS:
            retried = await self.curator.retry(guild, "all")
            self.retried += retried.data if isinstance(retried, Ok) else 0

    async def told(self) -> None:
        """Say how it is with every guild."""
        for guild, followed in self.last.items():
            shown = await self.curator.queue(guild)
            jobs = shown.data.jobs[:3] if isinstance(shown, Ok) else shown
            self.tell(f"{guild.tenant}: {followed.completeness} {followed.problem} {jobs}")

    def open(self, listed: int) -> int:
        """How many uploads are not known, or still to come."""
        found = [self.last[guild].completeness for guild in GUILDS if guild in self.last]
        return listed * len(GUILDS) - sum(it.listed - it.waiting for it in found)


def curator_of(parts: IngestCast) -> DeployedCurator:
    """What moderators do, over those that take part."""
    kept = (parts.followers, parts.queue, parts.store)
    return DeployedCurator(parts.bells.workers[0], *kept, FakeActivityLog(), FakeAnswerCache(), FakePace(), _BOUNDS)


async def undisturbed(port: int, listed: int) -> Mapping[str, Sequence[Passage]]:
    """The passages of each recording as they are where nothing goes wrong."""
    source, store, guild = source_of(port), MemoryStore(), GUILDS[0]
    async with house(source, store=store, config=IngestConfig(looks=LOOKS)) as made:
        curator = DeployedCurator(
            made.ingest, made.followers, made.queue, store, FakeActivityLog(), FakeAnswerCache(), FakePace(), _BOUNDS
        )
        watcher = Watcher(curator, lambda _: None)
        await watcher.follow(guild)
        async with asyncio.timeout(120):
            while watcher.open(listed) > listed * (len(GUILDS) - 1):
                await asyncio.sleep(0.2)
                await watcher.look()
    await source.close()
    return {name: stored.passages for name, stored in store.of(guild).items()}


async def told_all(journal_url: str, wait_s: float) -> bool:
    """Until no announcement is left in any outbox; False where some are after `wait_s`."""
    until_s = time.monotonic() + wait_s
    while time.monotonic() < until_s:
        with reading(journal_url) as journal:
            if not any(it.effect.target == ANNOUNCE for it in journal.due("IngestQueue", 2**40, 100_000, 0)):
                return True
        await asyncio.sleep(0.5)
    return False


async def judged(
    store: TranscriptStore, folder: str, wanted: Mapping[str, Sequence[Passage]], tell: Tell
) -> Mapping[str, int]:
    """How many recordings are lost, and so on; `told_again` are posts beyond the first of a recording in a room."""
    found: Counter[str] = Counter()
    posts = Counter((post.room, post.url) for post in Discord(folder).all())
    for guild in GUILDS:
        expected = {
            name: passages for name, passages in wanted.items() if guild is not GUILDS[-1] or name != _skipped(wanted)
        }
        library = await store.library(guild)
        there = Counter(recording.recording_id for recording in library.recordings)
        found["ingested"] += len(there)
        found["lost"] += len(expected.keys() - there.keys())
        found["unwanted"] += len(there.keys() - expected.keys())
        found["doubled"] += there.total() - len(there)
        # A passage too many is one of another version of its recording.
        found["differing"] += library.passages != sum(len(wanted.get(name, ())) for name in there)
        for name, passages in expected.items():
            if name in there and not await store.is_stored(guild, passages):
                found["differing"] += 1
                tell(f"differing: {guild.tenant} {name}")
            told = posts.pop((guild.tenant, passages[0].recording.url), 0)
            found["announced"] += told > 0
            found["untold"] += not told
            found["told_again"] += max(0, told - 1)
            if told != 1:
                tell(f"told {told} times: {guild.tenant} {name}")
    found["unwanted"] += posts.total()
    return found


def _skipped(wanted: Mapping[str, Sequence[Passage]]) -> str:
    return next(name for name in wanted if name.endswith("v0000000003"))
