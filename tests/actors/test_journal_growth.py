"""What is looked up costs the same in a big journal as in a small one: counted in steps of SQLite, not in seconds."""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Engine, event

from actors.runtime_journal import SqlJournal
from core.entities import Effect, Find, Record
from core.journal import Write
from tests.actors.journals import SHARD, append, fresh_url, opened, snapshot

_EVERY = 10  # steps at a time, as SQLite reports them
SMALL, BIG = 60, 3_000


class Steps:
    """Steps of SQLite's machine, on every connection that was opened meanwhile."""

    taken = 0

    def step(self) -> None:
        self.taken += _EVERY

    def of(self, call: Callable[[], object]) -> int:
        before = self.taken
        call()
        return self.taken - before


@contextmanager
def counted() -> Iterator[Steps]:
    steps = Steps()

    def count(connection: sqlite3.Connection, _: object) -> None:
        connection.set_progress_handler(steps.step, _EVERY)

    event.listen(Engine, "connect", count)
    try:
        yield steps
    finally:
        event.remove(Engine, "connect", count)


def grown(journal: SqlJournal, size: int) -> None:
    """A stream of `size` entries, `size` others that were compacted, as many reminders and records, and three new."""
    for first in range(1, size + 1, 500):
        writes = []
        for seq in range(first, min(first + 500, size + 1)):
            state = snapshot("Counter/long", seq, 10_000.0 + seq) if seq % 20 == 0 else None
            writes.append(append("Counter/long", seq, 10_000.0 + seq, snapshot=state))
            other, at = f"Other/{seq}", float(seq)
            effects, records = (Effect("e", "t", "{}", seq),), (Record("r", at, "k", "{}"),)
            writes.append(append(other, 1, at, snapshot=snapshot(other, 1, at), effects=effects, records=records))
            writes.append(Write("Counter/log", records=(Record(f"r{seq}", at, "k", "{}"),)))
        journal.commit(SHARD, "one", writes)
    while journal.compact(10_000.0, size):
        pass
    for name in ("New/1", "New/2", "New/3"):
        journal.commit(
            SHARD, "one", [append(name, seq, 20_000.0, snapshot=snapshot(name, seq, 20_000.0)) for seq in (1, 2)]
        )


CALLS: dict[str, Callable[[SqlJournal, int], object]] = {
    "load a long stream": lambda journal, size: journal.load(["Counter/long"], 10_000.0 + size - 5),
    "load 50 streams": lambda journal, _: journal.load([f"Other/{number}" for number in range(1, 51)], 0.0),
    "commit": lambda journal, size: journal.commit(SHARD, "one", [append("Counter/long", size + 1)]),
    "claim": lambda journal, _: journal.claim("Other-0", "one"),
    "due of another kind": lambda journal, _: journal.due("Counter", 1e9, 10),
    "due": lambda journal, _: journal.due("Other", 1e9, 10),
    "next due of another kind": lambda journal, _: journal.next_due("Counter"),
    "next due": lambda journal, _: journal.next_due("Other"),
    "find": lambda journal, _: journal.find("Counter/log", Find(limit=5)),
    "find one": lambda journal, _: journal.find("Counter/log", Find(record_id="r7")),
    "compact a piece": lambda journal, _: journal.compact(30_000.0, 2),
}


@pytest.fixture(scope="module")
def journals(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Steps, SqlJournal, SqlJournal]]:
    with (
        counted() as steps,
        opened(fresh_url("sqlite", tmp_path_factory.mktemp("small")), "one") as small,
        opened(fresh_url("sqlite", tmp_path_factory.mktemp("big")), "one") as big,
    ):
        grown(small, SMALL)
        grown(big, BIG)
        yield steps, small, big


@pytest.mark.parametrize("name", CALLS)
def test_a_look_costs_the_same_in_a_journal_fifty_times_as_big(
    journals: tuple[Steps, SqlJournal, SqlJournal], name: str
) -> None:
    steps, small, big = journals
    call = CALLS[name]
    in_small, in_big = steps.of(lambda: call(small, SMALL)), steps.of(lambda: call(big, BIG))
    assert 0 < in_big <= 2 * in_small + 10 * _EVERY
    whole = steps.of(lambda: big.history("Counter/long"))
    assert in_big < whole, "a call that reads everything would be seen"


def test_ten_thousand_streams_are_loaded_in_steps_that_grow_with_their_number(tmp_path: Path) -> None:
    with counted() as steps, opened(fresh_url("sqlite", tmp_path), "one") as journal:
        names = [f"Counter/{number}" for number in range(10_000)]
        journal.commit(SHARD, "one", [append(name, seq) for name in names for seq in (1, 2)])
        thousand = steps.of(lambda: journal.load(names[:1_000], 0.0))
        assert len(journal.load(names, 0.0)) == 10_000
        assert steps.of(lambda: journal.load(names, 0.0)) < 11 * thousand
