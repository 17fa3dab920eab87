"""What a caller does while the rate limiter does not answer for a key: it decides alone, and tries now and then.

Times are seconds of the caller's own clock.
"""

from core.entities import Chance
from core.errors import Busy, Unavailable
from core.rate_limit_messages import Granted, Refused, Take
from core.rate_limits import KIND, initial, moment_of
from core.token_buckets import TOTAL, Limits, Rate

FIRST_RETRY_S = 1.0
MAX_RETRY_S = 30.0


class Outage:
    """Lets through a small allowance, or nothing. `is_open` from a call that failed until one succeeds.

    What was let through is remembered beyond that, until it has come back: a limiter that comes and goes gives nobody
    a new allowance each time.
    """

    __slots__ = ("_allowance", "_error", "_failures", "_state", "_try_at_s")

    def __init__(self, key: str, allowance: Rate | None) -> None:
        """`allowance` None: nothing is let through."""
        self._allowance = Limits(allowance) if allowance else None
        self._state = initial(key)
        self._failures = 0
        self._try_at_s = 0.0
        self._error = "it took too long."

    @property
    def is_open(self) -> bool:
        return self._failures > 0

    def failed(self, error: Unavailable, now_s: float) -> None:
        """A call failed; the next is worth its while after a pause that doubles each time."""
        self._failures += 1
        self._error = str(error)
        doubled_s = FIRST_RETRY_S * 2.0 ** min(self._failures - 1, 10)
        wait_s = error.retry_after_s if isinstance(error, Busy) else doubled_s
        self._try_at_s = now_s + min(wait_s, MAX_RETRY_S)

    def answered(self) -> None:
        """A call succeeded."""
        self._failures, self._try_at_s = 0, 0.0

    def may_try(self, now_s: float, attempt_s: float) -> bool:
        """Whether to call now; in an outage nobody else may then for `attempt_s`, the time that the call can take."""
        if not self.is_open:
            return True
        if now_s < self._try_at_s:
            return False
        self._try_at_s = now_s + attempt_s
        return True

    def decide(self, cost: float, now_s: float) -> Granted | Refused:
        """What the caller is told in the limiter's stead."""
        because = f"The rate limiter does not answer: {self._error}"
        if self._allowance is None:
            retry_after_s = max(FIRST_RETRY_S, self._try_at_s - now_s)
            return Refused(self._state.scope, retry_after_s, f"{because} Nothing is let through meanwhile.")
        decision = KIND.decide(self._state, Take(self._allowance, cost=cost), now_s, Chance("", 0))
        self._state = KIND.replay(self._state, decision.events)
        reply: Granted | Refused = decision.reply
        if isinstance(reply, Refused):
            return Refused(
                reply.scope, reply.retry_after_s, f"{because} Meanwhile little is let through: {reply.because}"
            )
        return reply

    def is_over(self, now_s: float) -> bool:
        """Whether the limiter answers and nothing is left to remember."""
        if self.is_open:
            return False
        rate = self._allowance and self._allowance.total
        return not rate or moment_of(self._state, Limits(rate), now_s).missing(TOTAL, rate) == 0
