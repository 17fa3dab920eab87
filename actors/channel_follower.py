"""What every tenant follows: the port `core.ingest_ports.ChannelFollower` over `core.follows`."""

from collections.abc import Mapping, Sequence

import msgspec

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core import following
from core.entities import Effect
from core.follow_messages import (
    Backfill,
    ChannelInfo,
    Command,
    Event,
    Follow,
    FollowDone,
    Found,
    FoundDone,
    LookFailed,
    NotFollowed,
    Pause,
    Resume,
    Unfollow,
    Wish,
)
from core.follow_state import Follower, Order, accepted, order, view
from core.follows import KIND, QUEUE
from core.ingest_messages import Add, Enrol
from core.ingest_ports import IngestQueue


class ChannelFollower(EntityActor[Follower, Command, Event]):
    """No upload of a followed channel is missed, and none is taken for new twice.

    What is followed, what was listed, and when to look next survive a restart.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, queue: IngestQueue, full_s: float) -> None:
        """`queue` takes the jobs; everything is listed anew every `full_s` seconds, beside the cheaper looks."""
        self._queue, self._full_s = queue, full_s
        super().__init__(config, {QUEUE: self._send})

    async def follow(self, key: str, channel: ChannelInfo, wish: Wish, rests: str = "") -> FollowDone:
        """Follow a channel from now on; `rests` is why it starts paused."""
        reply: FollowDone = self.decide(key, Follow(channel, wish, rests))
        return reply

    async def unfollow(self, key: str) -> FollowDone | NotFollowed:
        """Follow it no more: what waits in the queue for it alone is taken out, what was brought in stays."""
        reply: FollowDone | NotFollowed = self.decide(key, Unfollow())
        return reply

    async def pause(self, key: str, because: str) -> FollowDone | NotFollowed:
        """Look for nothing until it is resumed."""
        reply: FollowDone | NotFollowed = self.decide(key, Pause(because))
        return reply

    async def resume(self, key: str) -> FollowDone | NotFollowed:
        """Go on, beginning with a look."""
        reply: FollowDone | NotFollowed = self.decide(key, Resume())
        return reply

    async def backfill(self, key: str, since: float, most: int) -> FollowDone | NotFollowed:
        """List everything again, back to `since`."""
        reply: FollowDone | NotFollowed = self.decide(key, Backfill(since, most))
        return reply

    async def found(self, key: str, found: Found) -> FoundDone | NotFollowed:
        """A look succeeded."""
        reply: FoundDone | NotFollowed = self.decide(key, found)
        return reply

    async def look_failed(self, key: str, problem: str, retry_at: float) -> FollowDone | NotFollowed:
        """A look failed: what is known stays as it is."""
        reply: FollowDone | NotFollowed = self.decide(key, LookFailed(problem, retry_at))
        return reply

    async def order(self, key: str) -> Order | None:
        """What a look has to bring now; None where nothing is looked for."""
        return order(self.state(key), self.now(), self._full_s)

    async def is_followed(self, key: str) -> bool:
        """Whether the channel is followed, paused or not."""
        return self.state(key).followed

    async def accepted(self, key: str) -> Sequence[str]:
        """The recordings of the channel that are wanted."""
        return accepted(self.state(key))

    async def view(self, key: str, became: Mapping[str, str]) -> following.Followed | None:
        """The channel as people see it, with what became of `accepted`; None where it is not followed."""
        state = self.state(key)
        return view(state, became) if state.followed else None

    async def _send(self, effect: Effect) -> None:
        key, command = msgspec.json.decode(effect.body, type=tuple[str, Add | Enrol])
        if isinstance(command, Enrol):
            await self._queue.enrol(key, command)
        # What could not be sent while it was followed is not wanted any more: nobody would take it out of the queue.
        elif await self.is_followed(command.jobs[0].follower):
            await self._queue.add(key, command.jobs)
