"""One pace for each host: the line, complaints, and how the pace comes back."""

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from core.errors import BadInput
from core.host_pace import KIND, pace_key
from core.host_pace_messages import Outcome, PaceRules, Slot, Tell, TooLong
from tests.core.one_host import AT, STEADY, Host


# ---------------------------------------------------------------- the line
def test_a_burst_goes_at_once_and_the_others_in_line() -> None:
    assert Host().waits(6) == [0.0, 0.0, 0.0, 1.0, 2.0, 3.0]


def test_a_rest_gives_one_burst_and_no_more() -> None:
    host = Host()
    host.waits(5)
    host.now += 86_400.0
    assert host.waits(5) == [0.0, 0.0, 0.0, 1.0, 2.0]


def test_whoever_would_wait_too_long_is_told_when_to_come_back() -> None:
    host = Host()
    host.waits(13)
    refused = host.take()
    assert isinstance(refused, TooLong)
    assert host.events == ()
    assert refused.retry_after_s == pytest.approx(1.0, abs=0.002)
    host.now += refused.retry_after_s
    assert host.take().wait_s == pytest.approx(10.0, abs=0.002)


def test_who_is_in_less_of_a_hurry_leaves_the_line_to_others() -> None:
    host = Host()
    host.waits(6)
    assert isinstance(host.take(patience_s=2.0), TooLong)
    assert isinstance(host.take(patience_s=4.0), Slot)


def test_slots_are_jittered_by_chance_that_a_replay_gets_again() -> None:
    rules = replace(STEADY, jitter=0.5, max_wait_s=1_000.0)
    first, again, other = Host(rules), Host(rules), Host(rules, "host:other.example")
    waits = first.waits(50)
    assert again.waits(50) == waits
    assert other.waits(50) != waits
    gaps = [later - earlier for earlier, later in pairwise(waits[5:])]
    assert len(set(gaps)) == len(gaps)
    assert all(1.0 <= gap <= 1.5 for gap in gaps)


# ---------------------------------------------------------------- complaints
@pytest.mark.parametrize("outcome", [Outcome.THROTTLED, Outcome.BOT_CHECK, Outcome.CONSENT_PAGE])
def test_a_complaint_doubles_the_interval_for_all_and_takes_the_burst(outcome: Outcome) -> None:
    host = Host()
    assert host.tell(outcome) == 2.0
    assert host.waits(3) == [2.0, 4.0, 6.0]
    assert (host.report().slowed, host.report().reason, host.report().slowed_at) == (True, outcome, AT)


def test_nothing_goes_before_the_time_that_the_host_asked_for() -> None:
    host = Host()
    assert host.take().wait_s == 0.0
    host.tell(Outcome.THROTTLED, 3_600.0)
    refused = host.take()
    assert isinstance(refused, TooLong)
    assert "throttled" in refused.because
    assert refused.retry_after_s == pytest.approx(3_590.0, abs=0.002)
    host.now += 3_595.0
    assert host.waits(2) == [5.0, 7.0]


def test_a_host_that_asks_for_a_year_is_asked_again_sooner() -> None:
    host = Host()
    host.tell(Outcome.THROTTLED, 3e7)
    assert host.report().wait_s == STEADY.max_pause_s


def test_a_slot_that_is_waited_for_is_void_once_the_host_complained() -> None:
    host = Host()
    waiting = [host.take() for _ in range(5)][-1]
    host.tell(Outcome.THROTTLED, 7.0)
    host.now += waiting.wait_s
    anew = host.take(epoch=waiting.epoch)
    assert anew.wait_s == 5.0
    host.now += anew.wait_s
    assert host.take(epoch=anew.epoch).wait_s == 0.0
    assert host.events == ()


def test_a_slot_that_came_is_used_without_another() -> None:
    host = Host()
    waiting = [host.take() for _ in range(5)][-1]
    host.now += waiting.wait_s
    assert host.take(patience_s=0.0, epoch=waiting.epoch).wait_s == 0.0
    assert host.state.slots == 5


def test_the_complaints_of_one_burst_count_once() -> None:
    host = Host()
    host.waits(3)
    assert [host.tell(Outcome.THROTTLED) for _ in range(3)] == [2.0, 2.0, 2.0]
    host.now += 2.0
    assert host.tell(Outcome.THROTTLED) == 4.0


def test_of_the_waits_that_one_burst_was_told_the_longest_counts() -> None:
    host = Host()
    for seconds in (5.0, 60.0, 20.0):
        host.tell(Outcome.THROTTLED, seconds)
    assert (host.report().wait_s, host.report().interval_s) == (60.0, 2.0)


def test_a_failure_slows_only_when_it_is_not_alone() -> None:
    host = Host()
    assert [host.tell(Outcome.FAILED) for _ in range(2)] == [1.0, 1.0]
    assert host.tell(Outcome.SUCCESS) == 1.0
    assert [host.tell(Outcome.FAILED) for _ in range(3)] == [1.0, 1.0, 2.0]


def test_the_interval_has_a_greatest_value() -> None:
    host = Host()
    for _ in range(10):
        host.tell(Outcome.BOT_CHECK)
        host.now = host.state.heeded_from
    assert host.report().interval_s == STEADY.max_interval_s


# ---------------------------------------------------------------- coming back
def test_the_pace_comes_back_in_steps_after_successes_in_a_row_and_never_beyond_the_full_one() -> None:
    host = Host()
    for _ in range(3):
        host.tell(Outcome.THROTTLED)
        host.now = host.state.heeded_from
    assert host.report().interval_s == 8.0
    intervals = [host.tell(Outcome.SUCCESS) for _ in range(6)]
    assert intervals == [8.0, 1.6, 1.6, 1.0, 1.0, 1.0]
    assert not host.report().slowed
    assert host.waits(3) == [0.0, 1.0, 2.0]  # the burst has to be rested for


def test_successes_from_before_the_slow_down_are_none_of_the_new_pace() -> None:
    host = Host()
    host.tell(Outcome.THROTTLED)
    assert [host.tell(Outcome.SUCCESS) for _ in range(20)] == [2.0] * 20
    host.now = host.state.heeded_from
    assert [host.tell(Outcome.SUCCESS) for _ in range(2)] == [2.0, 1.0]


def test_a_failure_among_the_successes_begins_the_count_anew() -> None:
    host = Host()
    host.tell(Outcome.THROTTLED)
    host.now = host.state.heeded_from
    for _ in range(10):
        assert host.tell(Outcome.SUCCESS) == 2.0
        assert host.tell(Outcome.FAILED) == 2.0
    assert host.report().slowed


def test_at_full_pace_a_success_is_nothing_to_write_down() -> None:
    host = Host()
    assert host.take().heeds_success is False
    host.tell(Outcome.SUCCESS)
    assert host.events == ()
    host.tell(Outcome.THROTTLED)
    assert host.take().heeds_success is True


# ---------------------------------------------------------------- names
@pytest.mark.parametrize(
    ("host", "key"),
    [
        ("www.youtube.com", "host:youtube.com"),
        ("m.youtube.com", "host:youtube.com"),
        ("consent.youtube.com.", "host:youtube.com"),
        ("youtu.be", "host:youtube.com"),
        ("YouTubei.GoogleAPIs.com", "host:youtube.com"),
        ("rr3---sn-4g5e6nez.googlevideo.com", "host:googlevideo.com"),
        ("storage.googleapis.com", "host:storage.googleapis.com"),
        ("notyoutube.com", "host:notyoutube.com"),
        ("youtube.com.shore.example", "host:youtube.com.shore.example"),
        ("WWW.Shore.example.", "host:shore.example"),
        ("feeds.shore.example", "host:feeds.shore.example"),
        ("127.0.0.1", "host:127.0.0.1"),
        ("::1", "host:::1"),
    ],
)
def test_names_of_one_site_share_its_pace(host: str, key: str) -> None:
    assert pace_key(host) == key
    assert KIND.initial(key).slots == 0


@given(st.from_regex(r"([a-z0-9-]{1,63}\.){1,4}[a-z]{2,5}", fullmatch=True))
def test_every_name_has_a_key_that_is_one(host: str) -> None:
    key = pace_key(host)
    assert pace_key(host.upper() + ".") == key
    assert KIND.initial(key) == KIND.initial("host:a")


# ---------------------------------------------------------------- bad input
@pytest.mark.parametrize("key", ["tenant:1", "host:", "host: ", "shore.example", ""])
def test_what_is_no_host_has_no_pace(key: str) -> None:
    with pytest.raises(BadInput):
        KIND.initial(key)


@pytest.mark.parametrize("seconds", [-1.0, float("nan"), float("inf"), "3"])
def test_a_wait_that_is_none_is_refused(seconds: Any) -> None:
    host = Host()
    with pytest.raises(BadInput, match="patience_s"):
        host.take(seconds)
    with pytest.raises(BadInput, match="retry_after_s"):
        host.do(Tell(STEADY, Outcome.THROTTLED, seconds))


@pytest.mark.parametrize(
    ("name", "value"),
    [("interval_s", 0.0), ("interval_s", float("nan")), ("burst", 0), ("jitter", -0.1), ("max_interval_s", 0.5),
     ("max_wait_s", -1.0), ("max_pause_s", float("inf")), ("failures", 0), ("successes", 0), ("recovery", 0.0)],
)  # fmt: skip
def test_rules_out_of_range_are_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(BadInput, match=f"pace's {name} is"):
        replace(STEADY, **{name: value}).check()
    assert PaceRules().check() == PaceRules()
