"""Uploads and channels from yt-dlp's info dicts."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.source_states import SourceState
from core.upload_info import channel_of, plausible, published_at, upload_of
from core.uploads import UploadKind

INFO = Path(__file__).parents[1] / "data" / "channel_feeds" / "info"
NOW = 1_800_000_000.0
DAY = 86_400.0


def recorded(name: str) -> dict[str, Any]:
    info: dict[str, Any] = json.loads((INFO / f"{name}.info.json").read_bytes())
    return info


@pytest.mark.parametrize(
    ("name", "kind", "state"),
    [
        ("derived_short", UploadKind.SHORT, SourceState.AVAILABLE),
        ("derived_premiere_upcoming", UploadKind.VIDEO, SourceState.PREMIERE),
        ("derived_stream_upcoming", UploadKind.STREAM, SourceState.PREMIERE),
        ("derived_live_now", UploadKind.STREAM, SourceState.LIVE),
        ("derived_post_live", UploadKind.STREAM, SourceState.PROCESSING),
        ("derived_was_live", UploadKind.STREAM, SourceState.AVAILABLE),
        ("derived_members_only", UploadKind.VIDEO, SourceState.MEMBERS_ONLY),
        ("derived_age_restricted", UploadKind.VIDEO, SourceState.AGE_LIMITED),
        ("derived_unlisted_no_captions", UploadKind.VIDEO, SourceState.AVAILABLE),
    ],
)
def test_an_info_gives_kind_and_state(name: str, kind: UploadKind, state: SourceState) -> None:
    info = recorded(name)
    upload = upload_of(info, exact=True, now=NOW)
    assert (upload.recording_id, upload.kind, upload.state) == (f"youtube:{info['id']}", kind, state)
    channel = channel_of(info)
    assert channel is not None
    assert channel.channel_id == f"youtube:{info['channel_id']}"


def test_a_premiere_says_when_it_begins() -> None:
    assert upload_of(recorded("derived_premiere_upcoming"), exact=True, now=NOW).starts_at == 1893456000.0


def test_a_tab_gives_its_kind_where_the_entry_has_none() -> None:
    entry = {"ie_key": "Youtube", "id": "dQw4w9WgXcQ", "url": "https://www.youtube.com/watch?v=dQw4w9WgXcQ"}
    assert not upload_of(entry, exact=False, now=NOW).kind_is_certain
    upload = upload_of(entry, exact=False, now=NOW, kind=UploadKind.STREAM)
    assert (upload.kind, upload.kind_is_certain) == (UploadKind.STREAM, True)


def test_a_day_alone_is_its_noon() -> None:
    assert published_at({"upload_date": "20240310"}) == 1710072000.0
    assert published_at({"upload_date": "20240310", "timestamp": 1710000000}) == 1710000000.0
    for odd in ("2024", "x", None, "20241340"):
        assert published_at({"upload_date": odd}) is None


@given(st.none() | st.floats())
def test_a_date_that_a_wrong_clock_wrote_is_none(moment: float | None) -> None:
    found = plausible(moment, NOW)
    assert found is None or 631_152_000.0 <= found <= NOW + DAY


def test_dates_of_1970_and_of_next_year_are_left_out_and_yesterday_s_kept() -> None:
    assert plausible(0.0, NOW) is plausible(NOW + 365 * DAY, NOW) is None
    assert plausible(NOW - DAY, NOW) == NOW - DAY


ODD = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
KEYS = (
    "id",
    "url",
    "webpage_url",
    "timestamp",
    "duration",
    "upload_date",
    "live_status",
    "availability",
    "channel_url",
)


@given(st.dictionaries(st.sampled_from(KEYS), ODD))
def test_any_info_is_read(info: dict[str, Any]) -> None:
    upload = upload_of(info, exact=True, now=NOW)
    assert upload.length_s == upload.length_s
    channel_of(info)


def test_a_site_s_channel_is_known_by_its_page() -> None:
    channel = channel_of({"uploader": "Ada", "uploader_url": "https://tube.example/ada/?utm_source=x"})
    assert channel is not None
    assert (channel.channel_id, channel.title, channel.host) == ("https://tube.example/ada", "Ada", "tube.example")
    assert channel_of({"uploader": "Ada"}) is None
