"""What is kept of a followed channel, how events change it, and how people see it. `core.follows` decides."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec import field
from msgspec.structs import replace

from core import following
from core.entities import State
from core.follow_messages import (
    ChannelInfo,
    Event,
    Followed,
    Looked,
    Paused,
    Resumed,
    Sent,
    Sighted,
    Unfollowed,
    Widened,
    Wish,
)
from core.source_states import SourceState
from core.uploads import Channel, UploadKind, Validator

# Why an upload is not wanted. Those of OF_THE_WISH depend on what was asked for, and are looked at again with it.
OLD, OVER, KIND, TITLE = "old", "over", "kind", "title"
OF_THE_WISH = (OLD, OVER)
_SENTENCES = {
    OLD: "older than was asked for",
    OVER: "beyond the most that are brought in of one channel",
    KIND: "not of the kinds that are followed",
    TITLE: "left out by the words of its title",
    SourceState.PRIVATE: "private",
    SourceState.MEMBERS_ONLY: "for members of the channel only",
    SourceState.DELETED: "deleted at its source",
}


class Follower(State, frozen=True):
    """What is kept. `uploads` says of each that was listed why it is not wanted, "" where the queue has it.

    `past` counts those of the accepted that were there when the channel was first listed.
    """

    key: str
    channel: ChannelInfo = ChannelInfo("", "")
    wish: Wish = Wish((), 0.0, 0)
    followed: bool = False
    followed_at: float = 0.0
    paused: str = ""
    uploads: dict[str, str] = field(default_factory=dict)
    past: int = 0
    batches: int = 0
    next_at: float = 0.0
    looked_at: float = 0.0
    full_at: float = 0.0
    problem: str = ""
    failures: int = 0
    etag: str = ""
    last_modified: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What a look at the channel has to bring: all uploads (`full`), or what changed since `validator` was given.

    `failures` looks in a row failed before; `since` is when it was followed.
    """

    channel: Channel
    kinds: tuple[UploadKind, ...]
    full: bool
    validator: Validator
    failures: int = 0
    since: float = 0.0


def evolve(state: Follower, event: Event) -> Follower:
    """The state after an event."""
    match event:
        case Followed():
            fresh = Follower(state.key, event.channel, event.wish, True, event.at, event.rests)
            return replace(fresh, batches=state.batches)
        case Unfollowed():
            return replace(Follower(state.key), channel=state.channel, batches=state.batches)
        case Paused():
            return replace(state, paused=event.because)
        case Resumed():
            return replace(state, paused="", failures=0)
        case Widened():
            uploads = {name: code for name, code in state.uploads.items() if code not in OF_THE_WISH}
            wish = replace(state.wish, since=event.since, most=event.most)
            return replace(state, wish=wish, uploads=uploads, full_at=0.0, etag="", last_modified="")
        case Sighted():
            uploads = {**state.uploads, **dict.fromkeys(event.accepted, ""), **event.left_out}
            return replace(state, uploads=uploads, past=state.past + event.past, batches=state.batches + 1)
        case Looked():
            return _looked(state, event)
        case Sent():
            return replace(state, next_at=0.0)  # now: what the event names is when it is asked for again


def _looked(state: Follower, event: Looked) -> Follower:
    channel = replace(state.channel, title=event.title) if event.title else state.channel
    return replace(
        state,
        channel=channel,
        next_at=event.next_at,
        looked_at=state.looked_at if event.failures else event.at,
        full_at=event.full_at,
        problem=event.problem,
        failures=event.failures,
        etag=event.etag,
        last_modified=event.last_modified,
    )


# ---------------------------------------------------------------- what it comes to
def order(state: Follower, now: float, full_s: float) -> Order | None:
    """What a look has to bring now; None where nothing is looked for."""
    if not state.followed or state.paused:
        return None
    kinds = tuple(UploadKind(kind) for kind in state.wish.kinds)
    full = not state.full_at or now - state.full_at >= full_s or now < state.full_at
    return Order(
        _channel(state), kinds, full, Validator(state.etag, state.last_modified), state.failures, state.followed_at
    )


def accepted(state: Follower) -> tuple[str, ...]:
    """The recordings that the queue has, or had."""
    return tuple(name for name, code in state.uploads.items() if not code)


def view(state: Follower, became: Mapping[str, str]) -> following.Followed:
    """The channel as people see it; `became` is what the queue says of `accepted`."""
    wish = state.wish
    return following.Followed(
        _channel(state),
        tuple(UploadKind(kind) for kind in wish.kinds),
        wish.since,
        wish.announce_to,
        _completeness(state, became),
        state.paused,
        state.problem,
        state.next_at,
        state.looked_at,
        wish.only,
        wish.without,
    )


def _completeness(state: Follower, became: Mapping[str, str]) -> following.Completeness:
    refused: Counter[str] = Counter()
    ingested = waiting = 0
    for name, code in state.uploads.items():
        if code:
            refused[_SENTENCES.get(code, code)] += 1
        elif name not in became:
            waiting += 1
        elif became[name]:
            refused[became[name]] += 1
        else:
            ingested += 1
    counts = tuple(following.Count(reason, count) for reason, count in refused.most_common())
    return following.Completeness(len(state.uploads), ingested, waiting, counts, bool(state.full_at))


def _channel(state: Follower) -> Channel:
    return Channel(state.channel.channel_id, state.channel.url, state.channel.title, state.channel.host)
