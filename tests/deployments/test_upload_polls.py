"""News of what is followed, feeds, and one upload: the real yt-dlp against YouTube's parts on this machine."""

from collections.abc import AsyncIterator

import pytest

from core.errors import BadInput, NotReadable
from core.source_states import SourceState
from core.uploads import ALL_KINDS, Upload, UploadKind, Validator
from deployments.media_source import MediaSource
from deployments.ytdlp_info import entry_of
from tests.deployments.test_upload_listings import SHORE, UC, shore, tube_source
from tests.fakes.site import Reply, page, rss
from tests.fakes.tube import CONSENT, Tube, clips, player


@pytest.fixture
async def tube() -> AsyncIterator[Tube]:
    async with Tube() as running:
        yield running


@pytest.fixture
async def source(tube: Tube) -> AsyncIterator[MediaSource]:
    made = tube_source(tube)
    yield made
    await made.close()


# ---------------------------------------------------------------- news
async def test_a_look_for_news_costs_one_request_and_nothing_where_nothing_changed(
    tube: Tube, source: MediaSource
) -> None:
    shore(tube, videos=clips("v", 30), shorts=clips("s", 3))
    found = await source.poll(SHORE, ALL_KINDS, Validator())
    assert found.uploads is not None
    assert (len(found.uploads.uploads), len(tube.seen)) == (15, 1)
    assert {upload.kind for upload in found.uploads.uploads} == {UploadKind.VIDEO, UploadKind.SHORT}
    assert all(upload.exact for upload in found.uploads.uploads)
    tube.put("/feeds/videos.xml", Reply(status=304))
    again = await source.poll(SHORE, ALL_KINDS, found.validator)
    assert (again.uploads, again.validator) == (None, found.validator)
    assert tube.seen[-1].headers["If-None-Match"] == found.validator.etag


async def test_shorts_are_left_out_where_nobody_wants_them(tube: Tube, source: MediaSource) -> None:
    shore(tube, videos=clips("v", 3), shorts=clips("s", 3))
    found = await source.poll(SHORE, [UploadKind.VIDEO], Validator())
    assert found.uploads is not None
    assert {upload.kind for upload in found.uploads.uploads} == {UploadKind.VIDEO}


@pytest.mark.parametrize(
    ("reply", "state"),
    [
        (Reply(CONSENT), SourceState.CONSENT_PAGE),
        (Reply(b"<html><form id='captcha-form'>"), SourceState.BOT_CHECK),
        (Reply(b"<html><body>Hello</body></html>"), SourceState.NOT_A_FEED),
        (Reply(b""), SourceState.NOT_A_FEED),
        (Reply(b'{"error": 1}', "application/json"), SourceState.NOT_A_FEED),
        (Reply(b"", status=404), SourceState.UNKNOWN),
        (Reply(b"", status=500), SourceState.SITE_DOWN),
        (Reply(b"", status=429, headers={"Retry-After": "9"}), SourceState.RATE_LIMITED),
        (Reply(b"<feed xmlns='http://www.w3.org/2005/Atom'><title>cut"), SourceState.SITE_DOWN),
    ],
)
async def test_a_feed_that_turns_into_something_else_is_a_failure_and_back_again(
    tube: Tube, source: MediaSource, reply: Reply, state: SourceState
) -> None:
    shore(tube, videos=clips("v", 3))
    tube.put("/feeds/videos.xml", reply)
    for _ in range(2):
        with pytest.raises(NotReadable) as raised:
            await source.poll(SHORE, ALL_KINDS, Validator('"1"'))
        assert raised.value.state is state
    del tube.replies["/feeds/videos.xml"]
    found = await source.poll(SHORE, ALL_KINDS, Validator('"1"'))
    assert found.uploads is not None
    assert len(found.uploads.uploads) == 3


# ---------------------------------------------------------------- other feeds and pages
async def test_a_podcast_is_followed_by_its_feed_or_its_home_page(tube: Tube, source: MediaSource) -> None:
    feed = tube.put("/feed.xml", Reply(rss([("One", "https://shore.example/1")]), "application/rss+xml"))
    home = "<link rel='alternate' type='application/rss+xml' href='/feed.xml'>"
    channel = await source.resolve(tube.put("/home", Reply(page("Shore", "<p>hello</p>", head=home))))
    assert channel == await source.resolve(feed) == await source.resolve(tube.redirect("/old.xml", feed))
    assert (channel.title, channel.url) == ("Shore Talks", feed)
    uploads = await source.list_uploads(channel, ALL_KINDS, 10)
    assert [(upload.recording_id, upload.published_at, upload.exact) for upload in uploads.uploads] == [
        ("https://shore.example/1", 1_221_559_200.0, True)
    ]
    assert (await source.poll(channel, ALL_KINDS, Validator())).uploads == uploads


async def test_dates_of_wrong_clocks_are_no_dates(tube: Tube, source: MediaSource) -> None:
    body = rss([("One", "https://shore.example/1")])
    for date in (b"Thu, 01 Jan 1970 00:00:00 GMT", b"Fri, 01 Jan 2100 00:00:00 GMT"):
        feed = tube.put("/feed.xml", Reply(body.replace(b"Tue, 16 Sep 2008 10:00:00 GMT", date), "text/xml"))
        (upload,) = (await source.list_uploads(await source.resolve(feed), ALL_KINDS, 10)).uploads
        assert (upload.published_at, upload.exact) == (None, False)


async def test_a_feed_that_is_too_large_is_refused_with_a_sentence(tube: Tube, source: MediaSource) -> None:
    feed = tube.put("/feed.xml", Reply(b"<rss><channel>" + b" " * 17_000_000, "text/xml"))
    with pytest.raises(BadInput, match="larger than"):
        await source.resolve(feed)


async def test_a_feed_that_breaks_off_keeps_what_came(tube: Tube, source: MediaSource) -> None:
    feed = tube.feed("/feed.xml", ["Tides", "Reefs", "Kelp"], until="<title>Kelp")
    uploads = await source.list_uploads(await source.resolve(feed), ALL_KINDS, 10)
    assert len(uploads.uploads) == 2
    assert "breaks off after 2 recordings" in uploads.problem
    assert uploads.state is SourceState.SITE_DOWN


async def test_a_mirror_s_feed_is_the_channel_of_youtube(tube: Tube, source: MediaSource) -> None:
    channel = shore(tube, videos=clips("v", 3))
    tube.put("/mirror.xml", Reply(tube._tube("/feeds/videos.xml", {"channel_id": UC}, b"").body, "text/xml"))
    assert (await source.resolve(tube.url("/mirror.xml"))).channel_id == f"youtube:{channel.channel_id}"


# ---------------------------------------------------------------- one upload of YouTube
VIDEO = "dQw4w9WgXcQ"
LISTED = Upload(f"youtube:{VIDEO}", f"https://www.youtube.com/watch?v={VIDEO}", "Tides")


async def test_an_upload_is_described_with_its_captions_and_exact_date(tube: Tube, source: MediaSource) -> None:
    tube.players[VIDEO] = player(VIDEO, captions=["a.en", "de", "en"])
    described = await source.describe(entry_of(LISTED))
    assert described.captions is not None
    assert (described.captions.language, described.captions.automatic) == ("en", False)
    assert described.upload is not None
    assert (described.upload.recording_id, described.upload.length_s) == (LISTED.recording_id, 600.0)
    assert (described.upload.published_at, described.upload.exact) == (1_741_608_000.0, True)
    assert [chapter.title for chapter in described.chapters] == ["Tides", "Reefs"]
    assert described.channel is not None
    assert described.channel.channel_id == SHORE.channel_id


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        ({"status": "LOGIN_REQUIRED", "reason": "Private video"}, SourceState.PRIVATE),
        ({"status": "LOGIN_REQUIRED", "reason": "Sign in to confirm you\u2019re not a bot"}, SourceState.BOT_CHECK),
        (
            {"status": "UNPLAYABLE", "reason": "Join this channel to get access to members-only content"},
            SourceState.MEMBERS_ONLY,
        ),
        ({"status": "UNPLAYABLE", "reason": "Not available in your country"}, SourceState.REGION_LOCKED),
        ({"status": "ERROR", "reason": "This video has been removed by the uploader"}, SourceState.DELETED),
        ({"status": "ERROR", "reason": "Video unavailable"}, SourceState.UNKNOWN),
        ({"status": "LIVE_STREAM_OFFLINE", "reason": "Premieres in 3 hours", "isUpcoming": True}, SourceState.PREMIERE),
        ({"isLive": True, "isLiveContent": True}, SourceState.LIVE),
        ({}, SourceState.UNKNOWN),
    ],
)
async def test_an_upload_that_does_not_play_is_a_named_state_and_never_one_without_captions(
    tube: Tube, source: MediaSource, answer: dict[str, str], state: SourceState
) -> None:
    tube.players[VIDEO] = player(VIDEO, **answer)
    with pytest.raises(NotReadable) as raised:
        await source.describe(entry_of(LISTED))
    assert raised.value.state is state
