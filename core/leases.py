"""A lease as its holder sees it: tokens of a rate limiter that are spent here, without a call.

Times are seconds of the holder's own clock, one that never goes back. A lease ends `ttl_s` after its holder asked for
it, so always before the limiter's own count ends, which began later.
"""

from core.rate_limit_messages import Leased, Refused

RENEW_LEFT = 0.5
"""Ask for more when this part of what was granted last is left, or of the time."""
MAX_REMEMBERED_S = 1.0
"""How long a refusal is believed without asking again, at most: tokens may come back and limits change meanwhile."""


class LocalLease:
    """Spends at most what was granted, and nothing after its end.

    `granted` counts since the lease began, as the limiter counts it. What was once reported as spent stays spent.
    """

    __slots__ = (
        "_ends_s",
        "_granted",
        "_refusal",
        "_refused_cost",
        "_refused_until_s",
        "_reported",
        "lease_id",
        "left",
        "low",
        "renew_s",
    )

    def __init__(self) -> None:
        self.lease_id = 0
        self.left = self.low = 0.0
        self.renew_s = self._ends_s = 0.0
        self._granted = self._reported = 0.0
        self._refusal: Refused | None = None
        self._refused_cost = self._refused_until_s = 0.0

    def take(self, cost: float, now_s: float) -> bool:
        """Spend `cost` tokens (above 0); False where they are not here, and somebody has to be asked."""
        if cost <= self.left and now_s < self._ends_s:
            self.left -= cost
            return True
        return False

    def is_low(self, now_s: float) -> bool:
        """Whether it is time to ask for more: few tokens or little time are left."""
        return self.left < self.low or now_s > self.renew_s

    def give_back(self, cost: float, lease_id: int) -> None:
        """Undo a `take` of `lease_id`, unless it was reported as spent meanwhile or that lease is gone."""
        if lease_id == self.lease_id and self._granted - self.left - cost >= self._reported:
            self.left += cost

    def report(self) -> float:
        """Tokens spent since the lease began, to be told to the limiter: from now on they are spent for good."""
        self._reported = self._granted - self.left
        return self._reported

    def extend(self, leased: Leased, asked_s: float) -> None:
        """Add what was granted to a call that was made at `asked_s`. Another id: the old lease is over."""
        if leased.lease_id != self.lease_id:
            self.end()
            self.lease_id = leased.lease_id
        self._granted += leased.tokens
        self.left += leased.tokens
        self._ends_s = asked_s + leased.ttl_s
        self.low = leased.tokens * RENEW_LEFT
        self.renew_s = asked_s + leased.ttl_s * (1 - RENEW_LEFT)
        self._refusal = None

    def refuse(self, refused: Refused, cost: float, now_s: float) -> None:
        """Remember that `cost` tokens are not to be had for a while."""
        wait_s = MAX_REMEMBERED_S if refused.retry_after_s is None else refused.retry_after_s
        self._refusal, self._refused_cost = refused, cost
        self._refused_until_s = now_s + min(wait_s, MAX_REMEMBERED_S)

    def refusal(self, cost: float, now_s: float) -> Refused | None:
        """The refusal that still holds for `cost`."""
        if self._refusal is None or now_s >= self._refused_until_s or cost < self._refused_cost:
            return None
        return self._refusal

    def end(self) -> None:
        """Spend nothing more of this lease."""
        self.lease_id = 0
        self.left = self._granted = self._reported = self._ends_s = 0.0
