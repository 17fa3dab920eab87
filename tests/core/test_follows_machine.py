"""A followed channel whose uploads come while looks fail: none is missed, none is sent twice, and it adds up."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from core.entity_codec import Codec, to_json
from core.follow_messages import (
    Follow,
    FoundUpload,
    LookFailed,
    Wish,
)
from core.follow_state import accepted
from core.follows import KIND
from core.ingest_messages import Urgency
from core.journal import Snapshot
from tests.core.one_channel import CHANNEL, DAY, NOW, WISH, Channel, upload


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
