"""Looks at a followed channel: fetches what is new of it, and tells its follower."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from core.errors import BadInput, BotError, Busy, NotReadable, RateLimited
from core.follow_messages import Found, FoundUpload
from core.follow_state import Order
from core.ingest_messages import Finish, Job
from core.ingest_ports import ChannelFollower
from core.source_signs import state_of_error
from core.source_states import SourceState, next_try_at
from core.uploads import Channel, Polled, Upload, UploadKind, Uploads, Validator
from core.words import whole_characters

_JITTER = 0.2
_FAILED_S = 300.0
_log = logging.getLogger(__name__)


class Channels(Protocol):
    """`deployments.media_source.MediaSource`, as far as it is needed here."""

    async def list_uploads(self, channel: Channel, kinds: Sequence[UploadKind], limit: int) -> Uploads: ...

    async def poll(self, channel: Channel, kinds: Sequence[UploadKind], validator: Validator) -> Polled: ...


@dataclass(frozen=True, slots=True)
class LookRules:
    """A channel is looked at every `poll_s` seconds, and listed whole, `max_listed` uploads, every `full_s`."""

    poll_s: float = 900.0
    full_s: float = 86_400.0
    max_listed: int = 5_000


class ChannelLooks:
    """Does the jobs that look at channels. What is found its follower keeps; a look that failed changes nothing."""

    def __init__(
        self,
        channels: Channels,
        followers: ChannelFollower,
        rules: LookRules,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._channels, self._followers = channels, followers
        self._rules, self._clock = rules, clock

    async def __call__(self, job: Job) -> Finish:
        """Look for each follower that asked; the job is done with that, and the followers know when to look again."""
        await asyncio.gather(*(self._look(follower) for follower in job.followers))
        return Finish(job.job_id, job.lease)

    async def _look(self, follower: str) -> None:
        order = await self._followers.order(follower)
        if order is None:
            return
        try:
            found = await self._found(order)
        except BotError as error:
            await self._failed(follower, order, error)
            return
        except Exception as error:  # noqa: BLE001 - the outermost edge: the follower looks again
            _log.exception("The channel of %s could not be looked at", follower)
            unknown = NotReadable(SourceState.UNKNOWN, f"The bot has a defect: {error!r}")
            await self._failed(follower, order, unknown)
            return
        try:
            await self._followers.found(follower, found)
        except BadInput as error:
            # What cannot be kept must not end the looks for ever.
            await self._failed(follower, order, error)

    async def _found(self, order: Order) -> Found:
        if order.full:
            listed = await self._channels.list_uploads(order.channel, order.kinds, self._rules.max_listed)
            # What the feed was when it was last read is known still: the next poll may ask whether it changed since.
            return self._of(order, listed, True, order.validator)
        polled = await self._channels.poll(order.channel, order.kinds, order.validator)
        return self._of(order, polled.uploads or Uploads(()), False, polled.validator)

    def _of(self, order: Order, listed: Uploads, full: bool, validator: Validator) -> Found:
        named = listed.channel
        return Found(
            tuple(_found(upload) for upload in listed.uploads),
            full,
            self._rules.poll_s,
            self._rules.full_s,
            listed.problem,
            validator.etag,
            validator.last_modified,
            whole_characters(named.title) if named is not None and named.channel_id == order.channel.channel_id else "",
            self._next_at(listed.state, 1, listed.retry_after_s) if listed.problem else 0.0,
            order.since,
        )

    def _next_at(self, state: SourceState | None, attempts: int, asked_s: float | None) -> float:
        """When to look again; where trying again does not help by itself, after the longest wait."""
        now = self._clock()
        at = next_try_at(state, attempts, now, retry_after_s=asked_s) if state is not None else None
        if at is None:
            at = now + self._rules.full_s
        at = max(at, now + _FAILED_S)
        return at + random.uniform(0.0, _JITTER) * (at - now)

    async def _failed(self, follower: str, order: Order, error: BotError) -> None:
        asked_s = error.retry_after_s if isinstance(error, NotReadable | Busy | RateLimited) else None
        at = self._next_at(state_of_error(error), order.failures + 1, asked_s)
        await self._followers.look_failed(follower, str(error), at)


def _found(upload: Upload) -> FoundUpload:
    return FoundUpload(
        upload.recording_id,
        upload.url,
        whole_characters(upload.title),
        upload.kind,
        upload.published_at or 0.0,
        upload.exact and upload.published_at is not None,
        upload.state,
    )
