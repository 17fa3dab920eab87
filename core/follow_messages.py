"""What a channel's follower is told (commands), what happened (events), and what callers get (replies).

Times are unix seconds.
"""

from typing import TypeAlias

from msgspec import field

from core.entities import Message, State


class ChannelInfo(State, frozen=True):
    """The channel as its site names it."""

    channel_id: str
    url: str
    title: str = ""
    host: str = ""


class Wish(State, frozen=True):
    """What of a channel is wanted: `kinds`, uploads since `since`, at most `most` of its past, by words of the title.

    News are announced in `announce_to`, and with `announce_past` everything that is brought in.
    """

    kinds: tuple[str, ...]
    since: float
    most: int
    announce_to: str = ""
    announce_past: bool = False
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


class FoundUpload(State, frozen=True):
    """An upload of a listing. `published_at` is 0.0 where there is no date; `state` is that of `SourceState`."""

    recording_id: str
    url: str
    title: str = ""
    kind: str = "video"
    published_at: float = 0.0
    exact: bool = False
    state: str = "available"


# ---------------------------------------------------------------- commands
class Follow(Message, frozen=True):
    """Follow the channel from now on. `rests` is why it starts paused, "" where it does not."""

    channel: ChannelInfo
    wish: Wish
    rests: str = ""


class Unfollow(Message, frozen=True):
    """Follow it no more."""


class Pause(Message, frozen=True):
    """Look for nothing until it is resumed; `because` is a sentence."""

    because: str


class Resume(Message, frozen=True):
    """Go on."""


class Backfill(Message, frozen=True):
    """List everything again, back to `since`, at most `most` of it."""

    since: float
    most: int


class Found(Message, frozen=True):
    """A look succeeded: `uploads`, newest first, of a whole listing (`full`) or of a feed.

    `problem` is what could not be read; then the listing is not taken for whole. `poll_s` and `full_s` are how often to
    look, and how often at everything. `etag` and `last_modified` are the feed's, `title` what the channel calls itself
    now ("" where it does not say). No look comes before `not_before`. `since` is when the follow began for which the
    look was made (0.0: not told): what that wanted may not be what is wanted now.
    """

    uploads: tuple[FoundUpload, ...]
    full: bool
    poll_s: float
    full_s: float
    problem: str = ""
    etag: str = ""
    last_modified: str = ""
    title: str = ""
    not_before: float = 0.0
    since: float = 0.0


class LookFailed(Message, frozen=True):
    """A look failed: nothing is known of the channel's uploads, and the next one is at `retry_at`."""

    problem: str
    retry_at: float


class Look(Message, frozen=True):
    """The follower's own reminder."""


# ---------------------------------------------------------------- events
class Followed(Message, frozen=True):
    at: float
    channel: ChannelInfo
    wish: Wish
    rests: str = ""


class Unfollowed(Message, frozen=True):
    at: float


class Paused(Message, frozen=True):
    at: float
    because: str


class Resumed(Message, frozen=True):
    at: float


class Widened(Message, frozen=True):
    """The listing begins anew with other bounds; what was left out for its age or the limit is looked at again."""

    at: float
    since: float
    most: int


class Sighted(Message, frozen=True):
    """New uploads: `accepted` go to the queue, `left_out` is why others do not. `past` of the accepted are no news."""

    at: float
    accepted: tuple[str, ...] = ()
    left_out: dict[str, str] = field(default_factory=dict)
    past: int = 0


class Looked(Message, frozen=True):
    """A look is over; the next one is at `next_at`. `full_at` is when everything was last listed."""

    at: float
    next_at: float
    full_at: float
    problem: str = ""
    failures: int = 0
    etag: str = ""
    last_modified: str = ""
    title: str = ""


class Sent(Message, frozen=True):
    """The queue was asked to look; should nothing come of that, it is asked again at `next_at`."""

    at: float
    next_at: float


# ---------------------------------------------------------------- replies
class NotFollowed(Message, frozen=True):
    """There is nothing to do it with: the channel is not followed."""


class FollowDone(Message, frozen=True):
    """It was done; False where it was so already."""

    changed: bool


class FoundDone(Message, frozen=True):
    """How many uploads of the listing were new, and how many of these are wanted."""

    new: int
    accepted: int


Command: TypeAlias = Follow | Unfollow | Pause | Resume | Backfill | Found | LookFailed | Look
Event: TypeAlias = Followed | Unfollowed | Paused | Resumed | Widened | Sighted | Looked | Sent
Reply: TypeAlias = NotFollowed | FollowDone | FoundDone
