"""When an ingest queue wakes its workers, and when it looks again by itself."""

from functools import reduce

from core.entities import SELF, Decision, Effect
from core.entity_codec import to_json
from core.ingest_messages import Event, Job, Look, Looked, Reply
from core.ingest_queue_state import Queue, evolve, is_ready, rests

# While a job is ready, workers are told so again: one that was told may have died.
RING_S = 10.0
WORKERS = "workers"


def next_at_of(job: Job) -> float:
    return max(job.not_before, job.lease_until)


def woken(state: Queue, events: tuple[Event, ...], now: float, reply: Reply, *, ring: bool = True) -> Decision[Event]:
    """The decision with these events; workers are woken if a job is ready, and the queue looks again when it must."""
    after = reduce(evolve, events, state)
    ready = [job for job in after.jobs.values() if is_ready(after, job, now)]
    effects: tuple[Effect, ...] = ()
    if ready and ring:
        call = to_json([after.key, int(min(job.urgency for job in ready))])
        effects += (Effect("ring", WORKERS, call, now),)
    times = [next_at_of(job) for job in after.jobs.values() if not job.dead and not rests(after, job)]
    next_at = max(now + 1.0, min(times)) if times else 0.0
    if ready:
        next_at = now + RING_S
    if next_at and (not after.look_at or next_at < after.look_at):
        events += (Looked(now, next_at),)
        effects += (Effect("look", SELF, to_json(Look()), next_at),)
    return Decision(reply, events, effects=effects)
