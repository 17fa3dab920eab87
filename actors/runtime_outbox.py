"""Delivers what entities asked to have done, until each is confirmed: reminders to themselves, effects to the outside.

An effect is in the journal from the commit that asked for it to the commit that confirms it. So a crash at any moment
means that it is done again (with the same nonce), never that it is forgotten.
"""

import asyncio
import logging
import random
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from typing import Any

from actors.runtime_host import Host
from core.entities import SELF, Effect
from core.errors import BotError, Unavailable
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


class Outbox:
    """The effects of one shard's entities, done from when they are due until they are confirmed.

    One that fails is put off, longer each time, and never dropped. `overdue_s` is how late the oldest one is.
    """

    def __init__(
        self, host: Host[Any, Any, Any], owns: Callable[[str], bool], remind: Remind, handlers: Mapping[str, Handler]
    ) -> None:
        self._host, self._owns, self._remind, self._handlers = host, owns, remind, handlers
        self._failures: Counter[tuple[str, str]] = Counter()
        self._running: asyncio.Task[None] | None = None
        self.overdue_s = 0.0
        self.problem = ""

    def start(self) -> None:
        """Begin to deliver, in the running event loop."""
        if self._host.journal is not None and self._running is None:
            self._running = asyncio.get_running_loop().create_task(self._run())

    async def close(self) -> None:
        if self._running is not None:
            self._running.cancel()
            await asyncio.wait({self._running})

    async def _run(self) -> None:
        while True:
            self._host.effects_written.clear()
            try:
                wait_s = await self._deliver_due()
                self.problem = ""
            except BotError as error:
                self.problem, wait_s = str(error), _RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._host.effects_written.wait()
            except TimeoutError:
                pass

    async def _deliver_due(self) -> float:
        """Deliver everything that is due; returns for how long nothing will be, in seconds."""
        host, kind, skip = self._host, self._host.kind.name, 0
        journal = host.journal
        assert journal is not None
        self.overdue_s = 0.0
        while True:
            now = host.config.clock()
            due = await host.reading(lambda skip=skip, now=now: journal.due(kind, now, _AT_ONCE, skip))  # type: ignore[misc]
            ours = [it for it in due if self._owns(_key(it))]
            if ours:
                self.overdue_s = max(self.overdue_s, now - ours[0].effect.due_at)
            await asyncio.gather(*(self._deliver(it) for it in ours))
            if len(due) < _AT_ONCE:
                break
            skip += len(due) - len(ours)
        self.overdue_s = 0.0
        soon = await host.reading(lambda: journal.next_due(kind))
        return _LOOK_S if soon is None else min(_LOOK_S, max(0.05, soon - host.config.clock()))

    async def _deliver(self, due: Due) -> None:
        key, effect = _key(due), due.effect
        with self._host.delivering(due.stream, effect.effect_id) as unchanged:
            try:
                async with asyncio.timeout(_DELIVER_S):
                    await self._do(key, effect)
            except (BotError, TimeoutError) as error:
                _log.warning("%s: %s is put off: %s", due.stream, effect.effect_id, error)
                outcome = self._put_off(due)
            except Exception:  # noqa: BLE001  # a handler's defect must not end the deliveries of all others
                _log.exception("%s: %s is put off", due.stream, effect.effect_id)
                outcome = self._put_off(due)
            else:
                self._failures.pop((due.stream, effect.effect_id), None)
                outcome = Write(due.stream, settled=(effect.effect_id,))
            if unchanged():
                # A new one of the same name, which the entity asked for meanwhile, is left alone.
                await self._host.put(outcome)

    async def _do(self, key: str, effect: Effect) -> None:
        if effect.target == SELF:
            await self._remind(key, effect)
            return
        handler = self._handlers.get(effect.target)
        if handler is None:
            raise Unavailable(f"The way to {effect.target}", f"Start {self._host.name} with a handler for it.")
        await handler(effect)

    def _put_off(self, due: Due) -> Write:
        name = (due.stream, due.effect.effect_id)
        self._failures[name] += 1
        wait_s = _RETRY_S + full_jitter_s(
            self._failures[name], base_s=_RETRY_S, cap_s=_LONGEST_RETRY_S, rng=random.Random()
        )
        later = replace(due.effect, due_at=self._host.config.clock() + wait_s)
        return Write(due.stream, effects=(later,))


def _key(due: Due) -> str:
    return due.stream.partition("/")[2]
