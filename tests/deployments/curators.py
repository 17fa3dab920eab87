"""A room with real queues and followers, and whoever looks after them."""

from pathlib import Path

import numpy as np

from actors.announcer import Announcer
from actors.channel_follower import ChannelFollower
from actors.ingest_queue import IngestQueue
from core.errors import BadInput
from core.following import Followed, FollowRequest
from core.ingest_keys import follower_key
from core.messages import Recording, Sentence
from core.passages import to_passages
from core.results import Ok
from core.tenancy import TenantContext
from core.uploads import Channel
from deployments.curator import DeployedCurator, FollowBounds
from tests.fakes.activity import FakeActivityLog
from tests.fakes.answer_cache import FakeAnswerCache
from tests.fakes.pace import FakePace
from tests.fakes.queue import FakeBell, shard_in, until
from tests.fakes.store import MemoryStore

GUILD, OTHER = TenantContext("guild-1", "guild"), TenantContext("guild-2", "guild")
KEY = "guild-1|guild"


class Directory:
    """Knows which channel a link leads to."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.channels: dict[str, Channel] = {}

    def put(self, name: str, title: str) -> str:
        url = f"https://shore.example/{name}"
        channel = Channel(name, url, title, "shore.example")
        self.channels |= {url: channel, f"https://mirror.example/{name}": channel}
        return url

    async def resolve(self, url: str) -> Channel:
        self.asked.append(url)
        if url not in self.channels:
            raise BadInput("That is no channel.", "Link to one.")
        return self.channels[url]

    async def forget_fetched(self) -> None:
        self.asked.append("forget")


class Room:
    def __init__(self, folder: Path, bounds: FollowBounds) -> None:
        shard = shard_in(folder)
        self.directory, self.store, self.pace, self.activity = Directory(), MemoryStore(), FakePace(), FakeActivityLog()
        self.queue = IngestQueue(shard, FakeBell(), Announcer())
        self.followers = ChannelFollower(shard, self.queue, 86_400.0)
        self.cache = FakeAnswerCache()
        kept = (self.queue, self.store, self.activity, self.cache, self.pace)
        self.curator = DeployedCurator(self.directory, self.followers, *kept, bounds)

    async def close(self) -> None:
        await self.followers.close()
        await self.queue.close()

    async def follow(self, name: str, title: str, tenant: TenantContext = GUILD) -> Followed:
        result = await self.curator.follow(FollowRequest(tenant, self.directory.put(name, title)))
        assert isinstance(result, Ok), result
        await self.settled(tenant, name)
        return result.data

    async def settled(self, tenant: TenantContext, name: str) -> None:
        """Wait until the follower's outbox has told the queue."""
        key = f"{tenant.tenant}|{tenant.workspace}"

        async def is_there() -> bool:
            return follower_key(key, name) in await self.queue.channels(key)

        await until(is_there)

    async def stored(self, name: str, tenant: TenantContext = GUILD) -> None:
        recording = Recording(name, f"https://shore.example/{name}", name)
        passages = to_passages(recording, [Sentence(0.0, 1.0, f"Something is said of {name}.")])
        rows = np.ones((1, 4), dtype=np.float32)
        await self.store.replace_recording(tenant, passages, rows, [rows])
