"""Recordings of web pages and feeds, with the real yt-dlp, from a site on this machine."""

import pickle
from collections.abc import AsyncIterator

import pytest

from core.captiontracks import CaptionSource
from core.errors import BadInput, DeadlineExceeded, RefusedUrl, Unavailable
from deployments.media_source import MediaSource
from deployments.ytdlp_info import Entry
from tests.fakes.site import VTT, Reply, Site, page, rss

CAPTIONS = Reply(VTT.encode(), "text/vtt")


@pytest.fixture
async def site() -> AsyncIterator[Site]:
    async with Site() as running:
        yield running


@pytest.fixture
async def source() -> AsyncIterator[MediaSource]:
    made = web_source()
    yield made
    await made.close()


def web_source(
    *, timeout_s: float = 20.0, max_recordings: int = 50, max_caption_bytes: int = 100_000, allow_loopback: bool = True
) -> MediaSource:
    return MediaSource.of_the_web(
        language="en",
        max_recordings=max_recordings,
        max_caption_bytes=max_caption_bytes,
        timeout_s=timeout_s,
        allow_loopback=allow_loopback,
    )


# ---------------------------------------------------------------- single recordings
async def test_a_page_with_a_video_is_a_listing_of_one(site: Site, source: MediaSource) -> None:
    url = site.talk("Tides", CAPTIONS, head='<meta property="article:published_time" content="2008-09-16T10:00:00Z">')
    listing = await source.list(url)
    assert (listing.title, len(listing.entries), listing.problem) == ("Tides", 1, "")
    described = await source.describe(listing.entries[0])
    recording = described.recording
    assert (recording.url, recording.title, recording.speaker) == (url, "Tides", "Ada Example")
    assert (recording.published, recording.language) == ("2008-09-16", "en")
    assert described.captions is not None
    assert await source.captions(described.captions) == VTT.encode()


async def test_the_video_itself_is_never_fetched(site: Site, source: MediaSource) -> None:
    url = site.talk("Tides", CAPTIONS)
    await source.describe((await source.list(url)).entries[0])
    assert "/Tides.mp4" not in site.paths()


async def test_every_link_to_a_recording_gives_the_same_id(site: Site, source: MediaSource) -> None:
    url = site.talk("Tides", CAPTIONS)
    feed = site.feed("/feed.xml", ["Tides"])
    site.redirect("/short", url)
    ids = set()
    for link in (url, f"{url}#t=30", f"{url}?utm_source=mail", feed):
        listing = await source.list(link)
        ids.add((await source.describe(listing.entries[0])).recording.recording_id)
    assert len(ids) == 1


async def test_a_page_without_captions_is_described_with_a_reason(site: Site, source: MediaSource) -> None:
    url = site.talk("Silence")
    described = await source.describe((await source.list(url)).entries[0])
    assert described.captions is None
    assert described.skip == "It has no captions."


async def test_a_link_to_a_media_file_is_a_recording_without_captions(site: Site, source: MediaSource) -> None:
    url = site.put("/a.mp3", Reply(b"ID3" + b"\0" * 20_000_000, "audio/mpeg"))
    described = await source.describe((await source.list(url)).entries[0])
    assert described.skip == "It has no captions."
    assert described.recording.url == url


async def test_two_videos_on_a_page_are_two_recordings(site: Site, source: MediaSource) -> None:
    site.put("/1.vtt", CAPTIONS)
    video = "<video src='/{0}.mp4'><track kind='captions' src='/{0}.vtt' srclang='en'></video>"
    url = site.put("/both", Reply(page("Both", video.format(1) + video.format(2))))
    listing = await source.list(url)
    described = [await source.describe(entry) for entry in listing.entries]
    assert len({one.recording.recording_id for one in described}) == 2
    assert [one.captions.url for one in described if one.captions] == [site.url("/1.vtt"), site.url("/2.vtt")]


async def test_a_feed_s_page_with_two_videos_gives_its_first(site: Site, source: MediaSource) -> None:
    video = "<video src='/{0}.mp4'><track kind='captions' src='/{0}.vtt' srclang='en'></video>"
    site.put("/both.html", Reply(page("Both", video.format(1) + video.format(2))))
    listing = await source.list(site.feed("/feed.xml", ["both"]))
    described = await source.describe(listing.entries[0])
    assert described.captions is not None
    assert described.captions.url == site.url("/1.vtt")
    assert described.recording.title == "both"


# ---------------------------------------------------------------- feeds
async def test_a_feed_lists_its_recordings_in_order(site: Site, source: MediaSource) -> None:
    listing = await source.list(site.feed("/feed.xml", ["Tides", "Reefs", "Kelp"]))
    assert listing.title == "Shore Talks"
    assert [entry.title for entry in listing.entries] == ["Tides", "Reefs", "Kelp"]
    assert {(entry.speaker, entry.published) for entry in listing.entries} == {("Ada Example", "2008-09-16")}
    assert listing.problem == ""


async def test_a_feed_names_the_speaker_of_a_page_that_does_not(site: Site, source: MediaSource) -> None:
    site.talk("Tides", CAPTIONS, author="")
    listing = await source.list(site.feed("/feed.xml", ["Tides"]))
    assert (await source.describe(listing.entries[0])).recording.speaker == "Ada Example"


async def test_a_feed_that_was_cut_gives_what_came_and_says_so(site: Site, source: MediaSource) -> None:
    listing = await source.list(site.feed("/feed.xml", ["Tides", "Reefs", "Kelp"], until="<title>Kelp"))
    assert [entry.title for entry in listing.entries] == ["Tides", "Reefs"]
    assert "breaks off after 2 recordings" in listing.problem


async def test_a_feed_whose_transfer_breaks_off_gives_what_came_and_says_so(site: Site, source: MediaSource) -> None:
    listing = await source.list(site.feed("/feed.xml", ["Tides", "Reefs", "Kelp"], cut_after=420))
    assert [entry.title for entry in listing.entries] == ["Tides"]
    assert "breaks off after 1 recording;" in listing.problem


async def test_a_feed_cut_before_its_first_recording_is_a_failure(site: Site, source: MediaSource) -> None:
    with pytest.raises(Unavailable, match="breaks off before its first recording"):
        await source.list(site.feed("/feed.xml", ["Tides"], until="<link>"))


async def test_a_feed_without_recordings_is_a_failure(site: Site, source: MediaSource) -> None:
    with pytest.raises(BadInput, match="lists no recordings"):
        await source.list(site.put("/feed.xml", Reply(rss([]), "application/rss+xml")))


async def test_only_so_many_recordings_are_taken_and_it_says_so(site: Site) -> None:
    source = web_source(max_recordings=2)
    listing = await source.list(site.feed("/feed.xml", ["a", "b", "c", "d"]))
    assert [entry.title for entry in listing.entries] == ["a", "b"]
    assert "Only the first 2" in listing.left_out
    assert listing.problem == ""
    await source.close()


async def test_a_recording_that_is_listed_twice_is_taken_once(site: Site, source: MediaSource) -> None:
    listing = await source.list(site.feed("/feed.xml", ["a", "b", "a"]))
    assert sorted(entry.title for entry in listing.entries) == ["a", "b"]


# ---------------------------------------------------------------- what cannot be read
@pytest.mark.parametrize(
    ("reply", "problem"),
    [
        (Reply(b"", "text/html"), "the page is empty"),
        (Reply(b"just words", "text/plain"), "neither a page nor a feed"),
        (Reply(b'{"error": 1}', "application/json"), "neither a page nor a feed"),
        (Reply(page("Essay", "<p>no video here</p>")), "no recording at that link"),
        (Reply(b"<?xml version='1.0'?><list><a/></list>", "text/xml"), "no recording at that link"),
        (Reply(b"gone", status=404), "no such page"),
        (Reply(b"members only", status=403), "does not show that page"),
    ],
)
async def test_a_page_that_is_none_is_a_named_failure(
    site: Site, source: MediaSource, reply: Reply, problem: str
) -> None:
    with pytest.raises(BadInput, match=problem):
        await source.list(site.put("/odd", reply))


async def test_a_page_that_breaks_off_is_unavailable(site: Site, source: MediaSource) -> None:
    url = site.put("/cut", Reply(page("Tides", "<video src='/a.mp4'></video>" * 50), cut_after=150))
    with pytest.raises(Unavailable, match="broke off"):
        await source.list(url)


@pytest.mark.parametrize(
    "url", ["https://10.0.0.1/feed", "https://169.254.169.254/latest", "http://shore.example/", "x"]
)
async def test_a_link_to_our_own_network_is_refused(source: MediaSource, url: str) -> None:
    with pytest.raises(RefusedUrl):
        await source.list(url)
    with pytest.raises(RefusedUrl):
        await source.describe(Entry(url))


async def test_a_feed_s_link_to_our_own_network_is_refused(site: Site, source: MediaSource) -> None:
    feed = site.put("/feed.xml", Reply(rss([("inside", "https://10.0.0.1/admin")]), "text/xml"))
    with pytest.raises(RefusedUrl):
        await source.describe((await source.list(feed)).entries[0])


@pytest.mark.parametrize("target", ["https://10.0.0.1/", "https://192.168.1.1/video"])
async def test_a_redirect_to_our_own_network_is_refused(site: Site, source: MediaSource, target: str) -> None:
    url = site.redirect("/a", target)
    with pytest.raises(RefusedUrl):
        await source.list(url)
    with pytest.raises(RefusedUrl):
        await source.describe(Entry(url))


async def test_captions_in_our_own_network_are_refused(site: Site, source: MediaSource) -> None:
    video = "<video src='/a.mp4'><track kind='captions' src='https://10.0.0.1/a.vtt' srclang='en'></video>"
    described = await source.describe(Entry(site.put("/a", Reply(page("A", video)))))
    assert described.captions is not None
    with pytest.raises(RefusedUrl):
        await source.captions(described.captions)


async def test_a_stream_s_list_in_our_own_network_is_not_fetched(site: Site, source: MediaSource) -> None:
    video = (
        f"<video src='https://10.0.0.1/a.m3u8'><track kind='captions' src='{site.url('/a.vtt')}' srclang='en'></video>"
    )
    described = await source.describe(Entry(site.put("/a", Reply(page("A", video)))))
    assert described.captions is not None  # yt-dlp goes on without the stream, which it could not read


async def test_a_site_that_never_answers_is_given_up(site: Site) -> None:
    source = web_source(timeout_s=0.5)
    url = site.put("/slow", Reply(hangs=True))
    with pytest.raises(DeadlineExceeded):
        await source.list(url)
    with pytest.raises(DeadlineExceeded):
        await source.describe(Entry(url))
    await source.close()


async def test_captions_that_are_too_large_are_refused(site: Site) -> None:
    source = web_source(max_caption_bytes=10)
    with pytest.raises(BadInput, match="larger than"):
        await source.captions(CaptionSource(site.put("/a.vtt", CAPTIONS), "en"))
    await source.close()


def test_it_can_travel_to_the_process_that_uses_it() -> None:
    travelled = pickle.loads(pickle.dumps(web_source()))
    assert isinstance(travelled, MediaSource)
