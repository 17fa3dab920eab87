"""What the journal's tests share: where journals are made, and small writes."""

import itertools
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from actors.runtime_journal import SqlJournal
from core.journal import AtStep, Entry, Journal, Snapshot, Write, no_step
from tests.fakes.postgres import server

ROOT = Path(__file__).resolve().parents[2]
SHARD = "Counter-0"
KINDS = ("sqlite", "postgres")
_NUMBERS = itertools.count(1)


def fresh_url(kind: str, folder: Path) -> str:
    """A journal's URL that no other test uses."""
    return f"sqlite:///{folder}/journal/journal.db" if kind == "sqlite" else server().fresh()


def file_of(url: str) -> Path:
    """The file of a SQLite journal."""
    return Path(url.removeprefix("sqlite:///"))


def fresh_name(prefix: str) -> str:
    """A name that nothing else in this process has, so that examples can share a journal."""
    return f"{prefix}{next(_NUMBERS)}"


@contextmanager
def opened(url: str, incarnation: str = "", at_step: AtStep = no_step) -> Iterator[SqlJournal]:
    """An open journal, its shard claimed where an incarnation is given."""
    journal = SqlJournal(url, at_step)
    journal.open()
    if incarnation:
        journal.claim(SHARD, incarnation)
    try:
        yield journal
    finally:
        journal.close()


def entry(stream: str, seq: int, at: float = 0.0, **fields: Any) -> Entry:
    """An entry whose texts tell where it belongs."""
    texts = {"command_id": f"{stream}#{seq}", "command": '{"by":1}', "events": f'[{{"n":{seq}}}]', "reply": "{}"}
    return Entry(**{"stream": stream, "seq": seq, "at": at or float(seq), "version": 1, **texts, **fields})


def append(stream: str, seq: int, at: float = 0.0, **fields: Any) -> Write:
    """A write of one entry; `fields` are those of the write."""
    return Write(stream, entry(stream, seq, at), **fields)


def snapshot(stream: str, seq: int, at: float = 0.0) -> Snapshot:
    return Snapshot(stream, seq, at or float(seq), 1, f'{{"n":{seq}}}')


def fill(journal: Journal, stream: str, count: int, incarnation: str = "one") -> Sequence[Entry]:
    """Append entries 1 to `count`, at seconds 1 to `count`."""
    writes = [append(stream, seq) for seq in range(1, count + 1)]
    assert not journal.commit(SHARD, incarnation, writes)
    return [write.entry for write in writes if write.entry]


def kept(journal: Journal, stream: str) -> Sequence[Entry]:
    """All entries of a stream."""
    return journal.load([stream], 0.0)[stream].entries


def python(module: str, *arguments: object) -> list[str]:
    """The command that runs a module of the tests in a process of its own, which starts in `ROOT`."""
    return [sys.executable, "-m", module, *map(str, arguments)]


def run(module: str, *arguments: object) -> subprocess.CompletedProcess[str]:
    """Run a module of the tests to its end, in a process of its own."""
    return subprocess.run(python(module, *arguments), cwd=ROOT, text=True, capture_output=True)
