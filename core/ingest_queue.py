"""A tenant's ingest queue: what is to be brought in, by whom it is worked on, and what became of it.

The rules: a recording is in the queue once, however many links and followers name it. A job is worked on by one worker
at a time, under a lease; whoever lost the lease changes nothing any more. What a worker acknowledged as done is done
once, and its announcement is written down in the same commit. A person's job goes before news, news before backfill.
A job that fails comes again when its failure says; one that ends its worker `MAX_CRASHES` times is given up.
"""

from collections.abc import Iterable, Sequence

from msgspec.structs import replace

from core.entities import SELF, Chance, Decision, Effect, EntityKind, Record
from core.entity_codec import to_json
from core.errors import BadInput
from core.ingest_messages import (
    TEXT,
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
    Leased,
    LeaseLost,
    Look,
    Looked,
    NewJob,
    NoSpeech,
    NothingToDo,
    Renew,
    Reply,
    Retry,
    SpeechTaken,
    TakeSpeech,
    Urgency,
)
from core.ingest_queue_state import Queue, evolve, is_held, is_ready, rests
from core.spending import month_start, next_month_start

MAX_JOBS = 20_000
MAX_CRASHES = 5
MAX_LEASE_S = 3_600.0
# While a job is ready, workers are told so again: one that was told may have died.
RING_S = 10.0
_CRASH_WAIT_S = 5.0
WORKERS, ANNOUNCE = "workers", "announce"
TEXT_KIND = "text"


def decide(state: Queue, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What a command comes to. Raises BadInput where the queue is full or a time is none."""
    del chance
    match command:
        case Add():
            return _add(state, command, now)
        case Lease():
            return _lease(state, command, now)
        case Look():
            return _look(state, now)
        case Retry() | Drop() | Forget() | Enrol():
            return _by_people(state, command, now)
        case Renew() | Keep() | Finish() | Fail() | TakeSpeech():
            job = state.jobs.get(command.job_id)
            if job is None or job.lease != command.lease:
                return Decision(LeaseLost(command.job_id))
            return _by_worker(state, job, command, now)


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
    return _woken(state, (event,), now, reply)


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
    )


def _joined(job: Job, new: NewJob, now: float) -> Job:
    """The job as it is wanted now. A person gets it at once, whatever its age, and though it was given up."""
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
    )
    if new.urgency is not Urgency.PERSON or is_held(job, now):
        return job
    return replace(job, followers=(), not_before=min(job.not_before, now), dead=False)


# ---------------------------------------------------------------- working
def _lease(state: Queue, command: Lease, now: float) -> Decision[Event]:
    lease_s = _lease_s(command.lease_s)
    ready = [job for job in state.jobs.values() if is_ready(state, job, now)]
    if not ready:
        waiting = [_next_at(job) for job in state.jobs.values() if not job.dead and not rests(state, job)]
        return Decision(NothingToDo(min(waiting, default=None)))
    job = min(ready, key=lambda it: (it.urgency, it.number))
    crashes = job.crashes + (1 if job.lease else 0)
    if crashes >= MAX_CRASHES:
        return _woken(state, (Changed(now, (_given_up(job),)),), now, NothingToDo(now))
    leased = replace(job, lease=state.next_lease, lease_until=now + lease_s, crashes=crashes)
    event = Leased(now, leased)
    return _woken(state, (event,), now, event, ring=False)


def _lease_s(lease_s: float) -> float:
    if not 0 < lease_s <= MAX_LEASE_S:
        raise BadInput(f"A lease of {lease_s} s is none.", f"Ask for up to {MAX_LEASE_S:,.0f} s.")
    return lease_s


def _by_worker(
    state: Queue, job: Job, command: Renew | Keep | Finish | Fail | TakeSpeech, now: float
) -> Decision[Event]:
    match command:
        case Renew():
            renewed = replace(job, lease_until=now + _lease_s(command.lease_s))
            return Decision(Done(), (Changed(now, (renewed,)),))
        case Keep():
            record = (Record(job.job_id, now, TEXT_KIND, command.body),) if command.body else ()
            return Decision(Done(), (Changed(now, (replace(job, step=command.step),)),), record)
        case Finish():
            return _finish(state, job, command, now)
        case Fail():
            failed = replace(
                job,
                lease=0,
                lease_until=0.0,
                attempts=job.attempts + 1 if command.state == job.state else 1,
                crashes=0,
                state=command.state,
                reason=command.reason,
                dead=command.retry_at is None,
                not_before=command.retry_at or 0.0,
            )
            return _woken(state, (Changed(now, (failed,)),), now, Done())
        case TakeSpeech():
            return _take_speech(state, command, now)


def _finish(state: Queue, job: Job, command: Finish, now: float) -> Decision[Event]:
    brought_in = not command.state and not job.is_listing
    refused = {job.job_id: command.reason or command.state} if command.state and not job.is_listing else {}
    check: tuple[Job, ...] = ()
    if command.check_at and brought_in:
        again = NewJob(job.job_id, job.url, job.title, Urgency.BACKFILL, again=True, not_before=command.check_at)
        check = (replace(_job(again, job.number), followers=job.followers),)
    event = Changed(now, check, (job.job_id,), (job.job_id, *command.also_known_as) if brought_in else (), refused)
    effects: tuple[Effect, ...] = ()
    if command.announcement and brought_in and job.job_id not in state.brought_in:
        effects = (Effect(f"announce {job.job_id}", ANNOUNCE, command.announcement, now),)
    erased = (job.job_id,) if job.step == TEXT else ()
    woken = _woken(state, (event,), now, Done(), ring=False)
    return Decision(woken.reply, woken.events, erased=erased, effects=(*effects, *woken.effects))


def _take_speech(state: Queue, command: TakeSpeech, now: float) -> Decision[Event]:
    if not abs(command.seconds) < float("inf"):
        raise BadInput(f"{command.seconds} s of speech are none.", "Pass a length in seconds.")
    month = month_start(now)
    spent_s = state.speech_s if state.speech_month == month else 0.0
    if command.limit_s is not None and spent_s + command.seconds > command.limit_s:
        return Decision(NoSpeech(max(0.0, command.limit_s - spent_s), next_month_start(now)))
    event = SpeechTaken(now, month, command.job_id, command.seconds)
    return Decision(event, (event,))


# ---------------------------------------------------------------- what people do
def _by_people(state: Queue, command: Retry | Drop | Forget | Enrol, now: float) -> Decision[Event]:
    match command:
        case Retry():
            dead = _named(state, command.job_id, (job for job in state.jobs.values() if job.dead))
            fresh = tuple(replace(job, dead=False, attempts=0, crashes=0, not_before=0.0) for job in dead)
            return _woken(state, (Changed(now, fresh),), now, Done(len(fresh))) if fresh else Decision(Done(0))
        case Drop():
            found = (job for job in state.jobs.values() if job.dead or (command.job_id and not is_held(job, now)))
            dropped = _named(state, command.job_id, found)
            refused = {it.job_id: "It was taken out of the queue." for it in dropped if not _is_here(state, it)}
            ended = tuple(job.job_id for job in dropped)
            event = Changed(now, ended=ended, refused=refused)
            return Decision(Done(len(ended)), (event,), erased=ended) if ended else Decision(Done(0))
        case Forget():
            ended = tuple(name for name in command.job_ids if name in state.jobs)
            return Decision(Done(len(ended)), (Forgotten(now, command.job_ids, ended),), erased=ended)
        case Enrol():
            return _enrol(state, command, now)


def _named(state: Queue, job_id: str, jobs: Iterable[Job]) -> Sequence[Job]:
    found = [job for job in jobs if job.job_id == job_id or not job_id]
    if job_id and not found and job_id not in state.jobs:
        raise BadInput(f"There is no job {job_id[:80]} in the queue.", "See /queue for those that are.")
    return found


def _is_here(state: Queue, job: Job) -> bool:
    return job.is_listing or job.job_id in state.brought_in


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
    return _woken(state, (event,), now, Done(len(dropped)))


# ---------------------------------------------------------------- looking again
def _look(state: Queue, now: float) -> Decision[Event]:
    """End what ran out, wake workers for what is ready, and say when to look again."""
    lost = [job for job in state.jobs.values() if job.lease and job.lease_until <= now]
    freed = tuple(_freed(job, now) for job in lost)
    events: tuple[Event, ...] = (Looked(now, 0.0), *((Changed(now, freed),) if freed else ()))
    return _woken(state, events, now, Done(len(freed)))


def _freed(job: Job, now: float) -> Job:
    if job.crashes + 1 >= MAX_CRASHES:
        return _given_up(job)
    return replace(job, lease=0, lease_until=0.0, crashes=job.crashes + 1, not_before=now + _CRASH_WAIT_S * job.crashes)


def _given_up(job: Job) -> Job:
    reason = f"Its worker ended {MAX_CRASHES} times without a word."
    return replace(job, lease=0, lease_until=0.0, crashes=MAX_CRASHES, dead=True, state="crashed", reason=reason)


def _next_at(job: Job) -> float:
    return max(job.not_before, job.lease_until)


def _woken(state: Queue, events: tuple[Event, ...], now: float, reply: Reply, *, ring: bool = True) -> Decision[Event]:
    """The decision with these events; workers are woken if a job is ready, and the queue looks again when it must."""
    after = KIND.replay(state, events)
    ready = [job for job in after.jobs.values() if is_ready(after, job, now)]
    effects: tuple[Effect, ...] = ()
    if ready and ring:
        call = to_json([after.key, int(min(job.urgency for job in ready))])
        effects += (Effect("ring", WORKERS, call, now),)
    times = [_next_at(job) for job in after.jobs.values() if not job.dead and not rests(after, job)]
    next_at = max(now + 1.0, min(times)) if times else 0.0
    if ready:
        next_at = now + RING_S
    if next_at and (not after.look_at or next_at < after.look_at):
        events += (Looked(now, next_at),)
        effects += (Effect("look", SELF, to_json(Look()), next_at),)
    return Decision(reply, events, effects=effects)
