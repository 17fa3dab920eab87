"""Somewhere to deliver to, for the tests of what is delivered."""

import asyncio

from core.entities import Effect
from tests.actors.counters import Counter
from tests.actors.shards import until


class Outside:
    """Somewhere to deliver to. It can fail, and it can be made to wait."""

    def __init__(self) -> None:
        self.delivered: list[Effect] = []
        self.errors: dict[str, Exception] = {}
        self.open = asyncio.Event()
        self.open.set()

    async def __call__(self, effect: Effect) -> None:
        self.delivered.append(effect)
        await self.open.wait()
        if effect.effect_id in self.errors:
            raise self.errors[effect.effect_id]

    @property
    def nonces(self) -> list[str]:
        return [effect.effect_id for effect in self.delivered]


def due(counter: Counter) -> list[Effect]:
    """What is in the outbox, however late it is due."""
    journal = counter._host.journal
    assert journal
    return [each.effect for each in journal.due("Counter", 1e18, 10_000)]


async def empty(counter: Counter) -> None:
    await until(lambda: not due(counter))


async def added(counter: Counter, key: str, total: float) -> None:
    await until(lambda: key in counter._host.live and counter._host.live[key].state.total == total)


async def wake(counter: Counter) -> None:
    """Have it look now at what is due, after the clock was moved."""
    await counter.ask("alarm", "never", "nobody", due_at=1e15)
