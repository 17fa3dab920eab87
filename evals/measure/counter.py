"""The smallest durable entity, a number that commands add to: what is measured with it is the runtime alone.

It comes as three kinds, which differ in what happens to a change before its reply leaves.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from actors.runtime_journal import SqlJournal
from core.entities import Chance, Decision, EntityKind, Message, State
from core.journal import Write


class Add(Message, frozen=True):
    """Add `by` to the number."""

    by: int


class Added(Message, frozen=True):
    """`total` is what the number is now; this is also what the caller is told."""

    total: int


class Count(State, frozen=True):
    total: int = 0


def decide(state: Count, command: Add, now: float, chance: Chance) -> Decision[Added]:
    del now, chance
    added = Added(state.total + command.by)
    return Decision(added, (added,))


def evolve(state: Count, event: Added) -> Count:
    del state
    return Count(event.total)


KIND = EntityKind("Counter", Count, Add, Added, Added, lambda _key: Count(), decide, evolve)
AnyCounter: TypeAlias = EntityActor[Count, Add, Added]


class Counter(EntityActor[Count, Add, Added]):
    """As every durable entity: changes of many callers share a commit, and replies wait for it."""

    kind = KIND

    async def add(self, key: str, by: int) -> int:
        """Returns what the number is now."""
        added: Added = self.decide(key, Add(by))
        return added.total


class UndurableCounter(Counter):
    """The same code on a configuration without a journal: replies leave at once."""

    kind = replace(KIND, name="UndurableCounter")
