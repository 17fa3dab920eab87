"""Channels, playlists and feeds that are followed: the real yt-dlp against YouTube's parts on this machine."""

from collections.abc import AsyncIterator
from dataclasses import replace

import pytest

from core.errors import BadInput, NotReadable, RefusedUrl
from core.source_states import SourceState
from core.uploads import ALL_KINDS, Channel, Upload, UploadKind, Validator
from deployments.media_source import MediaSource
from tests.fakes.site import VTT, Reply
from tests.fakes.tube import CONSENT, Clip, Tube, TubeChannel, TubeClient, clips

UC = "UC" + "a" * 22
SHORE = Channel(f"youtube:{UC}", f"https://www.youtube.com/channel/{UC}", "Shore Talks", "www.youtube.com")


@pytest.fixture
async def tube() -> AsyncIterator[Tube]:
    async with Tube() as running:
        yield running


@pytest.fixture
async def source(tube: Tube) -> AsyncIterator[MediaSource]:
    made = tube_source(tube)
    yield made
    await made.close()


def tube_source(tube: Tube, timeout_s: float = 20.0, listing_timeout_s: float = 60.0) -> MediaSource:
    return MediaSource.of_the_web(
        language="en",
        max_recordings=50,
        max_caption_bytes=100_000,
        timeout_s=timeout_s,
        listing_timeout_s=listing_timeout_s,
        allow_loopback=True,
        http=TubeClient(tube, timeout_s=timeout_s),
    )


def shore(tube: Tube, **tabs: list[Clip]) -> TubeChannel:
    channel = TubeChannel(UC, "Shore Talks", "@shore", tabs)
    tube.channels.append(channel)
    return channel


def ids(uploads: tuple[Upload, ...]) -> list[str]:
    return [upload.recording_id.removeprefix("youtube:") for upload in uploads]


# ---------------------------------------------------------------- which channel
@pytest.mark.parametrize(
    "url",
    [
        "https://www.youtube.com/@shore",
        "https://www.youtube.com/@shore/shorts",
        "https://youtube.com/c/@shore",
        "https://www.youtube.com/user/@shore/videos",
        f"https://www.youtube.com/channel/{UC}",
        f"https://m.youtube.com/channel/{UC}/streams",
        f"youtube.com/channel/{UC}",
        f"https://www.youtube.com/feeds/videos.xml?channel_id={UC}",
        f"https://www.youtube.com/playlist?list=UU{UC[2:]}",
        UC,
    ],
)
async def test_every_link_to_a_channel_is_the_same_channel(tube: Tube, source: MediaSource, url: str) -> None:
    shore(tube, videos=clips("v", 3), shorts=clips("s", 3), streams=clips("t", 3))
    assert await source.resolve(url) == SHORE


async def test_a_channel_without_videos_is_found_by_its_shorts(tube: Tube, source: MediaSource) -> None:
    shore(tube, shorts=clips("s", 3))
    assert (await source.resolve("https://www.youtube.com/@shore")).channel_id == SHORE.channel_id


@pytest.mark.parametrize(
    "url", ["https://youtu.be/dQw4w9WgXcQ", "https://www.youtube.com/watch?v=dQw4w9WgXcQ&list=PL1234567890123456"]
)
async def test_one_recording_cannot_be_followed(source: MediaSource, url: str) -> None:
    with pytest.raises(BadInput, match="one recording"):
        await source.resolve(url)


async def test_a_page_with_one_video_cannot_be_followed(tube: Tube, source: MediaSource) -> None:
    with pytest.raises(BadInput, match="one recording"):
        await source.resolve(tube.talk("Tides", Reply(VTT.encode(), "text/vtt")))


async def test_a_channel_that_does_not_exist_is_a_failure(source: MediaSource) -> None:
    with pytest.raises(NotReadable):
        await source.resolve("https://www.youtube.com/@nobody")


async def test_a_private_address_is_refused(source: MediaSource) -> None:
    with pytest.raises(RefusedUrl):
        await source.resolve("https://10.0.0.1/feed.xml")


# ---------------------------------------------------------------- all uploads
async def test_a_channel_of_a_thousand_uploads_is_listed_whole_each_once(tube: Tube, source: MediaSource) -> None:
    channel = shore(tube, videos=clips("v", 600), shorts=clips("s", 300), streams=clips("t", 100))
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 2000)
    assert (len(uploads.uploads), uploads.problem, uploads.cut) == (1000, "", False)
    assert sorted(ids(uploads.uploads)) == sorted(clip.video_id for tab in channel.tabs.values() for clip in tab)
    kinds = {upload.recording_id[8]: upload.kind for upload in uploads.uploads}
    assert kinds == {"v": UploadKind.VIDEO, "s": UploadKind.SHORT, "t": UploadKind.STREAM}
    dates = [upload.published_at for upload in uploads.uploads if upload.published_at is not None]
    assert dates == sorted(dates, reverse=True)
    assert len(dates) == 700
    assert not any(upload.exact for upload in uploads.uploads)


async def test_of_a_long_channel_the_newest_are_taken(tube: Tube, source: MediaSource) -> None:
    shore(tube, videos=clips("v", 200), streams=clips("t", 200))
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 50)
    assert (len(uploads.uploads), uploads.cut) == (50, True)
    assert {int(name[1:]) for name in ids(uploads.uploads)} == set(range(25))
    assert len(tube.seen) < 10


async def test_only_the_kinds_that_are_wanted_are_asked_for(tube: Tube, source: MediaSource) -> None:
    shore(tube, videos=clips("v", 3), shorts=clips("s", 3))
    uploads = await source.list_uploads(SHORE, [UploadKind.SHORT], 100)
    assert ids(uploads.uploads) == ["s0000000000", "s0000000001", "s0000000002"]
    assert not any(path.endswith("/videos") for path in tube.paths())


async def test_a_tab_that_a_channel_lacks_is_no_failure(tube: Tube, source: MediaSource) -> None:
    shore(tube, videos=clips("v", 3))
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 100)
    assert (len(uploads.uploads), uploads.problem, uploads.state) == (3, "", SourceState.AVAILABLE)


async def test_a_channel_without_any_tab_is_empty_and_one_whose_page_fails_is_not(
    tube: Tube, source: MediaSource
) -> None:
    shore(tube)
    assert (await source.list_uploads(SHORE, ALL_KINDS, 100)).uploads == ()
    tube.put(f"/channel/{UC}/videos", Reply(b"", status=500))
    with pytest.raises(NotReadable):
        await source.list_uploads(SHORE, ALL_KINDS, 100)


async def test_a_tab_that_comes_without_entries_is_not_read_as_empty(tube: Tube, source: MediaSource) -> None:
    shore(tube, videos=[], streams=clips("t", 2))
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 100)
    assert ids(uploads.uploads) == ["t0000000000", "t0000000001"]
    assert "Of its videos, 0 could be read" in uploads.problem
    with pytest.raises(NotReadable, match="without any entries"):
        await source.list_uploads(SHORE, [UploadKind.VIDEO], 100)


@pytest.mark.parametrize(
    ("trouble", "state"),
    [
        (Reply(b"oops", status=500), SourceState.SITE_DOWN),
        (Reply(b"slow down", status=429, headers={"Retry-After": "77"}), SourceState.RATE_LIMITED),
        (Reply(b"{}", "application/json"), SourceState.UNKNOWN),
        (Reply(CONSENT), SourceState.UNKNOWN),
        (Reply(b"x" * 10, cut_after=5), SourceState.SITE_DOWN),
    ],
)
async def test_what_came_before_a_page_that_fails_is_kept_and_the_hole_is_told(
    tube: Tube, source: MediaSource, trouble: Reply, state: SourceState
) -> None:
    shore(tube, videos=clips("v", 95), shorts=clips("s", 40))
    tube.broken["videos:60"] = trouble
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 1000)
    assert len(uploads.uploads) == 60 + 40
    assert "Of its videos, 60 could be read" in uploads.problem
    assert uploads.state is state
    assert uploads.retry_after_s == (77.0 if state is SourceState.RATE_LIMITED else None)


async def test_what_was_read_before_the_time_was_up_is_kept(tube: Tube) -> None:
    source = tube_source(tube, listing_timeout_s=3.0)
    shore(tube, videos=clips("v", 95))
    tube.broken["videos:60"] = Reply(hangs=True)
    uploads = await source.list_uploads(SHORE, [UploadKind.VIDEO], 1000)
    assert len(uploads.uploads) == 60
    assert uploads.state is SourceState.SITE_DOWN
    tube.release()
    await source.close()


async def test_streams_premieres_and_members_videos_carry_their_state(tube: Tube, source: MediaSource) -> None:
    shore(
        tube,
        videos=[Clip("A0000000001", "a", starts_at=1893456000), Clip("A0000000002", "b", members_only=True)],
        streams=[Clip("A0000000003", "c", live=True), Clip("A0000000004", "d")],
    )
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 100)
    states = {upload.recording_id[-1]: upload.state for upload in uploads.uploads}
    assert states == {
        "1": SourceState.PREMIERE,
        "2": SourceState.MEMBERS_ONLY,
        "3": SourceState.LIVE,
        "4": SourceState.AVAILABLE,
    }
    assert max(upload.starts_at for upload in uploads.uploads) == 1893456000.0


async def test_a_channel_that_was_renamed_or_merged_says_so(tube: Tube, source: MediaSource) -> None:
    channel = shore(tube, videos=clips("v", 2))
    channel.title = "Shore & Tide"
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 10)
    assert uploads.channel == replace(SHORE, title="Shore & Tide")
    merged_into = "UC" + "b" * 22
    tube.channels[:] = [TubeChannel(merged_into, "Sea Talks", UC, {"videos": clips("v", 2)})]
    uploads = await source.list_uploads(SHORE, ALL_KINDS, 10)
    assert uploads.channel is not None
    assert uploads.channel.channel_id == f"youtube:{merged_into}"


async def test_an_upload_that_appears_during_a_listing_is_found_by_the_next_look(
    tube: Tube, source: MediaSource
) -> None:
    channel = shore(tube, videos=clips("v", 40))
    listed = set(ids((await source.list_uploads(SHORE, ALL_KINDS, 100)).uploads))
    channel.tabs["videos"].insert(0, Clip("new00000000", "New", published="2026-01-01T00:00:00+00:00"))
    found = await source.poll(SHORE, ALL_KINDS, Validator())
    assert found.uploads is not None
    assert set(ids(found.uploads.uploads)) - listed == {"new00000000"}
