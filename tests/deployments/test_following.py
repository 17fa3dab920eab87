"""A channel is followed: from a link to its recordings in the store, over real entities and the real yt-dlp."""

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from core.following import Followed, FollowRequest, ForgetRequest
from core.messages import IngestState
from core.results import Fail, Ok, Skip
from core.tenancy import TenantContext
from deployments.channel_looks import LookRules
from deployments.curator import DeployedCurator, FollowBounds
from deployments.ingest import IngestConfig
from deployments.media_source import MediaSource
from tests.fakes.activity import FakeActivityLog
from tests.fakes.answer_cache import FakeAnswerCache
from tests.fakes.ingest import House, house
from tests.fakes.pace import FakePace
from tests.fakes.recordings import said
from tests.fakes.site import VTT, Reply, Site
from tests.fakes.store import MemoryStore

GUILD, OTHER = TenantContext("guild-1", "guild"), TenantContext("guild-2", "guild")
CAPTIONS = Reply(VTT.encode(), "text/vtt")
BOUNDS = FollowBounds()
QUICK = IngestConfig(looks=LookRules(poll_s=0.5, full_s=600.0))


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def web() -> AsyncIterator[MediaSource]:
    source = MediaSource.of_the_web(
        language="en", max_recordings=50, max_caption_bytes=50_000, timeout_s=20.0, allow_loopback=True
    )
    yield source
    await source.close()


class Room:
    """A house with a curator, and what its tests wait for."""

    def __init__(self, made: House, store: MemoryStore, bounds: FollowBounds = BOUNDS) -> None:
        self.house, self.store = made, store
        self.curator = DeployedCurator(
            made.ingest, made.followers, made.queue, store, FakeActivityLog(), FakeAnswerCache(), FakePace(), bounds
        )

    async def follow(self, url: str, tenant: TenantContext = GUILD, **more: object) -> Followed:
        followed = await self.curator.follow(FollowRequest(tenant, url, **more))  # type: ignore[arg-type]
        assert isinstance(followed, Ok), followed
        return followed.data

    async def one(self, tenant: TenantContext = GUILD) -> Followed:
        (followed,) = await self.all(tenant)
        return followed

    async def all(self, tenant: TenantContext = GUILD) -> list[Followed]:
        following = await self.curator.following(tenant)
        assert isinstance(following, Ok)
        return list(following.data)

    async def until(self, is_so: Callable[[Followed], bool], tenant: TenantContext = GUILD) -> Followed:
        async with asyncio.timeout(30):
            while not ((found := await self.all(tenant)) and is_so(found[0])):  # noqa: ASYNC110 - the work goes on
                await asyncio.sleep(0.05)
        assert found[0].completeness.adds_up
        return found[0]

    def titles(self, tenant: TenantContext = GUILD) -> list[str]:
        return sorted(stored.passages[0].recording.title for stored in self.store.of(tenant).values())


@pytest.fixture
async def room(web: MediaSource) -> AsyncIterator[Room]:
    store = MemoryStore()
    async with house(web, store=store, config=QUICK) as made:
        yield Room(made, store)


def feed_of(site: Site, *names: str) -> str:
    for name in names:
        site.talk(name, CAPTIONS)
    return site.feed("/feed.xml", list(names))


async def test_a_followed_feed_is_brought_in_and_its_news_is_announced(site: Site, room: Room) -> None:
    url = feed_of(site, "Tides", "Reefs")
    await room.follow(url, back_days=20_000, announce_to="42")
    past = await room.until(lambda it: it.completeness.ingested == 2)
    assert (past.completeness.listed, past.completeness.waiting, past.completeness.listing_done) == (2, 0, True)
    assert room.titles() == ["Reefs", "Tides"]
    posting = asyncio.ensure_future(room.house.announcer.next(20.0))
    feed_of(site, "Kelp", "Tides", "Reefs")
    news = await posting
    assert news is not None
    assert (news.tenant, news.channel, news.title) == ("guild-1", "42", "Kelp")
    await room.house.announcer.posted(news.announcement_id)
    await room.until(lambda it: it.completeness.ingested == 3)
    assert await room.house.announcer.next(0.3) is None


async def test_two_workspaces_that_follow_a_channel_see_nothing_of_each_other(site: Site, room: Room) -> None:
    url = feed_of(site, "Tides", "Reefs")
    await room.follow(url, back_days=20_000)
    await room.follow(url, OTHER, back_days=20_000, without=("reefs",))
    await room.until(lambda it: it.completeness.ingested == 2)
    other = await room.until(lambda it: it.completeness.ingested == 1, OTHER)
    assert [(it.reason, it.uploads) for it in other.completeness.refused] == [("left out by the words of its title", 1)]
    assert (room.titles(), room.titles(OTHER)) == (["Reefs", "Tides"], ["Tides"])


async def test_a_page_that_breaks_is_a_problem_and_never_an_empty_channel(site: Site, room: Room) -> None:
    url = feed_of(site, "Tides")
    await room.follow(url, back_days=20_000)
    await room.until(lambda it: it.completeness.ingested == 1)
    site.put("/feed.xml", Reply(b"<html><body>Before you continue to YouTube</body></html>", "text/html"))
    broken = await room.until(lambda it: bool(it.problem))
    assert (broken.completeness.listed, broken.completeness.ingested) == (1, 1)
    assert broken.next_look_at > broken.looked_at


async def test_videos_without_captions_are_counted_with_their_reason(site: Site, room: Room) -> None:
    site.talk("Silent", None)
    url = feed_of(site, "Tides")
    url = site.feed("/feed.xml", ["Silent", "Tides"])
    await room.follow(url, back_days=20_000)
    done = await room.until(lambda it: it.completeness.listed == 2 and not it.completeness.waiting)
    assert done.completeness.ingested == 1
    assert [count.reason for count in done.completeness.refused] == ["It has no captions."]


async def test_what_is_followed_twice_or_too_much_is_told(site: Site, web: MediaSource) -> None:
    store = MemoryStore()
    async with house(web, store=store, config=QUICK) as made:
        room = Room(made, store, FollowBounds(max_channels=1, max_past=5, max_recordings=4))
        url = feed_of(site, "Tides")
        followed = await room.follow(url)
        assert "more than 4 recordings" in followed.paused
        assert isinstance(await room.curator.follow(FollowRequest(GUILD, url)), Skip)
        other = site.feed("/other.xml", ["Tides"])
        refused = await room.curator.follow(FollowRequest(GUILD, other))
        assert isinstance(refused, Fail)
        assert "follows 1 channels already" in refused.message
        assert store.of(GUILD) == {}
        resumed = await room.curator.resume(GUILD, followed.channel.title)
        assert isinstance(resumed, Ok)
        await room.until(lambda it: it.completeness.listed == 1)


async def test_a_single_recording_cannot_be_followed(site: Site, room: Room) -> None:
    refused = await room.curator.follow(FollowRequest(GUILD, site.talk("Tides", CAPTIONS)))
    assert isinstance(refused, Fail)
    assert "recording" in refused.message
    assert await room.all() == []


async def test_unfollowing_keeps_what_is_here_and_forgetting_does_not(site: Site, room: Room) -> None:
    url = feed_of(site, "Tides", "Reefs")
    followed = await room.follow(url, back_days=20_000)
    await room.until(lambda it: it.completeness.ingested == 2)
    assert isinstance(await room.curator.unfollow(GUILD, followed.channel.title), Ok)
    assert await room.all() == []
    assert room.titles() == ["Reefs", "Tides"]
    forgotten = await room.curator.forget(ForgetRequest(GUILD, site.url("/Tides.html")))
    assert isinstance(forgotten, Ok)
    assert (forgotten.data.recordings, room.titles()) == (1, ["Reefs"])
    await room.follow(url, back_days=20_000)
    await room.until(lambda it: it.completeness.listed == 2 and not it.completeness.waiting)
    gone = await room.curator.forget(ForgetRequest(GUILD, followed.channel.title))
    assert isinstance(gone, Ok)
    assert (gone.data.followed, gone.data.recordings) == (1, 2)
    assert (room.titles(), await room.all()) == ([], [])


async def test_a_person_gets_at_once_what_waits_as_backfill(site: Site, room: Room) -> None:
    url = feed_of(site, "Tides")
    await room.follow(url, back_days=20_000)
    report, _ = await said(room.house.ingest, site.talk("Tides", CAPTIONS))
    assert report.outcomes[0].state in (IngestState.INGESTED, IngestState.UNCHANGED)
