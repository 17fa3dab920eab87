"""Waits for one's turn at a host: the port `core.web.HostGate` over the paces that all processes share."""

import asyncio
import logging
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Any, Protocol

from core.entities import Chance
from core.errors import Busy, DeadlineExceeded, Unavailable
from core.host_pace import KIND, Line, pace_key
from core.host_pace_messages import Outcome, PaceRules, Slot, Take, Tell, Told, TooLong
from core.outages import Outage
from deployments.background import Background

ALONE = PaceRules(interval_s=5.0, burst=1, jitter=0.3, max_interval_s=300.0)
_MAX_LINES = 1_000
_log = logging.getLogger(__name__)


class Pace(Protocol):
    """The paces of all hosts, by key; `actors.host_pace.HostPace` or a reference to it."""

    async def take(self, key: str, patience_s: float, epoch: int = 0) -> Slot | TooLong: ...

    async def told(self, key: str, outcome: Outcome, retry_after_s: float = 0.0) -> Told: ...


@dataclass(frozen=True, slots=True)
class GateConfig:
    """How long a caller stands in line (`patience_s`), and a call to the pace may take (`attempt_s`), in seconds.

    What nobody waits for has less patience than a person's question, so that the line is short for those. While the
    pace does not answer, each process keeps the rules `alone` by itself.
    """

    patience_s: float = 30.0
    attempt_s: float = 2.0
    alone: PaceRules = ALONE


@dataclass(slots=True)
class GateCounts:
    """What became of the requests of one process; those that were let through `alone` are among the `admitted`."""

    admitted: int = 0
    waited_s: float = 0.0
    refused: int = 0
    alone: int = 0
    untold: int = 0


class HostGate:
    """Lets a request go when the pace that all share says so. For one event loop."""

    def __init__(
        self,
        pace: Pace,
        config: GateConfig = GateConfig(),
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        """`clock` gives seconds and never goes back. Raises BadInput where the rules are none."""
        config.alone.check()
        self._pace, self._config, self._clock, self._sleep = pace, config, clock, sleep
        self._background = Background()
        self._counts = GateCounts()
        self._telling: dict[str, set[asyncio.Task[None]]] = {}
        self._heeding: set[str] = set()
        self._alone = _Alone(config.alone, clock)

    async def admit(self, host: str) -> None:
        """Return when it is one's turn to ask `host` for something.

        Raises Busy where that takes longer than there is patience for: it says when to come back.
        """
        key, left_s, epoch = pace_key(host), self._config.patience_s, 0
        if telling := self._telling.get(key):
            await asyncio.wait(tuple(telling))  # what this process knows counts for its next request
        while True:
            reply = await self._take(key, max(0.0, left_s), epoch)
            if isinstance(reply, TooLong):
                self._counts.refused += 1
                _log.info("%s is left alone: %s", host, reply.because)
                raise Busy(host, reply.retry_after_s)
            if reply.wait_s <= 0:
                self._counts.admitted += 1
                return
            await self._sleep(reply.wait_s)
            self._counts.waited_s += reply.wait_s
            left_s, epoch = left_s - reply.wait_s, reply.epoch

    def told(self, host: str, outcome: Outcome, retry_after_s: float = 0.0) -> None:
        """How `host` answered, and in how many seconds it asks to come back. Does not wait."""
        key = pace_key(host)
        self._alone.told(key, outcome, retry_after_s)
        if outcome is Outcome.SUCCESS and key not in self._heeding:
            return
        task = self._background.start(self._tell(key, outcome, retry_after_s), f"Telling the pace of {host}")
        self._telling.setdefault(key, set()).add(task)
        task.add_done_callback(lambda done: self._has_told(key, done))

    def counts(self) -> GateCounts:
        """What happened since the beginning."""
        return replace(self._counts)

    async def close(self) -> None:
        """Wait for what is still to be told."""
        await self._background.drain(2 * self._config.attempt_s)

    async def _take(self, key: str, patience_s: float, epoch: int) -> Slot | TooLong:
        outage = self._alone.outage(key)
        # A slot that was given alone is used alone: its epoch means nothing to the others.
        if epoch >= 0 and outage.may_try(self._clock(), self._config.attempt_s):
            try:
                async with asyncio.timeout(self._config.attempt_s):
                    reply = await self._pace.take(key, patience_s, epoch)
            except (TimeoutError, Unavailable) as error:
                self._failed(key, outage, error)
            else:
                outage.answered()
                self._heed(key, isinstance(reply, TooLong) or reply.heeds_success)
                return reply
        decided = self._alone.take(key, patience_s, -epoch)
        if isinstance(decided, TooLong):
            return decided
        self._counts.alone += not decided.wait_s
        return Slot(decided.wait_s, -decided.epoch)

    def _heed(self, key: str, heeds: bool) -> None:
        """Whether to tell successes: at full pace they change nothing, and cost a call."""
        if not heeds:
            self._heeding.discard(key)
        elif len(self._heeding) < _MAX_LINES:
            self._heeding.add(key)

    def _failed(self, key: str, outage: Outage, error: TimeoutError | Unavailable) -> None:
        if isinstance(error, TimeoutError):
            error = DeadlineExceeded("The pace of hosts", f"It had {self._config.attempt_s:g} s.")
        if not outage.is_open:
            _log.warning("The pace of %s is kept by each process alone: %s", key, error)
        outage.failed(error, self._clock())

    async def _tell(self, key: str, outcome: Outcome, retry_after_s: float) -> None:
        outage = self._alone.outage(key)
        if outage.is_open:
            self._counts.untold += 1
            return
        try:
            async with asyncio.timeout(self._config.attempt_s):
                told = await self._pace.told(key, outcome, retry_after_s)
        except (TimeoutError, Unavailable) as error:
            self._counts.untold += 1
            self._failed(key, outage, error)
            return
        if outcome is not Outcome.SUCCESS:
            _log.info("%s answered with %s: it is asked every %.2g s now", key, outcome, told.interval_s)

    def _has_told(self, key: str, task: asyncio.Task[None]) -> None:
        self._telling[key].discard(task)
        if not self._telling[key]:
            del self._telling[key]


class _Alone:
    """What a process does by itself while the pace does not answer; it has heard of all complaints that it met."""

    def __init__(self, rules: PaceRules, clock: Callable[[], float]) -> None:
        self._rules, self._clock = rules, clock
        self._lines: dict[str, Line] = {}
        self._outages: dict[str, Outage] = {}
        self._seed, self._seq = "", 0

    def outage(self, key: str) -> Outage:
        """The outage of a key, which need not be one yet."""
        if key not in self._outages:
            _make_room(self._outages)
            self._outages[key] = Outage(key, None)
        return self._outages[key]

    def take(self, key: str, patience_s: float, epoch: int) -> Slot | TooLong:
        reply: Slot | TooLong = self._decide(key, Take(self._rules, patience_s, epoch))
        return reply

    def told(self, key: str, outcome: Outcome, retry_after_s: float) -> None:
        if outcome is not Outcome.SUCCESS or key in self._lines:
            self._decide(key, Tell(self._rules, outcome, retry_after_s))

    def _decide(self, key: str, command: Take | Tell) -> Any:
        state = self._lines.pop(key, None) or KIND.initial(key)
        # Drawn where it is used: processes that are alone must not go in step.
        self._seed = self._seed or f"{random.SystemRandom().random()}"
        self._seq += 1
        decision = KIND.decide(state, command, self._clock(), Chance(self._seed, self._seq))
        _make_room(self._lines)
        self._lines[key] = KIND.replay(state, decision.events)
        return decision.reply


def _make_room(held: dict[str, Any]) -> None:
    """Forget the oldest."""
    if len(held) >= _MAX_LINES:
        del held[next(iter(held))]
