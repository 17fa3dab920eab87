"""How fast every tenant, its users and every host may go: the port `core.ports.RateLimiter` over `core.rate_limits`."""

from collections.abc import Mapping

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.rate_limit_checks import checked_limits, checked_scope
from core.rate_limit_messages import (
    Command,
    Event,
    Granted,
    Lease,
    Leased,
    LimitsKept,
    Quota,
    Refused,
    Returned,
    SetLimits,
    Settle,
    Take,
)
from core.rate_limits import KIND, RateLimits, quota
from core.token_buckets import Limits


class RateLimiter(EntityActor[RateLimits, Command, Event]):
    """Never admits more than the limit, through crashes and over any number of callers.

    What was taken and leased, and limits that were set at run time, survive a restart; the time in which a shard was
    away counts as time in which tokens come back.
    """

    kind = KIND

    def __init__(self, config: ShardConfig, tenant: Limits, host: Limits, of_key: Mapping[str, Limits] = {}) -> None:
        """`tenant`, `host` and, for some keys, `of_key` are the settings'; what a key is given at run time wins.

        Raises BadInput where a limit is none.
        """
        self._of_scope = {"tenant": checked_limits(tenant), "host": checked_limits(host)}
        self._of_key = {key: checked_limits(limits) for key, limits in of_key.items() if checked_scope(key)}
        super().__init__(config)

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        """Spend `cost` tokens now, of the bucket of `key` and of its `user`'s, or of neither."""
        reply: Granted | Refused = self.decide(key, Take(self._limits(key), user, cost))
        return reply

    async def lease(
        self, key: str, user: str, tokens: float, at_least: float, ttl_s: float, renews: int = 0, used: float = 0.0
    ) -> Leased | Refused:
        """Fill a lease to `tokens`, or with what there is, but `at_least`: to be spent within `ttl_s` of the call."""
        command = Lease(self._limits(key), user, tokens, at_least, ttl_s, renews, used)
        reply: Leased | Refused = self.decide(key, command)
        return reply

    async def settle(self, key: str, lease_id: int, used: float) -> Returned:
        """End a lease of which `used` tokens were spent since it began; the others go back."""
        reply: Returned = self.decide(key, Settle(self._limits(key), lease_id, used))
        return reply

    async def set_limits(self, key: str, limits: Limits | None) -> LimitsKept:
        """Give a tenant or host limits of its own; None: those of the settings again."""
        reply: LimitsKept = self.decide(key, SetLimits(limits))
        return reply

    async def quota(self, key: str, user: str = "") -> Quota:
        """What is there now, of the tenant or host as a whole, and of the user where one is named."""
        return quota(self.state(key), self._limits(key), user, self.now())

    def _limits(self, key: str) -> Limits:
        """The settings' limits for a key."""
        return self._of_key.get(key) or self._of_scope[checked_scope(key)]
