"""The smallest durable entity there is, so that what is measured is the runtime: a sum."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace

from actors.runtime_calls import Outcome, Request
from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.entities import Chance, Decision, EntityKind, Message, State


class Sum(State, frozen=True, gc=False):
    """What was added up."""

    total: int = 0


class Add(Message, frozen=True):
    """Add `amount`."""

    amount: int


class Added(Message, frozen=True):
    """`amount` was added."""

    amount: int


class Total(Message, frozen=True):
    """The sum now."""

    total: int


def decide(state: Sum, command: Add, now: float, chance: Chance) -> Decision[Added]:
    """Every amount is taken."""
    del now, chance
    return Decision(Total(state.total + command.amount), (Added(command.amount),))


def evolve(state: Sum, event: Added) -> Sum:
    """The sum after `event`."""
    return Sum(state.total + event.amount)


KIND: EntityKind[Sum, Add, Added] = EntityKind(
    name="MeasuredCounter",
    state=Sum,
    commands=Add,
    events=Added,
    replies=Total,
    initial=lambda _: Sum(),
    decide=decide,
    evolve=evolve,
)


class MeasuredCounter(EntityActor[Sum, Add, Added]):
    """Adds; what was acknowledged survives a restart."""

    kind = KIND

    async def add(self, key: str, amount: int) -> Total:
        reply: Total = self.decide(key, Add(amount))
        return reply

    async def total(self, key: str) -> Total:
        return Total(self.state(key).total)


class UndurableCounter(MeasuredCounter):
    """The same under a name of its own, for a journal that keeps nothing."""

    kind = replace(KIND, name="UndurableCounter")


class CommitEachCounter(MeasuredCounter):
    """The same, with one commit for each command: nothing is begun before the last one is on disk."""

    kind = replace(KIND, name="CommitEachCounter")

    def __init__(self, config: ShardConfig) -> None:
        super().__init__(config)
        self._alone = asyncio.Lock()

    async def perform(self, requests: Sequence[Request]) -> Sequence[Outcome]:
        async with self._alone:
            return [(await super(CommitEachCounter, self).perform((each,)))[0] for each in requests]
