"""Data of YouTube's pages, recorded and made."""

import contextlib
import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import NotReadable
from core.source_states import SourceState
from core.uploads import UploadKind
from core.youtube_pages import PageVideo, page_data, parse_page

DATA = Path(__file__).parents[1] / "data" / "channel_feeds"
ID = "dQw4w9WgXcQ"


def grid(*items: dict[str, Any]) -> dict[str, Any]:
    contents = [{"richItemRenderer": {"content": item}} for item in items]
    tab = {"tabRenderer": {"content": {"richGridRenderer": {"contents": contents}}}}
    return {"contents": {"twoColumnBrowseResultsRenderer": {"tabs": [tab]}}}


def video(**more: Any) -> dict[str, Any]:
    return {"videoRenderer": {"videoId": ID, "title": {"runs": [{"text": "Ti"}, {"text": "des"}]}, **more}}


def test_a_recorded_channel_and_playlist_are_read() -> None:
    channel = parse_page(json.loads(gzip.decompress((DATA / "page_data" / "channel-videos.json.gz").read_bytes())))
    assert (channel.channel_id, channel.title) == ("UCs6nmQViDpUw0nuIx9c_WvA", "ProgrammingKnowledge")
    assert (len(channel.videos), channel.goes_on) == (30, True)
    playlist = parse_page(json.loads((DATA / "page_data" / "playlist.json").read_bytes()))
    assert (playlist.channel_id, playlist.title) == (
        "PLzMcBGfZo4-mP7qA9cagf68V06sko5otr",
        "Python Machine Learning Tutorials",
    )
    assert (len(playlist.videos), playlist.goes_on) == (12, False)
    assert all(one.title for one in (*channel.videos, *playlist.videos))


@pytest.mark.parametrize(
    ("item", "kind", "state"),
    [
        (video(), UploadKind.VIDEO, SourceState.AVAILABLE),
        (video(publishedTimeText={"simpleText": "Streamed 2 days ago"}), UploadKind.STREAM, SourceState.AVAILABLE),
        (video(upcomingEventData={"startTime": "1893456000"}), UploadKind.VIDEO, SourceState.PREMIERE),
        (
            video(badges=[{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_LIVE_NOW"}}]),
            UploadKind.STREAM,
            SourceState.LIVE,
        ),
        (
            video(badges=[{"metadataBadgeRenderer": {"style": "BADGE_STYLE_TYPE_MEMBERS_ONLY"}}]),
            UploadKind.VIDEO,
            SourceState.MEMBERS_ONLY,
        ),
        (
            video(thumbnailOverlays=[{"thumbnailOverlayTimeStatusRenderer": {"style": "SHORTS"}}]),
            UploadKind.SHORT,
            SourceState.AVAILABLE,
        ),
        (
            {
                "shortsLockupViewModel": {
                    "onTap": {"innertubeCommand": {"reelWatchEndpoint": {"videoId": ID}}},
                    "overlayMetadata": {"primaryText": {"content": "Tides"}},
                }
            },
            UploadKind.SHORT,
            SourceState.AVAILABLE,
        ),
        (
            {
                "lockupViewModel": {
                    "contentId": ID,
                    "contentType": "LOCKUP_CONTENT_TYPE_VIDEO",
                    "metadata": {"lockupMetadataViewModel": {"title": {"content": "Tides"}}},
                    "contentImage": {"badges": [{"badgeViewModel": {"badgeStyle": "BADGE_MEMBERS_ONLY"}}]},
                }
            },
            UploadKind.VIDEO,
            SourceState.MEMBERS_ONLY,
        ),
    ],
)
def test_every_form_of_an_entry_gives_its_kind_and_state(
    item: dict[str, Any], kind: UploadKind, state: SourceState
) -> None:
    assert parse_page(grid(item, item)).videos == (PageVideo(ID, "Tides", kind, state),)


def test_a_further_page_is_read() -> None:
    items = [video(), {"continuationItemRenderer": {}}]
    listing = parse_page(
        {"onResponseReceivedActions": [{"appendContinuationItemsAction": {"continuationItems": items}}]}
    )
    assert ([one.video_id for one in listing.videos], listing.goes_on) == ([ID], True)


@pytest.mark.parametrize(
    ("data", "state"),
    [
        (
            {"alerts": [{"alertRenderer": {"type": "ERROR", "text": {"simpleText": "This channel does not exist."}}}]},
            "deleted",
        ),
        (
            {
                "alerts": [
                    {"alertRenderer": {"type": "ERROR", "text": {"runs": [{"text": "This playlist is private."}]}}}
                ]
            },
            "private",
        ),
        (grid({"someNewViewModel": {"id": ID}}), "unknown"),
        (grid(), "unknown"),
        ({}, "unknown"),
        (None, "unknown"),
        ([], "unknown"),
        ({"contents": 7, "alerts": 7}, "unknown"),
    ],
)
def test_data_without_a_list_that_is_known_is_no_empty_channel(data: Any, state: str) -> None:
    with pytest.raises(NotReadable) as raised:
        parse_page(data)
    assert raised.value.state == state


def test_a_channel_that_says_that_it_has_nothing_is_empty() -> None:
    page = grid({"messageRenderer": {"text": {"simpleText": "This channel has no videos."}}})
    assert parse_page(page).videos == ()


@pytest.mark.parametrize("form", ["var ytInitialData = {};", 'window["ytInitialData"] = {};', "ytInitialData={}"])
def test_a_page_s_data_is_found(form: str) -> None:
    page = f"<html><script>{form.replace('{}', json.dumps(grid(video())))}</script></html>"
    assert page_data(page) == grid(video())


@pytest.mark.parametrize("page", ["", "<html></html>", "ytInitialData = {", "ytInitialData = {" + '"a":{' * 100_000])
def test_a_page_without_data_is_a_failure(page: str) -> None:
    with pytest.raises(NotReadable):
        page_data(page)


def test_a_consent_page_has_no_data_and_says_why() -> None:
    with pytest.raises(NotReadable) as raised:
        page_data((DATA / "not_a_feed" / "youtube_consent_page.html").read_text(encoding="utf-8"))
    assert raised.value.state is SourceState.CONSENT_PAGE


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(["contents", "videoRenderer", "videoId", "title", "runs", "badges", "alerts"]), inner
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read_or_refused(data: Any) -> None:
    with contextlib.suppress(NotReadable):
        assert parse_page(data).videos is not None
