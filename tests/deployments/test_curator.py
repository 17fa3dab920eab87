"""What moderators do, over real queues and followers: channels found by what people say, bounds, and forgetting."""

from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from core.errors import RateLimited
from core.follow_messages import Found, FoundUpload
from core.following import Followed, FollowRequest, ForgetReport, ForgetRequest, JobState
from core.ingest_keys import follower_key
from core.ingest_messages import Fail as JobFailed
from core.ingest_messages import Leased, NewJob, Urgency
from core.links import recording_id_of
from core.rate_limit_messages import Refused
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from deployments.curator import FollowBounds
from tests.deployments.curators import GUILD, KEY, OTHER, Room
from tests.fakes.queue import until


@pytest.fixture
async def room(tmp_path: Path) -> AsyncIterator[Room]:
    made = Room(tmp_path, FollowBounds(max_channels=4, max_past=5, max_recordings=100))
    yield made
    await made.close()


def problem(result: StepResult[Any]) -> str:
    assert isinstance(result, Fail), result
    return result.message


# ---------------------------------------------------------------- which channel
@pytest.mark.parametrize(
    "said",
    [
        "Shore Talks",
        "  shore talks ",
        "shore",
        "https://shore.example/shore",
        "https://mirror.example/shore",
        "ore Tal",
    ],
)
async def test_a_channel_is_found_by_title_id_link_or_a_part_of_its_title(room: Room, said: str) -> None:
    await room.follow("shore", "Shore Talks")
    await room.follow("sky", "Sky Talks")
    result = await room.curator.pause(GUILD, said)
    assert isinstance(result, Ok)
    assert (result.data.channel.channel_id, result.data.paused) == ("shore", "Somebody paused it.")


async def test_a_whole_title_goes_before_longer_ones_that_hold_it(room: Room) -> None:
    await room.follow("a", "Talks")
    await room.follow("b", "Talks at Night")
    result = await room.curator.pause(GUILD, "talks")
    assert isinstance(result, Ok)
    assert result.data.channel.channel_id == "a"


async def test_what_names_several_or_none_changes_nothing_and_says_so(room: Room) -> None:
    await room.follow("shore", "Shore Talks")
    await room.follow("sky", "Sky Talks")
    assert "several channels: Shore Talks, Sky Talks" in problem(await room.curator.unfollow(GUILD, "talks"))
    for nothing in ("Deep Sea", "", "   "):
        assert "No followed channel has that name" in problem(await room.curator.unfollow(GUILD, nothing))
    assert "no channel" in problem(await room.curator.unfollow(GUILD, "https://else.example/"))
    following = await room.curator.following(GUILD)
    assert isinstance(following, Ok)
    assert [it.channel.title for it in following.data] == ["Shore Talks", "Sky Talks"]


async def test_a_channel_of_another_workspace_is_not_found(room: Room) -> None:
    await room.follow("shore", "Shore Talks", OTHER)
    assert "No followed channel" in problem(await room.curator.unfollow(GUILD, "Shore Talks"))
    assert "No followed channel" in problem(await room.curator.pause(GUILD, "https://shore.example/shore"))


async def test_a_renamed_channel_is_found_by_its_new_title(room: Room) -> None:
    await room.follow("shore", "Shore Talks")
    await room.followers.found(follower_key(KEY, "shore"), Found((), True, 900.0, 86_400.0, title="Coast Talks"))

    async def is_renamed() -> bool:
        return [it.title for it in (await room.queue.channels(KEY)).values()] == ["Coast Talks"]

    await until(is_renamed)
    result = await room.curator.pause(GUILD, "Coast Talks")
    assert isinstance(result, Ok)
    assert result.data.channel.title == "Coast Talks"


# ---------------------------------------------------------------- bounds
async def test_bounds_of_what_is_asked_are_kept(room: Room) -> None:
    url = room.directory.put("shore", "Shore Talks")
    for request in (
        FollowRequest(GUILD, url, back_days=20_001),
        FollowRequest(GUILD, url, back_days=-1),
        FollowRequest(GUILD, url, kinds=()),
    ):
        assert "Nothing of the channel" in problem(await room.curator.follow(request))
    await room.follow("shore", "Shore Talks")
    assert "Choose 0 to 20,000 days" in problem(await room.curator.backfill(GUILD, "shore", 20_001))
    assert room.directory.asked == [url]


async def test_a_workspace_follows_no_more_channels_than_it_may(room: Room) -> None:
    for number in range(4):
        await room.follow(f"c{number}", f"Channel {number}")
    refused = await room.curator.follow(FollowRequest(GUILD, room.directory.put("c4", "Channel 4")))
    assert isinstance(refused, Fail)
    assert refused.category is ErrorCategory.RATE_LIMITED
    assert isinstance(await room.curator.follow(FollowRequest(GUILD, "https://mirror.example/c0")), Skip)
    assert isinstance(await room.curator.follow(FollowRequest(OTHER, room.directory.put("c4", "Channel 4"))), Ok)


async def test_who_asks_too_often_resolves_nothing(room: Room) -> None:
    room.pace.refusal = Refused("tenant", 9.0, "It is empty.")
    with pytest.raises(RateLimited):
        raise _limited(await room.curator.follow(FollowRequest(GUILD, room.directory.put("shore", "Shore Talks"))))
    assert room.directory.asked == []


def _limited(result: StepResult[Followed]) -> Exception:
    assert isinstance(result, Fail)
    assert result.category is ErrorCategory.RATE_LIMITED
    return RateLimited(result.message, None)


async def test_nothing_of_the_past_is_wanted_where_no_days_are(room: Room) -> None:
    url = room.directory.put("shore", "Shore Talks")
    assert isinstance(await room.curator.follow(FollowRequest(GUILD, url, back_days=0)), Ok)
    old = FoundUpload("old", "https://shore.example/old", "Old", "video", 1.0, True)
    await room.followers.found(follower_key(KEY, "shore"), Found((old,), True, 900.0, 86_400.0))
    assert await room.followers.accepted(follower_key(KEY, "shore")) == ()


async def test_pausing_twice_changes_nothing_more_and_a_wider_past_is_kept(room: Room) -> None:
    await room.follow("shore", "Shore Talks")
    for _ in range(2):
        paused = await room.curator.pause(GUILD, "shore")
        assert isinstance(paused, Ok)
        assert paused.data.paused
    for _ in range(2):
        resumed = await room.curator.resume(GUILD, "shore")
        assert isinstance(resumed, Ok)
        assert not resumed.data.paused
    reported, widened = await room.curator.backfill(GUILD, "shore", 0), await room.curator.backfill(GUILD, "shore", 900)
    assert isinstance(reported, Ok)
    assert isinstance(widened, Ok)
    followed = await room.curator.following(GUILD)
    assert isinstance(followed, Ok)
    assert [it.since for it in followed.data] == [widened.data.since]
    assert widened.data.since < reported.data.since


# ---------------------------------------------------------------- the queue
async def _dead(room: Room, name: str) -> None:
    await room.queue.add(KEY, [NewJob(name, f"https://shore.example/{name}", name)])
    while isinstance(found := await room.queue.lease(KEY, 30.0), Leased):
        job = found.job
        await room.queue.fail(KEY, JobFailed(job.job_id, job.lease, "defect", "It is odd.", None))


async def test_dead_jobs_are_tried_again_or_dropped_one_or_all(room: Room) -> None:
    for name in ("a", "b", "c"):
        await _dead(room, name)
    seen = await room.curator.queue(GUILD)
    assert isinstance(seen, Ok)
    assert (seen.data.dead, seen.data.waiting) == (3, 0)
    assert await room.curator.retry(GUILD, " a ") == Ok(1)
    assert await room.curator.drop(GUILD, "b") == Ok(1)
    assert await room.curator.retry(GUILD, "ALL") == Ok(1)
    view = await room.queue.view(KEY)
    assert sorted((job.job_id, job.state) for job in view.jobs) == [("a", JobState.WAITING), ("c", JobState.WAITING)]
    for change in (room.curator.retry, room.curator.drop):
        assert "No job is named" in problem(await change(GUILD, " "))
        assert isinstance(await change(GUILD, "nothing of that name"), Fail)
        assert isinstance(await change(OTHER, "a"), Fail)


# ---------------------------------------------------------------- forgetting
async def test_a_recording_is_forgotten_by_its_link_and_no_other_workspaces(room: Room) -> None:
    link = "https://shore.example/tides"
    for tenant in (GUILD, OTHER):
        await room.stored(recording_id_of(link), tenant)
    result = await room.curator.forget(ForgetRequest(GUILD, link))
    assert isinstance(result, Ok)
    assert (result.data.recordings, result.data.passages, result.data.followed) == (1, 1, 0)
    assert (len(room.store.of(GUILD)), len(room.store.of(OTHER))) == (0, 1)
    assert "forget" in room.directory.asked
    assert room.cache.forgotten == [(GUILD.tenant, recording_id_of(link))]
    assert "Nothing of that is here" in problem(await room.curator.forget(ForgetRequest(GUILD, link)))


async def test_answers_that_quote_it_go_also_where_an_earlier_call_was_cut_off(room: Room) -> None:
    room.cache.held = 2
    result = await room.curator.forget(ForgetRequest(GUILD, "https://shore.example/tides"))
    assert isinstance(result, Ok)
    assert (result.data.recordings, result.data.documents) == (0, 2)


async def test_a_channel_is_forgotten_with_its_recordings_and_jobs(room: Room) -> None:
    await room.follow("shore", "Shore Talks")
    key = follower_key(KEY, "shore")
    uploads = tuple(
        FoundUpload(f"n{at}", f"https://shore.example/n{at}", "News", "video", 4e9, True) for at in range(3)
    )
    await room.followers.found(key, Found(uploads, True, 900.0, 86_400.0))

    async def all_wait() -> bool:
        return len(await room.queue.under_way(KEY, ["n0", "n1", "n2"])) == 3

    await until(all_wait)
    await room.stored("n0")
    await room.stored("kept")
    result = await room.curator.forget(ForgetRequest(GUILD, "Shore Talks"))
    assert isinstance(result, Ok)
    report: ForgetReport = result.data
    assert (report.followed, report.recordings) == (1, 1)
    assert set(room.store.of(GUILD)) == {"kept"}
    assert await room.queue.under_way(KEY, ["n0", "n1", "n2"]) == {}
    assert await room.followers.view(key, {}) is None


async def test_what_a_user_asked_is_forgotten_and_it_must_be_clear_what(room: Room) -> None:
    room.cache.held = 3
    result = await room.curator.forget(ForgetRequest(GUILD, whose="member-1"))
    assert isinstance(result, Ok)
    assert result.data.documents == 3
    assert room.cache.forgotten == [(GUILD.tenant, "member-1", "")]
    for unclear in (ForgetRequest(GUILD), ForgetRequest(GUILD, "https://shore.example/x", "member-1")):
        assert "not clear what to forget" in problem(await room.curator.forget(unclear))


async def test_the_queue_is_shown_with_what_each_job_is_for(room: Room) -> None:
    await room.queue.add(KEY, [NewJob("n", "https://shore.example/n", urgency=Urgency.BACKFILL)])
    view = await room.curator.queue(GUILD)
    assert isinstance(view, Ok)
    assert [job.priority for job in view.data.jobs] == ["backfill"]
