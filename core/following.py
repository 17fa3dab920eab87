"""What people see and say of followed channels, the ingest queue, and of forgetting: values between the rooms.

Times are unix seconds.
"""

from dataclasses import dataclass
from enum import StrEnum

from core.tenancy import TenantContext
from core.uploads import ALL_KINDS, Channel, UploadKind


# ---------------------------------------------------------------- following
@dataclass(frozen=True, slots=True)
class FollowRequest:
    """A link to a channel, playlist or feed that a server wants to follow.

    `back_days` is how far back its uploads are brought in; `announce_to` the Discord channel for news ("" for none).
    `only` and `without` are words of which a title must have one, or none; empty for no filter. With `announce_past`
    what is brought in of the past is announced too, and not the news alone.
    """

    tenant: TenantContext
    url: str
    kinds: tuple[UploadKind, ...] = ALL_KINDS
    back_days: int = 365
    announce_to: str = ""
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()
    announce_past: bool = False


@dataclass(frozen=True, slots=True)
class Count:
    """How many uploads, and why: `reason` is a sentence for people."""

    reason: str
    uploads: int


@dataclass(frozen=True, slots=True)
class Completeness:
    """What became of every upload that the listing had: listed = ingested + waiting + the sum of `refused`."""

    listed: int = 0
    ingested: int = 0
    waiting: int = 0
    refused: tuple[Count, ...] = ()
    listing_done: bool = False

    @property
    def adds_up(self) -> bool:
        return self.listed == self.ingested + self.waiting + sum(count.uploads for count in self.refused)


@dataclass(frozen=True, slots=True)
class Followed:
    """A followed channel as people see it: `paused` is why it rests ("" where it does not), `problem` the last one."""

    channel: Channel
    kinds: tuple[UploadKind, ...]
    since: float
    announce_to: str
    completeness: Completeness
    paused: str = ""
    problem: str = ""
    next_look_at: float = 0.0
    looked_at: float = 0.0
    only: tuple[str, ...] = ()
    without: tuple[str, ...] = ()


# ---------------------------------------------------------------- the queue
class Priority(StrEnum):
    """What a job is for, most urgent first."""

    PERSON = "person"
    NEWS = "news"
    BACKFILL = "backfill"


class JobState(StrEnum):
    WAITING = "waiting"
    WORKING = "working"
    DEAD = "dead"


@dataclass(frozen=True, slots=True)
class JobView:
    """A job as people see it. `step` is the last one that is done; `reason` why it waits or was given up."""

    job_id: str
    url: str
    title: str
    state: JobState
    priority: Priority
    attempts: int = 0
    next_try_at: float = 0.0
    step: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class QueueView:
    """A server's queue: how many jobs wait and are worked on, and the first of each state; dead ones first."""

    waiting: int = 0
    working: int = 0
    dead: int = 0
    done: int = 0
    jobs: tuple[JobView, ...] = ()


# ---------------------------------------------------------------- forgetting
@dataclass(frozen=True, slots=True)
class ForgetRequest:
    """What is to be forgotten: a link to a video or channel, or (`whose` set) what a user asked."""

    tenant: TenantContext
    url: str = ""
    whose: str = ""


@dataclass(frozen=True, slots=True)
class ForgetReport:
    """What was deleted. `notes` are sentences on what follows, such as when backups lose it."""

    recordings: int = 0
    passages: int = 0
    documents: int = 0
    jobs: int = 0
    followed: int = 0
    notes: tuple[str, ...] = ()


# ---------------------------------------------------------------- announcing
@dataclass(frozen=True, slots=True)
class Chapter:
    """A part of a recording, by its start in seconds from the beginning."""

    start_s: float
    title: str


@dataclass(frozen=True, slots=True)
class Announcement:
    """A post about a new recording, to be shown once in `channel` of `tenant`. `announcement_id` is its nonce.

    `repeated` says that it may have been posted before, by somebody who could not tell us.
    """

    announcement_id: str
    tenant: str
    channel: str
    url: str
    title: str
    creator: str = ""
    length_s: float = 0.0
    summary: tuple[tuple[str, float], ...] = ()
    chapters: tuple[Chapter, ...] = ()
    topics: tuple[str, ...] = ()
    repeated: bool = False
