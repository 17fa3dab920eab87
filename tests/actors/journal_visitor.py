"""A process of its own that uses a journal and is told what to do: `python -m tests.actors.journal_visitor URL`.

It reads one word a line and answers each with a JSON line: the error's class ("" for none), and its text or what it
found. `Visitor` is the other end.
"""

import json
import resource
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType

from actors.runtime_journal import SqlJournal
from core.entities import Effect, Find, Record
from core.errors import BotError
from tests.actors.journals import ROOT, SHARD, append, file_of, kept, python
from tests.fakes.unprivileged import start

STREAM = "Counter/a"


class Guest:
    """What the words do. Each commit is an entry, a record and an effect, together more than a page."""

    def __init__(self, url: str) -> None:
        self._url, self._journal = url, SqlJournal(url)
        self._ballast = file_of(url).parent / "ballast"

    def open(self) -> None:
        self._journal.open()
        self._journal.claim(SHARD, "visitor")

    def commit(self) -> int:
        """Append the next entry; returns its number."""
        seq = len(kept(self._journal, STREAM)) + 1
        body = "x" * 5_000
        records, effects = (Record(f"r{seq}", seq, "k", body),), (Effect(f"e{seq}", "t", body, seq),)
        lost = self._journal.commit(SHARD, "visitor", [append(STREAM, seq, records=records, effects=effects)])
        assert not lost
        return seq

    def load(self) -> int:
        """How many entries there are; each with its record and its effect."""
        seqs = [entry.seq for entry in kept(self._journal, STREAM)]
        records = self._journal.find(STREAM, Find(limit=10_000))
        effects = self._journal.due("Counter", 1e9, 10_000)
        assert seqs == list(range(1, len(seqs) + 1))
        assert len(records) == len(effects) == len(seqs)
        return len(seqs)

    def close(self) -> None:
        self._journal.close()

    def fill(self) -> None:
        """Leave no room on the disk."""
        self._ballast.parent.mkdir(exist_ok=True)
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (65_536, 4_096, 1):
                try:
                    while True:
                        ballast.write(b"x" * size)
                except OSError:
                    pass

    def free(self) -> None:
        self._ballast.unlink()

    def limit(self) -> None:
        """Let no file grow: as a full disk, without one."""
        files = [each for each in file_of(self._url).parent.glob("*") if each.is_file()]
        size = max((each.stat().st_size for each in files), default=0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))

    def unlimit(self) -> None:
        resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


class Visitor:
    """A running visitor. `ask` gives the class of the error, "" for none, and its text or the answer."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def ask(self, word: str) -> tuple[str, str]:
        assert self._process.stdin
        assert self._process.stdout
        print(word, file=self._process.stdin, flush=True)
        error, text = json.loads(self._process.stdout.readline())
        return error, text

    def did(self, word: str) -> str:
        """The answer to a word that has to succeed."""
        error, text = self.ask(word)
        assert not error, text
        return text

    def __enter__(self) -> "Visitor":
        return self

    def __exit__(self, _: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.communicate()


def visitor(url: str, folder: Path, wrapped: Sequence[str] = (), *, unprivileged: bool = False) -> Visitor:
    """Start a visitor, under another command where one is given, or as a user who owns `folder` and no more."""
    command = [*wrapped, *python("tests.actors.journal_visitor", url)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": ROOT}
    if unprivileged:
        return Visitor(start(command, folder, **pipes))
    return Visitor(subprocess.Popen(command, text=True, **pipes))  # type: ignore[call-overload]


@contextmanager
def _answers() -> Iterator[None]:
    try:
        yield
    except BotError as error:
        print(json.dumps([type(error).__name__, str(error)]), flush=True)  # noqa: T201  # its answer


if __name__ == "__main__":
    guest = Guest(sys.argv[1])
    for line in sys.stdin:
        with _answers():
            print(json.dumps(["", str(getattr(guest, line.strip())())]), flush=True)  # noqa: T201  # its answer
