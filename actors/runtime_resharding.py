"""Spreads a kind of entity over another number of shards. No data moves: streams belong to keys, not to shards."""

import asyncio
from collections.abc import Callable
from typing import Protocol

from actors.runtime_references import ShardLink
from core.journal import Placement


class Kind(Protocol):
    """A reference to the kind."""

    name: str
    shards: int

    def shard(self, index: int) -> ShardLink: ...


async def reshard(kind: Kind, old: int, new: int, place: Callable[[int], Placement]) -> Placement:
    """Go from `old` to `new` shards while callers go on; `place` writes the placement down. Returns it.

    1. The old shards finish what they have begun and take nothing more: callers try again until step 3.
    2. The placement is written, which fences every shard of the kind: one that missed step 1 can commit nothing.
    3. The shards of both placements claim anew and look the placement up; those that are left over end.

    A crash in the middle leaves shards that are drained or fenced, and the supervisor tells those to go on with
    whatever the journal says then. So this may be run again at any time.
    """
    await asyncio.gather(*(kind.shard(index).drain() for index in range(old)))
    placement = await asyncio.to_thread(place, new)
    kind.shards = placement.shards
    await asyncio.gather(*(kind.shard(index).adopt() for index in range(max(old, new))))
    await asyncio.gather(*(kind.shard(index).retire() for index in range(new, old)))
    return placement
