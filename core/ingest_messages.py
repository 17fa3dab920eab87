"""What an ingest queue is told (commands), what happened (events), and what callers get (replies).

Times are unix seconds. A job is known by its `job_id`: a recording's id, "list CHANNEL" for a look at a channel, or
"forget RECORDING" for deleting it once more.
"""

from enum import IntEnum
from typing import TypeAlias

from msgspec import field

from core.entities import Message


class Urgency(IntEnum):
    """What a job is for; the smaller goes first."""

    PERSON = 0
    NEWS = 1
    BACKFILL = 2


# How far a recording has come. What is kept at TEXT is not fetched or recognised again.
NOTHING, TEXT, STORED = "", "text", "stored"


class NewJob(Message, frozen=True):
    """Something to bring in. `follower` is the key of the follower that wants it, "" where a person does.

    `since`: an upload that turns out older is refused (0.0: any age). `announce_to` is the Discord channel for the post
    about it. `again` has it done though it was done before. `kinds`: an upload that turns out to be of another kind is
    refused (none named: any is taken), because a feed does not tell a stream from a video.
    """

    job_id: str
    url: str
    title: str = ""
    urgency: Urgency = Urgency.PERSON
    follower: str = ""
    since: float = 0.0
    announce_to: str = ""
    again: bool = False
    not_before: float = 0.0
    kinds: tuple[str, ...] = ()


class Job(Message, frozen=True):
    """A job of the queue. `lease` is who works on it (0: nobody), until `lease_until`.

    `attempts` in a row failed with `state`, for `reason`; `crashes` ended without a word. `dead`: it was
    given up, and waits for a person. `asked_again`: while it was worked on, somebody asked for another look.
    """

    job_id: str
    number: int
    url: str
    title: str
    urgency: Urgency
    followers: tuple[str, ...] = ()
    since: float = 0.0
    announce_to: str = ""
    again: bool = False
    attempts: int = 0
    crashes: int = 0
    not_before: float = 0.0
    lease: int = 0
    lease_until: float = 0.0
    step: str = NOTHING
    state: str = ""
    reason: str = ""
    dead: bool = False
    asked_again: bool = False
    kinds: tuple[str, ...] = ()

    @property
    def is_listing(self) -> bool:
        return self.job_id.startswith(LISTING)

    @property
    def forgets(self) -> str:
        """The recording that is to be deleted, "" where it is another job."""
        return self.job_id.removeprefix(FORGETTING) if self.job_id.startswith(FORGETTING) else ""

    @property
    def is_recording(self) -> bool:
        return not self.job_id.startswith((LISTING, FORGETTING))


LISTING, FORGETTING = "list ", "forget "


# ---------------------------------------------------------------- commands
class Add(Message, frozen=True):
    """Put jobs into the queue. One that is there already is joined; one that was done is left out, unless `again`."""

    jobs: tuple[NewJob, ...]


class Lease(Message, frozen=True):
    """Take the most urgent job that may be done now, to be worked on for `lease_s` seconds at first."""

    lease_s: float


class Renew(Message, frozen=True):
    """Go on working for `lease_s` seconds from now."""

    job_id: str
    lease: int
    lease_s: float


class Keep(Message, frozen=True):
    """A step is done; `body` is what it made, kept until the job ends."""

    job_id: str
    lease: int
    step: str
    body: str = ""


class Finish(Message, frozen=True):
    """The job is done: brought in (`state` ""), or refused for good. `announcement` is its post as JSON, if any.

    `check_at`: when to look whether it changed at its source (0.0: never). `also_known_as` are other ids of the same.
    """

    job_id: str
    lease: int
    state: str = ""
    reason: str = ""
    announcement: str = ""
    check_at: float = 0.0
    also_known_as: tuple[str, ...] = ()


class Fail(Message, frozen=True):
    """The job could not be done now: once more at `retry_at`, or never by itself (None)."""

    job_id: str
    lease: int
    state: str
    reason: str
    retry_at: float | None


class Retry(Message, frozen=True):
    """Try dead jobs again; all of them where none is named."""

    job_id: str = ""


class Drop(Message, frozen=True):
    """Take a job out that is dead or waits; all dead ones where none is named."""

    job_id: str = ""


class Enrol(Message, frozen=True):
    """A follower tells that it is there, rests, or is there no more (`followed` False: its waiting jobs go)."""

    follower: str
    channel_id: str
    url: str
    title: str
    followed: bool = True
    rests: bool = False


class Forget(Message, frozen=True):
    """These recordings are gone: their jobs end, and they may be brought in again."""

    job_ids: tuple[str, ...]


class TakeSpeech(Message, frozen=True):
    """Have `seconds` of speech recognised for a job, if this month's budget of `limit_s` has room (None: no limit).

    Fewer than none gives back what was set aside and not needed.
    """

    job_id: str
    lease: int
    seconds: float
    limit_s: float | None


class Look(Message, frozen=True):
    """The queue's own reminder: end leases that ran out, and wake workers for what is ready."""


# ---------------------------------------------------------------- events
class Added(Message, frozen=True):
    at: float
    jobs: tuple[Job, ...]
    joined: tuple[Job, ...] = ()


class Leased(Message, frozen=True):
    """`job` is worked on under `job.lease`. Also what the worker is told."""

    at: float
    job: Job


class Changed(Message, frozen=True):
    """Jobs as they are now; `ended` are out of the queue, `brought_in` and `refused` (id to reason) say how."""

    at: float
    jobs: tuple[Job, ...] = ()
    ended: tuple[str, ...] = ()
    brought_in: tuple[str, ...] = ()
    refused: dict[str, str] = field(default_factory=dict)


class Enrolled(Message, frozen=True):
    at: float
    follower: str
    channel_id: str
    url: str
    title: str
    followed: bool
    rests: bool
    dropped: tuple[str, ...] = ()


class Forgotten(Message, frozen=True):
    """`ended` are out of the queue; `later` delete once more what was being worked on."""

    at: float
    job_ids: tuple[str, ...]
    ended: tuple[str, ...] = ()
    later: tuple[Job, ...] = ()


class SpeechTaken(Message, frozen=True):
    """`seconds` of speech are charged to the month that began at `month`; also what the worker is told."""

    at: float
    month: float
    job_id: str
    seconds: float


class Looked(Message, frozen=True):
    """The queue looks again at `next_at` (0.0: not before something comes)."""

    at: float
    next_at: float


# ---------------------------------------------------------------- replies
class AddReply(Message, frozen=True):
    """What became of the jobs: ids of `added`, `joined` and those that were `known` already."""

    added: tuple[str, ...]
    joined: tuple[str, ...] = ()
    known: tuple[str, ...] = ()


class NothingToDo(Message, frozen=True):
    """No job may be done now; the next one at `next_at`, None where none waits."""

    next_at: float | None


class Done(Message, frozen=True):
    """It was done as asked, to `count` jobs."""

    count: int = 1


class LeaseLost(Message, frozen=True):
    """Somebody else works on the job, or it is gone: stop, and change nothing."""

    job_id: str


class NoSpeech(Message, frozen=True):
    """The budget of recognised speech is spent until `resets_at`."""

    left_s: float
    resets_at: float


Command: TypeAlias = Add | Lease | Renew | Keep | Finish | Fail | Retry | Drop | Enrol | Forget | TakeSpeech | Look
Event: TypeAlias = Added | Leased | Changed | Enrolled | Forgotten | SpeechTaken | Looked
Reply: TypeAlias = AddReply | Leased | NothingToDo | Done | LeaseLost | SpeechTaken | NoSpeech
