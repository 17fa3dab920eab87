"""What is done to the entities of ingest in the small journal of `make_journal_fixture`."""

from collections.abc import Sequence
from typing import Any

from core import follow_messages, host_pace_messages, ingest_messages
from core.ingest_messages import Urgency
from core.source_states import SourceState

Steps = Sequence[tuple[float, Any]]
FOLLOWER = "guild-1|w|0011223344556677"


def queue_steps() -> Steps:
    """Seconds since the last step, and a command: every kind of event, and a job in each state."""
    m = ingest_messages
    of: dict[str, Any] = {"title": "Tides é€𝄞", "follower": FOLLOWER, "announce_to": "42"}
    jobs = tuple(
        m.NewJob(f"youtube:{name}", f"https://x.example/{name}", urgency=Urgency.NEWS, **of) for name in "abcde"
    )
    return (
        (0.0, m.Enrol(FOLLOWER, "youtube:UC1", "https://x.example/", "Shore", rests=True)),
        (0.0, m.Enrol(FOLLOWER, "youtube:UC1", "https://x.example/", "Shore é€𝄞")),
        (0.5, m.Add(jobs)),
        (0.0, m.Add((m.NewJob("youtube:b", "https://x.example/b", urgency=Urgency.PERSON, again=True),))),
        (0.25, m.Lease(30.0)),
        (0.0, m.Keep("youtube:b", 1, "text", "what was said é€𝄞")),
        (5.0, m.Renew("youtube:b", 1, 30.0)),
        (0.0, m.TakeSpeech("youtube:b", 1, 61.5, 3_600.0)),
        (0.125, m.Keep("youtube:b", 1, "stored")),
        (0.0, m.Finish("youtube:b", 1, announcement='{"announcement_id":"1"}', check_at=1_767_300_000.0)),
        (0.0, m.Lease(30.0)),
        (1.0, m.Fail("youtube:a", 2, "site_down", "It is down.", 1_767_226_000.0)),
        (0.0, m.Lease(30.0)),
        (1.0, m.Fail("youtube:c", 3, "unknown", "Nobody knows.", None)),
        (0.0, m.Lease(30.0)),
        (1.0, m.Finish("youtube:d", 4, "private", "It is private.")),
        (0.0, m.Lease(10.0)),
        (60.0, m.Look()),
        (0.0, m.Retry()),
        (0.0, m.Drop("youtube:c")),
        (0.0, m.Forget(("youtube:b", "youtube:d"))),
        (0.0, m.Enrol(FOLLOWER, "youtube:UC1", "https://x.example/", "Shore", followed=False)),
    )


def follower_steps() -> Steps:
    """A channel that is followed, listed, looked at, paused, widened and let go."""
    m = follow_messages
    channel = m.ChannelInfo("youtube:UC1", "https://x.example/", "Shore é€𝄞", "x.example")
    wish = m.Wish(("video", "short"), 1_735_689_600.0, 2, "42", only=("tide",), without=("live",))
    past = tuple(
        m.FoundUpload(
            f"youtube:{number}", f"https://x.example/{number}", "Tides", published_at=1_750_000_000.0 + number
        )
        for number in range(4)
    )
    others = (
        m.FoundUpload("youtube:old", "https://x.example/old", "Tide", published_at=1_000_000_000.5, exact=True),
        m.FoundUpload("youtube:m", "https://x.example/m", "Tide", state=SourceState.MEMBERS_ONLY),
        m.FoundUpload("youtube:s", "https://x.example/s", "Tide", kind="stream"),
    )
    news = m.FoundUpload("youtube:new", "https://x.example/new", "Tides again", published_at=1_767_225_600.0)
    return (
        (0.0, m.Follow(channel, wish, "The budget is spent.")),
        (0.0, m.Resume()),
        (2.5, m.Found((*past, *others), True, 900.0, 86_400.0, "A page did not come.")),
        (3.0, m.Found((*past, *others), True, 900.0, 86_400.0, etag='"1"', title="Shore Talks")),
        (900.0, m.LookFailed("It shows a consent page.", 1_767_230_000.0)),
        (900.0, m.Found((news, *past[:1]), False, 900.0, 86_400.0, last_modified="Thu, 01 Jan 2026 00:00:00 GMT")),
        (0.0, m.Backfill(900_000_000.0, 50)),
        (10.0, m.Pause("Somebody paused it.")),
        (10.0, m.Resume()),
        (21_600.0, m.Look()),
        (1.0, m.Unfollow()),
    )


def pace_steps() -> Steps:
    """A host that is asked, complains, is left alone and comes back."""
    m = host_pace_messages
    rules = m.PaceRules(burst=2, successes=2)
    return (
        (0.0, m.Take(rules, 30.0)),
        (0.0, m.Take(rules, 30.0)),
        (0.0, m.Take(rules, 30.0)),
        (0.5, m.Tell(rules, m.Outcome.THROTTLED, 20.0)),
        (0.5, m.Take(rules, 1.0)),
        (40.0, m.Take(rules, 60.0)),
        (3.0, m.Tell(rules, m.Outcome.SUCCESS)),
        (3.0, m.Tell(rules, m.Outcome.SUCCESS)),
        (3.0, m.Tell(rules, m.Outcome.FAILED)),
        (600.0, m.Take(rules, 30.0)),
    )
