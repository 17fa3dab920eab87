"""What callers write down: each call with its own clock around it, and what came of it."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

import msgspec

from actors.runtime_calls import Outcome
from core.entity_codec import to_json

NOTES = "*.notes"
LEASED_TAKE = "leased take"


class Note(msgspec.Struct, frozen=True, omit_defaults=True):
    """One call as its caller saw it. A command that was sent twice has two, with the same `command_id`.

    Times are seconds of the monotonic clock, which all processes of a machine share. `args` are as JSON has them.
    `reply` is the reply as JSON, or `error` the name of what was raised instead. A take out of a lease has no command.
    """

    kind: str
    key: str
    method: str
    args: list[Any]
    command_id: str
    began_s: float
    ended_s: float
    reply: str = ""
    error: str = ""

    @property
    def told(self) -> dict[str, Any]:
        """The reply's fields, with its class as `type`; empty where there was none."""
        told: dict[str, Any] = msgspec.json.decode(self.reply) if self.reply else {}
        return told


class Notebook:
    """One process' notes, a line each."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def opened(cls, folder: str, name: str) -> Iterator["Notebook"]:
        """A new one in the folder of a run."""
        with Path(folder, f"{name}.notes").open("wb") as file:
            yield cls(file)

    def write(
        self,
        kind: str,
        key: str,
        method: str,
        args: Iterable[Any],
        command_id: str,
        times_s: tuple[float, float],
        outcome: Outcome,
    ) -> None:
        """Note a call that came to `outcome`; `times_s` are before and after it."""
        reply = "" if outcome.error else to_json(outcome.value)
        error = type(outcome.error).__name__ if outcome.error else ""
        note = Note(kind, key, method, list(args), command_id, *times_s, reply, error)
        self._file.write(to_json(note).encode() + b"\n")


def read_all(folder: Path) -> Sequence[Note]:
    """All processes' notes, in the order in which the calls ended."""
    return sorted(_read(folder), key=lambda note: note.ended_s)


def _read(folder: Path) -> Iterator[Note]:
    decoder = msgspec.json.Decoder(Note)
    for file in sorted(folder.glob(NOTES)):
        with file.open("rb") as lines:
            for line in lines:
                yield decoder.decode(line)
