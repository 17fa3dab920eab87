"""Player answers, recorded and made."""

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.player_answers import parse_player
from core.source_states import SourceState
from core.uploads import UploadKind

PLAYER = Path(__file__).parents[1] / "data" / "channel_feeds" / "player"


def recorded(name: str) -> Any:
    return json.loads((PLAYER / f"{name}.json").read_bytes())


def test_of_a_video_with_many_tracks_that_of_people_is_read() -> None:
    answer = parse_player(recorded("youtube"))
    assert (answer.state, answer.video_id, answer.length_s) == (SourceState.AVAILABLE, "GJLlxj_dtq8", 316)
    assert [(track.language, track.automatic) for track in answer.tracks if track.language == "en"] == [
        ("en", False),
        ("en", True),
    ]
    for wanted, language in (("en", "en"), ("de-AT", "de"), ("fi", "zh")):
        track = answer.best_track(wanted)
        assert track is not None
        assert (track.language, track.automatic) == (language, False)
        assert f"lang={language}" in track.url


@pytest.mark.parametrize(
    ("name", "state"),
    [
        ("youtube_request_blocked", SourceState.BOT_CHECK),
        ("youtube_unplayable", SourceState.UNKNOWN),
        ("youtube_transcripts_disabled", SourceState.AVAILABLE),
        ("pytube_irauhITDrsE", SourceState.AGE_LIMITED),
    ],
)
def test_a_recorded_answer_names_its_state(name: str, state: SourceState) -> None:
    answer = parse_player(recorded(name))
    assert answer.state is state
    assert answer.best_track("en") is None


@pytest.mark.parametrize(
    ("answer", "state", "kind"),
    [
        (
            {"playabilityStatus": {"status": "OK"}, "videoDetails": {"isLive": True, "isLiveContent": True}},
            SourceState.LIVE,
            UploadKind.STREAM,
        ),
        (
            {"playabilityStatus": {"status": "LIVE_STREAM_OFFLINE", "reason": "Premieres in 3 hours"}},
            SourceState.PREMIERE,
            UploadKind.VIDEO,
        ),
        (
            {"playabilityStatus": {"status": "LIVE_STREAM_OFFLINE", "reason": "This live event has ended."}},
            SourceState.PROCESSING,
            UploadKind.VIDEO,
        ),
        ({"playabilityStatus": {"status": "LOGIN_REQUIRED"}}, SourceState.PRIVATE, UploadKind.VIDEO),
        ({}, SourceState.UNKNOWN, UploadKind.VIDEO),
    ],
)
def test_an_answer_names_its_state_and_kind(answer: dict[str, Any], state: SourceState, kind: UploadKind) -> None:
    assert (parse_player(answer).state, parse_player(answer).kind) == (state, kind)


def test_the_live_details_win_over_the_player_s_own_word() -> None:
    live = {"isLiveNow": False, "startTimestamp": "2024-03-10T12:00:00+00:00"}
    answer = parse_player(
        {
            "playabilityStatus": {"status": "OK"},
            "videoDetails": {"isLive": True, "isLiveContent": True},
            "microformat": {"playerMicroformatRenderer": {"liveBroadcastDetails": live}},
        }
    )
    assert (answer.is_live_now, answer.live_details, answer.state) == (False, live, SourceState.AVAILABLE)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(
            st.sampled_from(
                ["playabilityStatus", "status", "videoDetails", "lengthSeconds", "captions", "captionTracks"]
            ),
            inner,
        )
    ),
    max_leaves=20,
)


@given(JSON)
def test_any_json_is_read(data: Any) -> None:
    answer = parse_player(data)
    assert answer.state is SourceState.AVAILABLE or answer.status != "OK"
