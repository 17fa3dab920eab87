"""The actor that keeps what must run running: spawns, probes, and replaces what is dead or hangs."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Protocol

from actors.runtime_references import ShardLink
from core.errors import BotError
from core.messages import PartHealth
from core.supervision import Action, Pulse, Rules, Watch, judge

PERIOD_S = 2.0
_ACT_S = 60.0
_log = logging.getLogger(__name__)


class Kind(Protocol):
    """A kind of entity whose shards must run: a reference to it."""

    name: str
    shards: int

    def shard(self, index: int) -> ShardLink: ...


Tell = Callable[[str, Watch], None]


def _tell_nobody(shard: str, watch: Watch) -> None:
    del shard, watch


class Supervisor:
    """Every shard of these kinds runs, answers and delivers what is due; what does not is started or replaced.

    It keeps nothing: after a restart it looks again. Ray restarts what dies; this one also sees what hangs, and starts
    the shards that nobody has called since the machine came up, so that their reminders fire.
    """

    def __init__(
        self,
        kinds: Sequence[Kind],
        gauges: Callable[[], Tell] = lambda: _tell_nobody,
        rules: Rules | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`gauges` makes, in the actor's own process, what is told how each shard is."""
        self._kinds, self._rules, self._clock = tuple(kinds), rules or Rules(), clock
        self._tell = gauges()
        self._watched: dict[tuple[str, int], Watch] = {}
        # How many shards of a kind this one has seen at most.
        self._most: Counter[str] = Counter()
        self._attending: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._watching: asyncio.Task[None] | None = None
        with suppress(RuntimeError):
            asyncio.get_running_loop()
            # In an actor's process it runs already: after a restart nobody needs to call.
            self._start()

    async def start(self) -> None:
        """Begin to watch, and return after the first look at everything."""
        await self.look()
        self._start()

    async def health(self) -> Sequence[PartHealth]:
        """Every shard, and why it is not well."""
        shards = sorted((kind.name, index) for kind in self._kinds for index in range(kind.shards))
        return tuple(_health(f"{kind}-{index}", self._watched.get((kind, index), Watch())) for kind, index in shards)

    async def look(self) -> None:
        """Probe every shard once, and do what is to be done about it."""
        self._attend_all()
        if self._attending:
            await asyncio.wait(self._attending.values())

    async def close(self) -> None:
        """Stop watching."""
        ended = [task for task in (self._watching, *self._attending.values()) if task is not None]
        for task in ended:
            task.cancel()
        if ended:
            await asyncio.wait(ended)

    def _start(self) -> None:
        if self._watching is None:
            self._watching = asyncio.get_running_loop().create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            self._attend_all()
            await asyncio.sleep(PERIOD_S)

    def _attend_all(self) -> None:
        """Begin to attend to every shard that nothing is done about yet: one that takes long holds up no other."""
        for kind in self._kinds:
            for index in range(max(kind.shards, self._most[kind.name])):
                name = (kind.name, index)
                if name not in self._attending:
                    self._attending[name] = asyncio.get_running_loop().create_task(self._attend_safely(kind, index))

    async def _attend_safely(self, kind: Kind, index: int) -> None:
        try:
            if index < kind.shards:
                self._most[kind.name] = max(self._most[kind.name], index + 1)
                await self._attend(kind, index)
            else:
                # It was moved away from. Whoever had not heard of that may have started it again.
                self._watched.pop((kind.name, index), None)
                await kind.shard(index).retire()
        except Exception:  # noqa: BLE001 - the outermost edge: a defect must not end the watch
            _log.exception("%s-%d could not be attended to", kind.name, index)
        finally:
            del self._attending[kind.name, index]

    async def _attend(self, kind: Kind, index: int) -> None:
        shard, name = kind.shard(index), f"{kind.name}-{index}"
        watch, action = judge(
            self._watched.get((kind.name, index), Watch()), await _probed(shard), self._clock(), self._rules
        )
        self._watched[kind.name, index] = watch
        self._tell(name, watch)
        if watch.pulse is not None and not (watch.pulse.draining or watch.pulse.fenced):
            kind.shards = watch.pulse.shards
        if action is Action.NOTHING:
            return
        _log.warning("%s: %s (%s)", name, action.value, watch.reason)
        try:
            # A probe starts what is not there; who does not answer one does not answer this, and the next one tells.
            async with asyncio.timeout(PERIOD_S if action is Action.START else _ACT_S):
                await _do(action, shard)
        except (BotError, TimeoutError) as error:
            _log.warning("%s: %s did not work: %s", name, action.value, error or "it took too long")


async def _probed(shard: ShardLink) -> Pulse | str:
    try:
        async with asyncio.timeout(_ACT_S):
            return await shard.pulse()
    except (BotError, TimeoutError) as error:
        return str(error) or f"did not answer within {_ACT_S:g} s"
    except Exception as error:  # noqa: BLE001 - the outermost edge: what nobody foresaw is no sign of life
        _log.exception("A shard could not be probed")
        return f"cannot be probed ({error!r})"


async def _do(action: Action, shard: ShardLink) -> None:
    match action:
        case Action.START:
            await shard.start()
        case Action.ADOPT:
            await shard.adopt()
        case Action.REPLACE:
            await shard.replace()


def _health(name: str, watch: Watch) -> PartHealth:
    if watch.well and watch.pulse is not None:
        return PartHealth(name, True, f"{watch.pulse.resident:,} in memory, {watch.pulse.calls_per_s:.0f} calls/s")
    return PartHealth(name, watch.well, watch.reason)
