"""Following by itself the channel of what somebody brought in."""

import logging
import time
from pathlib import Path

import pytest

from actors.announcer import Announcer
from actors.channel_follower import ChannelFollower
from actors.ingest_queue import IngestQueue
from core.errors import Unavailable
from core.follow_messages import ChannelInfo, FollowDone, Wish
from core.ingest_keys import follower_key
from core.ingest_messages import Job, Urgency
from core.messages import Recording
from core.transcripts import Transcript
from core.uploads import Channel
from deployments.auto_follow import YEAR_S, AutoFollow, AutoFollowRules
from tests.fakes.queue import FakeBell, shard_in

KEY, SHORE = "guild|guild", Channel("shore", "https://shore.example/feed", "Shore Talks", "shore.example")
TRANSCRIPT = Transcript(Recording("tides", "https://shore.example/tides", "Tides"), (), channel=SHORE)
BY_A_PERSON = Job("tides", 1, "https://shore.example/tides", "Tides", Urgency.PERSON)


class Followers:
    """Records who was followed, or fails."""

    def __init__(self, error: Exception | None = None) -> None:
        self.followed: list[tuple[str, ChannelInfo, Wish]] = []
        self.error = error

    async def follow(self, key: str, channel: ChannelInfo, wish: Wish, rests: str = "") -> FollowDone:
        assert not rests
        if self.error is not None:
            raise self.error
        self.followed.append((key, channel, wish))
        return FollowDone(True)


async def triggered(
    rules: AutoFollowRules, job: Job = BY_A_PERSON, transcript: Transcript = TRANSCRIPT, error: Exception | None = None
) -> list[tuple[str, ChannelInfo, Wish]]:
    followers = Followers(error)
    await AutoFollow(followers, rules, lambda: 2 * YEAR_S).trigger_auto_follow(KEY, job, transcript)  # type: ignore[arg-type]
    return followers.followed


async def test_the_channel_of_a_persons_recording_is_followed_for_its_news_alone() -> None:
    ((key, channel, wish),) = await triggered(AutoFollowRules(follows=True))
    assert (key, channel.url, channel.title) == (follower_key(KEY, "shore"), SHORE.url, "Shore Talks")
    assert (wish.since, wish.most, wish.announce_to) == (2 * YEAR_S, 0, "")


async def test_with_backfill_the_past_year_comes_too_within_its_bound() -> None:
    ((_, _, wish),) = await triggered(AutoFollowRules(follows=True, backfill=True, max_videos=7))
    assert (wish.since, wish.most) == (YEAR_S, 7)


async def test_while_it_only_watches_it_is_logged_and_nothing_followed(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, logger="deployments.auto_follow"):
        assert await triggered(AutoFollowRules()) == []
    assert "shore would be followed by itself" in caplog.text


@pytest.mark.parametrize(
    ("job", "transcript"),
    [
        (Job("tides", 1, "u", "Tides", Urgency.NEWS), TRANSCRIPT),
        (Job("tides", 1, "u", "Tides", Urgency.PERSON, ("a follower",)), TRANSCRIPT),
        (BY_A_PERSON, Transcript(TRANSCRIPT.recording, ())),
    ],
    ids=["news", "of a followed channel", "no channel"],
)
async def test_what_nobody_linked_to_or_has_no_channel_leads_to_nothing(job: Job, transcript: Transcript) -> None:
    assert await triggered(AutoFollowRules(follows=True), job, transcript) == []


async def test_a_failure_is_logged_and_harms_nothing(caplog: pytest.LogCaptureFixture) -> None:
    assert await triggered(AutoFollowRules(follows=True), error=Unavailable("ChannelFollower", "Later.")) == []
    assert "could not be followed by itself" in caplog.text


async def test_what_is_followed_already_keeps_what_was_wished(tmp_path: Path) -> None:
    shard = shard_in(tmp_path)
    queue = IngestQueue(shard, FakeBell(), Announcer())
    followers = ChannelFollower(shard, queue, 86_400.0)
    wish = Wish(("video",), 5.0, 3, "42")
    key = follower_key(KEY, "shore")
    await followers.follow(key, ChannelInfo("shore", SHORE.url, "Shore Talks"), wish)
    await AutoFollow(followers, AutoFollowRules(follows=True), time.time).trigger_auto_follow(
        KEY, BY_A_PERSON, TRANSCRIPT
    )
    followed = await followers.view(key, {})
    assert followed is not None
    assert (followed.since, followed.announce_to) == (5.0, "42")
    await followers.close()
    await queue.close()
