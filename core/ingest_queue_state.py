"""What is kept of a tenant's ingest queue, how events change it, and how people see it. `core.ingest_queue` decides."""

from collections import Counter
from collections.abc import Iterable, Mapping

from msgspec import field
from msgspec.structs import replace

from core.entities import State
from core.following import JobState, JobView, Priority, QueueView
from core.ingest_messages import (
    Added,
    Changed,
    Enrolled,
    Event,
    Forgotten,
    Job,
    Leased,
    Looked,
    SpeechTaken,
    Urgency,
)
from core.seen import Seen
from core.source_states import CLOSED_STATES

MAX_REFUSED = 50_000
_PRIORITIES = {Urgency.PERSON: Priority.PERSON, Urgency.NEWS: Priority.NEWS, Urgency.BACKFILL: Priority.BACKFILL}


class FollowedChannel(State, frozen=True):
    """A channel that a follower of the tenant follows; `rests` while it is paused."""

    channel_id: str
    url: str
    title: str
    rests: bool = False


class Queue(State, frozen=True):
    """What is kept of the queue `key`: `jobs` not done, by id; what was `brought_in`, and `refused` for what reason.

    `channels` are by their follower's key. `look_at` is when the queue's reminder comes (0.0: none is set).
    """

    key: str
    jobs: dict[str, Job] = field(default_factory=dict)
    brought_in: Seen = Seen()
    refused: dict[str, str] = field(default_factory=dict)
    channels: dict[str, FollowedChannel] = field(default_factory=dict)
    next_number: int = 1
    next_lease: int = 1
    look_at: float = 0.0
    speech_month: float = 0.0
    speech_s: float = 0.0


def evolve(state: Queue, event: Event) -> Queue:
    """The state after an event."""
    match event:
        case Added():
            jobs = {**state.jobs, **_by_id(event.jobs), **_by_id(event.joined)}
            return replace(state, jobs=jobs, next_number=state.next_number + len(event.jobs))
        case Leased():
            jobs = {**state.jobs, event.job.job_id: event.job}
            return replace(state, jobs=jobs, next_lease=state.next_lease + 1)
        case Changed():
            return _changed(state, event)
        case Enrolled():
            return _enrolled(state, event)
        case Forgotten():
            refused = _without(state.refused, event.job_ids)
            seen = state.brought_in.without(event.job_ids)
            jobs = {**_without(state.jobs, event.ended), **_by_id(event.later)}
            return replace(state, jobs=jobs, brought_in=seen, refused=refused)
        case SpeechTaken():
            before_s = state.speech_s if state.speech_month == event.month else 0.0
            return replace(state, speech_month=event.month, speech_s=max(0.0, before_s + event.seconds))
        case Looked():
            return replace(state, look_at=event.next_at)


def _changed(state: Queue, event: Changed) -> Queue:
    jobs = {**_without(state.jobs, event.ended), **_by_id(event.jobs)}
    seen, refused = state.brought_in, state.refused
    if event.brought_in:
        seen, refused = seen.adding(event.brought_in), _without(refused, event.brought_in)
    if event.refused:
        seen = seen.without(event.refused)
        refused = {**refused, **event.refused}
        while len(refused) > MAX_REFUSED:
            del refused[next(iter(refused))]
    return replace(state, jobs=jobs, brought_in=seen, refused=refused)


def _enrolled(state: Queue, event: Enrolled) -> Queue:
    channels = _without(state.channels, (event.follower,))
    jobs = state.jobs
    if event.followed:
        channels[event.follower] = FollowedChannel(event.channel_id, event.url, event.title, event.rests)
    else:
        jobs = _without(jobs, event.dropped)
        jobs = {
            job_id: replace(job, followers=tuple(it for it in job.followers if it != event.follower))
            if event.follower in job.followers
            else job
            for job_id, job in jobs.items()
        }
    return replace(state, channels=channels, jobs=jobs)


def _by_id(jobs: Iterable[Job]) -> dict[str, Job]:
    return {job.job_id: job for job in jobs}


def _without(items: Mapping[str, "Job | str | FollowedChannel"], names: Iterable[str]) -> dict:  # type: ignore[type-arg]
    dropped = set(names)
    return {name: item for name, item in items.items() if name not in dropped}


# ---------------------------------------------------------------- what it comes to
def rests(state: Queue, job: Job) -> bool:
    """Whether nobody wants the job now: every follower that asked for it is paused."""
    wanting = [state.channels.get(follower) for follower in job.followers]
    return bool(wanting) and all(channel is not None and channel.rests for channel in wanting)


def is_held(job: Job, now: float) -> bool:
    """Whether somebody works on it."""
    return bool(job.lease) and job.lease_until > now


def is_ready(state: Queue, job: Job, now: float) -> bool:
    """Whether it may be worked on now."""
    return not job.dead and not is_held(job, now) and job.not_before <= now and not rests(state, job)


def is_check(job: Job) -> bool:
    """Whether it only looks again at what is here already."""
    return job.again and job.urgency is Urgency.BACKFILL


def became(state: Queue, job_ids: Iterable[str]) -> dict[str, str]:
    """What became of recordings: "" brought in, None is left out: still to come; else why it was refused."""
    told: dict[str, str] = {}
    for job_id in job_ids:
        job = state.jobs.get(job_id)
        if job_id in state.brought_in:
            told[job_id] = ""
        elif job is not None and job.dead:
            told[job_id] = f"given up: {job.reason}"
        elif job is not None and job.state in CLOSED_STATES:
            told[job_id] = job.reason  # looked at again after days: nobody waits for that
        elif job is None and job_id in state.refused:
            told[job_id] = state.refused[job_id]
    return told


def under_way(state: Queue, job_ids: Iterable[str], now: float) -> dict[str, JobView]:
    """Those of the jobs that are in the queue, but for what only looks again at what is here."""
    found = [state.jobs[name] for name in job_ids if name in state.jobs]
    return {job.job_id: _view(job, _state_of(job, now)) for job in found if not is_check(job)}


def _state_of(job: Job, now: float) -> JobState:
    if job.dead:
        return JobState.DEAD
    return JobState.WORKING if is_held(job, now) else JobState.WAITING


def view(state: Queue, now: float, limit: int) -> QueueView:
    """The queue as people see it: dead jobs first, then those at work, then what comes next."""
    shown = [(_state_of(job, now), job) for job in state.jobs.values() if not is_check(job)]
    order = (JobState.DEAD, JobState.WORKING, JobState.WAITING)
    shown.sort(key=lambda it: (order.index(it[0]), it[1].not_before > now, it[1].urgency, it[1].number))
    count = Counter(its for its, _ in shown)
    first = tuple(_view(job, its) for its, job in shown[:limit])
    waiting, working, dead = count[JobState.WAITING], count[JobState.WORKING], count[JobState.DEAD]
    return QueueView(waiting, working, dead, len(state.brought_in), first)


def _view(job: Job, state: JobState) -> JobView:
    return JobView(
        job.job_id,
        job.url,
        job.title,
        state,
        _PRIORITIES[job.urgency],
        job.attempts + job.crashes,
        job.not_before,
        job.step,
        job.reason,
    )
