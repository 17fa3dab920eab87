"""The calls of a process to the rate limiter, each with a deadline, and what is known of its outages."""

import asyncio
import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from core.errors import BotError, DeadlineExceeded, Unavailable
from core.leases import LocalLease
from core.outages import Outage
from core.ports import RateLimiter
from core.rate_limit_messages import Leased
from core.token_buckets import Rate
from deployments.background import Background

Name = tuple[str, str]
"""A key of the limiter, and a user or "": whose tokens a lease holds."""

CHAT_ALLOWANCE = Rate(per_s=0.1, burst=3.0)
_SETTLED_AT_ONCE = 64
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class LimiterConfig:
    """How a caller limits. Without `enforce` it only watches: all is granted at once, and counted.

    `unreachable`: while the limiter does not answer, "closed" refuses and "allowance" lets `allowance` through, for
    each key in each process. `ttl_s` is how long leased tokens may be spent, `attempt_s` how long a call may take, and
    `idle_s` how long tokens lie unused before they are given back. `max_held` leases are held at most.
    """

    enforce: bool = True
    unreachable: Literal["closed", "allowance"] = "closed"
    allowance: Rate = CHAT_ALLOWANCE
    ttl_s: float = 10.0
    attempt_s: float = 1.0
    idle_s: float = 2.0
    max_held: int = 100_000


@dataclass(slots=True)
class LimiterCounts:
    """What became of the takes of one process, and of its calls to the limiter.

    `degraded` were decided without the limiter. While limits only watch, `would_have_refused` were granted all the
    same, and so were `unjudged`, of which there were too many at once to look at. `asked` are calls for leases,
    and `held` the leases that are here. `unsettled` ones could not be given back: they come back when they end.
    """

    granted_locally: int = 0
    granted_after_asking: int = 0
    refused: int = 0
    degraded: int = 0
    would_have_refused: int = 0
    unjudged: int = 0
    asked: int = 0
    held: int = 0
    unsettled: int = 0


class LimiterCalls:
    """One call for a lease at a time, whoever needs it; an outage of one key is that of no other."""

    def __init__(
        self, limiter: RateLimiter, config: LimiterConfig, clock: Callable[[], float], counts: LimiterCounts
    ) -> None:
        self.background = Background()
        self._limiter, self._config, self._clock, self._counts = limiter, config, clock, counts
        self._asking: dict[Name, asyncio.Task[None]] = {}
        self._outages: dict[str, Outage] = {}
        self._out = 0
        self._closed = False

    def is_asking(self, name: Name) -> bool:
        return name in self._asking

    def may_ask(self, name: Name) -> bool:
        """Whether to call now: not while a call is under way, and rarely in an outage."""
        if name in self._asking:
            return False
        outage = self._outages.get(name[0])
        return outage is None or outage.may_try(self._clock(), self._config.attempt_s)

    def ask(self, name: Name, lease: LocalLease, cost: float) -> asyncio.Task[None]:
        """Ask for tokens, `cost` at least; the task ends when the lease has what there is, or an outage has begun.

        Joins the call that is under way. The task raises what the limiter raises, but Unavailable.
        """
        task = self._asking.get(name)
        if task is None:
            task = self._asking[name] = self.background.start(self._ask(name, lease, cost), f"Asking for {name[0]}")
        return task

    def outage(self, key: str) -> Outage:
        """The outage of a key, which need not be one yet."""
        outage = self._outages.get(key)
        if outage is None:
            allowance = self._config.allowance if self._config.unreachable == "allowance" else None
            outage = self._outages[key] = Outage(key, allowance)
        return outage

    def is_out(self, key: str) -> bool:
        """Whether the last call for a key had no answer."""
        outage = self._outages.get(key)
        return outage is not None and outage.is_open

    def forget_outages(self, now_s: float) -> None:
        for key in [key for key, outage in self._outages.items() if outage.is_over(now_s)]:
            del self._outages[key]

    def end(self, leases: Collection[tuple[str, LocalLease]]) -> asyncio.Task[None]:
        """End leases now, each with its key, and give back what is left of them; the task ends when that is done."""
        now_s = self._clock()
        ending = [
            (key, lease.lease_id, lease.spent) for key, lease in leases if lease.lease_id and now_s < lease.ends_s
        ]
        for _, lease in leases:
            # First: what is given back must not be spent meanwhile.
            lease.end()
        return self.background.start(self._settle_all(ending), "Giving back tokens")

    async def close(self) -> None:
        """Wait for what is under way. From now on the limiter counts as one that does not answer."""
        self._closed = True
        await self.background.drain(2 * self._config.attempt_s)

    async def _ask(self, name: Name, lease: LocalLease, cost: float) -> None:
        key, user = name
        config, asked_s = self._config, self._clock()
        wish = lease.wish(cost, asked_s, config.ttl_s, config.attempt_s)
        self._counts.asked += 1
        try:
            if self._closed:
                raise Unavailable("The rate limiter", "This process is ending.")
            async with asyncio.timeout(config.attempt_s):
                reply = await self._limiter.lease(key, user, *wish)
        except TimeoutError:
            self._failed(key, DeadlineExceeded("The rate limiter", f"It had {config.attempt_s:g} s."))
        except Unavailable as error:
            self._failed(key, error)
        else:
            self._answered(key)
            if isinstance(reply, Leased):
                lease.extend(reply, asked_s)
            else:
                lease.refuse(reply, cost, self._clock())
        finally:
            del self._asking[name]

    def _failed(self, key: str, error: Unavailable) -> None:
        outage = self.outage(key)
        if not outage.is_open:
            self._out += 1
            if self._out == 1:
                _log.warning("The rate limiter does not answer for %s, and perhaps others: %s", key, error)
        outage.failed(error, self._clock())

    def _answered(self, key: str) -> None:
        if self.is_out(key):
            self._outages[key].answered()
            self._out -= 1
            if self._out == 0:
                _log.warning("The rate limiter answers again")

    async def _settle_all(self, ending: Collection[tuple[str, int, float]]) -> None:
        waiting = list(ending)
        while waiting:
            batch, waiting = waiting[:_SETTLED_AT_ONCE], waiting[_SETTLED_AT_ONCE:]
            await asyncio.gather(*(self._settle(*one) for one in batch))

    async def _settle(self, key: str, lease_id: int, used: float) -> None:
        problem: Exception = Unavailable("The rate limiter")
        if not self.is_out(key):
            try:
                async with asyncio.timeout(self._config.attempt_s):
                    await self._limiter.settle(key, lease_id, used)
                return
            except (BotError, TimeoutError) as error:
                problem = error
        self._counts.unsettled += 1
        _log.info("Lease %d of %s was not given back; it comes back when it ends: %r", lease_id, key, problem)
