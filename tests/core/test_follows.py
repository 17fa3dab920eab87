"""A followed channel: none of its uploads is missed, none is sent twice, and a broken look is not an empty channel."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.follow_messages import (
    Backfill,
    Follow,
    FollowDone,
    Found,
    FoundDone,
    Look,
    LookFailed,
    NotFollowed,
    Pause,
    Resume,
    Unfollow,
    Wish,
)
from core.follow_state import order
from core.follows import RESEND_S, next_look
from core.ingest_messages import Urgency
from core.source_states import SourceState
from tests.core.one_channel import CHANNEL, DAY, KEY, NOW, WISH, Channel, upload


@pytest.fixture
def channel() -> Channel:
    made = Channel()
    assert made.tell(Follow(CHANNEL, WISH)) == FollowDone(True)
    return made


def test_following_asks_for_a_look_at_once_and_tells_the_queue_of_the_channel(channel: Channel) -> None:
    (job,) = channel.sent
    assert (job.job_id, job.urgency, job.follower) == ("list youtube:UC1", Urgency.PERSON, KEY)
    assert channel.enrolled[0].followed
    assert channel.reminder is not None
    assert order(channel.state, NOW, 86_400.0).full  # type: ignore[union-attr]


def test_following_twice_changes_nothing(channel: Channel) -> None:
    before = channel.state
    assert channel.tell(Follow(CHANNEL, WISH)) == FollowDone(False)
    assert channel.state == before


def test_the_past_goes_to_the_queue_newest_first_and_is_not_announced(channel: Channel) -> None:
    assert channel.found(upload("a"), upload("b", 100), upload("c", 300)) == FoundDone(3, 3)
    assert [job.job_id for job in channel.recordings] == ["a", "b", "c"]
    assert {job.urgency for job in channel.recordings} == {Urgency.BACKFILL}
    assert {job.announce_to for job in channel.recordings} == {""}


def test_what_comes_after_the_first_listing_is_news_and_is_announced(channel: Channel) -> None:
    channel.found(upload("a"), upload("b"))
    channel.found(upload("new", 0), upload("a"), upload("b"), full=False)
    (job,) = channel.recordings[2:]
    assert (job.job_id, job.urgency, job.announce_to) == ("new", Urgency.NEWS, "42")


def test_what_appears_while_the_first_listing_is_made_is_news(channel: Channel) -> None:
    channel.found(upload("a", -0.1, exact=True), upload("b", 3))
    assert [job.announce_to for job in channel.recordings] == ["42", ""]


def test_the_twelve_months_hold_for_flat_listings_whose_dates_are_guesses(channel: Channel) -> None:
    """A guess is never older than the truth: what is too old by it is. The rest the worker looks at once more."""
    channel.found(upload("young", 330), upload("old", 400), upload("undated", None), upload("exact", 364, exact=True))
    jobs = {job.job_id: job.since for job in channel.recordings}
    assert jobs == {"young": WISH.since, "undated": WISH.since, "exact": 0.0}
    assert channel.counts({}) == (4, 0, 3, {"older than was asked for": 1})


def test_a_hole_in_time_is_not_the_end_of_a_listing(channel: Channel) -> None:
    channel.found(upload("a"), upload("old", 500), upload("pinned late", 20))
    assert [job.job_id for job in channel.recordings] == ["a", "pinned late"]


def test_at_most_so_many_of_the_past_are_brought_in_and_the_others_are_counted() -> None:
    channel = Channel()
    channel.tell(Follow(CHANNEL, Wish(WISH.kinds, WISH.since, 2)))
    channel.found(*(upload(str(number)) for number in range(1_000)))
    assert len(channel.recordings) == 2
    listed, _, waiting, refused = channel.counts({})
    assert (listed, waiting, sum(refused.values())) == (1_000, 2, 998)
    assert channel.found(upload("news", 0), *(upload(str(number)) for number in range(14)), full=False).accepted == 1


def test_kinds_and_words_of_the_title_choose() -> None:
    channel = Channel()
    channel.tell(Follow(CHANNEL, Wish(("video",), 0.0, 10, only=("talk",), without=("b",))))
    channel.found(upload("a"), upload("b"), upload("s", kind="short"))
    assert [(job.job_id, job.kinds) for job in channel.recordings] == [("a", ("video",))]


def test_members_only_videos_do_not_go_to_the_queue_until_everybody_may_see_them(channel: Channel) -> None:
    channel.found(upload("m", state=SourceState.MEMBERS_ONLY), upload("a"))
    assert [job.job_id for job in channel.recordings] == ["a"]
    channel.found(upload("m", state=SourceState.MEMBERS_ONLY), upload("a"))
    assert channel.counts({"a": ""}) == (2, 1, 0, {"for members of the channel only": 1})
    channel.found(upload("m"), upload("a"))
    assert [job.job_id for job in channel.recordings] == ["a", "m"]


def test_a_failed_look_changes_nothing_that_is_known(channel: Channel) -> None:
    channel.found(upload("a"))
    before = channel.state.uploads
    channel.tell(LookFailed("It shows a consent page.", channel.now + 3_600))
    assert channel.state.uploads == before
    assert (channel.state.problem, channel.state.failures) == ("It shows a consent page.", 1)
    assert channel.reminder is not None
    assert channel.reminder.due_at == channel.now + 3_600
    channel.found(upload("a"), full=False)
    assert (channel.state.problem, channel.state.failures) == ("", 0)


def test_a_listing_that_breaks_off_is_made_anew(channel: Channel) -> None:
    channel.found(upload("a"), problem="The second page did not come.")
    assert channel.state.full_at == 0.0
    channel.found(upload("a"), upload("b", 3))
    assert [job.job_id for job in channel.recordings] == ["a", "b"]
    assert channel.state.full_at == channel.now


def test_a_feed_that_knows_nothing_old_is_followed_by_a_whole_listing(channel: Channel) -> None:
    """A feed has fifteen entries: after a busy week what lies between is only in the whole listing."""
    channel.found(*(upload(f"old {number}", 30) for number in range(3)))
    channel.now += 20 * DAY
    feed = [upload(f"new {number}", -19) for number in range(15)]
    channel.found(*feed, full=False)
    assert channel.reminder is not None
    assert channel.reminder.due_at <= channel.now + 1
    assert order(channel.state, channel.now, 86_400.0).full  # type: ignore[union-attr]
    channel.found(*feed, upload("between", -10), *(upload(f"old {number}", 30) for number in range(3)))
    assert channel.recordings[-1].job_id == "between"
    assert channel.recordings[-1].announce_to == "42"


def test_a_paused_channel_is_not_looked_at_and_goes_on_when_resumed(channel: Channel) -> None:
    channel.found(upload("a"))
    channel.tell(Pause("Somebody said so."))
    assert channel.reminder is None
    assert channel.enrolled[-1].rests
    assert order(channel.state, channel.now, 1.0) is None
    assert channel.tell(Look()) == FollowDone(False)
    channel.tell(Resume())
    assert not channel.enrolled[-1].rests
    assert channel.reminder is not None


def test_a_channel_that_starts_paused_is_enrolled_and_not_listed() -> None:
    channel = Channel()
    channel.tell(Follow(CHANNEL, WISH, "The budget is spent."))
    assert (channel.sent, channel.state.paused, channel.enrolled[0].rests) == ([], "The budget is spent.", True)


def test_an_unfollowed_channel_is_forgotten_and_can_be_followed_again(channel: Channel) -> None:
    channel.found(upload("a"))
    channel.tell(Unfollow())
    assert channel.reminder is None
    assert not channel.enrolled[-1].followed
    assert channel.tell(Pause("no")) == NotFollowed()
    assert channel.found(upload("late")) == NotFollowed()
    channel.tell(Follow(CHANNEL, WISH))
    channel.found(upload("a"))
    assert [job.job_id for job in channel.recordings] == ["a", "a"]
    assert len({effect for effect in channel.outbox if effect.startswith("add ")}) == 2


def test_a_wider_backfill_looks_again_at_what_was_too_old(channel: Channel) -> None:
    channel.found(upload("a"), upload("old", 500))
    channel.tell(Backfill(NOW - 1_000 * DAY, 500))
    assert channel.sent[-1].urgency is Urgency.PERSON
    channel.found(upload("a"), upload("old", 500))
    assert [job.job_id for job in channel.recordings] == ["a", "old"]


def test_a_look_of_which_nothing_comes_is_asked_for_again(channel: Channel) -> None:
    channel.now += RESEND_S
    channel.tell(Look())
    assert [job.job_id for job in channel.sent] == ["list youtube:UC1"] * 2


@given(st.text(min_size=1), st.floats(1e9, 2e9), st.sampled_from([60.0, 900.0, 86_400.0]))
def test_all_followers_of_a_channel_look_at_the_same_moments(name: str, now: float, poll_s: float) -> None:
    at = next_look(name, now, poll_s)
    assert now < at <= now + poll_s * 1.001
    # Whoever looks a little before that moment meets the others there.
    assert next_look(name, at - poll_s / 2, poll_s) == pytest.approx(at, abs=1e-3)


def test_a_listing_that_was_made_for_an_earlier_follow_says_nothing_of_this_one(channel: Channel) -> None:
    earlier = channel.state.followed_at
    channel.tell(Unfollow())
    channel.now += 5.0
    channel.tell(Follow(CHANNEL, WISH))
    late = Found((upload("a"),), True, 900.0, 86_400.0, since=earlier)
    assert channel.tell(late) == NotFollowed()
    assert (channel.state.full_at, channel.recordings) == (0.0, [])
    channel.tell(Found((upload("a"),), True, 900.0, 86_400.0, since=channel.state.followed_at))
    assert [job.job_id for job in channel.recordings] == ["a"]
