"""States behind words, statuses, pages and info dicts."""

import pickle
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import (
    BadInput,
    Busy,
    DeadlineExceeded,
    NotReadable,
    RateLimited,
    RefusedUrl,
    StartupFailed,
    Unavailable,
)
from core.source_signs import (
    not_readable,
    state_of_error,
    state_of_info,
    state_of_page,
    state_of_status,
    state_of_words,
)
from core.source_states import SourceState

CONSENT = Path(__file__).parents[1] / "data" / "channel_feeds" / "not_a_feed" / "youtube_consent_page.html"


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("Private video. Sign in if you've been granted access to this video", SourceState.PRIVATE),
        ("This video is private", SourceState.PRIVATE),
        ("Login details are needed to download this content", SourceState.PRIVATE),
        ("Join this channel to get access to members-only content like this video", SourceState.MEMBERS_ONLY),
        ("This video is available to this channel's members on level: Crew", SourceState.MEMBERS_ONLY),
        ("This video is only available to Music Premium members", SourceState.MEMBERS_ONLY),
        ("Sign in to confirm your age. This video may be inappropriate for some users.", SourceState.AGE_LIMITED),
        ("The uploader has not made this video available in your country", SourceState.REGION_LOCKED),
        ("This video is not available from your location due to geo restriction", SourceState.REGION_LOCKED),
        ("Premieres in 3 hours", SourceState.PREMIERE),
        ("This live event will begin in 2 days.", SourceState.PREMIERE),
        ("The channel is not currently live", SourceState.PREMIERE),
        ("This live stream recording is not available.", SourceState.PROCESSING),
        ("We're processing this video. Check back later.", SourceState.PROCESSING),
        ("This live event has ended.", SourceState.PROCESSING),
        ("Video unavailable. This video has been removed by the uploader", SourceState.DELETED),
        ("This video is no longer available because the YouTube account has been terminated.", SourceState.DELETED),
        ("YouTube said: This channel does not exist.", SourceState.DELETED),
        ("Sign in to confirm you\u2019re not a bot. This helps protect our community.", SourceState.BOT_CHECK),
        ("YouTube is requiring a captcha challenge before playback", SourceState.BOT_CHECK),
        ("This content isn't available, try again later", SourceState.RATE_LIMITED),
        ("HTTP Error 429: Too Many Requests", SourceState.RATE_LIMITED),
        ("HTTP Error 503: Service Unavailable", SourceState.SITE_DOWN),
        ("Video unavailable", SourceState.UNKNOWN),
        ("Custom Reason", SourceState.UNKNOWN),
        ("", SourceState.UNKNOWN),
    ],
)
def test_a_site_s_words_name_its_state(said: str, state: SourceState) -> None:
    assert state_of_words(said) is state
    assert state_of_words(f"  {said.upper()} \n") is state


@given(st.text(max_size=300))
def test_words_never_say_that_it_can_be_read(said: str) -> None:
    assert state_of_words(said) is not SourceState.AVAILABLE


@pytest.mark.parametrize(
    ("status", "state"),
    [
        (429, SourceState.RATE_LIMITED),
        (401, SourceState.PRIVATE),
        (410, SourceState.DELETED),
        (404, SourceState.UNKNOWN),
        (451, SourceState.REGION_LOCKED),
        (500, SourceState.SITE_DOWN),
        (503, SourceState.SITE_DOWN),
        (403, SourceState.UNKNOWN),
    ],
)
def test_a_status_names_a_state(status: int, state: SourceState) -> None:
    assert state_of_status(status) is state


@pytest.mark.parametrize(
    ("info", "state"),
    [
        ({}, SourceState.AVAILABLE),
        ({"live_status": "was_live", "availability": "public"}, SourceState.AVAILABLE),
        ({"live_status": "is_upcoming"}, SourceState.PREMIERE),
        ({"live_status": "is_live"}, SourceState.LIVE),
        ({"is_live": True}, SourceState.LIVE),
        ({"live_status": "post_live"}, SourceState.PROCESSING),
        ({"availability": "private"}, SourceState.PRIVATE),
        ({"availability": "subscriber_only"}, SourceState.MEMBERS_ONLY),
        ({"availability": "needs_auth", "age_limit": 18}, SourceState.AGE_LIMITED),
        ({"availability": "needs_auth"}, SourceState.PRIVATE),
        ({"availability": "public", "age_limit": 18}, SourceState.AVAILABLE),
        ({"availability": "unlisted"}, SourceState.AVAILABLE),
    ],
)
def test_an_info_dict_names_its_state(info: dict[str, Any], state: SourceState) -> None:
    assert state_of_info(info) is state


@pytest.mark.parametrize(
    ("page", "url", "state"),
    [
        (CONSENT.read_bytes(), "", SourceState.CONSENT_PAGE),
        (b"<html></html>", "https://consent.youtube.com/m?continue=x", SourceState.CONSENT_PAGE),
        (b"<html><form id='captcha-form' action='/sorry/index'>", "", SourceState.BOT_CHECK),
        (b"<!-- x --><html><title>Too Many Requests</title>", "", SourceState.RATE_LIMITED),
        (b"<!DOCTYPE html><title>Shore</title>", "", SourceState.NOT_A_FEED),
        (b"{}", "", SourceState.UNKNOWN),
        (b"", "", SourceState.UNKNOWN),
    ],
)
def test_a_page_in_place_of_data_names_a_state(page: bytes, url: str, state: SourceState) -> None:
    assert state_of_page(page, url) is state


@pytest.mark.parametrize("state", [state for state in SourceState if state is not SourceState.AVAILABLE])
def test_each_state_has_a_sentence_and_survives_a_journey(state: SourceState) -> None:
    error = not_readable(state, "tube.example", "No.", 7.0)
    assert "tube.example" in error.problem
    assert error.problem.endswith("It says: No.")
    assert error.advice
    travelled = pickle.loads(pickle.dumps(error))
    assert (travelled.state, str(travelled), travelled.retry_after_s) == (state, str(error), 7.0)
    assert state_of_error(travelled) is state


def test_every_error_of_a_source_has_a_state_or_is_never_tried_again() -> None:
    for error in (Unavailable("x"), DeadlineExceeded("x"), Busy("x", 1.0)):
        assert state_of_error(error) is SourceState.SITE_DOWN
    assert state_of_error(RateLimited("x", 1.0)) is SourceState.RATE_LIMITED
    assert state_of_error(StartupFailed("x", "y")) is SourceState.UNKNOWN
    assert state_of_error(BadInput("x")) is state_of_error(RefusedUrl("x")) is None
    assert isinstance(not_readable(SourceState.LIVE, "x"), NotReadable)
