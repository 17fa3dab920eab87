"""A rate limiter's entity without a shell, for tests."""

from typing import Any

from core.entities import Chance
from core.rate_limit_messages import Command, Lease, Quota, Settle, Take
from core.rate_limits import KIND, RateLimits, quota
from core.token_buckets import Limits, Rate

AT = 1_790_000_000.0
LIMITS = Limits(Rate(1.0, 10.0), Rate(0.5, 4.0))
NONE = Limits()


class Limiter:
    """One entity: what it decides happens at once, and takes no time."""

    def __init__(self, key: str = "tenant:1", limits: Limits = LIMITS) -> None:
        self.state: RateLimits = KIND.initial(key)
        self.limits = limits
        self.now = AT
        self.events: tuple[Any, ...] = ()

    def do(self, command: Command) -> Any:
        decision = KIND.decide(self.state, command, self.now, Chance("", 0))
        self.state, self.events = KIND.replay(self.state, decision.events), decision.events
        return decision.reply

    def take(self, user: str = "", cost: float = 1.0) -> Any:
        return self.do(Take(self.limits, user, cost))

    def lease(self, tokens: float, user: str = "", ttl_s: float = 10.0, renews: int = 0, used: float = 0.0) -> Any:
        return self.do(Lease(self.limits, user, tokens, 1.0, ttl_s, renews, used))

    def settle(self, lease_id: int, used: float) -> Any:
        return self.do(Settle(self.limits, lease_id, used))

    def quota(self, user: str = "") -> Quota:
        return quota(self.state, self.limits, user, self.now)
