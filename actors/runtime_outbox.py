"""Delivers what entities asked to have done, until each is confirmed: reminders to themselves, effects to the outside.

An effect is in the journal from the commit that asked for it to the commit that confirms it. So a crash at any moment
means that it is done again (with the same nonce), never that it is forgotten.
"""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from actors.runtime_host import EffectWatch, Host
from core.entities import SELF, Effect
from core.errors import BotError, Fenced, Unavailable
from core.journal import Due, Write
from core.retrying import full_jitter_s

Handler = Callable[[Effect], Awaitable[None]]
Remind = Callable[[str, Effect], Awaitable[None]]

_AT_ONCE = 100
_DELIVER_S = 30.0
_LOOK_S = 5.0
_RETRY_S = 1.0
_LONGEST_RETRY_S = 300.0
_log = logging.getLogger(__name__)


class Lane:
    """The effects of one shard's entities that go one way: done from when they are due until they are confirmed.

    One that fails is put off, longer each time, and never dropped. `overdue_s` is how late the oldest one is, `problem`
    why something is not delivered.
    """

    def __init__(
        self,
        host: Host[Any, Any, Any],
        takes: Callable[[str, Effect], bool],
        do: Callable[[str, Effect], Awaitable[None]],
    ) -> None:
        """`takes(key, effect)` says which are delivered here, by `do`."""
        self._host, self._takes, self._do = host, takes, do
        self._watch = EffectWatch()
        host.watches.append(self._watch)
        # By (stream, effect id): how often it failed and why last; and what was done but could not be written down.
        self._failed: dict[tuple[str, str], tuple[int, str]] = {}
        self._done: dict[tuple[str, str], Effect] = {}
        self._running: asyncio.Task[None] | None = None
        self.problem = ""
        self.overdue_s = 0.0

    def start(self) -> None:
        """Begin to deliver, in the running event loop."""
        if self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def stop(self) -> None:
        """Deliver no more. What is being delivered is broken off, and delivered again by whoever goes on."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})
            self._running = None
            self._failed.clear()
            self._done.clear()
            self.overdue_s, self.problem = 0.0, ""

    async def _run(self) -> None:
        while True:
            self._watch.written.clear()
            try:
                wait_s = await self._deliver_due()
            except BotError as error:
                self.problem, wait_s = str(error), _RETRY_S
            except Exception as error:  # noqa: BLE001 - the outermost edge: a defect must not end the deliveries
                _log.exception("%s could not look for what is due", self._host.name)
                self.problem, wait_s = f"Deliveries have a defect: {error!r}", _RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._watch.written.wait()
            except TimeoutError:
                pass

    async def _deliver_due(self) -> float:
        """Deliver everything that is due; returns for how long nothing will be, in seconds."""
        host, kind, skip = self._host, self._host.kind.name, 0
        journal = host.journal
        assert journal is not None
        self.overdue_s = 0.0
        while not isinstance(host.problem, Fenced):
            self._forget_changed()
            now = host.config.clock()
            due = await host.reading(lambda skip=skip, now=now: journal.due(kind, now, _AT_ONCE, skip))  # type: ignore[misc]
            ours = [it for it in due if self._takes(_key(it), it.effect)]
            if ours:
                self.overdue_s = max(self.overdue_s, now - ours[0].effect.due_at)
            # Each to its end, before one that could not be written down is told of.
            for ended in await asyncio.gather(*(self._deliver(it) for it in ours), return_exceptions=True):
                if ended is not None:
                    raise ended
            self.problem = self._failing()
            if len(due) == _AT_ONCE:
                skip += len(due) - len(ours)
                continue
            self.overdue_s = 0.0
            soon = await host.reading(lambda: journal.next_due(kind))
            if soon is None:
                return _LOOK_S
            # What was due already is another's.
            return _RETRY_S if soon <= now else min(_LOOK_S, max(0.05, soon - host.config.clock()))
        return _LOOK_S

    def _failing(self) -> str:
        for (_, effect_id), (_, because) in self._failed.items():
            return f"{len(self._failed)} deliveries fail, such as {effect_id}: {because}"
        return ""

    def _forget_changed(self) -> None:
        """Before a look: of what entities changed, only what the look may not see yet has to be known."""
        for name, batch in [*self._watch.changed.items()]:
            self._failed.pop(name, None)
            self._done.pop(name, None)
            if batch.done:
                del self._watch.changed[name]

    async def _deliver(self, due: Due) -> None:
        name, effect, changed = (due.stream, due.effect.effect_id), due.effect, self._watch.changed
        if name in changed:
            return  # what was read is old: another look sees what the entity wants now
        try:
            if self._done.get(name) != effect:
                async with asyncio.timeout(_DELIVER_S):
                    await self._do(_key(due), effect)
        except (BotError, TimeoutError) as error:
            _log.warning("%s: %s is put off: %s", due.stream, effect.effect_id, error)
            outcome = self._put_off(due, str(error) or f"It took more than {_DELIVER_S:g} s.")
        except Exception as error:  # noqa: BLE001 - a handler's defect must not end the deliveries of all others
            _log.exception("%s: %s is put off", due.stream, effect.effect_id)
            outcome = self._put_off(due, repr(error))
        else:
            self._failed.pop(name, None)
            self._done[name] = effect
            outcome = Write(due.stream, settled=(effect.effect_id,))
        if name not in changed:
            # What the entity settled or set anew meanwhile is left alone.
            await self._host.put(outcome)
        self._done.pop(name, None)

    def _put_off(self, due: Due, because: str) -> Write:
        name = (due.stream, due.effect.effect_id)
        failures = self._failed.get(name, (0, ""))[0] + 1
        self._failed[name] = failures, because
        jitter_s = full_jitter_s(failures, base_s=_RETRY_S, cap_s=_LONGEST_RETRY_S, rng=random.Random())
        later = replace(due.effect, due_at=self._host.config.clock() + _RETRY_S + jitter_s)
        return Write(due.stream, effects=(later,))


class Outbox:
    """Every effect of one shard's entities, a lane for each target: one that hangs holds up no other, nor reminders."""

    def __init__(
        self, host: Host[Any, Any, Any], owns: Callable[[str], bool], remind: Remind, handlers: Mapping[str, Handler]
    ) -> None:
        async def to_self(key: str, effect: Effect) -> None:
            if effect.target != SELF:
                advice = f"Start {host.name} with a handler for it."
                raise Unavailable(f"The way to {effect.target}", advice)
            await remind(key, effect)

        self._lanes: Sequence[Lane] = ()
        if host.journal is not None:
            own = Lane(host, lambda key, effect: owns(key) and effect.target not in handlers, to_self)
            self._lanes = (own, *(_outward(host, owns, target, handler) for target, handler in handlers.items()))

    @property
    def overdue_s(self) -> float:
        """How late the oldest effect is, in seconds."""
        return max((lane.overdue_s for lane in self._lanes), default=0.0)

    @property
    def problem(self) -> str:
        """Why something is not delivered; empty where all is."""
        return next((lane.problem for lane in self._lanes if lane.problem), "")

    def start(self) -> None:
        """Begin to deliver, in the running event loop."""
        for lane in self._lanes:
            lane.start()

    async def stop(self) -> None:
        """Deliver nothing any more, until it is started again."""
        await asyncio.gather(*(lane.stop() for lane in self._lanes))


def _outward(host: Host[Any, Any, Any], owns: Callable[[str], bool], target: str, handler: Handler) -> Lane:
    return Lane(host, lambda key, effect: owns(key) and effect.target == target, lambda _, effect: handler(effect))


def _key(due: Due) -> str:
    return due.stream.partition("/")[2]
