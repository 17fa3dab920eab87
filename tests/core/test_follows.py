"""A followed channel: none of its uploads is missed, none is sent twice, and a broken look is not an empty channel."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.entities import SELF, Chance, Decision, Effect
from core.entity_codec import Codec, to_json
from core.follow_messages import (
    Backfill,
    ChannelInfo,
    Command,
    Event,
    Follow,
    FollowDone,
    Found,
    FoundDone,
    FoundUpload,
    Look,
    LookFailed,
    NotFollowed,
    Pause,
    Resume,
    Unfollow,
    Wish,
)
from core.follow_state import Follower, accepted, order, view
from core.follows import KIND, QUEUE, RESEND_S, next_look
from core.ingest_keys import follower_key
from core.ingest_messages import Add, Enrol, NewJob, Urgency
from core.journal import Snapshot
from core.source_states import SourceState

NOW = 1_700_000_000.0
DAY = 86_400.0
KEY = follower_key("guild|w", "youtube:UC1")
CHANNEL = ChannelInfo("youtube:UC1", "https://www.youtube.com/channel/UC1", "Ada talks", "youtube.com")
WISH = Wish(("video", "short", "stream"), NOW - 365 * DAY, 200, "42")


class Channel:
    """A follower in the test's hands, and all that it sent to the queue."""

    def __init__(self) -> None:
        self.now = NOW
        self.state: Follower = KIND.initial(KEY)
        self.outbox: dict[str, Effect] = {}
        self.sent: list[NewJob] = []
        self.enrolled: list[Enrol] = []

    def tell(self, command: Command) -> Any:
        decision: Decision[Event] = KIND.decide(self.state, command, self.now, Chance("f", 1))
        self.state = KIND.replay(self.state, decision.events)
        for name in decision.settled:
            self.outbox.pop(name, None)
        for effect in decision.effects:
            self.outbox[effect.effect_id] = effect
            if effect.target == QUEUE:
                tenant, told = msgspec.json.decode(effect.body, type=tuple[str, Add | Enrol])
                assert tenant == "guild|w"
                if isinstance(told, Add):
                    self.sent += told.jobs
                else:
                    self.enrolled.append(told)
        return decision.reply

    @property
    def recordings(self) -> list[NewJob]:
        return [job for job in self.sent if not job.job_id.startswith("list ")]

    @property
    def reminder(self) -> Effect | None:
        effect = self.outbox.get("look")
        return effect if effect is not None and effect.target == SELF else None

    def found(self, *uploads: FoundUpload, full: bool = True, problem: str = "") -> Any:
        return self.tell(Found(uploads, full, 900.0, 86_400.0, problem))

    def counts(self, became: dict[str, str]) -> tuple[int, int, int, dict[str, int]]:
        completeness = view(self.state, became).completeness
        assert completeness.adds_up
        refused = {count.reason: count.uploads for count in completeness.refused}
        return completeness.listed, completeness.ingested, completeness.waiting, refused


def upload(name: str, days_old: float | None = 1.0, **more: Any) -> FoundUpload:
    published_at = 0.0 if days_old is None else NOW - days_old * DAY
    return FoundUpload(name, f"https://x.example/{name}", f"Talk {name}", published_at=published_at, **more)


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
    assert [job.job_id for job in channel.recordings] == ["a"]


def test_members_only_videos_do_not_go_to_the_queue_until_everybody_may_see_them(channel: Channel) -> None:
    channel.found(upload("m", state=SourceState.MEMBERS_ONLY), upload("a"))
    assert [job.job_id for job in channel.recordings] == ["a"]
    channel.found(upload("m", state=SourceState.MEMBERS_ONLY), upload("a"))
    assert channel.counts({"a": ""}) == (2, 1, 0, {"members_only": 1})
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


class FollowMachine(RuleBasedStateMachine):
    """A channel with uploads that come, looks that fail or break off, and feeds of three entries."""

    @initialize()
    def begin(self) -> None:
        self.channel = Channel()
        self.channel.tell(Follow(CHANNEL, Wish(WISH.kinds, WISH.since, 5)))
        self.there: list[FoundUpload] = [upload(f"past {number}", 10.0 + number) for number in range(8)]
        self.seen_whole = False

    @rule()
    def somebody_uploads(self) -> None:
        age = (NOW - self.channel.now) / DAY
        self.there.insert(0, upload(f"new {len(self.there)}", age, exact=True))

    @rule()
    def time_passes(self) -> None:
        self.channel.now += 3_600.0

    @rule(broken=st.booleans())
    def the_whole_is_listed(self, broken: bool) -> None:
        listing = self.there[: len(self.there) // 2] if broken else self.there
        self.channel.found(*listing, problem="It broke off." if broken else "")
        self.seen_whole = self.seen_whole or not broken

    @rule()
    def the_feed_is_read(self) -> None:
        if self.channel.state.uploads:
            self.channel.found(*self.there[:3], full=False)

    @rule()
    def a_look_fails(self) -> None:
        self.channel.tell(LookFailed("down", self.channel.now + 60))

    @invariant()
    def none_is_sent_twice(self) -> None:
        names = [job.job_id for job in self.channel.recordings]
        assert len(names) == len(set(names))
        assert set(names) == set(accepted(self.channel.state))
        assert sum(job.urgency is Urgency.BACKFILL for job in self.channel.recordings) <= 5

    @invariant()
    def it_adds_up_and_somebody_will_look(self) -> None:
        became = dict.fromkeys(accepted(self.channel.state)[::2], "")
        assert self.channel.counts(became)[0] == len(self.channel.state.uploads)
        assert self.channel.reminder is not None
        snapshot = Snapshot("ChannelFollower/k", 1, 0.0, KIND.version, to_json(self.channel.state))
        assert Codec(KIND).state(snapshot) == self.channel.state

    def teardown(self) -> None:
        if not hasattr(self, "channel"):
            return
        self.channel.found(*self.there)
        missed = {it.recording_id for it in self.there} - set(self.channel.state.uploads)
        news = {it.recording_id for it in self.there if it.published_at >= NOW}
        assert not missed
        assert news <= set(accepted(self.channel.state))


TestFollowing = FollowMachine.TestCase
