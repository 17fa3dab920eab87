"""Fetches that are shared, counted at a site on this machine."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from core.captiontracks import CaptionSource
from core.errors import BotError
from core.messages import Recording
from core.uploads import ALL_KINDS, UploadKind, Validator
from deployments import shared_source as module
from deployments.media_source import Described, MediaSource
from deployments.shared_source import SharedSource
from deployments.ytdlp_info import Entry
from tests.fakes.site import VTT, Reply, Site

CAPTIONS = Reply(VTT.encode(), "text/vtt")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def shared() -> AsyncIterator[SharedSource]:
    source = SharedSource(
        MediaSource.of_the_web(
            language="en", max_recordings=50, max_caption_bytes=50_000, timeout_s=20.0, allow_loopback=True
        )
    )
    yield source
    await source.close()


def feed_of(site: Site, *names: str) -> str:
    for name in names:
        site.talk(name, CAPTIONS)
    return site.feed("/feed.xml", list(names))


async def test_two_followers_of_a_channel_cost_one_fetch(site: Site, shared: SharedSource) -> None:
    channel = await shared.resolve(feed_of(site, "Tides", "Reefs"))
    site.seen.clear()
    both = await asyncio.gather(*(shared.list_uploads(channel, ALL_KINDS, 50) for _ in range(2)))
    later = await shared.list_uploads(channel, ALL_KINDS, 50)
    assert both[0] == both[1] == later
    assert [upload.title for upload in later.uploads] == ["Tides", "Reefs"]
    assert site.paths() == ["/feed.xml"]


async def test_two_who_know_the_same_of_a_feed_poll_it_once(site: Site, shared: SharedSource) -> None:
    channel = await shared.resolve(feed_of(site, "Tides"))
    site.seen.clear()
    await asyncio.gather(*(shared.poll(channel, ALL_KINDS, Validator()) for _ in range(5)))
    assert site.paths() == ["/feed.xml"]
    await shared.poll(channel, ALL_KINDS, Validator('"1"'))
    assert site.paths() == ["/feed.xml"] * 2


async def test_who_wants_other_kinds_or_a_longer_list_is_not_given_anothers(site: Site, shared: SharedSource) -> None:
    channel = await shared.resolve(feed_of(site, "Tides", "Reefs"))
    assert len((await shared.list_uploads(channel, ALL_KINDS, 1)).uploads) == 1
    assert len((await shared.list_uploads(channel, ALL_KINDS, 50)).uploads) == 2
    kinds = (UploadKind.SHORT, UploadKind.VIDEO)
    site.seen.clear()
    first = await shared.list_uploads(channel, kinds, 50)
    assert first == await shared.list_uploads(channel, kinds[::-1], 50)
    assert len(site.seen) == 1


async def test_a_recording_that_two_workspaces_bring_in_is_fetched_once(site: Site, shared: SharedSource) -> None:
    link = site.talk("Tides", CAPTIONS)

    async def bring_in() -> bytes:
        described = await shared.describe(Entry(link, "Tides"))
        assert described.captions is not None
        return await shared.captions(described.captions)

    alone = await bring_in()
    requests = len(site.seen)
    both = await asyncio.gather(bring_in(), bring_in())
    assert [alone, *both] == [VTT.encode()] * 3
    assert len(site.seen) == requests
    assert site.paths().count("/Tides.vtt") == 1


async def test_what_was_read_already_is_not_fetched(site: Site, shared: SharedSource) -> None:
    (entry,) = (await shared.list(site.talk("Tides", CAPTIONS))).entries
    assert entry.extraction is not None
    site.seen.clear()
    described = await shared.describe(entry)
    assert described.recording.title == "Tides"
    assert await shared.captions(CaptionSource("", "en", data=b"here")) == b"here"
    assert site.seen == []


async def test_a_person_who_asks_again_gets_what_is_there_now(site: Site, shared: SharedSource) -> None:
    url = feed_of(site, "Tides")
    assert len((await shared.list(url)).entries) == 1
    feed_of(site, "Kelp", "Tides")
    assert len((await shared.list(url)).entries) == 2


async def test_a_failure_is_not_kept(site: Site, shared: SharedSource) -> None:
    channel = await shared.resolve(feed_of(site, "Tides"))
    site.put("/feed.xml", Reply(b"gone", status=410))
    with pytest.raises(BotError):
        await shared.list_uploads(channel, ALL_KINDS, 50)
    feed_of(site, "Tides")
    assert len((await shared.list_uploads(channel, ALL_KINDS, 50)).uploads) == 1


async def test_what_is_to_be_forgotten_is_not_held_any_more(site: Site, shared: SharedSource) -> None:
    link = site.talk("Tides", CAPTIONS)
    await shared.describe(Entry(link, "Tides"))
    requests = len(site.seen)
    shared.forget()
    await shared.describe(Entry(link, "Tides"))
    assert len(site.seen) > requests


async def test_what_is_kept_gets_old(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_FRESH_S", 0.0)
    source = SharedSource(
        MediaSource.of_the_web(
            language="en", max_recordings=50, max_caption_bytes=50_000, timeout_s=20.0, allow_loopback=True
        )
    )
    channel = await source.resolve(feed_of(site, "Tides"))
    await source.list_uploads(channel, ALL_KINDS, 50)
    feed_of(site, "Kelp", "Tides")
    assert len((await source.list_uploads(channel, ALL_KINDS, 50)).uploads) == 2
    await source.close()


def test_captions_that_a_page_brought_along_count_for_what_they_take() -> None:
    recording = Recording("tides", "https://shore.example/tides", "Tides")
    light = module._size(Described(recording))
    heavy = module._size(Described(recording, CaptionSource("", "en", data=bytes(1_000_000))))
    assert heavy - light == 1_000_000
