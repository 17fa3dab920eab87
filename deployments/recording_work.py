"""Brings one recording in: read -> store -> sum up. Each step is recorded, so that a crash goes on where it was.

What ends a job is a value: `Finish` where it is done or refused for good, `Fail` where it comes again.
"""

import logging
import random
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.entity_codec import to_json
from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited
from core.following import Announcement
from core.ingest_keys import tenant_of
from core.ingest_messages import STORED, TEXT, Fail, Finish, Job, LeaseLost, Urgency
from core.ingest_ports import IngestQueue
from core.messages import IngestOutcome, IngestState, IngestStep, Passage
from core.passages import to_passages
from core.retrying import full_jitter_s
from core.source_states import CLOSED_STATES, SourceState, next_try_at
from core.tenancy import TenantContext
from core.transcripts import Transcript, packed, unpacked
from deployments.storing import Embedded, Storing

DAY_S = 86_400.0
_DEFECT, _PART, _UNREADABLE = "defect", "part", "unreadable"
_MAX_ODD = 3
_ODD_S = 6 * 3_600.0
_MAX_DEFECTS = 3
_MAX_PART_FAILURES = 20
_RETRY_BASE_S = 2.0
_RETRY_CAP_S = 900.0
_JITTER = 0.1
# Captions are corrected in the first days, if at all.
_CHECKS_S = (DAY_S, 7 * DAY_S)
_log = logging.getLogger(__name__)


class Refused(Exception):
    """A recording that is not brought in, now or ever: `state` names why, `reason` says it."""

    def __init__(self, state: str, reason: str) -> None:
        super().__init__(state, reason)
        self.state = state
        self.reason = reason


class Reader(Protocol):
    """Who reads what a job names."""

    async def read(self, key: str, job: Job) -> Transcript:
        """The recording's text. Raises Refused, NotReadable, BadInput or Unavailable."""
        ...


class Analyst(Protocol):
    """Who sums a recording up."""

    async def announcement(
        self, transcript: Transcript, passages: Sequence[Passage], embedded: Embedded, job: Job, tenant: TenantContext
    ) -> Announcement:
        """The post about a recording."""
        ...


@dataclass(frozen=True, slots=True)
class WorkRules:
    """What becomes of a recording that its site deleted: `removes_deleted`."""

    removes_deleted: bool = False


Told = Callable[[str, Job, IngestStep, str], None]
After = Callable[[str, Job, Transcript], Awaitable[None]]


class RecordingWork:
    """Does the jobs of recordings. `outcomes` has what became of those that ended here, for whoever waits for them."""

    def __init__(
        self,
        reader: Reader,
        storing: Storing,
        queue: IngestQueue,
        analyst: Analyst,
        rules: WorkRules = WorkRules(),
        *,
        told: Told = lambda _key, _job, _step, _title: None,
        after: After | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """`told` hears of each step; `after` is done with what was brought in newly, and may fail."""
        self._reader, self._storing, self._queue, self._analyst = reader, storing, queue, analyst
        self._rules, self._told, self._after, self._clock = rules, told, after, clock
        self.outcomes: dict[tuple[str, str], IngestOutcome] = {}

    async def __call__(self, key: str, job: Job) -> Finish | Fail:
        """Bring the recording of `job` in, for the queue `key`."""
        try:
            return await self._bring_in(key, job)
        except Refused as error:
            return self._refused(key, job, error.state, error.reason)
        except NotReadable as error:
            return await self._not_readable(key, job, error)
        except BadInput as error:
            return self._odd(key, job, str(error))
        except (Busy, RateLimited) as error:
            # Ours or a site's line: it costs no try.
            wait_s = error.retry_after_s or _RETRY_CAP_S
            return self._again(key, job, _PART, str(error), self._clock() + wait_s * random.uniform(1.0, 1.2))
        except BotError as error:
            return self._again(key, job, _PART, str(error), self._retry_at(job, _PART, _MAX_PART_FAILURES))
        except Exception as error:  # noqa: BLE001 - the outermost edge: one odd recording must not end a worker
            _log.exception("%s could not be brought in", job.job_id)
            reason = (
                f"Something in the bot went wrong with it ({type(error).__name__}); its operator finds it in the log."
            )
            return self._again(key, job, _DEFECT, reason, self._retry_at(job, _DEFECT, _MAX_DEFECTS))

    # ------------------------------------------------------------ the way in
    async def _bring_in(self, key: str, job: Job) -> Finish:
        tenant = tenant_of(key)
        transcript = await self._transcript(key, job)
        recording = transcript.recording
        also = (recording.recording_id,) if recording.recording_id != job.job_id else ()
        if also and not job.again and recording.recording_id in await self._queue.became(key, also):
            return self._finished(key, job, transcript, IngestState.UNCHANGED, 0, also)
        passages = to_passages(recording, transcript.sentences, chapters=transcript.chapters)
        self._told(key, job, IngestStep.EMBEDDING, recording.title)
        stored = await self._storing.is_stored(tenant, passages)
        # What is to be announced may have been stored by a worker that died before it could say so.
        if stored and not job.announce_to:
            return self._finished(key, job, transcript, IngestState.UNCHANGED, len(passages), also)
        embedded = await self._storing.embedded(passages)
        await self._still_wanted(key, job)
        new = await self._storing.store(tenant, passages, embedded)
        self._told(key, job, IngestStep.STORING, recording.title)
        await self._kept(key, job, recording.recording_id)
        announcement = ""
        if job.announce_to:
            post = await self._analyst.announcement(transcript, passages, embedded, job, tenant)
            announcement = to_json(post)
        if self._after is not None:
            await self._after(key, job, transcript)
        state = IngestState.INGESTED if new else IngestState.UNCHANGED
        return self._finished(key, job, transcript, state, len(passages), also, announcement)

    async def _transcript(self, key: str, job: Job) -> Transcript:
        if job.step and (kept := unpacked(await self._queue.kept(key, job.job_id))):
            return kept
        self._told(key, job, IngestStep.CAPTIONS, job.title)
        transcript = await self._reader.read(key, job)
        if isinstance(await self._queue.keep(key, job.job_id, job.lease, TEXT, packed(transcript)), LeaseLost):
            raise Refused("lease_lost", "Somebody else works on it.")
        return transcript

    async def _still_wanted(self, key: str, job: Job) -> None:
        if isinstance(await self._queue.keep(key, job.job_id, job.lease, TEXT), LeaseLost):
            raise Refused("lease_lost", "It is not wanted any more, or somebody else works on it.")

    async def _kept(self, key: str, job: Job, recording_id: str) -> None:
        """Record that it is stored; what was forgotten while it was being stored is deleted again."""
        if not isinstance(await self._queue.keep(key, job.job_id, job.lease, STORED), LeaseLost):
            return
        await self._forget_unwanted(key, (job.job_id, recording_id), recording_id)
        raise Refused("lease_lost", "It is not wanted any more, or somebody else works on it.")

    async def forget(self, key: str, job: Job) -> Finish | Fail:
        """Delete what may have been stored by a worker that died when it was forgotten, unless it is wanted again."""
        try:
            await self._forget_unwanted(key, (job.forgets,), job.forgets)
        except BotError as error:
            return Fail(job.job_id, job.lease, _PART, str(error), self._clock() + _RETRY_CAP_S)
        return Finish(job.job_id, job.lease)

    async def _forget_unwanted(self, key: str, names: Sequence[str], recording_id: str) -> None:
        if not await self._queue.under_way(key, names) and not await self._queue.became(key, names):
            await self._storing.forget(tenant_of(key), recording_id)

    # ------------------------------------------------------------ how it ends
    def _finished(
        self,
        key: str,
        job: Job,
        transcript: Transcript,
        state: IngestState,
        passages: int,
        also: tuple[str, ...],
        announcement: str = "",
    ) -> Finish:
        recording = transcript.recording
        self._ended(key, job, IngestOutcome(recording.url, recording.title, state, passages))
        check_at = self._check_at(transcript.published_at)
        return Finish(job.job_id, job.lease, announcement=announcement, check_at=check_at, also_known_as=also)

    def _check_at(self, published_at: float) -> float:
        """When to look whether it changed at its source; 0.0 where it is too old for that."""
        now = self._clock()
        return next((published_at + age_s for age_s in _CHECKS_S if published_at and published_at + age_s > now), 0.0)

    def _refused(self, key: str, job: Job, state: str, reason: str) -> Finish:
        skipped = state in _SKIPS
        self._ended(
            key,
            job,
            IngestOutcome(job.url, job.title, IngestState.SKIPPED if skipped else IngestState.FAILED, reason=reason),
        )
        return Finish(job.job_id, job.lease, state, reason)

    def _again(self, key: str, job: Job, state: str, reason: str, retry_at: float | None) -> Fail:
        self._ended(key, job, IngestOutcome(job.url, job.title, IngestState.FAILED, reason=reason))
        return Fail(job.job_id, job.lease, state, reason, retry_at)

    def _ended(self, key: str, job: Job, outcome: IngestOutcome) -> None:
        self.outcomes[key, job.job_id] = outcome
        while len(self.outcomes) > 10_000:
            del self.outcomes[next(iter(self.outcomes))]

    def _odd(self, key: str, job: Job, reason: str) -> Finish | Fail:
        """What cannot be read as it is. Where nobody waits it is looked at again: a site may have given half a page."""
        tries = job.attempts if job.state == _UNREADABLE else 0
        if job.urgency is Urgency.PERSON or tries + 1 >= _MAX_ODD:
            return self._refused(key, job, _UNREADABLE, reason)
        return self._again(key, job, _UNREADABLE, reason, self._clock() + _ODD_S)

    async def _not_readable(self, key: str, job: Job, error: NotReadable) -> Finish | Fail:
        if error.state is SourceState.DELETED and (await self._queue.became(key, [job.job_id])).get(job.job_id) == "":
            return await self._deleted(key, job, str(error))
        # A person is told at once; what only its owner can change is not worth waiting for.
        if job.urgency is Urgency.PERSON and error.state in CLOSED_STATES:
            return self._refused(key, job, error.state, str(error))
        attempts = job.attempts + 1 if job.state == error.state else 1
        now = self._clock()
        at = next_try_at(error.state, attempts, now, retry_after_s=error.retry_after_s)
        if at is None and error.state in CLOSED_STATES:
            return self._refused(key, job, error.state, str(error))
        if at is not None:
            at += random.uniform(0.0, _JITTER) * (at - now)
        return self._again(key, job, error.state, str(error), at)

    async def _deleted(self, key: str, job: Job, reason: str) -> Finish:
        """What is here and was deleted at its source stays, or goes too."""
        if not self._rules.removes_deleted:
            kept = f"{reason} What is here of it stays."
            self._ended(key, job, IngestOutcome(job.url, job.title, IngestState.FAILED, reason=kept))
            return Finish(job.job_id, job.lease)
        await self._storing.forget(tenant_of(key), job.job_id)
        return self._refused(key, job, SourceState.DELETED, f"{reason} It was removed here too.")

    def _retry_at(self, job: Job, state: str, most: int) -> float | None:
        attempts = job.attempts if job.state == state else 0
        if attempts + 1 >= most:
            return None
        wait_s = full_jitter_s(attempts, base_s=_RETRY_BASE_S, cap_s=_RETRY_CAP_S, rng=random.Random())
        return self._clock() + 1.0 + wait_s


# Recordings with these are left out, and nothing went wrong.
_SKIPS = frozenset(
    {"no_captions", "old", "kind", "exit", SourceState.LIVE, SourceState.PREMIERE, SourceState.PROCESSING}
)
