"""Follows the channel of what somebody brought in, where the operator wants that."""

import logging
from collections.abc import Callable
from dataclasses import dataclass

from core.errors import BotError
from core.follow_messages import ChannelInfo, Wish
from core.ingest_keys import follower_key
from core.ingest_messages import Job, Urgency
from core.ingest_ports import ChannelFollower
from core.transcripts import Transcript
from core.uploads import ALL_KINDS

YEAR_S = 365 * 86_400.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class AutoFollowRules:
    """`follows`: or it is only logged. With `backfill` the past year comes too, at most `max_videos` of it."""

    follows: bool = False
    backfill: bool = False
    max_videos: int = 200


class AutoFollow:
    """Decides what becomes of the channel of a recording that was brought in."""

    def __init__(self, followers: ChannelFollower, rules: AutoFollowRules, clock: Callable[[], float]) -> None:
        self._followers, self._rules, self._clock = followers, rules, clock

    async def trigger_auto_follow(self, key: str, job: Job, transcript: Transcript) -> None:
        """Follow the uploader of what a person brought in. A failure is logged: the recording is here all the same."""
        channel = transcript.channel
        if channel is None or job.urgency is not Urgency.PERSON or job.followers:
            return
        if not self._rules.follows:
            _log.info("%s would be followed by itself", channel.channel_id)
            return
        most = self._rules.max_videos if self._rules.backfill else 0
        wish = Wish(ALL_KINDS, self._clock() - (YEAR_S if most else 0.0), most)
        info = ChannelInfo(channel.channel_id, channel.url, channel.title, channel.host)
        try:
            await self._followers.follow(follower_key(key, channel.channel_id), info, wish)
        except BotError as error:
            _log.warning("%s could not be followed by itself: %s", channel.channel_id, error)
