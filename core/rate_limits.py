"""How fast a tenant, its users, or a host may go: one entity for each tenant and host, token buckets inside.

The promise: in any window of T seconds callers spend at most `burst + per_s * T` tokens of a bucket, over any number of
callers, leases, crashes and repeated calls. What is taken without a lease counts at the moment it is granted; what is
leased counts when the caller spends it, at the latest `ttl_s` after it asked.

Why it holds: a bucket keeps what is `missing` from full, and leased tokens are missing until they are settled or
expire. So `missing` less the leased tokens not yet spent is never below 0 nor above the burst, falls at most by
`per_s`, and grows by every token that is spent.

Over a change of limits the promise is that of the larger burst and rate in force in the window; a lease is spent
under the limits that it was last renewed under, and where more is out than the new limits allow it is not renewed. What
was spent before a limit was lowered stays missing until it came back. If this machine's clock jumps ahead by J seconds,
at most `per_s * J` tokens more are spent, once.
"""

import math

from msgspec.structs import replace

from core.entities import Chance, Decision, EntityKind, State
from core.errors import BadInput
from core.rate_limit_checks import checked_amount, checked_lease, checked_limits, checked_scope, checked_user
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
from core.token_buckets import TOTAL, Bucket, Held, Limits, Moment

MAX_TTL_S = 60.0
MAX_LEASES = 1_000


class RateLimits(State, frozen=True, gc=False):
    """`buckets` by user, "" for the tenant or host as a whole, least lately moved first; one that is full is left out.

    `leases` are in the order in which they were granted or renewed. `limits` are those set at run time, None for the
    defaults; `spent` counts tokens since the entity began. `buckets` is None while it is empty: most tenants are idle.
    """

    scope: str = "tenant"
    buckets: dict[str, Bucket] | None = None
    leases: tuple[Held, ...] = ()
    last_lease: int = 0
    limits: Limits | None = None
    spent: float = 0.0


_FULL = {scope: RateLimits(scope=scope) for scope in ("tenant", "host")}


def initial(key: str) -> RateLimits:
    """Raises BadInput where the key is neither a tenant's nor a host's."""
    return _FULL[checked_scope(key)]


def decide(state: RateLimits, command: Command, now: float, chance: Chance) -> Decision[Event]:
    """Raises BadInput for costs, tokens, times and rates that are no such thing, and for users that are no id."""
    del chance
    if isinstance(command, SetLimits):
        limits = command.limits and checked_limits(command.limits)
        return Decision(LimitsKept(limits), () if limits == state.limits else (LimitsSet(limits),))
    moment = moment_of(state, command.limits, now)
    if isinstance(command, Take):
        return _take(state, moment, checked_user(command.user), checked_amount("cost", command.cost))
    if isinstance(command, Lease):
        return _lease(state, moment, command)
    return _settle(state, moment, command)


def _take(state: RateLimits, moment: Moment, user: str, cost: float) -> Decision[Event]:
    if refused := _refusal(state, moment, user, cost):
        return Decision(refused)
    room, burst = moment.room(user)
    if burst is None:
        return Decision(Granted())
    return Decision(Granted(max(0.0, room - cost), burst), (Taken(*moment.moved(user, cost, cost), user),))


def _lease(state: RateLimits, moment: Moment, command: Lease) -> Decision[Event]:
    user, used = checked_user(command.user), checked_amount("used", command.used, least=0.0)
    tokens, at_least = checked_amount("tokens", command.tokens), checked_amount("at_least", command.at_least)
    ttl_s = checked_amount("ttl_s", command.ttl_s, most=MAX_TTL_S)
    if at_least > tokens:
        raise BadInput(f"A lease of {tokens:g} tokens cannot hold at least {at_least:g}.", "Ask for more tokens.")
    held = _live(moment, checked_lease(command.renews))
    if held is not None and held.user != user:
        raise BadInput(f"Lease {command.renews} is another user's.", "Renew a lease for the user it was granted to.")
    known = held or Held(state.last_lease + 1, user, 0.0, 0.0, 0.0)
    kept = replace(known, used=_use(known, used)) if held else known
    newly_used = kept.used - known.used
    need = max(0.0, at_least - kept.outstanding)
    if refused := _refusal(state, moment, user, need) or (None if held else _too_many(state, moment)):
        if not newly_used:
            return Decision(refused)
        reported = UseReported(*moment.moved(user, 0.0, newly_used), lease=kept)
        # What is reported comes back from now on: the wait is shorter than it was a moment ago.
        after = moment_of(evolve(state, reported), command.limits, moment.now)
        return Decision(_refusal(state, after, user, need) or refused, (reported,))
    room, _ = moment.room(user)
    more = max(0.0, tokens - kept.outstanding)
    if more > room:
        more = max(need, float(math.floor(room)))
    bursts = [rate.burst for _, rate in moment.rates(user)]
    if not bursts and held is None:
        return Decision(Leased(0, tokens, ttl_s))
    # Never shorter than before: whoever lost the reply still counts on the earlier end.
    expires_at = max(kept.expires_at, moment.now + ttl_s)
    lease = replace(kept, granted=kept.granted + more, expires_at=expires_at)
    event = Lent(*moment.moved(user, more, newly_used), lease=lease)
    return Decision(Leased(lease.lease_id, lease.granted, ttl_s, min(bursts, default=None)), (event,))


def _settle(state: RateLimits, moment: Moment, command: Settle) -> Decision[Event]:
    used = checked_amount("used", command.used, least=0.0)
    if checked_lease(command.lease_id) > state.last_lease:
        raise BadInput(f"Lease {command.lease_id} was never granted.", "Settle a lease by the id that came with it.")
    held = _live(moment, command.lease_id)
    if held is None:
        return Decision(Returned())
    used = _use(held, used)
    moved = moment.moved(held.user, used - held.granted, used - held.used, (command.lease_id,))
    return Decision(Returned(held.granted - used), (Settled(*moved, command.lease_id),))


def _live(moment: Moment, lease_id: int) -> Held | None:
    for held in moment.leases:
        if held.lease_id == lease_id and held.expires_at > moment.now:
            return held
    return None


def _use(held: Held, used: float) -> float:
    """What was spent of a lease in all: never less than was reported before. A caller's sums may be off by rounding."""
    if used > held.granted * (1 + 1e-9):
        raise BadInput(f"{used:g} tokens of a lease of {held.granted:g} are said to be spent.", "Spend what is leased.")
    return max(held.used, min(used, held.granted))


def _refusal(state: RateLimits, moment: Moment, user: str, cost: float) -> Refused | None:
    """Why `cost` is not to be had now, by the bucket that keeps the caller waiting longest."""
    refusals = []
    for name, rate in moment.rates(user):
        if moment.holds(name, rate, cost):
            continue
        scope, wait_s = "user" if name else state.scope, moment.wait_s(name, rate, cost)
        if wait_s is None:
            never = "is closed" if rate.per_s == 0 else f"holds at most {rate.burst:g} tokens, and this costs {cost:g}"
            return Refused(scope, None, f"The {scope}'s bucket {never}.")
        level, leased = max(0.0, moment.level(name, rate)), moment.leased(name)
        there = f"The {scope}'s bucket has {level:.2g} of {rate.burst:g} tokens, refills {rate.per_s:g}/s"
        lent = f", {leased:g} are leased out" if leased else ""
        refusals.append((wait_s, Refused(scope, _whole_ms(wait_s), f"{there}{lent}; this costs {cost:g}.")))
    return max(refusals, key=lambda refusal: refusal[0])[1] if refusals else None


def _whole_ms(wait_s: float) -> float:
    """Rounded up, by a hair at least: who waits so long finds what it waited for."""
    return math.ceil(wait_s * 1000 + 0.01) / 1000


def _too_many(state: RateLimits, moment: Moment) -> Refused | None:
    ends = [held.expires_at for held in moment.leases if held.expires_at > moment.now]
    if len(ends) < MAX_LEASES:
        return None
    because = f"{len(ends):,} leases of the {state.scope} are out already."
    return Refused(state.scope, _whole_ms(min(ends) - moment.now), because)


def evolve(state: RateLimits, event: Event) -> RateLimits:
    if isinstance(event, LimitsSet):
        return replace(state, limits=event.limits)
    buckets = dict(state.buckets or {})
    for name in (*event.full, *event.buckets):
        buckets.pop(name, None)
    buckets.update(event.buckets)
    ended, last_lease = set(event.ended), state.last_lease
    renewed: tuple[Held, ...] = ()
    if isinstance(event, Lent | UseReported):
        renewed = (event.lease,)
        ended.add(event.lease.lease_id)
        last_lease = max(last_lease, event.lease.lease_id)
    leases = tuple(held for held in state.leases if held.lease_id not in ended) + renewed
    return RateLimits(state.scope, buckets or None, leases, last_lease, state.limits, state.spent + event.spent)


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
    """The state at `now`. Raises BadInput where the defaults are no limits."""
    return Moment(state.buckets or {}, state.leases, state.limits or checked_limits(defaults), now)


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
