"""One pace for each host: whoever wants something of it, of any tenant, worker or process, waits in the same line.

The promise: in any window of T seconds at most `burst + T / interval_s` slots fall due, over any number of callers and
crashes. Once the host has complained they are at least the doubled interval apart, and none falls due before the time
that it asked for. A slot that nobody uses, because its caller died, is spent. A bot check that one tenant met slows
all: the host sees one address.

How: the generic cell rate algorithm (ITU-T I.371) with callers that wait. A slot falls due when the line is `free_at`,
and moves that on by the interval; a line that was free before now, but for no more than a burst, gives slots at once.
The pace adapts as TCP does (Chiu and Jain, 1989): complaints double the interval, successes in a row add to the rate.

Between a slot and its use the host may complain to somebody else. So a caller that had to wait takes again, naming the
`epoch` of its slot: if nothing slowed meanwhile it goes, else its slot is void and it stands in line anew.
What is told before the first slot after a slow-down comes from requests that were on their way: it slows no further.

A clock that jumps ahead by J seconds gives one burst more, once. One that goes back gives nothing: the shell refuses
until it is right, and callers keep the pace that they keep while nobody answers.
"""

import math

from msgspec.structs import replace

from core.entities import Chance, Decision, EntityKind, State, checked_key
from core.errors import BadInput
from core.host_pace_messages import (
    Command,
    Counted,
    Eased,
    Event,
    Outcome,
    PaceReport,
    PaceRules,
    Paused,
    Reply,
    Slot,
    SlotGiven,
    Slowed,
    Take,
    Tell,
    Told,
    TooLong,
)

SCOPE = "host:"
SLOWDOWN = 2.0
_MAX_NAME_CHARS = 190
# What belongs together by its operator, and is banned together. YouTube's media servers are apart: the pieces of one
# recording must not stand in the way of its pages.
_FAMILIES = {
    "youtube.com": "youtube.com",
    "youtu.be": "youtube.com",
    "youtube-nocookie.com": "youtube.com",
    "youtubei.googleapis.com": "youtube.com",
    "googlevideo.com": "googlevideo.com",
    "ytimg.com": "ytimg.com",
    "twitch.tv": "twitch.tv",
    "kick.com": "kick.com",
    "x.com": "x.com",
    "twitter.com": "x.com",
    "instagram.com": "instagram.com",
    "tiktok.com": "tiktok.com",
    "reddit.com": "reddit.com",
    "redd.it": "reddit.com",
    "vimeo.com": "vimeo.com",
}


def pace_key(host: str) -> str:
    """The key of the pace that `host` (a name or an address, without a port) shares.

    Names of one large site, and all names below them, are one; any other name is its own, without its case, its last
    dot and a leading `www.`. Of a name that is too long for a key its end counts.
    """
    name = host.lower().rstrip(".").removeprefix("www.")
    labels = name.split(".")
    for start in range(len(labels)):
        if family := _FAMILIES.get(".".join(labels[start:])):
            return SCOPE + family
    return SCOPE + name[-_MAX_NAME_CHARS:]


class Line(State, frozen=True, gc=False):
    """`free_at` is when the next slot is free; `interval_s` is what it was slowed to, None at full pace.

    What is told before `heeded_from` is about requests from before the last slow-down, the `epoch` before this one.
    """

    free_at: float = 0.0
    interval_s: float | None = None
    epoch: int = 1
    heeded_from: float = 0.0
    successes: int = 0
    failures: int = 0
    slots: int = 0
    reason: Outcome | None = None
    slowed_at: float = 0.0

    @property
    def heeds_success(self) -> bool:
        return self.interval_s is not None or self.failures > 0


_FRESH = Line()


def initial(key: str) -> Line:
    """Raises BadInput where the key is no host's."""
    if not checked_key(key).startswith(SCOPE) or not key[len(SCOPE) :].strip():
        raise BadInput(f"{key[:40]!r} has no pace.", 'A key is "host:<name>".')
    return _FRESH


def decide(state: Line, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """Raises BadInput for waits that are no such thing."""
    if isinstance(command, Take):
        return _take(state, command, now, chance)
    return _tell(state, command, now)


def _take(state: Line, command: Take, now: float, chance: Chance) -> Decision[Event]:
    if command.epoch == state.epoch:
        return Decision(Slot(0.0, state.epoch, state.heeds_success))
    rules = command.rules
    interval_s = _interval_s(state, rules)
    due_at = max(now, state.free_at)
    wait_s = due_at - now
    patience_s = min(_checked_wait("patience_s", command.patience_s), rules.max_wait_s)
    if wait_s > patience_s:
        because = f"It is asked for something every {interval_s:.2g} s, and others wait already."
        if state.interval_s is not None:
            because = f"It has complained ({state.reason}), and is asked every {interval_s:.2g} s only."
        return Decision(TooLong(_whole_ms(wait_s - patience_s), because))
    rested_s = (rules.burst - 1) * interval_s if state.interval_s is None else 0.0
    free_at = max(state.free_at, due_at - rested_s) + interval_s
    if free_at > now:
        # Whoever is next waits, and so does not come on the beat. A burst stays whole.
        free_at += interval_s * rules.jitter * chance.rng().random()
    given = SlotGiven(free_at)
    return Decision(Slot(wait_s, state.epoch, state.heeds_success), (given,))


def _tell(state: Line, command: Tell, now: float) -> Decision[Event]:
    rules, outcome = command.rules, command.outcome
    pause_s = min(_checked_wait("retry_after_s", command.retry_after_s), rules.max_pause_s)
    events: tuple[Event, ...] = ()
    if outcome is Outcome.SUCCESS:
        events = _succeeded(state, rules, now)
    elif now < state.heeded_from:
        if now + pause_s > state.free_at:
            events = (Paused(now + pause_s),)
    elif outcome is Outcome.FAILED and not pause_s and state.failures + 1 < rules.failures:
        events = (Counted(failures=state.failures + 1),)
    else:
        interval_s = min(SLOWDOWN * _interval_s(state, rules), rules.max_interval_s)
        events = (Slowed(now, interval_s, now + max(interval_s, pause_s), outcome),)
    for event in events:
        state = evolve(state, event)
    return Decision(Told(_interval_s(state, rules)), events)


def _succeeded(state: Line, rules: PaceRules, now: float) -> tuple[Event, ...]:
    if not state.heeds_success or now < state.heeded_from:
        return ()
    if state.interval_s is None:
        return (Counted(),)
    if state.successes + 1 < rules.successes:
        return (Counted(successes=state.successes + 1),)
    full = 1.0 / rules.interval_s
    rate = 1.0 / _interval_s(state, rules) + rules.recovery * full
    if rate >= full:
        # The burst begins empty.
        return (Eased(max(state.free_at, now)),)
    return (Eased(state.free_at, 1.0 / rate),)


def evolve(state: Line, event: Event) -> Line:
    match event:
        case SlotGiven():
            return replace(state, free_at=event.free_at, slots=state.slots + 1)
        case Slowed():
            return replace(
                state,
                free_at=event.free_at,
                heeded_from=event.free_at,
                interval_s=event.interval_s,
                epoch=state.epoch + 1,
                successes=0,
                failures=0,
                reason=event.reason,
                slowed_at=event.at,
            )
        case Paused():
            return replace(state, free_at=event.free_at, heeded_from=event.free_at, epoch=state.epoch + 1)
        case Eased():
            return replace(state, free_at=event.free_at, interval_s=event.interval_s, successes=0, failures=0)
        case Counted():
            return replace(state, successes=event.successes, failures=event.failures)


def report(state: Line, rules: PaceRules, now: float) -> PaceReport:
    """How the host is asked at `now`."""
    return PaceReport(
        _interval_s(state, rules),
        state.interval_s is not None,
        max(0.0, state.free_at - now),
        state.slots,
        state.reason,
        state.slowed_at,
    )


def _interval_s(state: Line, rules: PaceRules) -> float:
    return max(rules.interval_s, min(state.interval_s or 0.0, rules.max_interval_s))


def _checked_wait(name: str, seconds: float) -> float:
    if not isinstance(seconds, int | float) or not 0 <= seconds < math.inf:
        raise BadInput(f"The {name} {str(seconds)[:40]} is no number of seconds.", "Correct the call.")
    return float(seconds)


def _whole_ms(wait_s: float) -> float:
    """Rounded up, by a hair at least: who waits so long finds what it waited for."""
    return math.ceil(wait_s * 1000 + 0.01) / 1000


KIND = EntityKind(
    name="HostPace",
    state=Line,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=initial,
    decide=decide,
    evolve=evolve,
)
