"""Every state has a next try, or none."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.source_states import CLOSED_STATES, SourceState, next_try_at

NOW = 1_800_000_000.0
HOUR = 3600.0
FAILED = [state for state in SourceState if state is not SourceState.AVAILABLE]


@given(st.sampled_from(FAILED), st.integers(1, 100), st.floats(0, 1e9), st.none() | st.floats(0, 1e9))
def test_a_try_is_always_later_and_its_waits_grow(
    state: SourceState, attempts: int, starts_in_s: float, asked_s: float | None
) -> None:
    starts_at = NOW + starts_in_s
    at = next_try_at(state, attempts, NOW, starts_at=starts_at, retry_after_s=asked_s)
    if at is None:
        return
    assert NOW < at < NOW + 40 * 86_400
    later = next_try_at(state, attempts + 1, NOW, starts_at=starts_at, retry_after_s=asked_s)
    assert later is None or later >= at


@pytest.mark.parametrize("state", FAILED)
def test_nothing_is_tried_for_ever(state: SourceState) -> None:
    assert next_try_at(state, 1000, NOW) is None


def test_what_was_deleted_is_never_tried_again_and_what_is_there_at_once() -> None:
    assert next_try_at(SourceState.DELETED, 1, NOW) is None
    assert next_try_at(SourceState.AVAILABLE, 1, NOW) == NOW


def test_a_premiere_is_tried_after_its_start_and_one_far_off_in_a_week() -> None:
    soon = next_try_at(SourceState.PREMIERE, 50, NOW, starts_at=NOW + HOUR)
    assert soon is not None
    assert NOW + HOUR < soon <= NOW + 3 * HOUR
    assert next_try_at(SourceState.PREMIERE, 50, NOW, starts_at=NOW + 1e9) == NOW + 7 * 86_400


def test_a_premiere_that_did_not_begin_is_looked_at_in_hours() -> None:
    at = next_try_at(SourceState.PREMIERE, 1, NOW, starts_at=NOW - 60)
    assert at is not None
    assert HOUR <= at - NOW <= 6 * HOUR


@pytest.mark.parametrize("state", [SourceState.RATE_LIMITED, SourceState.BOT_CHECK, SourceState.SITE_DOWN])
def test_what_a_site_asks_to_wait_is_never_undercut(state: SourceState) -> None:
    at = next_try_at(state, 1, NOW, retry_after_s=5 * HOUR)
    assert at is not None
    assert at >= NOW + 5 * HOUR


def test_what_seldom_changes_is_tried_after_days_and_a_few_times() -> None:
    for state in CLOSED_STATES - {SourceState.DELETED}:
        at = next_try_at(state, 1, NOW)
        assert at is not None
        assert at - NOW >= 3 * 86_400
        assert next_try_at(state, 6, NOW) is None


def test_a_site_that_was_down_for_a_day_is_still_tried() -> None:
    waited, attempts = 0.0, 0
    while waited < 86_400:
        attempts += 1
        at = next_try_at(SourceState.CONSENT_PAGE, attempts, NOW)
        assert at is not None
        waited += at - NOW
    assert math.isfinite(waited)
