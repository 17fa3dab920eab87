"""The interfaces of what follows channels and brings recordings in. `core.ports` holds all others."""

from collections.abc import Mapping, Sequence
from typing import Protocol

from core import following
from core.follow_messages import ChannelInfo, FollowDone, Found, FoundDone, NotFollowed, Wish
from core.follow_state import Order
from core.following import Announcement, JobView, QueueView
from core.ingest_messages import (
    AddReply,
    Done,
    Enrol,
    Fail,
    Finish,
    Leased,
    LeaseLost,
    NewJob,
    NoSpeech,
    NothingToDo,
    SpeechTaken,
)
from core.ingest_queue_state import FollowedChannel


class Bell(Protocol):
    """Wakes those who work on the queues of ingest."""

    async def ring(self, key: str, urgency: int) -> None:
        """There is something to do in the queue `key`; the smaller `urgency`, the sooner. Raises Unavailable."""
        ...


class Post(Protocol):
    """Gets announcements to Discord."""

    async def deliver(self, announcement: Announcement) -> None:
        """Return when it was posted, or can never be. Raises Unavailable where nobody did so in time."""
        ...


class IngestQueue(Protocol):
    """Keeps what is to be brought in; the key is `core.ingest_keys.queue_key`. `core.ingest_queue` says what holds."""

    async def add(self, key: str, jobs: Sequence[NewJob]) -> AddReply:
        """Put jobs into the queue; one that is there already is joined. Raises BadInput where the queue is full."""
        ...

    async def enrol(self, key: str, enrol: Enrol) -> Done:
        """A follower is there, rests, or is no more."""
        ...

    async def retry(self, key: str, job_id: str = "") -> Done:
        """Try a dead job again, or all of them. Raises BadInput where there is no such job."""
        ...

    async def drop(self, key: str, job_id: str = "") -> Done:
        """Take a job out that nobody works on, or all dead ones. Raises BadInput where there is no such job."""
        ...

    async def forget(self, key: str, job_ids: Sequence[str]) -> Done:
        """These recordings are gone: their jobs end, and they may be brought in again."""
        ...

    async def view(self, key: str) -> QueueView:
        """The queue as people see it."""
        ...

    async def became(self, key: str, job_ids: Sequence[str]) -> Mapping[str, str]:
        """What became of recordings: "" brought in, else why not; those still to come are left out."""
        ...

    async def under_way(self, key: str, job_ids: Sequence[str]) -> Mapping[str, JobView]:
        """Those of the jobs that are in the queue."""
        ...

    async def channels(self, key: str) -> Mapping[str, FollowedChannel]:
        """The followed channels, by their follower's key."""
        ...

    async def lease(self, key: str, lease_s: float) -> Leased | NothingToDo:
        """Take the most urgent job that may be done now."""
        ...

    async def renew(self, key: str, job_id: str, lease: int, lease_s: float) -> Done | LeaseLost:
        """Go on working."""
        ...

    async def keep(self, key: str, job_id: str, lease: int, step: str, body: str = "") -> Done | LeaseLost:
        """A step is done; `body` is kept until the job ends."""
        ...

    async def kept(self, key: str, job_id: str) -> str:
        """What a job's last step made; "" where nothing is kept."""
        ...

    async def finish(self, key: str, finish: Finish) -> Done | LeaseLost:
        """The job is done, or refused for good."""
        ...

    async def fail(self, key: str, fail: Fail) -> Done | LeaseLost:
        """The job could not be done now."""
        ...

    async def take_speech(
        self, key: str, job_id: str, lease: int, seconds: float, limit_s: float | None
    ) -> SpeechTaken | NoSpeech | LeaseLost:
        """Charge `seconds` of speech to this month's budget."""
        ...


class ChannelFollower(Protocol):
    """Keeps what is followed; the key is `core.ingest_keys.follower_key`. `core.follows` says what holds."""

    async def follow(self, key: str, channel: ChannelInfo, wish: Wish, rests: str = "") -> FollowDone:
        """Follow a channel from now on; `rests` is why it starts paused."""
        ...

    async def unfollow(self, key: str) -> FollowDone | NotFollowed:
        """Follow it no more: what waits for it alone is taken out of the queue, what was brought in stays."""
        ...

    async def pause(self, key: str, because: str) -> FollowDone | NotFollowed:
        """Look for nothing until it is resumed."""
        ...

    async def resume(self, key: str) -> FollowDone | NotFollowed:
        """Go on, beginning with a look."""
        ...

    async def backfill(self, key: str, since: float, most: int) -> FollowDone | NotFollowed:
        """List everything again, back to `since`, for at most `most` uploads of the past."""
        ...

    async def found(self, key: str, found: Found) -> FoundDone | NotFollowed:
        """A look succeeded."""
        ...

    async def look_failed(self, key: str, problem: str, retry_at: float) -> FollowDone | NotFollowed:
        """A look failed: what is known stays as it is."""
        ...

    async def order(self, key: str) -> Order | None:
        """What a look has to bring now; None where nothing is looked for."""
        ...

    async def accepted(self, key: str) -> Sequence[str]:
        """The recordings of the channel that are wanted."""
        ...

    async def view(self, key: str, became: Mapping[str, str]) -> following.Followed | None:
        """The channel as people see it, with what became of `accepted`; None where it is not followed."""
        ...
