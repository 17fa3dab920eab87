"""Commits that change everything that a journal keeps, each on several pages, so that half of one would be seen."""

import json

from core.entities import Effect, Find, Record
from core.journal import Journal, Write
from tests.actors.journals import SHARD, entry, snapshot

STREAMS = ("Counter/a", "Counter/b", "Counter/c")


def writes(number: int) -> list[Write]:
    """The `number`th commit, from 1: entries, snapshots, records and effects of three streams, some of each new, some
    replaced, some deleted."""
    made = []
    for stream in STREAMS:
        body = json.dumps(f"{stream} {number} " * 200)
        made.append(
            Write(
                stream,
                entry(stream, number, reply=body),
                records=(Record(f"r{number % 3}", number, "k", body),),
                erased=(f"r{(number + 1) % 3}",),
                effects=(Effect(f"e{number % 2}", "t", body, number),),
                snapshot=snapshot(stream, number),
            )
        )
    return made


def commit(journal: Journal, number: int) -> None:
    assert not journal.commit(SHARD, "one", writes(number))


def everything(journal: Journal) -> list[object]:
    """All that is kept of the three streams."""
    found: list[object] = [journal.due("Counter", 1e9, 100)]
    for stream in STREAMS:
        found += [journal.history(stream), journal.find(stream, Find())]
    return found
