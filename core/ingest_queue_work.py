"""How jobs of an ingest queue are worked on: leases, steps, and how they end. `core.ingest_queue` has the rules."""

from msgspec.structs import replace

from core.entities import Decision, Effect, Record
from core.errors import BadInput
from core.ingest_messages import (
    Changed,
    Done,
    Event,
    Fail,
    Finish,
    Job,
    Keep,
    Lease,
    Leased,
    Looked,
    NoSpeech,
    NothingToDo,
    Renew,
    SpeechTaken,
    TakeSpeech,
    Urgency,
)
from core.ingest_queue_state import Queue, is_ready, rests
from core.ingest_queue_waking import next_at_of, woken
from core.source_states import SourceState
from core.spending import month_start, next_month_start

MAX_CRASHES = 5
MAX_LEASE_S = 3_600.0
ANNOUNCE = "announce"
_CRASH_WAIT_S = 5.0
_TEXT_KIND = "text"


def leased(state: Queue, command: Lease, now: float) -> Decision[Event]:
    lease_s = _lease_s(command.lease_s)
    ready = [job for job in state.jobs.values() if is_ready(state, job, now)]
    if not ready:
        waiting = [next_at_of(job) for job in state.jobs.values() if not job.dead and not rests(state, job)]
        return Decision(NothingToDo(min(waiting, default=None)))
    job = min(ready, key=lambda it: (it.urgency, it.number))
    crashes = job.crashes + (1 if job.lease else 0)
    if crashes >= MAX_CRASHES:
        return woken(state, (Changed(now, (_given_up(job),)),), now, NothingToDo(now))
    leased = replace(job, lease=state.next_lease, lease_until=now + lease_s, crashes=crashes)
    event = Leased(now, leased)
    return woken(state, (event,), now, event, ring=False)


def _lease_s(lease_s: float) -> float:
    if not 0 < lease_s <= MAX_LEASE_S:
        raise BadInput(f"A lease of {lease_s} s is none.", f"Ask for up to {MAX_LEASE_S:,.0f} s.")
    return lease_s


def by_worker(
    state: Queue, job: Job, command: Renew | Keep | Finish | Fail | TakeSpeech, now: float
) -> Decision[Event]:
    match command:
        case Renew():
            renewed = replace(job, lease_until=now + _lease_s(command.lease_s))
            return Decision(Done(), (Changed(now, (renewed,)),))
        case Keep():
            record = (Record(job.job_id, now, _TEXT_KIND, command.body),) if command.body else ()
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
            return woken(state, (Changed(now, (failed,)),), now, Done())
        case TakeSpeech():
            return _take_speech(state, command, now)


def _finish(state: Queue, job: Job, command: Finish, now: float) -> Decision[Event]:
    brought_in = not command.state and job.is_recording
    refused = {}
    # What is here stays here, whatever a later look at it comes to, unless that removed it.
    stays = job.job_id in state.brought_in and command.state != SourceState.DELETED
    if command.state and job.is_recording and not stays:
        refused = {job.job_id: command.reason or command.state}
    check: tuple[Job, ...] = ()
    if job.asked_again:
        check = (replace(job, lease=0, lease_until=0.0, crashes=0, asked_again=False),)
    if command.check_at and brought_in:
        later = Job(job.job_id, job.number, job.url, job.title, Urgency.BACKFILL, job.followers)
        check = (replace(later, again=True, not_before=command.check_at),)
    names = (job.job_id, *command.also_known_as) if brought_in else ()
    event = Changed(now, check, (job.job_id,), names, refused)
    effects: tuple[Effect, ...] = ()
    # Two links to one recording may be worked on at once: the first of them announces it.
    if command.announcement and brought_in and not any(name in state.brought_in for name in names):
        effects = (Effect(f"announce {job.job_id}", ANNOUNCE, command.announcement, now),)
    # Whatever was kept of the job goes with it.
    erased = (job.job_id,) if job.step else ()
    ended = woken(state, (event,), now, Done(), ring=job.asked_again)
    return Decision(ended.reply, ended.events, erased=erased, effects=(*effects, *ended.effects))


def _take_speech(state: Queue, command: TakeSpeech, now: float) -> Decision[Event]:
    if not abs(command.seconds) < float("inf"):
        raise BadInput(f"{command.seconds} s of speech are none.", "Pass a length in seconds.")
    month = month_start(now)
    spent_s = state.speech_s if state.speech_month == month else 0.0
    if command.limit_s is not None and spent_s + command.seconds > command.limit_s:
        return Decision(NoSpeech(max(0.0, command.limit_s - spent_s), next_month_start(now)))
    event = SpeechTaken(now, month, command.job_id, command.seconds)
    return Decision(event, (event,))


def looked(state: Queue, now: float) -> Decision[Event]:
    """End what ran out, wake workers for what is ready, and say when to look again."""
    lost = [job for job in state.jobs.values() if job.lease and job.lease_until <= now]
    freed = tuple(_freed(job, now) for job in lost)
    events: tuple[Event, ...] = (Looked(now, 0.0), *((Changed(now, freed),) if freed else ()))
    return woken(state, events, now, Done(len(freed)))


def _freed(job: Job, now: float) -> Job:
    if job.crashes + 1 >= MAX_CRASHES:
        return _given_up(job)
    return replace(job, lease=0, lease_until=0.0, crashes=job.crashes + 1, not_before=now + _CRASH_WAIT_S * job.crashes)


def _given_up(job: Job) -> Job:
    reason = f"Its worker ended {MAX_CRASHES} times without a word."
    return replace(job, lease=0, lease_until=0.0, crashes=MAX_CRASHES, dead=True, state="crashed", reason=reason)
