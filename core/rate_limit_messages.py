"""What a rate limiter is told (commands), what happened (events), and what callers get (replies).

Tokens may be fractions. Times are unix seconds; `limits` in a command are the defaults in force.
"""

from typing import TypeAlias

from core.entities import Message
from core.token_buckets import Bucket, Held, Limits, Rate


class Take(Message, frozen=True):
    """Spend `cost` tokens now, of the user's bucket and the total, or of neither. `limits` are the defaults."""

    limits: Limits
    user: str = ""
    cost: float = 1.0


class Lease(Message, frozen=True):
    """Fill a lease up to `tokens` that may be spent until `ttl_s` seconds after the caller asked.

    Fewer are handed out where fewer are there, but not fewer than `at_least`. `renews` is the caller's lease, 0 for a
    new one, and `used` what it has spent of that since it began.
    """

    limits: Limits
    user: str
    tokens: float
    at_least: float
    ttl_s: float
    renews: int = 0
    used: float = 0.0


class Settle(Message, frozen=True):
    """End a lease of which `used` tokens were spent since it began."""

    limits: Limits
    lease_id: int
    used: float


class SetLimits(Message, frozen=True):
    """Limits that win over the defaults from now on; None goes back to those."""

    limits: Limits | None = None


class Moved(Message, frozen=True):
    """What every event about tokens holds: buckets as they are at `at` or `full` again, and leases that `ended`."""

    at: float
    buckets: dict[str, Bucket]
    full: tuple[str, ...] = ()
    spent: float = 0.0
    ended: tuple[int, ...] = ()


class Taken(Moved, frozen=True):
    user: str = ""


class Settled(Moved, frozen=True):
    lease_id: int = 0


class Lent(Moved, frozen=True, kw_only=True):
    """A lease as it is now: new, or renewed."""

    lease: Held


class UseReported(Moved, frozen=True, kw_only=True):
    """A lease that could not be renewed: what it has spent comes back from now on."""

    lease: Held


class LimitsSet(Message, frozen=True):
    limits: Limits | None = None


class Granted(Message, frozen=True, gc=False):
    """`left` and `burst` are the smaller bucket's; None where nothing is limited, or a lease was spent of."""

    left: float | None = None
    burst: float | None = None


class Leased(Message, frozen=True, gc=False):
    """What may be spent under `lease_id` until `ttl_s` seconds after the caller asked.

    `granted` counts from when the lease began, so a reply that was lost, or read twice, changes nothing. `burst` is
    that of the smallest bucket. `lease_id` 0: nothing limits, and as much as one likes may be spent.
    """

    lease_id: int
    granted: float
    ttl_s: float
    burst: float | None = None


class Refused(Message, frozen=True, gc=False):
    """`scope` is whose limit it was: "user", "tenant" or "host". `retry_after_s` is None where waiting does not help.

    A cost above the burst is refused so and is no BadInput: limits change at run time, and the call may be right then.
    """

    scope: str
    retry_after_s: float | None
    because: str


class Returned(Message, frozen=True, gc=False):
    """Unspent tokens that went back; 0 where the lease had ended before."""

    tokens: float = 0.0


class LimitsKept(Message, frozen=True):
    limits: Limits | None = None


class ScopeQuota(Message, frozen=True):
    """`available` is None where nothing limits; `full_in_s` is None where it never fills (closed)."""

    scope: str
    limit: Rate | None
    available: float | None
    leased: float
    full_in_s: float | None


class Quota(Message, frozen=True):
    """`scopes`: the total, and the user's where one was named. `spent`: tokens of the total since the beginning."""

    scopes: tuple[ScopeQuota, ...]
    spent: float
    set_at_run_time: bool = False


Command: TypeAlias = Take | Lease | Settle | SetLimits
Event: TypeAlias = Taken | Lent | UseReported | Settled | LimitsSet
Reply: TypeAlias = Granted | Leased | Refused | Returned | LimitsKept
