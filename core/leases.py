"""A lease as its holder sees it: tokens of a rate limiter that are spent here, without a call.

Times are seconds of the holder's own clock, one that never goes back. A lease ends `ttl_s` after its holder asked for
it, so always before the limiter's own count ends, which began later. A holder that lost a reply goes on with what it
knows: the limiter has granted at least as much, for at least as long. The next reply tells it the rest.
"""

import math
from typing import NamedTuple

from msgspec.structs import replace

from core.rate_limit_checks import MAX_TOKENS
from core.rate_limit_messages import Leased, Refused

RENEW_LEFT = 0.5
"""Ask for more when this part of the tokens is left, or of the time."""
AHEAD_S = 1.0
"""Ask for what was used in so many seconds: it is what a crash loses and what others have to do without."""
GROWTH = 4.0
"""Ask for at most so many times more than the last time: two quick calls are no trend."""
MAX_PART = 0.25
"""Hold at most this part of the burst: other processes want some, too."""
TOO_MUCH = 4.0
"""Give back what is so many times more than one would ask for now."""
MIN_REMEMBERED_S = 0.02
"""How long a refusal is believed at least: an empty bucket is not asked for each token that drips in."""
MAX_REMEMBERED_S = 1.0
"""How long at most: others may give tokens back, and limits change."""


class Wish(NamedTuple):
    """What to ask the limiter for: what `lease` takes after the key and the user."""

    tokens: float
    at_least: float
    ttl_s: float
    renews: int
    used: float


class LocalLease:
    """Spends at most what was granted, and nothing after its end. It has one call to the limiter under way at a time.

    `left` may be spent before `ends_s`. After a take that leaves less than `low`, or one at `renew_s` or later, it is
    time to ask for more.
    """

    __slots__ = (
        "_asked_s",
        "_believed_until_s",
        "_burst",
        "_granted",
        "_refusal",
        "_refused_cost",
        "_refused_s",
        "_seen",
        "_spent_when_asked",
        "_wished",
        "_wished_once",
        "ends_s",
        "lease_id",
        "left",
        "low",
        "renew_s",
    )

    def __init__(self) -> None:
        self.lease_id = 0
        self.left = self.low = self.renew_s = self.ends_s = 0.0
        self._granted = self._asked_s = self._spent_when_asked = self._wished = 0.0
        self._wished_once = True
        self._burst = MAX_TOKENS
        self._seen = (-1, 0.0)
        self._refusal: Refused | None = None
        self._refused_cost = self._refused_s = self._believed_until_s = 0.0

    @property
    def spent(self) -> float:
        """Tokens spent since the lease began."""
        return self._granted - self.left

    def take(self, cost: float, now_s: float) -> bool:
        """Spend `cost` tokens; False where they are not here, and for what is no cost."""
        if 0 < cost <= self.left and now_s < self.ends_s:
            self.left -= cost
            return True
        return False

    def is_too_much(self, now_s: float) -> bool:
        """Whether half of the time has passed, and far more is here than is needed now: others may lack it."""
        return bool(self.lease_id) and now_s >= self.renew_s and self.left > TOO_MUCH * self._ahead(now_s)

    def wish(self, cost: float, now_s: float, ttl_s: float, once_s: float) -> Wish:
        """What to ask for now: what is used in `AHEAD_S` at the speed since the last call, and `cost` at least.

        Who is slow asks for `cost` alone, to be spent at once: that is over after `once_s` and need not be settled.
        """
        ahead = min(self._ahead(now_s), self._wished * GROWTH, self._burst * MAX_PART)
        self._wished_once = ahead < 2 * cost
        self._wished = cost if self._wished_once else ahead - math.fmod(ahead, cost)
        self._asked_s, self._spent_when_asked = now_s, self.spent
        known = self.spent if self.lease_id else 0.0
        return Wish(self._wished, cost, once_s if self._wished_once else ttl_s, self.lease_id, known)

    def extend(self, leased: Leased, asked_s: float) -> None:
        """Go on with what a call made at `asked_s` was granted. With another id than before, the old lease is over."""
        limited = leased.lease_id != 0
        if leased.lease_id != self.lease_id or not limited:
            self.end()
            self.lease_id = leased.lease_id
        more = max(0.0, (leased.granted if limited else MAX_TOKENS) - self._granted)
        self._granted += more
        self.left += more
        self.ends_s = max(self.ends_s, asked_s + leased.ttl_s)
        self._burst = MAX_TOKENS if leased.burst is None else leased.burst
        self._refusal = None
        once = self._wished_once and limited
        self.low = 0.0 if once or not limited else self.left * RENEW_LEFT
        self.renew_s = self.ends_s if once else asked_s + leased.ttl_s * RENEW_LEFT

    def refuse(self, refused: Refused, cost: float, now_s: float) -> None:
        """Remember for a while that `cost` tokens are not to be had. What is here may be spent."""
        # What was refused is not asked for in the background, but when somebody lacks it.
        self.low, self.renew_s = 0.0, self.ends_s
        self._refusal, self._refused_cost, self._refused_s = refused, cost, now_s
        wait_s = MAX_REMEMBERED_S if refused.retry_after_s is None else refused.retry_after_s
        self._believed_until_s = now_s + min(max(wait_s, MIN_REMEMBERED_S), MAX_REMEMBERED_S)

    def refusal(self, cost: float, now_s: float) -> Refused | None:
        """The refusal that still holds for `cost`, with how long to wait from now on."""
        refused = self._refusal
        if refused is None or now_s >= self._believed_until_s or cost < self._refused_cost:
            return None
        if refused.retry_after_s is None:
            return refused
        until_s = max(self._refused_s + refused.retry_after_s, self._believed_until_s)
        return replace(refused, retry_after_s=math.ceil((until_s - now_s) * 1000) / 1000)

    def is_idle(self, now_s: float) -> bool:
        """Whether nothing was spent since this was asked last, and no refusal need be remembered."""
        seen, self._seen = self._seen, (self.lease_id, self.spent)
        return seen == self._seen and now_s >= self._believed_until_s

    def _ahead(self, now_s: float) -> float:
        """Tokens that are used in `AHEAD_S`, at the speed since the last call."""
        return (self.spent - self._spent_when_asked) * AHEAD_S / max(now_s - self._asked_s, 0.001)

    def end(self) -> None:
        """Spend nothing more of this lease."""
        self._spent_when_asked -= self.spent
        self.lease_id = 0
        self.left = self.low = self.renew_s = self.ends_s = self._granted = 0.0
