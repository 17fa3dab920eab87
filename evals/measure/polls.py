"""What it costs to look at followed feeds that have no news: the product's own looks, over a site in this process.

Every look goes the whole way: the follower says what it knows, the host's pace is asked, the client sends what it has
(ETag), the site answers 304, and the follower writes down that it looked.
"""

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass

from actors.announcer import Announcer
from actors.channel_follower import ChannelFollower
from actors.host_pace import HostPace
from actors.ingest_queue import IngestQueue
from actors.runtime_host import ShardConfig
from core.errors import Unavailable
from core.follow_messages import ChannelInfo, Wish
from core.host_pace_messages import PaceRules
from core.ingest_keys import follower_key
from core.ingest_messages import Job, Urgency
from core.uploads import ALL_KINDS
from deployments.channel_looks import ChannelLooks, LookRules
from deployments.host_gate import GateConfig, HostGate
from deployments.http_client import HttpClient
from deployments.media_source import MediaSource

FAST = PaceRules(interval_s=0.0001, burst=1_000)
QUEUE = "bench|bench"
_AT_ONCE = 16
_FEED = (
    '<?xml version="1.0" encoding="utf-8"?><feed xmlns="http://www.w3.org/2005/Atom"><title>{0}</title>'
    "<entry><id>tag:bench.invalid,2026:{0}</id><title>Old</title>"
    '<link rel="alternate" href="{0}.html"/><updated>2020-11-22T00:00:00Z</updated></entry></feed>'
)


@dataclass(slots=True)
class Traffic:
    """What went over the wire, both ways, in bytes."""

    requests: int = 0
    unchanged: int = 0
    bytes: int = 0


class _SilentBell:
    async def ring(self, key: str, urgency: int) -> None:
        """Nobody works on the queue here."""


async def poll_cost(channels: int) -> Mapping[str, object]:
    """Follow `channels` feeds, look at each until nothing is new, and measure the look after that.

    Raises Unavailable where a look failed or was answered with anything but a 304.
    """
    async with _site() as (address, traffic), _looks() as (looks, followers):
        keys = [await _followed(followers, f"{address}/{number}.xml") for number in range(channels)]
        # The first look lists all, the second one learns the feed's ETag.
        await _look_at_all(looks, keys)
        await _look_at_all(looks, keys)
        before = Traffic(traffic.requests, traffic.unchanged, traffic.bytes)
        started, cpu_began_s = time.perf_counter(), time.process_time()
        await _look_at_all(looks, keys)
        wall_s, cpu_s = time.perf_counter() - started, time.process_time() - cpu_began_s
        problems = {it.problem for key in keys if (it := await followers.view(key, {})) and it.problem}
    requests, unchanged = traffic.requests - before.requests, traffic.unchanged - before.unchanged
    if problems or (requests, unchanged) != (channels, channels):
        raise Unavailable("The site", f"{channels} looks: {requests} requests, {unchanged} unchanged; {problems}")
    print(f"{channels} channels without news: {wall_s:.2f} s, {traffic.bytes - before.bytes} bytes")
    return {
        f"poll_{channels}_channels_s": round(wall_s, 2),
        "poll_cpu_s": round(cpu_s, 2),
        "poll_bytes_a_channel": round((traffic.bytes - before.bytes) / channels),
    }


async def _followed(followers: ChannelFollower, url: str) -> str:
    key = follower_key(QUEUE, url)
    await followers.follow(key, ChannelInfo(url, url, url, "127.0.0.1"), Wish(tuple(ALL_KINDS), time.time(), 0))
    return key


async def _look_at_all(looks: ChannelLooks, keys: list[str]) -> None:
    turns = asyncio.Semaphore(_AT_ONCE)

    async def look(key: str) -> None:
        async with turns:
            await looks(Job(f"list {key}", 1, "", "", Urgency.NEWS, (key,)))

    await asyncio.gather(*map(look, keys))


@asynccontextmanager
async def _looks() -> AsyncIterator[tuple[ChannelLooks, ChannelFollower]]:
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        shard = ShardConfig(f"sqlite:///{folder}/journal.db")
        queue = IngestQueue(shard, _SilentBell(), Announcer())
        followers, pace = ChannelFollower(shard, queue, LookRules().full_s), HostPace(shard, FAST)
        gate = HostGate(pace, GateConfig())
        http = HttpClient(timeout_s=60.0, max_bytes=1_000_000, allow_loopback=True, gate=gate)
        source = MediaSource.of_the_web(
            language="en", max_recordings=50, max_caption_bytes=1_000, timeout_s=60.0, allow_loopback=True, http=http
        )
        try:
            yield ChannelLooks(source, followers, LookRules()), followers
        finally:
            await source.close()
            for actor in (followers, queue, pace):
                await actor.close()


@asynccontextmanager
async def _site() -> AsyncIterator[tuple[str, Traffic]]:
    """A site of feeds, each with an ETag, that counts what goes over the wire."""
    traffic = Traffic()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while head := await _head(reader):
            known = b"if-none-match" in head.lower()
            body = b"" if known else _FEED.format(head.split()[1].decode()).encode()
            status = b"304 Not Modified" if known else b"200 OK"
            fields = b'ETag: "1"\r\nContent-Type: application/atom+xml\r\nContent-Length: %d\r\n\r\n' % len(body)
            answer = b"HTTP/1.1 " + status + b"\r\n" + fields + body
            writer.write(answer)
            traffic.requests += 1
            traffic.unchanged += known
            traffic.bytes += len(head) + len(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", traffic


async def _head(reader: asyncio.StreamReader) -> bytes:
    """A request's head; b"" where the client is gone."""
    try:
        return await reader.readuntil(b"\r\n\r\n")
    except (asyncio.IncompleteReadError, ConnectionError):
        return b""
