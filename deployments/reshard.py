"""`python -m deployments.reshard KIND SHARDS`: spreads a kind of entity over another number of shards.

No data moves. While the bot runs, callers go on: for about a second they wait. What JOURNAL_SHARDS says counts only
until a kind was first used; from then on the journal says it, and this command changes it.
"""

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

from actors.runtime_journal import SqlJournal
from actors.runtime_references import EntityRef
from actors.runtime_resharding import reshard
from config.configuration import Configuration, load_configuration
from config.settings import Settings
from core.errors import BadInput, BotError
from core.journal import Placement
from deployments import cluster, instance
from deployments.entities import entities

MAX_SHARDS = 1_024


async def main(configuration: Configuration, kind: str, shards: int) -> str:
    """Spread `kind` over `shards`; returns a sentence that says what was done. Raises BotError."""
    settings = configuration.settings
    ref = _kind(entities(settings).kinds(), kind)
    if not 1 <= shards <= MAX_SHARDS:
        raise BadInput(f"{kind} cannot be spread over {shards:,} shards.", f"Take 1 to {MAX_SHARDS:,}.")
    journal = SqlJournal(settings.journal_url)
    try:
        await asyncio.to_thread(journal.open)
        before = await asyncio.to_thread(journal.placement, kind)
        old = before.shards if before else settings.journal.shards
        async with _running(settings) as runs:
            placed = await _move(ref, old, shards, lambda count: journal.place(kind, count), runs)
    finally:
        journal.close()
    return f"{kind}: from {old} to {placed.shards} shards ({'the bot went on' if runs else 'the bot does not run'})."


async def _move(ref: EntityRef, old: int, new: int, place: Callable[[int], Placement], runs: bool) -> Placement:
    if runs:
        return await reshard(ref, old, new, place)
    return await asyncio.to_thread(place, new)


def _kind(kinds: tuple[EntityRef, ...], name: str) -> EntityRef:
    for each in kinds:
        if each.name == name:
            return each
    raise BadInput(f"There is no kind {name!r}.", f"Name one of {', '.join(each.name for each in kinds)}.")


@asynccontextmanager
async def _running(settings: Settings) -> AsyncIterator[bool]:
    """Join the bot that runs with these settings; False where none does."""
    addresses = instance.running(settings.data.dir)
    if addresses is None and settings.cluster.address == "local":
        yield False
        return
    async with cluster.connected(addresses.ray if addresses else settings.cluster.address):
        yield True


if __name__ == "__main__":
    parser = argparse.ArgumentParser("python -m deployments.reshard", description="Spread a kind over more shards.")
    parser.add_argument("kind", help="RateLimiter, BudgetLedger, ActivityLog")
    parser.add_argument("shards", type=int)
    asked = parser.parse_args()
    try:
        sys.stdout.write(f"{asyncio.run(main(load_configuration(), asked.kind, asked.shards))}\n")
    except BotError as error:
        sys.exit(str(error))
