"""Recordings of sites that a test cannot reach, from info dicts in the form that yt-dlp gives them."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

import pytest

from core.captiontracks import CaptionSource
from core.errors import BadInput, NotReadable
from core.links import recording_id_of
from core.source_states import SourceState
from core.uploads import Upload, UploadKind
from deployments.http_client import HttpClient
from deployments.media_source import Described, MediaSource
from deployments.ytdlp import Extraction, FlatListing
from deployments.ytdlp_info import Entry, entry_of


class Answers:
    """yt-dlp for sites that a test cannot reach: info dicts by link."""

    def __init__(self, **infos: Mapping[str, Any]) -> None:
        self.infos = infos
        self.asked: list[str] = []

    async def knows_site(self, url: str) -> bool:  # noqa: ARG002 - the port's signature
        return True

    async def recording_id(self, url: str) -> str:
        return recording_id_of(url)

    async def list_flat(self, url: str, limit: int, *, first_page: bool = False) -> FlatListing:  # noqa: ARG002
        info = self.infos[url.rpartition("/")[2]]
        entries = tuple(info.get("entries") or ())
        return FlatListing(info, entries[:limit], more=len(entries) > limit)

    async def extract(self, url: str) -> Extraction:
        self.asked.append(url)
        return Extraction(self.infos[url.rpartition("/")[2]])


def tube(name: str, **more: Any) -> dict[str, Any]:
    return {
        "extractor_key": "Tube",
        "webpage_url": f"https://tube.example/{name}",
        "title": name.title(),
        "subtitles": {"en": [{"url": "https://tube.example/en.vtt", "ext": "vtt"}]},
        **more,
    }


def of_answers(answers: Answers, max_recordings: int = 10) -> MediaSource:
    return MediaSource(
        HttpClient(timeout_s=1.0, max_bytes=1000),
        answers,
        language="en",
        max_recordings=max_recordings,
        max_page_bytes=1000,
        max_caption_bytes=1000,
    )


def listed(*names: str, **more: Any) -> dict[str, Any]:
    entries: Sequence[Any] = [{"_type": "url", "url": f"https://tube.example/{name}", **more} for name in names]
    return {"_type": "playlist", "title": "A Channel", "entries": entries}


async def describe(answers: Answers, entry: Entry) -> Described:
    return await of_answers(answers).describe(entry)


async def test_what_a_site_says_comes_before_what_a_list_says() -> None:
    answers = Answers(one=tube("one", channel="Ada", upload_date="20090527", duration=61.5))
    described = await describe(answers, Entry("https://tube.example/one", "Old title", "Bo", "2001-01-01"))
    recording = described.recording
    assert (recording.title, recording.speaker, recording.published) == ("One", "Ada", "2009-05-27")
    assert recording.duration_s == 61.5
    answers = Answers(one=tube("one", title=None, upload_date="soon"))
    recording = (await describe(answers, Entry("https://tube.example/one", "Old", "Bo", "2001-01-01"))).recording
    assert (recording.title, recording.speaker, recording.published) == ("Old", "Bo", "2001-01-01")


async def test_a_channel_s_tabs_are_opened() -> None:
    tabs = listed("videos", "shorts", ie_key="TubeTab")
    answers = Answers(channel=tabs, videos=listed("a", "b"), shorts=listed("c"))
    listing = await of_answers(answers).list("https://tube.example/channel")
    assert [entry.url[-1] for entry in listing.entries] == ["a", "b", "c"]


async def test_a_long_channel_is_not_read_to_its_end() -> None:
    tabs = listed("videos", "shorts", ie_key="TubeTab")
    answers = Answers(channel=tabs, videos=listed("a", "b", "c"))
    listing = await of_answers(answers, max_recordings=2).list("https://tube.example/channel")
    assert [entry.url[-1] for entry in listing.entries] == ["a", "b"]
    assert answers.asked == ["https://tube.example/channel", "https://tube.example/videos"]


async def test_entries_that_a_site_leaves_empty_are_passed_over() -> None:
    playlist = {"_type": "playlist", "entries": [None, {"title": "no link"}, {"url": "https://tube.example/a"}]}
    listing = await of_answers(Answers(channel=playlist)).list("https://tube.example/channel")
    assert [entry.url for entry in listing.entries] == ["https://tube.example/a"]
    with pytest.raises(BadInput, match="lists no recordings"):
        await of_answers(Answers(channel=listed())).list("https://tube.example/channel")


async def test_a_page_that_embeds_another_site_s_recording_leads_there() -> None:
    answers = Answers(blog=listed("one"), one=tube("one", uploader="Ada"), empty=listed())
    described = await describe(answers, Entry("https://blog.example/blog"))
    assert described.recording.recording_id == "https://tube.example/one"
    assert described.recording.speaker == "Ada"
    with pytest.raises(BadInput, match="no recording at that link"):
        await describe(answers, Entry("https://blog.example/empty"))


@pytest.mark.parametrize(("status", "state"), [("is_live", SourceState.LIVE), ("is_upcoming", SourceState.PREMIERE)])
async def test_a_stream_that_has_not_ended_is_left_for_later(status: str, state: SourceState) -> None:
    starts_at = time.time() + 3600
    answers = Answers(one=tube("one", live_status=status, release_timestamp=starts_at))
    with pytest.raises(NotReadable) as raised:
        await describe(answers, Entry("https://tube.example/one"))
    assert raised.value.state is state
    assert (raised.value.retry_after_s is not None) is (state is SourceState.PREMIERE)


async def test_a_stream_that_has_just_ended_is_read_once_it_has_captions() -> None:
    ended = tube("one", live_status="post_live")
    assert (await describe(Answers(one=ended), Entry("https://tube.example/one"))).captions is not None
    with pytest.raises(NotReadable) as raised:
        await describe(Answers(one=ended | {"subtitles": {}}), Entry("https://tube.example/one"))
    assert raised.value.state is SourceState.PROCESSING


async def test_what_a_page_says_besides_comes_with_the_recording() -> None:
    answers = Answers(
        one=tube(
            "one",
            timestamp=1_710_072_000,
            media_type="short",
            description="Talk about tides.",
            chapters=[{"start_time": 0, "title": "Intro"}, {"start_time": 30.5, "title": "Main"}],
            view_count=12,
            channel="Ada",
            channel_url="https://tube.example/ada",
            duration=60,
        )
    )
    described = await describe(answers, Entry("https://tube.example/one"))
    assert described.upload is not None
    assert described.channel is not None
    assert (described.upload.published_at, described.upload.exact) == (1_710_072_000.0, True)
    assert (described.upload.kind, described.upload.length_s) == (UploadKind.SHORT, 60.0)
    assert (described.description, described.view_count) == ("Talk about tides.", 12)
    assert [(chapter.start_s, chapter.title) for chapter in described.chapters] == [(0.0, "Intro"), (30.5, "Main")]
    assert (described.channel.channel_id, described.channel.title) == ("https://tube.example/ada", "Ada")


async def test_an_upload_of_a_listing_can_be_described() -> None:
    upload = Upload("x", "https://tube.example/one", "Old", published_at=1_710_072_000.0, exact=True)
    assert entry_of(upload) == Entry("https://tube.example/one", "Old", published="2024-03-10")
    described = await describe(Answers(one=tube("one")), entry_of(upload))
    assert described.upload is not None
    assert (described.recording.published, described.upload.published_at) == ("2024-03-10", 1_710_072_000.0)


async def test_captions_that_came_with_the_page_are_not_fetched() -> None:
    source = of_answers(Answers())
    assert await source.captions(CaptionSource("", "en", data=b"WEBVTT")) == b"WEBVTT"
