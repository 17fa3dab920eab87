"""A followed channel: when to look at it, and what of it is wanted.

The rules: an upload is decided about once, by its id, however often listings name it; so none is missed, and none is
news twice. A look that failed changes nothing of what is known: a broken page is never an empty channel. Everybody who
follows a channel looks at the same moments, those of the channel (`next_look`), so that one fetch serves them all. What
is wanted goes to the tenant's queue by the outbox, in the commit that decides about it.

Dates of a listing may be guesses: "11 months ago" is said of what is 11 to 12 months old, so a guess is never older
than the truth. What is older by a guess is too old; what is young enough by a guess the worker looks at once more.
"""

from collections.abc import Iterable, Sequence
from hashlib import blake2b

from core.entities import SELF, Chance, Decision, Effect, EntityKind
from core.entity_codec import to_json
from core.follow_messages import (
    Backfill,
    Command,
    Event,
    Follow,
    FollowDone,
    Followed,
    Found,
    FoundDone,
    FoundUpload,
    Look,
    Looked,
    LookFailed,
    NotFollowed,
    Pause,
    Paused,
    Reply,
    Resume,
    Resumed,
    Sent,
    Sighted,
    Unfollow,
    Unfollowed,
    Widened,
)
from core.follow_state import KIND as OF_KIND
from core.follow_state import OLD, OVER, TITLE, Follower, evolve
from core.ingest_keys import queue_of
from core.ingest_messages import LISTING, Add, Enrol, NewJob, Urgency
from core.source_states import SourceState
from core.uploads import ALL_KINDS

QUEUE = "queue"
MAX_UPLOADS = 20_000
# Should nothing come of a look, the queue is asked again.
RESEND_S = 6 * 3_600.0
_JOBS_A_MESSAGE = 50
# A guess may be late by what the listing took to make.
_GUESS_S = 2 * 86_400.0
_GONE = frozenset({SourceState.PRIVATE, SourceState.MEMBERS_ONLY, SourceState.DELETED})


def decide(state: Follower, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """What a command comes to."""
    del chance
    if isinstance(command, Follow):
        return _follow(state, command, now)
    if not state.followed:
        return Decision(NotFollowed())
    match command:
        case Unfollow():
            event = Unfollowed(now)
            return Decision(FollowDone(True), (event,), effects=(_enrol(state, False),), settled=("look",))
        case Pause():
            return _changed(state, Paused(now, command.because)) if not state.paused else Decision(FollowDone(False))
        case Resume():
            return _resume(state, now)
        case Backfill():
            return _look(state, now, Urgency.PERSON, (Widened(now, command.since, command.most),))
        case Look():
            return _look(state, now, Urgency.NEWS) if not state.paused else Decision(FollowDone(False))
        case Found():
            if command.since not in (0.0, state.followed_at):
                return Decision(NotFollowed())  # it was followed anew meanwhile, and is looked at for that
            return _found(state, command, now)
        case LookFailed():
            return _failed(state, command, now)


KIND = EntityKind(
    name="ChannelFollower",
    state=Follower,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=Follower,
    decide=decide,
    evolve=evolve,
)


def next_look(channel_id: str, now: float, poll_s: float) -> float:
    """The channel's next moment: every `poll_s` seconds, at a phase that is the channel's own."""
    phase_s = int.from_bytes(blake2b(channel_id.encode(), digest_size=4).digest()) / 2**32 * poll_s
    return (now - phase_s) // poll_s * poll_s + poll_s + phase_s


# ---------------------------------------------------------------- what people do
def _follow(state: Follower, command: Follow, now: float) -> Decision[Event]:
    if state.followed:
        return Decision(FollowDone(False))
    event = Followed(now, command.channel, command.wish, command.rests)
    after = evolve(state, event)
    if command.rests:
        return Decision(FollowDone(True), (event,), effects=(_enrol(after, True),))
    look = _look(after, now, Urgency.PERSON)
    return Decision(FollowDone(True), (event, *look.events), effects=(_enrol(after, True), *look.effects))


def _changed(state: Follower, event: Paused) -> Decision[Event]:
    effects = (_enrol(evolve(state, event), True),)
    return Decision(FollowDone(True), (event,), effects=effects, settled=("look",))


def _resume(state: Follower, now: float) -> Decision[Event]:
    if not state.paused:
        return Decision(FollowDone(False))
    event = Resumed(now)
    after = evolve(state, event)
    look = _look(after, now, Urgency.PERSON)
    return Decision(FollowDone(True), (event, *look.events), effects=(_enrol(after, True), *look.effects))


# ---------------------------------------------------------------- looking
def _look(state: Follower, now: float, urgency: Urgency, before: tuple[Event, ...] = ()) -> Decision[Event]:
    """Ask the queue for a look, and remind oneself in case nothing comes of it."""
    job = NewJob(
        f"{LISTING}{state.channel.channel_id}",
        state.channel.url,
        f"Uploads of {state.channel.title or state.channel.url}",
        urgency,
        state.key,
        again=True,
    )
    at = now + RESEND_S
    effects = (_to_queue(state, "look-job", Add((job,))), _reminder(at))
    return Decision(FollowDone(True), (*before, Sent(now, at)), effects=effects)


def _failed(state: Follower, command: LookFailed, now: float) -> Decision[Event]:
    at = max(now + 1.0, command.retry_at)
    event = Looked(now, at, state.full_at, command.problem, state.failures + 1, state.etag, state.last_modified)
    return Decision(FollowDone(True), (event,), effects=(_reminder(at),) if not state.paused else ())


def _found(state: Follower, command: Found, now: float) -> Decision[Event]:
    sighted, jobs = _sighted(state, command, now)
    gap = not command.full and _has_gap(state, command)
    full_at = state.full_at
    if command.full and not command.problem:
        full_at = now
    elif gap:
        full_at = 0.0  # the feed begins after what is known: what lies between is only in the whole listing
    at = max(command.not_before, now + 1.0 if gap else next_look(state.channel.channel_id, now, command.poll_s))
    looked = Looked(now, at, full_at, command.problem, 0, command.etag, command.last_modified, title=command.title)
    effects: tuple[Effect, ...] = () if state.paused else (_reminder(at),)
    effects += tuple(
        _to_queue(state, f"add {state.batches} {start}", Add(tuple(jobs[start : start + _JOBS_A_MESSAGE])))
        for start in range(0, len(jobs), _JOBS_A_MESSAGE)
    )
    if command.title and command.title != state.channel.title:
        effects += (_enrol(evolve(state, looked), True),)  # people name it by its title
    new = len(sighted.accepted) + len(sighted.left_out)
    events: tuple[Event, ...] = (sighted, looked) if new else (looked,)
    return Decision(FoundDone(new, len(sighted.accepted)), events, effects=effects)


def _has_gap(state: Follower, command: Found) -> bool:
    """Whether a feed may have lost uploads: none of what it holds was known before."""
    found = [upload.recording_id for upload in command.uploads]
    return bool(found) and bool(state.uploads) and not any(name in state.uploads for name in found)


def _sighted(state: Follower, command: Found, now: float) -> tuple[Sighted, Sequence[NewJob]]:
    """What of a listing is new, and the jobs for what is wanted of that."""
    accepted: dict[str, NewJob] = {}
    left_out: dict[str, str] = {}
    room = state.wish.most - state.past
    past = 0
    for upload in _undecided(state, command.uploads):
        name = upload.recording_id
        if name in accepted or name in left_out or len(state.uploads) + len(accepted) + len(left_out) >= MAX_UPLOADS:
            continue
        is_news = bool(state.full_at) or upload.published_at >= state.followed_at
        code = _unwanted(state, upload)
        if not code and not is_news and past >= room:
            code = OVER
        if code:
            if state.uploads.get(name) != code:
                left_out[name] = code
            continue
        past += not is_news
        accepted[name] = _job(state, upload, is_news)
    return Sighted(now, tuple(accepted), left_out, past), tuple(accepted.values())


def _undecided(state: Follower, uploads: Iterable[FoundUpload]) -> Iterable[FoundUpload]:
    """Those that nothing was decided about yet, or that could not be read and now can."""
    for upload in uploads:
        code = state.uploads.get(upload.recording_id)
        if code is None or code in _GONE:
            yield upload


def _unwanted(state: Follower, upload: FoundUpload) -> str:
    wish, title = state.wish, upload.title.casefold()
    if upload.state in _GONE:
        return upload.state
    if upload.kind not in wish.kinds:
        return OF_KIND
    if any(word.casefold() in title for word in wish.without):
        return TITLE
    if wish.only and not any(word.casefold() in title for word in wish.only):
        return TITLE
    slack_s = 0.0 if upload.exact else _GUESS_S
    return OLD if upload.published_at and upload.published_at + slack_s < wish.since else ""


def _job(state: Follower, upload: FoundUpload, is_news: bool) -> NewJob:
    wish = state.wish
    return NewJob(
        upload.recording_id,
        upload.url,
        upload.title,
        Urgency.NEWS if is_news else Urgency.BACKFILL,
        state.key,
        since=0.0 if upload.exact else wish.since,
        announce_to=wish.announce_to if is_news or wish.announce_past else "",
        kinds=() if set(wish.kinds) == set(ALL_KINDS) else wish.kinds,
    )


# ---------------------------------------------------------------- effects
def _to_queue(state: Follower, effect_id: str, command: Add | Enrol) -> Effect:
    return Effect(effect_id, QUEUE, to_json([queue_of(state.key), command]))


def _enrol(state: Follower, followed: bool) -> Effect:
    channel = state.channel
    told = Enrol(state.key, channel.channel_id, channel.url, channel.title, followed, bool(state.paused))
    return _to_queue(state, "enrol", told)


def _reminder(at: float) -> Effect:
    return Effect("look", SELF, to_json(Look()), at)
