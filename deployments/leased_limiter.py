"""The rate limiter as its callers have it: tokens are leased to this process and spent here, without a call.

limiter = LeasedLimiter(reference, LimiterConfig(enforce=True))
reply = await limiter.take("tenant:123", user="456")
if isinstance(reply, Refused): ...
"""

import asyncio
import time
from collections.abc import Callable
from dataclasses import replace

from core.leases import LocalLease
from core.ports import RateLimiter
from core.rate_limit_checks import checked_amount, checked_scope, checked_user
from core.rate_limit_messages import Granted, Refused
from deployments.limiter_calls import LimiterCalls, LimiterConfig, LimiterCounts, Name

MAX_WATCHED = 1_000
_GRANTED = Granted()


class LeasedLimiter:
    """Spends each token that the limiter granted once, and before its lease ends; port `core.ports.Pace`.

    For one event loop. A crash loses what was leased here; the limiter has it back when the leases end.
    """

    def __init__(
        self, limiter: RateLimiter, config: LimiterConfig, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`clock` gives seconds and never goes back."""
        self._config, self._clock = config, clock
        self._counts = LimiterCounts()
        self._calls = LimiterCalls(limiter, config, clock, self._counts)
        self._leases: dict[Name, LocalLease] = {}
        self._sweeping: asyncio.Task[None] | None = None
        self._watching = 0

    def try_take(self, key: str, user: str = "", cost: float = 1.0) -> bool:
        """Spend `cost` tokens that are here; False where `take` has to decide. To be called in the event loop."""
        lease = self._leases.get((key, user))
        if lease is None:
            return False
        now_s = self._clock()
        left = lease.left - cost
        if left >= lease.low and now_s < lease.renew_s and cost > 0:
            # As LocalLease.take, without a call: this is the common case.
            lease.left = left
        elif lease.take(cost, now_s):
            self._renew((key, user), lease, cost, now_s)
        else:
            return False
        self._counts.granted_locally += 1
        return True

    async def take(self, key: str, user: str = "", cost: float = 1.0) -> Granted | Refused:
        """Spend `cost` tokens of the bucket of `key` ("tenant:<id>" or "host:<name>") and its user's, or of neither.

        Raises BadInput for what is no key, user or cost, and what the limiter raises but Unavailable.
        """
        if self.try_take(key, user, cost):
            return _GRANTED
        checked_scope(key)
        checked_user(user)
        checked_amount("cost", cost)
        if not self._config.enforce:
            self._watch((key, user), cost)
            return _GRANTED
        reply = await self._decide((key, user), cost)
        if isinstance(reply, Refused):
            self._counts.refused += 1
        return reply

    def counts(self) -> LimiterCounts:
        """What happened since the beginning, and what is here now."""
        return replace(self._counts, held=len(self._leases))

    def sweep(self) -> asyncio.Task[None]:
        """Give back what nobody has used since the last time, and forget it. Happens by itself every `idle_s`."""
        now_s, calls = self._clock(), self._calls
        calls.forget_outages(now_s)
        idle = [name for name, lease in self._leases.items() if not calls.is_asking(name) and lease.is_idle(now_s)]
        return calls.end([(name[0], self._leases.pop(name)) for name in idle])

    async def close(self) -> None:
        """Give back what is left. From now on the limiter counts as one that does not answer."""
        if self._sweeping:
            self._sweeping.cancel()
        await self._calls.close()
        await self._calls.end([(name[0], lease) for name, lease in self._leases.items()])
        self._leases.clear()

    async def _decide(self, name: Name, cost: float) -> Granted | Refused:
        """Ask until there is enough here, or the limiter has refused, or does not answer."""
        calls = self._calls
        give_up_s = self._clock() + self._config.attempt_s
        while True:
            now_s = self._clock()
            lease = self._lease(name)
            if lease.take(cost, now_s):
                self._counts.granted_after_asking += 1
                return _GRANTED
            if refused := lease.refusal(cost, now_s):
                return refused
            if calls.is_out(name[0]):
                # Nobody waits for a limiter that did not answer. One call now and then, beside, tells when it does.
                if calls.may_ask(name):
                    calls.ask(name, lease, cost)
                break
            if now_s >= give_up_s:
                break
            # Shielded: others wait for this call too, and what it is granted must not be lost.
            await asyncio.shield(calls.ask(name, lease, cost))
        self._counts.degraded += 1
        return calls.outage(name[0]).decide(cost, now_s)

    def _renew(self, name: Name, lease: LocalLease, cost: float, now_s: float) -> None:
        """Ask for more in good time, beside; give back what turned out to be too much."""
        if self._calls.may_ask(name):
            if lease.is_too_much(now_s):
                self._calls.end([(name[0], lease)])
            else:
                self._calls.ask(name, lease, cost)

    def _watch(self, name: Name, cost: float) -> None:
        """Find out, beside, what would have become of a take that was granted."""
        if self._watching >= MAX_WATCHED:
            self._counts.unjudged += 1
            return
        self._watching += 1
        self._calls.background.start(self._judge(name, cost), f"Watching the rate of {name[0]}")

    async def _judge(self, name: Name, cost: float) -> None:
        try:
            if isinstance(await self._decide(name, cost), Refused):
                self._counts.would_have_refused += 1
        finally:
            self._watching -= 1

    def _lease(self, name: Name) -> LocalLease:
        lease = self._leases.get(name)
        if lease is None:
            if self._sweeping is None:
                self._sweeping = asyncio.get_running_loop().create_task(self._sweep_on())
            if len(self._leases) >= self._config.max_held:
                # The oldest goes; what is left of it comes back to the limiter when it ends.
                oldest = next((held for held in self._leases if not self._calls.is_asking(held)), None)
                self._leases.pop(oldest or name, None)
            lease = self._leases[name] = LocalLease()
        return lease

    async def _sweep_on(self) -> None:
        while True:
            await asyncio.sleep(self._config.idle_s)
            self.sweep()
