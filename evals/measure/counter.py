"""The smallest durable entity, a number that commands add to: what is measured with it is the runtime alone.

It comes as three kinds, which differ in nothing but what becomes of a change before its reply leaves.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import cast

from actors.runtime_entities import EntityActor
from actors.runtime_host import ShardConfig
from core.entities import Chance, Decision, EntityKind, Message, State
from core.journal import Journal, Write


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


class Counter(EntityActor[Count, Add, Added]):
    """As every durable entity: changes of many callers share a commit, and replies wait for it."""

    kind = KIND

    async def add(self, key: str, by: int) -> int:
        """Returns what the number is now."""
        added: Added = self.decide(key, Add(by))
        return added.total


class UndurableCounter(Counter):
    """To be started without a journal: the same code, whose replies leave at once."""

    kind = replace(KIND, name="UndurableCounter")


class UnsharedCounter(Counter):
    """Every change is a commit of its own: the same thread hands the same journal one write at a time."""

    kind = replace(KIND, name="UnsharedCounter")

    def __init__(self, config: ShardConfig) -> None:
        super().__init__(config)
        commits = self._host._commits
        assert commits is not None
        commits._journal = cast(Journal, _OneByOne(commits._journal))


class _OneByOne:
    def __init__(self, journal: Journal) -> None:
        self._journal = journal

    def commit(self, shard: str, incarnation: str, writes: Sequence[Write]) -> frozenset[str]:
        return frozenset().union(*(self._journal.commit(shard, incarnation, (write,)) for write in writes))
