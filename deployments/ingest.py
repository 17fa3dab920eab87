"""Brings recordings in, for people and for followed channels: links -> the tenant's queue -> workers.

What somebody asks for goes through the same queue as news and backfill, before those; so it is done once, survives a
crash, and a restart goes on with it.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from core.following import JobState, JobView
from core.ingest_keys import queue_key
from core.ingest_messages import Fail, Finish, Job, NewJob, Urgency
from core.ingest_ports import ChannelFollower, IngestQueue
from core.messages import (
    IngestOutcome,
    IngestProgress,
    IngestReport,
    IngestRequest,
    IngestState,
    IngestStep,
)
from core.personal_data import PersonalData
from core.ports import Embedder, Pace, TranscriptStore
from core.results import Fail as Failed
from core.results import Ok, Skip, StepResult
from core.stages import stage
from core.uploads import Channel
from core.words import whole_characters
from deployments import reading
from deployments.analysis import Analyst
from deployments.auto_follow import AutoFollow, AutoFollowRules
from deployments.channel_looks import ChannelLooks, Channels, LookRules
from deployments.ingest_workers import LEASE_S, Workers
from deployments.media_source import Listing
from deployments.pacing import admit
from deployments.posts import Posts
from deployments.reading import Handed, Listener, Reading, ReadingRules, job_id_of
from deployments.recording_work import RecordingWork, WorkRules
from deployments.storing import Storing

READING, WORK, LOOKS, AUTO_FOLLOW = ReadingRules(), WorkRules(), LookRules(), AutoFollowRules()
Event: TypeAlias = IngestProgress | IngestReport
_LOOK_S, _LOOK_FOR_EACH_S = 0.2, 0.004
# Who waits for a job that comes again later is told so, and does not wait.
_SOON_S = 5.0
_TRIES = 2
_JOBS_A_CALL = 200


class Source(reading.Source, Channels, Protocol):
    """`deployments.media_source.MediaSource`, as far as it is needed here."""

    async def resolve(self, url: str) -> Channel: ...


@dataclass(frozen=True, slots=True)
class IngestConfig:
    """How recordings are brought in: `at_once` of them, and each part by its rules.

    A worker that gives no sign of life for `lease_s` seconds is taken for dead, and its job given to another.
    """

    at_once: int = 4
    reading: ReadingRules = READING
    work: WorkRules = WORK
    looks: LookRules = LOOKS
    auto_follow: AutoFollowRules = AUTO_FOLLOW
    lease_s: float = LEASE_S


class Ingest:
    """Puts what people ask for into their queues, tells how far it is, and works on the queues of all.

    It keeps nothing: every state is in the queues and the store, and doing it again changes and embeds nothing.
    """

    def __init__(
        self,
        source: Source,
        embedder: Embedder,
        store: TranscriptStore,
        queue: IngestQueue,
        followers: ChannelFollower,
        pace: Pace,
        config: IngestConfig = IngestConfig(),
        *,
        listener: Listener | None = None,
        personal_data: PersonalData | None = None,
        analyst: Analyst | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """As for `Reading`; with an `analyst` recordings are summed up for their announcements."""
        self._source, self._queue, self._pace, self._clock = source, queue, pace, clock
        self._handed = Handed()
        self._steps: dict[tuple[str, str], tuple[IngestStep, str]] = {}
        reader = Reading(
            source,
            queue,
            self._handed,
            config.reading,
            listener=listener,
            personal_data=personal_data,
            told=self._tell,
            clock=clock,
        )
        storing = Storing(embedder, store)
        auto_follow = AutoFollow(followers, config.auto_follow, clock)
        self._recordings = RecordingWork(
            reader,
            storing,
            queue,
            Posts(analyst),
            config.work,
            told=self._tell,
            after=auto_follow.trigger_auto_follow,
            clock=clock,
        )
        self._looks = ChannelLooks(source, followers, config.looks, clock=clock)
        self._workers = Workers(queue, self._work, at_once=config.at_once, lease_s=config.lease_s)

    # ------------------------------------------------------------ working
    async def ring(self, key: str, urgency: int) -> None:
        """There is something to do in the queue `key`."""
        self._workers.ring(key, urgency)

    async def _work(self, key: str, job: Job) -> Finish | Fail:
        if job.is_listing:
            return await self._looks(job)
        if job.forgets:
            return await self._recordings.forget(key, job)
        try:
            return await self._recordings(key, job)
        finally:
            self._steps.pop((key, job.job_id), None)

    def _tell(self, key: str, job: Job, step: IngestStep, title: str) -> None:
        """How far a job is, for whoever waits for it."""
        self._steps[key, job.job_id] = step, title

    async def resolve(self, url: str) -> Channel:
        """The channel behind a link. Raises NotReadable, BadInput or Unavailable."""
        return await self._source.resolve(url)

    async def forget_fetched(self) -> None:
        """Hold nothing any more of what was fetched for jobs, or became of them."""
        self._handed.clear()
        self._recordings.outcomes.clear()

    async def close(self) -> None:
        """Take no more jobs, and give those under way a moment."""
        await self._workers.stop(1.0)

    # ------------------------------------------------------------ for people
    async def run(self, request: IngestRequest) -> AsyncIterator[Event]:
        """Progress while it goes on, and the report last. What fails is an outcome in the report, with a sentence.

        Whoever stops listening stops nothing: what was put into the queue is done. Raises RateLimited, before anything
        is fetched, where the tenant or user asks too much at once.
        """
        await admit(self._pace, request.tenant)
        yield IngestProgress(IngestStep.LISTING, 0, 0)
        listed = await self._stage_list(request.url)
        if not isinstance(listed, Ok):
            yield IngestReport(request.url, (_unread(request.url, "", listed),))
            return
        key = queue_key(request.tenant)
        jobs = self._jobs(key, listed.data)
        for start in range(0, len(jobs), _JOBS_A_CALL):
            await self._queue.add(key, jobs[start : start + _JOBS_A_CALL])
        await self.ring(key, Urgency.PERSON)
        outcomes: dict[str, IngestOutcome] = {}
        async for progress in self._progress(key, jobs, outcomes):
            yield progress
        of_the_list = ((IngestState.FAILED, listed.data.problem), (IngestState.SKIPPED, listed.data.left_out))
        more = [IngestOutcome(request.url, listed.data.title, state, reason=why) for state, why in of_the_list if why]
        yield IngestReport(request.url, (*(outcomes[job.job_id] for job in jobs), *more))

    @stage("list")
    async def _stage_list(self, url: str) -> StepResult[Listing]:
        return Ok(await self._source.list(url))

    def _jobs(self, key: str, listing: Listing) -> Sequence[NewJob]:
        jobs: dict[str, NewJob] = {}
        for entry in listing.entries:
            name = job_id_of(entry)
            jobs[name] = NewJob(name, entry.url, whole_characters(entry.title), Urgency.PERSON, again=True)
            self._handed.put(key, name, entry)
        return tuple(jobs.values())

    async def _progress(
        self, key: str, jobs: Sequence[NewJob], outcomes: dict[str, IngestOutcome]
    ) -> AsyncIterator[IngestProgress]:
        """Wait until each job has ended or was put off; its outcome is in `outcomes`, by its id."""
        shown: IngestProgress | None = None
        while True:
            waiting = [job for job in jobs if job.job_id not in outcomes]
            views = await self._queue.under_way(key, [job.job_id for job in waiting])
            for job in waiting:
                view = views.get(job.job_id)
                if view is None or _is_put_off(view, self._clock()):
                    outcomes[job.job_id] = await self._outcome(key, job, view)
            progress = self._at(key, jobs, outcomes)
            if progress != shown:
                shown = progress
                yield progress
            if len(outcomes) == len(jobs):
                return
            # A long list takes its time, and each look asks for all that is left of it.
            await asyncio.sleep(_LOOK_S + _LOOK_FOR_EACH_S * len(waiting))

    def _at(self, key: str, jobs: Sequence[NewJob], outcomes: dict[str, IngestOutcome]) -> IngestProgress:
        """How far all are: the step of the first that is not done."""
        first = next((job for job in jobs if job.job_id not in outcomes), jobs[-1])
        step, title = self._steps.get((key, first.job_id), (IngestStep.CAPTIONS, first.title))
        if len(outcomes) == len(jobs):
            step = IngestStep.STORING
        return IngestProgress(step, len(outcomes), len(jobs), title)

    async def _outcome(self, key: str, job: NewJob, view: JobView | None) -> IngestOutcome:
        known = self._recordings.outcomes.pop((key, job.job_id), None)
        if view is not None:
            later = " It is tried again by itself." if view.state is JobState.WAITING else ""
            return IngestOutcome(job.url, job.title, IngestState.FAILED, reason=f"{view.reason}{later}")
        if known is not None:
            return known
        why = (await self._queue.became(key, [job.job_id])).get(job.job_id, "It was taken out of the queue.")
        state = IngestState.FAILED if why else IngestState.INGESTED
        return IngestOutcome(job.url, job.title, state, reason=why)


def _is_put_off(view: JobView, now: float) -> bool:
    """Whether it comes again so late, or so often already, that nobody should wait for it, or never."""
    late = view.next_try_at > now + _SOON_S or (view.attempts >= _TRIES and view.reason)
    return view.state is JobState.DEAD or (view.state is JobState.WAITING and bool(late))


def _unread(url: str, title: str, result: Skip | Failed) -> IngestOutcome:
    if isinstance(result, Skip):
        return IngestOutcome(url, title, IngestState.SKIPPED, reason=result.reason)
    return IngestOutcome(url, title, IngestState.FAILED, reason=result.message)
