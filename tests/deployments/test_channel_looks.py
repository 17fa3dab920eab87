"""Looks at channels: what a follower is told of what was found, and when to look again after each failure."""

import time
from collections.abc import Sequence

import pytest

from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited, RefusedUrl, Unavailable
from core.follow_messages import FollowDone, Found, FoundDone
from core.follow_state import Order
from core.ingest_messages import Finish, Job, Urgency
from core.source_states import SourceState
from core.uploads import ALL_KINDS, Channel, Polled, Upload, UploadKind, Uploads, Validator
from deployments.channel_looks import ChannelLooks, LookRules

NOW, HOUR_S, DAY_S = 1_790_000_000.0, 3_600.0, 86_400.0
SHORE = Channel("shore", "https://shore.example/feed", "Shore Talks", "shore.example")
KNOWN = Validator('"1"', "Tue, 16 Sep 2008 10:00:00 GMT")
TIDES = Upload("tides", "https://shore.example/tides", "Tides", UploadKind.SHORT, NOW - DAY_S, exact=True)


class Channels:
    """Gives what it is told to; `asked` says how it was asked."""

    def __init__(self, gives: Uploads | Polled | Exception = Uploads((TIDES,))) -> None:  # noqa: B008 - it is frozen
        self.gives = gives
        self.asked: list[tuple[object, ...]] = []

    async def list_uploads(self, channel: Channel, kinds: Sequence[UploadKind], limit: int) -> Uploads:
        self.asked.append(("all", channel, tuple(kinds), limit))
        found = self._given()
        assert isinstance(found, Uploads)
        return found

    async def poll(self, channel: Channel, kinds: Sequence[UploadKind], validator: Validator) -> Polled:
        self.asked.append(("news", channel, tuple(kinds), validator))
        found = self._given()
        assert isinstance(found, Polled)
        return found

    def _given(self) -> Uploads | Polled:
        if isinstance(self.gives, Exception):
            raise self.gives
        return self.gives


class Followers:
    """Orders by follower, and what was told them."""

    def __init__(self, **orders: Order | None) -> None:
        self.orders = orders
        self.found_by: dict[str, Found] = {}
        self.failed: dict[str, tuple[str, float]] = {}

    async def order(self, key: str) -> Order | None:
        return self.orders.get(key)

    async def found(self, key: str, found: Found) -> FoundDone:
        self.found_by[key] = found
        return FoundDone(len(found.uploads), len(found.uploads))

    async def look_failed(self, key: str, problem: str, retry_at: float) -> FollowDone:
        self.failed[key] = (problem, retry_at)
        return FollowDone(True)


def order(full: bool = True, failures: int = 0) -> Order:
    return Order(SHORE, ALL_KINDS, full, KNOWN, failures)


async def look(channels: Channels, followers: Followers, rules: LookRules = LookRules()) -> Finish:  # noqa: B008
    looks = ChannelLooks(channels, followers, rules, clock=lambda: NOW)  # type: ignore[arg-type]
    return await looks(Job("list shore", 1, SHORE.url, "", Urgency.NEWS, tuple(followers.orders), lease=3))


async def test_a_whole_listing_is_told_and_what_the_feed_was_stays_known() -> None:
    channels, followers = Channels(), Followers(one=order())
    assert await look(channels, followers) == Finish("list shore", 3)
    assert channels.asked == [("all", SHORE, ALL_KINDS, LookRules().max_listed)]
    found = followers.found_by["one"]
    assert (found.full, found.problem, found.not_before) == (True, "", 0.0)
    assert (found.etag, found.last_modified) == (KNOWN.etag, KNOWN.last_modified)
    (upload,) = found.uploads
    assert (upload.recording_id, upload.kind, upload.published_at, upload.exact) == (
        "tides",
        "short",
        TIDES.published_at,
        True,
    )


async def test_a_poll_asks_with_what_is_known_and_hands_on_what_it_got() -> None:
    channels, followers = Channels(Polled(Uploads((TIDES,)), Validator('"2"'))), Followers(one=order(full=False))
    await look(channels, followers)
    assert channels.asked == [("news", SHORE, ALL_KINDS, KNOWN)]
    assert (followers.found_by["one"].etag, followers.found_by["one"].last_modified) == ('"2"', "")
    unchanged = Channels(Polled(None, KNOWN))
    await look(unchanged, followers)
    assert (followers.found_by["one"].uploads, followers.found_by["one"].etag) == ((), KNOWN.etag)


async def test_an_upload_without_a_date_is_not_taken_for_exact() -> None:
    followers = Followers(one=order())
    await look(Channels(Uploads((Upload("reefs", "https://shore.example/reefs", exact=True),))), followers)
    (upload,) = followers.found_by["one"].uploads
    assert (upload.published_at, upload.exact) == (0.0, False)


async def test_every_follower_that_asked_is_served_and_one_that_rests_is_not_looked_for() -> None:
    channels, followers = Channels(), Followers(one=order(), two=order(), rests=None)
    await look(channels, followers)
    assert sorted(followers.found_by) == ["one", "two"]
    assert len(channels.asked) == 2


@pytest.mark.parametrize(
    ("named", "title"),
    [
        (Channel("shore", SHORE.url, "Shore Talks Weekly"), "Shore Talks Weekly"),
        (Channel("another", SHORE.url, "Somebody Else"), ""),
        (None, ""),
    ],
)
async def test_a_channel_that_was_renamed_tells_its_title_and_another_one_does_not(
    named: Channel | None, title: str
) -> None:
    followers = Followers(one=order())
    await look(Channels(Uploads((TIDES,), channel=named)), followers)
    assert followers.found_by["one"].title == title


async def test_a_listing_that_lacks_something_is_told_so_and_not_asked_again_before_its_site_allows() -> None:
    part = Uploads(
        (TIDES,), "Of its shorts, 0 could be read.", state=SourceState.RATE_LIMITED, retry_after_s=5 * HOUR_S
    )
    followers = Followers(one=order())
    await look(Channels(part), followers)
    found = followers.found_by["one"]
    assert found.problem == "Of its shorts, 0 could be read."
    assert found.not_before >= NOW + 5 * HOUR_S


@pytest.mark.parametrize(
    ("error", "least_s", "most_s"),
    [
        (NotReadable(SourceState.BOT_CHECK, "A person?"), HOUR_S, 1.3 * HOUR_S),
        (NotReadable(SourceState.RATE_LIMITED, "Slow.", "", 9 * HOUR_S), 9 * HOUR_S, 11 * HOUR_S),
        (NotReadable(SourceState.DELETED, "It is gone."), DAY_S, 1.3 * DAY_S),
        (Busy("shore.example", 2 * HOUR_S), 2 * HOUR_S, 3 * HOUR_S),
        (RateLimited("Enough.", 3 * HOUR_S), 3 * HOUR_S, 4 * HOUR_S),
        (Unavailable("shore.example", "Later."), 300.0, 400.0),
        (RefusedUrl("It is private.", "Use another."), DAY_S, 1.3 * DAY_S),
        (BadInput("That is one recording."), DAY_S, 1.3 * DAY_S),
    ],
    ids=lambda it: type(it).__name__ if isinstance(it, Exception) else None,
)
async def test_each_failure_has_its_next_look_and_is_told_as_a_sentence(
    error: BotError, least_s: float, most_s: float
) -> None:
    followers = Followers(one=order())
    assert await look(Channels(error), followers) == Finish("list shore", 3)
    assert followers.found_by == {}
    problem, retry_at = followers.failed["one"]
    assert problem == str(error)
    assert least_s <= retry_at - NOW <= most_s


async def test_failures_in_a_row_wait_longer_and_never_end_the_looks() -> None:
    waits = []
    for failures in (0, 1, 2, 50):
        followers = Followers(one=order(failures=failures))
        await look(Channels(NotReadable(SourceState.SITE_DOWN, "Down.")), followers)
        waits.append(followers.failed["one"][1] - NOW)
    assert waits[0] < waits[1] < waits[2] < waits[3]
    assert waits[3] <= 1.3 * DAY_S


async def test_half_a_character_in_a_title_costs_no_look() -> None:
    followers = Followers(one=order())
    odd = Upload("odd", "https://shore.example/odd", "Sea \ud83d stars")
    await look(Channels(Uploads((odd, TIDES), channel=Channel("shore", SHORE.url, "Shore \udc00"))), followers)
    found = followers.found_by["one"]
    assert ([upload.title for upload in found.uploads], found.title) == (["Sea ? stars", "Tides"], "Shore ?")


async def test_what_the_follower_cannot_keep_is_a_problem_and_the_looks_go_on() -> None:
    class Strict(Followers):
        async def found(self, key: str, found: Found) -> FoundDone:  # noqa: ARG002
            raise BadInput("A text holds half a character.", "Send whole characters.")

    followers = Strict(one=order())
    assert await look(Channels(), followers) == Finish("list shore", 3)
    assert followers.failed["one"][1] > NOW


async def test_a_defect_is_logged_and_the_channel_looked_at_again(caplog: pytest.LogCaptureFixture) -> None:
    followers = Followers(one=order())
    await look(Channels(KeyError("detail")), followers)
    problem, retry_at = followers.failed["one"]
    assert "defect" in problem
    assert retry_at > NOW
    assert "KeyError" in caplog.text


async def test_the_clock_of_the_world_is_the_default() -> None:
    followers = Followers(one=order())
    looks = ChannelLooks(Channels(Unavailable("shore.example")), followers, LookRules())  # type: ignore[arg-type]
    await looks(Job("list shore", 1, SHORE.url, "", Urgency.NEWS, ("one",)))
    assert followers.failed["one"][1] > time.time()
