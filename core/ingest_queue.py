"""A tenant's ingest queue: what is to be brought in, by whom it is worked on, and what became of it.

The rules: a recording is in the queue once, however many links and followers name it. A job is worked on by one worker
at a time, under a lease; whoever lost the lease changes nothing any more. What a worker acknowledged as done is done
once, and its announcement is written down in the same commit. A person's job goes before news, news before backfill.
A job that fails comes again when its failure says; one that ends its worker `MAX_CRASHES` times is given up.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from core.entities import Chance, Decision, EntityKind
from core.errors import BadInput
from core.ingest_messages import (
    FORGETTING,
    Add,
    Added,
    AddReply,
    Changed,
    Command,
    Done,
    Drop,
    Enrol,
    Enrolled,
    Event,
    Fail,
    Finish,
    Forget,
    Forgotten,
    Job,
    Keep,
    Lease,
    LeaseLost,
    Look,
    NewJob,
    Renew,
    Reply,
    Retry,
    TakeSpeech,
    Urgency,
)
from core.ingest_queue_state import Queue, evolve, is_held
from core.ingest_queue_waking import woken
from core.ingest_queue_work import by_worker, leased, looked

MAX_JOBS = 20_000
# For how long after his lease a worker may still be storing what he has read.
_STORED_S = 60.0


def decide(state: Queue, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What a command comes to. Raises BadInput where the queue is full or a time is none."""
    del chance
    match command:
        case Add():
            return _add(state, command, now)
        case Lease():
            return leased(state, command, now)
        case Look():
            return looked(state, now)
        case Retry() | Drop() | Forget() | Enrol():
            return _by_people(state, command, now)
        case Renew() | Keep() | Finish() | Fail() | TakeSpeech():
            job = state.jobs.get(command.job_id)
            if job is None or job.lease != command.lease:
                return Decision(LeaseLost(command.job_id))
            return by_worker(state, job, command, now)


KIND = EntityKind(
    name="IngestQueue",
    state=Queue,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=Queue,
    decide=decide,
    evolve=evolve,
    keeps_commands=False,  # a transcript is in them, and must be deletable
)


# ---------------------------------------------------------------- putting in
def _add(state: Queue, command: Add, now: float) -> Decision[Event]:
    added: dict[str, Job] = {}
    joined: dict[str, Job] = {}
    known: list[str] = []
    for new in command.jobs:
        _check(new)
        there = joined.get(new.job_id) or added.get(new.job_id) or state.jobs.get(new.job_id)
        if there is not None:
            (added if new.job_id in added else joined)[new.job_id] = _joined(there, new, now)
        elif new.job_id in state.brought_in and not new.again:
            known.append(new.job_id)
        else:
            added[new.job_id] = _job(new, state.next_number + len(added))
    joined = {name: job for name, job in joined.items() if job != state.jobs[name]}
    if len(state.jobs) + len(added) > MAX_JOBS:
        problem = f"The queue of this server holds {len(state.jobs):,} jobs; at most {MAX_JOBS:,} are taken."
        raise BadInput(problem, "Wait until some are done, or drop some with /queue.")
    reply = AddReply(tuple(added), tuple(new.job_id for new in command.jobs if new.job_id in joined), tuple(known))
    if not added and not joined:
        return Decision(reply)
    event = Added(now, tuple(added.values()), tuple(joined.values()))
    return woken(state, (event,), now, reply)


def _check(new: NewJob) -> None:
    if not new.job_id or not new.url or len(new.job_id) > 2_000 or len(new.url) > 4_000:
        raise BadInput("A job names no recording.", "Pass its id and its link.")


def _job(new: NewJob, number: int) -> Job:
    followers = (new.follower,) if new.follower else ()
    return Job(
        new.job_id,
        number,
        new.url,
        new.title,
        new.urgency,
        followers,
        new.since,
        new.announce_to,
        new.again,
        not_before=new.not_before,
        kinds=new.kinds,
    )


def _joined(job: Job, new: NewJob, now: float) -> Job:
    """The job as it is wanted now. A person gets it at once, whatever its age, and though it was given up.

    A look that is under way may have begun too early for whoever asks now: it is taken once more after that. One that
    was given up is taken again whoever asks, or its channel would be followed in vain.
    """
    followers = job.followers
    if new.follower and new.follower not in followers:
        followers = (*followers, new.follower)
    job = replace(
        job,
        urgency=min(job.urgency, new.urgency),
        followers=followers,
        since=min(job.since, new.since),
        announce_to=job.announce_to or new.announce_to,
        again=job.again or new.again,
        # One of them takes any.
        kinds=tuple(dict.fromkeys((*job.kinds, *new.kinds))) if job.kinds and new.kinds else (),
    )
    if job.is_listing and is_held(job, now):
        return replace(job, asked_again=True)
    if is_held(job, now) or not (new.urgency is Urgency.PERSON or (job.is_listing and job.dead)):
        return job
    if not job.is_listing:
        job = replace(job, followers=())
    return replace(job, not_before=min(job.not_before, now), dead=False, crashes=0 if job.dead else job.crashes)


# ---------------------------------------------------------------- what people do
def _by_people(state: Queue, command: Retry | Drop | Forget | Enrol, now: float) -> Decision[Event]:
    match command:
        case Retry():
            dead = _named(state, command.job_id, (job for job in state.jobs.values() if job.dead))
            fresh = tuple(replace(job, dead=False, attempts=0, crashes=0, not_before=0.0) for job in dead)
            return woken(state, (Changed(now, fresh),), now, Done(len(fresh))) if fresh else Decision(Done(0))
        case Drop():
            found = (job for job in state.jobs.values() if job.dead or (command.job_id and not is_held(job, now)))
            dropped = _named(state, command.job_id, found)
            refused = {it.job_id: "It was taken out of the queue." for it in dropped if not _is_here(state, it)}
            ended = tuple(job.job_id for job in dropped)
            event = Changed(now, ended=ended, refused=refused)
            return Decision(Done(len(ended)), (event,), erased=ended) if ended else Decision(Done(0))
        case Forget():
            ended = tuple(name for name in command.job_ids if name in state.jobs)
            later = tuple(_forgotten_later(state.jobs[name], now) for name in ended if state.jobs[name].lease)
            forgotten = Forgotten(now, command.job_ids, ended, later)
            return replace(woken(state, (forgotten,), now, Done(len(ended)), ring=False), erased=ended)
        case Enrol():
            return _enrol(state, command, now)


def _named(state: Queue, job_id: str, jobs: Iterable[Job]) -> Sequence[Job]:
    found = [job for job in jobs if job.job_id == job_id or not job_id]
    if job_id and not found and job_id not in state.jobs:
        raise BadInput(f"There is no job {job_id[:80]} in the queue.", "See /queue for those that are.")
    return found


def _is_here(state: Queue, job: Job) -> bool:
    return not job.is_recording or job.job_id in state.brought_in


def _forgotten_later(job: Job, now: float) -> Job:
    """Whoever works on `job` may store it at any moment, and die before he learns that it is not wanted any more."""
    later = Job(f"{FORGETTING}{job.job_id}", job.number, job.url, job.title, Urgency.BACKFILL, again=True)
    return replace(later, not_before=max(job.lease_until, now) + _STORED_S)


def _enrol(state: Queue, command: Enrol, now: float) -> Decision[Event]:
    dropped: tuple[str, ...] = ()
    if not command.followed:
        dropped = tuple(
            job.job_id for job in state.jobs.values() if job.followers == (command.follower,) and not is_held(job, now)
        )
    event = Enrolled(
        now,
        command.follower,
        command.channel_id,
        command.url,
        command.title,
        command.followed,
        command.rests,
        dropped,
    )
    return replace(woken(state, (event,), now, Done(len(dropped))), erased=dropped)
