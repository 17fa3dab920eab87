"""Gathers what there is to judge after a run, and puts it before the oracle."""

import asyncio
import os
import signal
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from actors.activity_log import ActivityLog
from actors.budget_ledger import BudgetLedger
from actors.rate_limiter import RateLimiter
from actors.runtime_journal import SqlJournal
from actors.runtime_references import Call, EntityRef, together
from core.entities import Find
from core.errors import BotError, JournalUnreadable
from core.journal import Entry, Snapshot
from tests.chaos.books import Book, Books, altered, book, compared, documents, expected, rebuilt, spent_at_once
from tests.chaos.limits import over_admitted, overspent
from tests.chaos.notes import Note, read_all
from tests.chaos.oracle import Finding, Histories, commands, readings
from tests.chaos.stage import LIMITS, RATES, CrashedCounter, Plan

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
        yield from self._replayed()
        wanted = expected(self.notes, self.histories, self.old)
        there = {stream: self.live.get(stream, ()) for stream in wanted}
        yield from compared("the callers' account", wanted, "the live state", there)

    def _replayed(self) -> Iterator[Finding]:
        """What comes to light when every stream is replayed."""
        for stream, history in self.kept.items():
            kind = KINDS[stream.partition("/")[0]]
            try:
                replayed = {stream: rebuilt(kind, stream, history)}
                yield from compared("the live state", {stream: self.live[stream]}, "a replay", replayed)
                yield from altered(kind, stream, history)
                if kind is BudgetLedger.kind:
                    yield from spent_at_once(stream, history[1])
            except JournalUnreadable as error:
                yield Finding("altered", str(error))


async def gathered(plan: Plan, kinds: Sequence[EntityRef], since: float, old: Mapping[str, int]) -> Evidence:
    """The evidence of a run that is over: everybody is asked, all are killed, and asked again."""
    with reading(plan.journal_url) as journal:
        streams = streams_of(journal)
    live = await told(kinds, streams)
    await asyncio.gather(*(_kill(kind, index) for kind in kinds for index in range(kind.shards)))
    return evidence(plan, since, live, await told(kinds, streams), old)


def evidence(plan: Plan, since: float, live: Books, reloaded: Books, old: Mapping[str, int]) -> Evidence:
    """The evidence with what a journal and notes tell."""
    with reading(plan.journal_url) as journal:
        kept = {stream: journal.history(stream) for stream in streams_of(journal)}
        records = {stream: journal.find(stream, Find(limit=ALL)) for stream in kept if "ActivityLog" in stream}
    histories = Histories({stream: history[1] for stream, history in kept.items()}, records, since)
    return Evidence(read_all(Path(plan.folder)), kept, histories, live, reloaded, old)


@contextmanager
def reading(url: str) -> Iterator[SqlJournal]:
    journal = SqlJournal(url, read_only=True)
    journal.open()
    try:
        yield journal
    finally:
        journal.close()


def streams_of(journal: SqlJournal) -> Sequence[str]:
    """All streams of the kinds that take part."""
    return [stream for kind in KINDS for stream in journal.streams(f"{kind}/", ALL)]


async def told(kinds: Sequence[EntityRef], streams: Sequence[str]) -> Books:
    """What the actors answer now, for each stream. Waits until they are there."""
    books: dict[str, Book] = {}
    async with asyncio.timeout(ANSWERS_S):
        for kind in kinds:
            keys = [stream.partition("/")[2] for stream in streams if stream.startswith(f"{kind.name}/")]
            while keys:
                outcomes = await together(kind, [Call(READ_BY[kind.name], key) for key in keys])
                answered = zip(keys, outcomes, strict=True)
                books |= {f"{kind.name}/{key}": book(each.value) for key, each in answered if each.error is None}
                keys = [key for key, each in zip(keys, outcomes, strict=True) if each.error is not None]
    return books


async def _kill(kind: EntityRef, index: int) -> None:
    while True:
        try:
            return os.kill((await kind.shard(index).pulse()).pid, signal.SIGKILL)
        except (BotError, ProcessLookupError):
            await asyncio.sleep(0.1)
