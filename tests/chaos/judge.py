"""Gathers what there is to judge after a run, and puts it before the oracle."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_journal import SqlJournal
from actors.runtime_references import Call, EntityRef, together
from core.entities import EntityKind, Find
from core.errors import BotError
from core.journal import Entry, Snapshot
from tests.chaos.books import Book, Books, altered, book, compared, documents, expected, rebuilt, spent_at_once
from tests.chaos.limits import over_admitted, overspent
from tests.chaos.notes import Note, read_all
from tests.chaos.oracle import Finding, Histories, commands, readings
from tests.chaos.stage import LIMITS, RATES, Cast, CrashedCounter, Plan

ANSWERS_S = 60.0
READ_BY = {"CrashedCounter": "total", "BudgetLedger": "report", "ActivityLog": "report", "RateLimiter": "quota"}
KINDS = {actor.kind.name: actor.kind for actor in (CrashedCounter, BudgetLedger, ActivityLog, RateLimiter)}
ALL = 10_000_000


@dataclass(frozen=True)
class Evidence:
    """What a run leaves behind: the callers' notes, the journal, and what the actors told before and after a crash."""

    notes: Sequence[Note]
    kept: Mapping[str, tuple[Sequence[Snapshot], Sequence[Entry]]]
    histories: Histories
    live: Books
    reloaded: Books
    old: Mapping[str, int]

    def findings(self) -> Iterator[Finding]:
        """Everything that must not be."""
        yield from commands(self.notes, self.histories)
        yield from readings(self.notes)
        yield from documents(self.notes, self.histories)
        yield from overspent(self.notes, LIMITS)
        yield from over_admitted(self.notes, RATES)
        yield from compared("the live state", self.live, "the reloaded one", self.reloaded)
        replayed = {stream: rebuilt(_kind(stream), stream, history) for stream, history in self.kept.items()}
        yield from compared("the live state", self.live, "a replay", replayed)
        wanted = expected(self.notes, self.histories, self.old)
        told = {stream: self.live.get(stream, ()) for stream in wanted}
        yield from compared("the callers' account", wanted, "the live state", told)
        for stream, history in self.kept.items():
            yield from altered(_kind(stream), stream, history)
            if stream.startswith("BudgetLedger/"):
                yield from spent_at_once(stream, history[1])


async def gathered(plan: Plan, kinds: Cast, since: float, old: Mapping[str, int]) -> Evidence:
    """The evidence of a run that is over: everybody is asked, all are killed, and asked again."""
    journal = SqlJournal(plan.journal_url, read_only=True)
    journal.open()
    try:
        streams = [stream for kind in KINDS for stream in journal.streams(f"{kind}/", ALL)]
        live = await _told(kinds, streams)
        await asyncio.gather(*(_kill(kind, index) for kind in kinds.kinds() for index in range(kind.shards)))
        reloaded = await _told(kinds, streams)
        kept = {stream: journal.history(stream) for stream in streams}
        records = {stream: journal.find(stream, Find(limit=ALL)) for stream in streams if "ActivityLog" in stream}
    finally:
        journal.close()
    histories = Histories({stream: history[1] for stream, history in kept.items()}, records, since)
    return Evidence(read_all(Path(plan.folder)), kept, histories, live, reloaded, old)


async def _told(kinds: Cast, streams: Sequence[str]) -> Books:
    """What the actors answer now, for each stream. Waits until they are there."""
    told: dict[str, Book] = {}
    async with asyncio.timeout(ANSWERS_S):
        for kind in kinds.kinds():
            keys = [stream.partition("/")[2] for stream in streams if stream.startswith(f"{kind.name}/")]
            while keys:
                outcomes = await together(kind, [Call(READ_BY[kind.name], key) for key in keys])
                answered = zip(keys, outcomes, strict=True)
                told |= {f"{kind.name}/{key}": book(each.value) for key, each in answered if each.error is None}
                keys = [key for key, each in zip(keys, outcomes, strict=True) if each.error is not None]
    return told


async def _kill(kind: EntityRef, index: int) -> None:
    while True:
        try:
            return os.kill((await kind.shard(index).pulse()).pid, signal.SIGKILL)
        except (BotError, ProcessLookupError):
            await asyncio.sleep(0.1)


def _kind(stream: str) -> EntityKind[Any, Any, Any]:
    return KINDS[stream.partition("/")[0]]
