"""How fast a tenant, its users, or a host may go: one entity for each tenant and host, token buckets inside.

The promise: in any window of T seconds callers spend at most `burst + per_s * T` tokens of a bucket, over any number of
callers, leases, crashes and repeated calls. What is taken without a lease counts at the moment it is granted; what is
leased counts when the caller spends it, at the latest `ttl_s` after it asked.

Why it holds: a bucket keeps what is `missing` from full, and leased tokens are missing until they are settled or
expire. So `missing` less the leased tokens not yet spent is never below 0 nor above the burst, falls at most by
`per_s`, and grows by every token that is spent.

Over a change of limits the promise is that of the larger burst and rate in force in the window; a lease is spent
under the limits that it was granted under. What was spent before a limit was lowered stays missing until it came back.
"""

import math

from msgspec import field
from msgspec.structs import replace

from core.entities import Chance, Decision, EntityKind, State, checked_key
from core.errors import BadInput
from core.rate_limit_messages import (
    Command,
    Event,
    Granted,
    Lease,
    Leased,
    Lent,
    LimitsKept,
    LimitsSet,
    Quota,
    Refused,
    Reply,
    Returned,
    ScopeQuota,
    SetLimits,
    Settle,
    Settled,
    Take,
    Taken,
    UseReported,
)
from core.token_buckets import TOTAL, Bucket, Held, Limits, Moment, Rate

SCOPES = ("tenant", "host")
MAX_USER_CHARS = 200
MAX_TOKENS = 1e12
MAX_TTL_S = 60.0
MAX_LEASES = 1_000


class RateLimits(State, frozen=True):
    """`buckets` by user, "" for the tenant or host as a whole, least lately moved first; one that is full is left out.

    `limits` are those set at run time, None for the defaults; `spent` counts tokens since the entity began.
    """

    scope: str = "tenant"
    buckets: dict[str, Bucket] = field(default_factory=dict)
    leases: dict[int, Held] = field(default_factory=dict)
    last_lease: int = 0
    limits: Limits | None = None
    spent: float = 0.0


def initial(key: str) -> RateLimits:
    """Raises BadInput where the key is neither a tenant's nor a host's."""
    scope, colon, name = checked_key(key).partition(":")
    if scope not in SCOPES or not colon or not name.strip():
        raise BadInput(f"{key[:40]!r} has no rate limit.", 'A key is "tenant:<id>" or "host:<name>".')
    return RateLimits(scope=scope)


def decide(state: RateLimits, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """Raises BadInput for costs, tokens, times and rates that are no such thing, and for users that are no id."""
    del chance
    if isinstance(command, SetLimits):
        limits = command.limits and checked_limits(command.limits)
        return Decision(LimitsKept(limits), () if limits == state.limits else (LimitsSet(limits),))
    moment = moment_of(state, command.limits, now)
    if isinstance(command, Take):
        return _take(state, moment, checked_user(command.user), _amount("cost", command.cost))
    if isinstance(command, Lease):
        return _lease(state, moment, command)
    return _settle(state, moment, command)


def _take(state: RateLimits, moment: Moment, user: str, cost: float) -> Decision[Event]:
    if refused := _refusal(state, moment, user, cost):
        return Decision(refused)
    room, burst = moment.room(user)
    if burst is None:
        return Decision(Granted())
    return Decision(Granted(room - cost, burst), (Taken(*moment.moved(user, cost, cost), user),))


def _lease(state: RateLimits, moment: Moment, command: Lease) -> Decision[Event]:
    user, used = checked_user(command.user), _amount("used", command.used, least=0.0)
    tokens, at_least = _amount("tokens", command.tokens), _amount("at_least", command.at_least)
    ttl_s = _amount("ttl_s", command.ttl_s, most=MAX_TTL_S)
    if at_least > tokens:
        raise BadInput(f"A lease of {tokens:g} tokens cannot hold at least {at_least:g}.", "Ask for more tokens.")
    held = _live(state, command.renews, moment.now)
    if held is not None and held.user != user:
        raise BadInput(f"Lease {command.renews} is another user's.", "Renew a lease for the user it was granted to.")
    kept = Held(user, held.granted, _use(held, used), held.expires_at) if held else Held(user, 0.0, 0.0, 0.0)
    if refused := _refusal(state, moment, user, at_least) or (_too_many(state, moment) if not held else None):
        if held is None or kept == held:
            return Decision(refused)
        moved = moment.moved(user, 0.0, kept.used - held.used)
        return Decision(refused, (UseReported(*moved, lease_id=command.renews, lease=kept),))
    room, burst = moment.room(user)
    if burst is None and held is None:
        return Decision(Leased(0, tokens, ttl_s))
    granted = tokens if tokens <= room else max(at_least, float(math.floor(room)))
    lease_id = command.renews if held else state.last_lease + 1
    lease = Held(user, kept.granted + granted, kept.used, moment.now + ttl_s)
    moved = moment.moved(user, granted, kept.used - (held.used if held else 0.0))
    return Decision(Leased(lease_id, granted, ttl_s, burst), (Lent(*moved, lease_id=lease_id, lease=lease),))


def _settle(state: RateLimits, moment: Moment, command: Settle) -> Decision[Event]:
    used = _amount("used", command.used, least=0.0)
    if command.lease_id > state.last_lease:
        raise BadInput(f"Lease {command.lease_id} was never granted.", "Settle a lease by the id that came with it.")
    held = _live(state, command.lease_id, moment.now)
    if held is None:
        return Decision(Returned())
    used = _use(held, used)
    moved = moment.moved(held.user, used - held.granted, used - held.used, (command.lease_id,))
    return Decision(Returned(held.granted - used), (Settled(*moved, command.lease_id),))


def _live(state: RateLimits, lease_id: int, now: float) -> Held | None:
    held = state.leases.get(lease_id)
    return held if held and held.expires_at > now else None


def _use(held: Held, used: float) -> float:
    """What was spent of a lease in all: never less than was reported before. A caller's sums may be off by rounding."""
    if used > held.granted * (1 + 1e-9):
        raise BadInput(f"{used:g} tokens of a lease of {held.granted:g} are said to be spent.", "Spend what is leased.")
    return max(held.used, min(used, held.granted))


def _refusal(state: RateLimits, moment: Moment, user: str, cost: float) -> Refused | None:
    """Why `cost` is not to be had now, by the bucket that keeps the caller waiting longest."""
    refusals = []
    for name in dict.fromkeys((TOTAL, user)):
        rate = moment.limits.of(name)
        if rate is None or moment.level(name, rate) >= cost:
            continue
        scope, wait_s = "user" if name else state.scope, moment.wait_s(name, rate, cost)
        if wait_s is None:
            never = "is closed" if rate.per_s == 0 else f"holds at most {rate.burst:g} tokens, and this costs {cost:g}"
            return Refused(scope, None, f"The {scope}'s bucket {never}.")
        level, leased = max(0.0, moment.level(name, rate)), moment.leased(name)
        there = f"The {scope}'s bucket has {level:.2g} of {rate.burst:g} tokens, refills {rate.per_s:g}/s"
        lent = f", {leased:g} are leased out" if leased else ""
        # Whole milliseconds, rounded up: who waits so long finds what it waited for.
        wait_s = max(1, math.ceil(wait_s * 1000)) / 1000
        refusals.append((wait_s, Refused(scope, wait_s, f"{there}{lent}; this costs {cost:g}.")))
    return max(refusals, key=lambda refusal: refusal[0])[1] if refusals else None


def _too_many(state: RateLimits, moment: Moment) -> Refused | None:
    ends = [held.expires_at for held in state.leases.values() if held.expires_at > moment.now]
    if len(ends) < MAX_LEASES:
        return None
    return Refused(state.scope, min(ends) - moment.now, f"{len(ends):,} leases of the {state.scope} are out already.")


def evolve(state: RateLimits, event: Event) -> RateLimits:
    if isinstance(event, LimitsSet):
        return replace(state, limits=event.limits)
    kept = {name: bucket for name, bucket in state.buckets.items() if name not in event.buckets}
    leases = {number: held for number, held in state.leases.items() if number not in event.ended}
    last_lease = state.last_lease
    if isinstance(event, Lent | UseReported):
        leases[event.lease_id] = event.lease
        last_lease = max(last_lease, event.lease_id)
    moved = {name: bucket for name, bucket in event.buckets.items() if bucket}
    spent = state.spent + event.spent
    return replace(state, buckets=kept | moved, leases=leases, last_lease=last_lease, spent=spent)


def quota(state: RateLimits, defaults: Limits, user: str, now: float) -> Quota:
    """What is there now, reading only. Raises BadInput for a user that is no id."""
    moment = moment_of(state, defaults, now)
    scopes = tuple(_scope_quota(state, moment, name) for name in dict.fromkeys((TOTAL, checked_user(user))))
    return Quota(scopes, state.spent, state.limits is not None)


def _scope_quota(state: RateLimits, moment: Moment, name: str) -> ScopeQuota:
    scope, rate, leased = "user" if name else state.scope, moment.limits.of(name), moment.leased(name)
    if rate is None:
        return ScopeQuota(scope, None, None, leased, 0.0)
    available = max(0.0, moment.level(name, rate))
    full_in_s = moment.wait_s(name, rate, rate.burst) if rate.capacity else None
    return ScopeQuota(scope, rate, available, leased, full_in_s)


def moment_of(state: RateLimits, defaults: Limits, now: float) -> Moment:
    return Moment(state.buckets, state.leases, state.limits or checked_limits(defaults), now)


def checked_limits(limits: Limits) -> Limits:
    """`limits` with rates that are numbers. Raises BadInput."""
    return Limits(*(rate and _checked_rate(rate) for rate in (limits.total, limits.user)))


def _checked_rate(rate: Rate) -> Rate:
    per_s = _amount("rate", rate.per_s, least=0.0)
    return Rate(per_s, _amount("burst", rate.burst, least=1.0 if per_s else 0.0))


def checked_user(user: str) -> str:
    """`user`, if it is an id or empty. Raises BadInput."""
    if not isinstance(user, str) or len(user) > MAX_USER_CHARS or not user.isprintable():
        raise BadInput(f"A user's id is at most {MAX_USER_CHARS} characters that can be shown.", "Pass the id.")
    return user


def _amount(name: str, amount: float, least: float | None = None, most: float = MAX_TOKENS) -> float:
    """`amount` as a float: at least `least`, or above 0 where that is not given."""
    number = isinstance(amount, int | float) and not isinstance(amount, bool)
    if not number or not (amount > 0 if least is None else amount >= least) or not amount <= most:
        lowest = "above 0" if least is None else f"at least {least:g}"
        raise BadInput(f"The {name} {amount!r} is no number {lowest} and at most {most:g}.", "Correct the call.")
    return float(amount)


KIND = EntityKind(
    name="RateLimiter",
    state=RateLimits,
    commands=Command,
    events=Event,
    replies=Reply,
    initial=initial,
    decide=decide,
    evolve=evolve,
)
