"""What every tenant wants brought in: the port `core.ingest_ports.IngestQueue` over `core.ingest_queue`."""

from collections.abc import Mapping, Sequence

import msgspec

from actors.runtime_entities import EntityActor, query
from actors.runtime_host import ShardConfig
from core.entities import Effect, Find
from core.following import Announcement, JobView, QueueView
from core.ingest_messages import (
    Add,
    AddReply,
    Command,
    Done,
    Drop,
    Enrol,
    Event,
    Fail,
    Finish,
    Forget,
    Keep,
    Lease,
    Leased,
    LeaseLost,
    NewJob,
    NoSpeech,
    NothingToDo,
    Renew,
    Retry,
    SpeechTaken,
    TakeSpeech,
)
from core.ingest_ports import Bell, Post
from core.ingest_queue import KIND
from core.ingest_queue_state import FollowedChannel, Queue, became, under_way, view
from core.ingest_queue_waking import WORKERS
from core.ingest_queue_work import ANNOUNCE

_LISTED = 50


class IngestQueue(EntityActor[Queue, Command, Event]):
    """Each recording is brought in once, in spite of crashes at any step; its announcement is kept until it is posted.

    Jobs, leases, what was brought in and what was refused survive a restart.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, bell: Bell, post: Post) -> None:
        """`bell` wakes the workers, `post` gets announcements to Discord."""
        self._bell, self._post = bell, post
        super().__init__(config, {WORKERS: self._ring, ANNOUNCE: self._announce})

    # ------------------------------------------------------------ putting in and looking
    async def add(self, key: str, jobs: Sequence[NewJob]) -> AddReply:
        """Put jobs into the queue; one that is there already is joined. Raises BadInput where the queue is full."""
        reply: AddReply = self.decide(key, Add(tuple(jobs)))
        return reply

    async def enrol(self, key: str, enrol: Enrol) -> Done:
        """A follower is there, rests, or is no more."""
        reply: Done = self.decide(key, enrol)
        return reply

    async def retry(self, key: str, job_id: str = "") -> Done:
        """Try a dead job again, or all of them. Raises BadInput where there is no such job."""
        reply: Done = self.decide(key, Retry(job_id))
        return reply

    async def drop(self, key: str, job_id: str = "") -> Done:
        """Take a job out that nobody works on, or all dead ones. Raises BadInput where there is no such job."""
        reply: Done = self.decide(key, Drop(job_id))
        return reply

    async def forget(self, key: str, job_ids: Sequence[str]) -> Done:
        """These recordings are gone: their jobs end, and they may be brought in again."""
        reply: Done = self.decide(key, Forget(tuple(job_ids)))
        return reply

    async def view(self, key: str) -> QueueView:
        """The queue as people see it."""
        return view(self.state(key), self.now(), _LISTED)

    async def became(self, key: str, job_ids: Sequence[str]) -> Mapping[str, str]:
        """What became of recordings: "" brought in, else why not; those still to come are left out."""
        return became(self.state(key), job_ids)

    async def under_way(self, key: str, job_ids: Sequence[str]) -> Mapping[str, JobView]:
        """Those of the jobs that are in the queue."""
        return under_way(self.state(key), job_ids, self.now())

    async def channels(self, key: str) -> Mapping[str, FollowedChannel]:
        """The followed channels, by their follower's key."""
        return self.state(key).channels

    # ------------------------------------------------------------ working
    async def lease(self, key: str, lease_s: float) -> Leased | NothingToDo:
        """Take the most urgent job that may be done now."""
        reply: Leased | NothingToDo = self.decide(key, Lease(lease_s))
        return reply

    async def renew(self, key: str, job_id: str, lease: int, lease_s: float) -> Done | LeaseLost:
        """Go on working."""
        reply: Done | LeaseLost = self.decide(key, Renew(job_id, lease, lease_s))
        return reply

    async def keep(self, key: str, job_id: str, lease: int, step: str, body: str = "") -> Done | LeaseLost:
        """A step is done; `body` is kept until the job ends."""
        reply: Done | LeaseLost = self.decide(key, Keep(job_id, lease, step, body))
        return reply

    async def finish(self, key: str, finish: Finish) -> Done | LeaseLost:
        """The job is done, or refused for good."""
        reply: Done | LeaseLost = self.decide(key, finish)
        return reply

    async def fail(self, key: str, fail: Fail) -> Done | LeaseLost:
        """The job could not be done now."""
        reply: Done | LeaseLost = self.decide(key, fail)
        return reply

    async def take_speech(
        self, key: str, job_id: str, lease: int, seconds: float, limit_s: float | None
    ) -> SpeechTaken | NoSpeech | LeaseLost:
        """Charge `seconds` of speech to this month's budget."""
        reply: SpeechTaken | NoSpeech | LeaseLost = self.decide(key, TakeSpeech(job_id, lease, seconds, limit_s))
        return reply

    @query
    async def kept(self, key: str, job_id: str) -> str:
        """What a job's last step made; "" where nothing is kept."""
        found = await self.find(key, Find(record_id=job_id, limit=1))
        return found[0].body if found else ""

    # ------------------------------------------------------------ effects
    async def _ring(self, effect: Effect) -> None:
        key, urgency = msgspec.json.decode(effect.body, type=tuple[str, int])
        await self._bell.ring(key, urgency)

    async def _announce(self, effect: Effect) -> None:
        await self._post.deliver(msgspec.json.decode(effect.body, type=Announcement))
