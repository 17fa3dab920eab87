"""Followers on a journal: what is followed and was seen survives a restart, and orders reach the queue."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from actors.channel_follower import ChannelFollower
from actors.ingest_queue import IngestQueue
from core.follow_messages import ChannelInfo, FollowDone, Found, FoundUpload, NotFollowed, Wish
from core.ingest_keys import follower_key
from core.ingest_messages import Leased
from core.uploads import ALL_KINDS, Validator
from tests.fakes.queue import Clock, FakeBell, FakeWall, shard_in, until

QUEUE = "guild-1|guild"
KEY = follower_key(QUEUE, "shore")
SHORE = ChannelInfo("shore", "https://shore.example/feed", "Shore Talks", "shore.example")
POLL_S, FULL_S = 900.0, 86_400.0


class House:
    def __init__(self, folder: Path, clock: Clock) -> None:
        shard = shard_in(folder, clock)
        self.clock = clock
        self.queue = IngestQueue(shard, FakeBell(), FakeWall())
        self.followers = ChannelFollower(shard, self.queue, FULL_S)

    def wish(self, most: int = 10) -> Wish:
        return Wish(tuple(ALL_KINDS), self.clock.now - 30 * 86_400, most)

    def found(self, *names: str, full: bool = True, etag: str = "", problem: str = "") -> Found:
        uploads = tuple(
            FoundUpload(name, f"https://shore.example/{name}", name, "video", self.clock.now - 60.0, True)
            for name in names
        )
        return Found(uploads, full, POLL_S, FULL_S, problem, etag)

    async def are_jobs(self, *names: str) -> None:
        async def there() -> bool:
            return set(await self.queue.under_way(QUEUE, names)) == set(names)

        await until(there)


@asynccontextmanager
async def house(folder: Path, clock: Clock | None = None) -> AsyncIterator[House]:
    made = House(folder, clock or Clock())
    try:
        yield made
    finally:
        await made.followers.close()
        await made.queue.close()


async def test_what_is_followed_and_was_seen_survives_a_restart(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        assert (await made.followers.follow(KEY, SHORE, made.wish())).changed
        await made.followers.found(KEY, made.found("a", "b", etag='"1"'))
        await made.are_jobs("a", "b")
    async with house(tmp_path) as made:
        assert not (await made.followers.follow(KEY, SHORE, made.wish())).changed
        order = await made.followers.order(KEY)
        assert order is not None
        assert (order.full, order.validator) == (False, Validator('"1"'))
        done = await made.followers.found(KEY, made.found("c", "b", "a", full=False))
        assert (done.new, done.accepted) == (1, 1)  # type: ignore[union-attr]
        await made.are_jobs("a", "b", "c")
        assert sorted(await made.followers.accepted(KEY)) == ["a", "b", "c"]
        assert list(await made.queue.channels(QUEUE)) == [KEY]


async def test_a_look_is_asked_of_the_queue_and_after_a_restart_again_when_it_is_time(tmp_path: Path) -> None:
    clock = Clock()
    async with house(tmp_path, clock) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.are_jobs("list shore")
        found = await made.queue.lease(QUEUE, 30.0)
        assert isinstance(found, Leased)
        assert (found.job.is_listing, found.job.followers) == (True, (KEY,))
        await made.queue.forget(QUEUE, ["list shore"])
        await made.followers.found(KEY, made.found("a"))
        view = await made.followers.view(KEY, {})
        assert view is not None
        assert clock.now < view.next_look_at <= clock.now + POLL_S
    clock.now = view.next_look_at + 1.0
    async with house(tmp_path, clock) as made:
        await made.are_jobs("list shore")


async def test_a_look_that_failed_changes_nothing_of_what_is_known(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.followers.found(KEY, made.found("a", etag='"1"'))
        before = await made.followers.accepted(KEY)
        await made.followers.look_failed(KEY, "It is down.", made.clock.now + 5_000.0)
        view = await made.followers.view(KEY, {"a": ""})
        assert view is not None
        assert (view.problem, view.next_look_at) == ("It is down.", made.clock.now + 5_000.0)
        assert (view.completeness.listed, view.completeness.ingested) == (1, 1)
        assert await made.followers.accepted(KEY) == before
        order = await made.followers.order(KEY)
        assert order is not None
        assert (order.failures, order.validator.etag) == (1, '"1"')


async def test_a_look_never_comes_before_a_site_allows(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        part = made.found("a", problem="Of its shorts, 0 could be read.")
        later = made.clock.now + 9_000.0
        await made.followers.found(KEY, Found(part.uploads, True, POLL_S, FULL_S, part.problem, not_before=later))
        view = await made.followers.view(KEY, {})
        assert view is not None
        assert (view.next_look_at, view.completeness.listing_done) == (later, False)


async def test_a_new_title_reaches_the_queue_where_people_name_it(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.followers.found(KEY, Found((), True, POLL_S, FULL_S, title="Coast Talks"))

        async def is_renamed() -> bool:
            return [it.title for it in (await made.queue.channels(QUEUE)).values()] == ["Coast Talks"]

        await until(is_renamed)


async def test_who_is_not_followed_is_told_so_and_keeps_nothing(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        for reply in (
            await made.followers.unfollow(KEY),
            await made.followers.pause(KEY, "Somebody paused it."),
            await made.followers.resume(KEY),
            await made.followers.backfill(KEY, 0.0, 10),
            await made.followers.found(KEY, made.found("a")),
            await made.followers.look_failed(KEY, "It is down.", 0.0),
        ):
            assert isinstance(reply, NotFollowed)
        assert await made.followers.order(KEY) is None
        assert await made.followers.view(KEY, {}) is None
        assert await made.queue.under_way(QUEUE, ["a", "list shore"]) == {}


async def test_a_paused_channel_rests_through_a_restart_and_goes_on_when_resumed(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        assert isinstance(await made.followers.pause(KEY, "Somebody paused it."), FollowDone)
        assert await made.followers.order(KEY) is None
    async with house(tmp_path) as made:
        view = await made.followers.view(KEY, {})
        assert view is not None
        assert view.paused == "Somebody paused it."

        async def rests() -> bool:
            return [it.rests for it in (await made.queue.channels(QUEUE)).values()] == [True]

        await until(rests)
        await made.followers.resume(KEY)
        assert await made.followers.order(KEY) is not None


async def test_a_wider_past_lists_everything_again_and_takes_what_was_too_old(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        old = FoundUpload("old", "https://shore.example/old", "old", "video", made.clock.now - 90 * 86_400, True)
        listed = Found((old,), True, POLL_S, FULL_S, etag='"1"')
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.followers.found(KEY, listed)
        assert await made.followers.accepted(KEY) == ()
        await made.followers.backfill(KEY, made.clock.now - 100 * 86_400, 10)
        order = await made.followers.order(KEY)
        assert order is not None
        assert (order.full, order.validator) == (True, Validator())
        await made.followers.found(KEY, listed)
        assert await made.followers.accepted(KEY) == ("old",)


async def test_following_again_after_unfollowing_brings_what_is_missing(tmp_path: Path) -> None:
    async with house(tmp_path) as made:
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.followers.found(KEY, made.found("a"))
        await made.are_jobs("a")
        await made.followers.unfollow(KEY)

        async def gone() -> bool:
            return not await made.queue.under_way(QUEUE, ["a"]) and not await made.queue.channels(QUEUE)

        await until(gone)
        await made.followers.follow(KEY, SHORE, made.wish())
        await made.followers.found(KEY, made.found("a"))
        await made.are_jobs("a")
