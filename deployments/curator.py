"""What moderators do: follow channels, look after the queue, have things forgotten. The port `core.ports.Curator`."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.activity_documents import Forget
from core.answer_cache_ports import AnswerCache
from core.errors import BadInput, NotReadable
from core.follow_messages import ChannelInfo, FollowDone, NotFollowed, Wish
from core.following import Followed, FollowRequest, ForgetReport, ForgetRequest, QueueView
from core.ingest_keys import follower_key, queue_key
from core.ingest_ports import ChannelFollower, IngestQueue
from core.links import recording_id_of
from core.ports import ActivityLog, Pace, TranscriptStore
from core.results import ErrorCategory, Fail, Ok, Skip, StepResult
from core.stages import stage
from core.tenancy import TenantContext
from core.uploads import Channel
from deployments.pacing import admit

DAY_S = 86_400.0
MAX_BACK_DAYS = 20_000
ALL = "all"


class Resolver(Protocol):
    """Who can say which channel a link leads to."""

    async def resolve(self, url: str) -> Channel:
        """The channel behind a link. Raises NotReadable, BadInput, or Unavailable."""
        ...

    async def forget_fetched(self) -> None:
        """Hold nothing any more of what was fetched."""
        ...


@dataclass(frozen=True, slots=True)
class FollowBounds:
    """What one workspace may follow: `max_channels`, of each at most `max_past` uploads of its past.

    A channel that would take the workspace beyond `max_recordings` starts paused.
    """

    max_channels: int = 50
    max_past: int = 200
    max_recordings: int = 20_000


class DeployedCurator:
    """Implements `core.ports.Curator` over references to the entities, the ingest deployment and the store."""

    def __init__(
        self,
        resolver: Resolver,
        followers: ChannelFollower,
        queue: IngestQueue,
        store: TranscriptStore,
        activity: ActivityLog,
        cache: AnswerCache,
        pace: Pace,
        bounds: FollowBounds = FollowBounds(),
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._resolver, self._followers, self._queue = resolver, followers, queue
        self._store, self._activity, self._cache, self._pace = store, activity, cache, pace
        self._bounds, self._clock = bounds, clock

    # ------------------------------------------------------------ following
    @stage("follow")
    async def follow(self, request: FollowRequest) -> StepResult[Followed]:
        """Follow a channel from now on and bring in its past; a Skip where it is followed already."""
        await admit(self._pace, request.tenant)
        queue = queue_key(request.tenant)
        if not request.kinds or not 0 <= request.back_days <= MAX_BACK_DAYS:
            raise BadInput(
                "Nothing of the channel would be brought in.", f"Choose kinds, and 0 to {MAX_BACK_DAYS} days."
            )
        channel = await self._resolver.resolve(request.url)
        channels = await self._queue.channels(queue)
        key = follower_key(queue, channel.channel_id)
        if key not in channels and len(channels) >= self._bounds.max_channels:
            problem = f"This server follows {len(channels)} channels already; more are not taken."
            return Fail(ErrorCategory.RATE_LIMITED, f"{problem} Unfollow one first.")
        info = ChannelInfo(channel.channel_id, channel.url, channel.title, channel.host)
        done = await self._followers.follow(key, info, self._wish(request), await self._over_budget(queue))
        if not done.changed:
            return Skip(f"{channel.title or channel.url} is followed already; see /following.")
        return await self._shown(queue, key)

    def _wish(self, request: FollowRequest) -> Wish:
        return Wish(
            tuple(request.kinds),
            self._clock() - request.back_days * DAY_S,
            self._bounds.max_past if request.back_days else 0,
            request.announce_to,
            request.announce_past,
            request.only,
            request.without,
        )

    async def _over_budget(self, queue: str) -> str:
        """Why a new channel has to rest, "" where it need not."""
        view, most = await self._queue.view(queue), self._bounds.max_recordings
        there = view.done + view.waiting + view.working
        if there + self._bounds.max_past <= most:
            return ""
        return (
            f"With it this server could have more than {most:,} recordings ({there:,} are here or waiting). "
            "Resume it when there is room, or ask the people who run this bot for more."
        )

    async def unfollow(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        """Follow it no more; what was brought in stays."""
        return await self._changed(tenant, channel, self._followers.unfollow)

    async def pause(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        """Look for no news and bring in nothing of it until it is resumed."""
        return await self._changed(tenant, channel, lambda key: self._followers.pause(key, "Somebody paused it."))

    async def resume(self, tenant: TenantContext, channel: str) -> StepResult[Followed]:
        """Go on with a paused channel."""
        return await self._changed(tenant, channel, self._followers.resume)

    async def backfill(self, tenant: TenantContext, channel: str, back_days: int) -> StepResult[Followed]:
        """List the channel again, back to `back_days` ago, and bring in what is missing; 0 days only reports."""
        if not 0 <= back_days <= MAX_BACK_DAYS:
            return Fail(ErrorCategory.BAD_INPUT, f"Choose 0 to {MAX_BACK_DAYS:,} days.")

        async def widen(key: str) -> FollowDone | NotFollowed:
            if not back_days:
                return FollowDone(True)
            since = self._clock() - back_days * DAY_S
            return await self._followers.backfill(key, since, self._bounds.max_past)

        return await self._changed(tenant, channel, widen)

    @stage("following")
    async def following(self, tenant: TenantContext) -> StepResult[Sequence[Followed]]:
        """Every followed channel, by title."""
        queue = queue_key(tenant)
        keys = await self._queue.channels(queue)
        shown = await asyncio.gather(*(self._shown(queue, key) for key in keys))
        found = [it.data for it in shown if isinstance(it, Ok)]
        return Ok(tuple(sorted(found, key=lambda it: (it.channel.title.casefold(), it.channel.channel_id))))

    @stage("change")
    async def _changed(
        self, tenant: TenantContext, channel: str, change: Callable[[str], Awaitable[FollowDone | NotFollowed]]
    ) -> StepResult[Followed]:
        queue = queue_key(tenant)
        key = await self._find(queue, channel)
        before = await self._shown(queue, key)
        done = await change(key)
        if isinstance(done, NotFollowed):
            return Fail(ErrorCategory.NOT_FOUND, "That channel is not followed; see /following.")
        after = await self._shown(queue, key)
        return after if isinstance(after, Ok) else before

    async def _shown(self, queue: str, key: str) -> StepResult[Followed]:
        became = await self._queue.became(queue, await self._followers.accepted(key))
        followed = await self._followers.view(key, became)
        if followed is None:
            return Fail(ErrorCategory.NOT_FOUND, "That channel is not followed; see /following.")
        return Ok(followed)

    async def _find(self, queue: str, channel: str) -> str:
        """The key of the followed channel that `channel` names. Raises BadInput where it names none, or several."""
        channels = await self._queue.channels(queue)
        named = channel.strip().casefold()
        exact = [key for key, it in channels.items() if named in (it.channel_id.casefold(), it.title.casefold())]
        found = exact or [key for key, it in channels.items() if named == it.url.casefold()]
        found = found or [key for key, it in channels.items() if named and named in it.title.casefold()]
        if not found and named.startswith(("http://", "https://")):
            resolved = await self._resolver.resolve(channel.strip())
            found = [key for key, it in channels.items() if it.channel_id == resolved.channel_id]
        if len(found) == 1:
            return found[0]
        if not found:
            raise BadInput("No followed channel has that name or link.", "See /following for those that are followed.")
        titles = ", ".join(sorted(channels[key].title or channels[key].url for key in found)[:5])
        raise BadInput(f"That names several channels: {titles}.", "Give the whole title, or the link.")

    # ------------------------------------------------------------ the queue
    @stage("queue")
    async def queue(self, tenant: TenantContext) -> StepResult[QueueView]:
        """The queue as people see it."""
        return Ok(await self._queue.view(queue_key(tenant)))

    @stage("retry")
    async def retry(self, tenant: TenantContext, job: str) -> StepResult[int]:
        """Try dead jobs again: one by its id, or all of them ("all"); how many."""
        return Ok((await self._queue.retry(queue_key(tenant), _named(job))).count)

    @stage("drop")
    async def drop(self, tenant: TenantContext, job: str) -> StepResult[int]:
        """Take jobs out of the queue: one by its id, or all dead ones ("all"); how many."""
        return Ok((await self._queue.drop(queue_key(tenant), _named(job))).count)

    # ------------------------------------------------------------ forgetting
    @stage("forget")
    async def forget(self, request: ForgetRequest) -> StepResult[ForgetReport]:
        """Delete a video, a channel with all its videos, or what a user asked, wherever it is kept."""
        tenant = request.tenant
        if bool(request.url) == bool(request.whose):
            raise BadInput("It is not clear what to forget.", "Give a link, or say whose questions.")
        if request.whose:
            forgotten = await self._activity.forget(tenant.tenant, Forget(user=request.whose))
            cached = await self._cache.forget_user(tenant.tenant, request.whose)
            return Ok(ForgetReport(documents=forgotten.total + cached, notes=_NOTES))
        queue = queue_key(tenant)
        try:
            key = await self._find(queue, request.url)
        except (BadInput, NotReadable):
            # No channel that is followed: so it is a recording.
            return await self._forget_recordings(tenant, (recording_id_of(request.url),), 0)
        recordings = await self._followers.accepted(key)
        # First the follower: it would bring in again what is deleted.
        await self._followers.unfollow(key)
        return await self._forget_recordings(tenant, recordings, 1)

    async def _forget_recordings(
        self, tenant: TenantContext, recording_ids: Sequence[str], followed: int
    ) -> StepResult[ForgetReport]:
        # First the queue: a job that is being done loses its lease, and stores nothing after this.
        jobs = (await self._queue.forget(queue_key(tenant), recording_ids)).count
        await self._resolver.forget_fetched()
        recordings = passages = 0
        for recording_id in recording_ids:
            deleted = await self._store.forget_recording(tenant, recording_id)
            recordings, passages = recordings + bool(deleted), passages + deleted
        # Also where the store has nothing: an earlier call may have been cut off before this.
        answers = await self._activity.forget_recordings(tenant.tenant, recording_ids)
        documents = answers.total + await self._cache.forget_recordings(tenant.tenant, recording_ids)
        if not (recordings or jobs or followed or documents):
            return Fail(
                ErrorCategory.NOT_FOUND, "Nothing of that is here. Give the link that /status or /following shows."
            )
        return Ok(ForgetReport(recordings, passages, documents, jobs, followed, _NOTES))


_NOTES = ("Backups lose it when they are made next.",)


def _named(job: str) -> str:
    if not job.strip():
        raise BadInput("No job is named.", 'Give the id that /queue shows, or "all".')
    return "" if job.strip().casefold() == ALL else job.strip()
