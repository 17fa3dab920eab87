"""What the writes of one commit come to: for each record and effect its last word, so that each is written once."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from operator import attrgetter
from typing import Any

from msgspec.structs import astuple

from core.entities import Effect, Record
from core.journal import Write

Row = tuple[Any, ...]
Key = tuple[str, str]

_RECORD = attrgetter("at", "kind", "user", "channel", "body")
_EFFECT = attrgetter("target", "body", "due_at")


@dataclass(slots=True)
class Changes:
    """Rows to insert, replace and delete, in the columns' order. `ages` go first, then the deletions.

    Within a write, what goes is older than what comes: a reminder that is settled and set again stays set.
    """

    entries: list[Row] = field(default_factory=list)
    snapshots: list[Row] = field(default_factory=list)
    records: dict[Key, Record | None] = field(default_factory=dict)
    effects: dict[Key, Effect | None] = field(default_factory=dict)
    ages: list[tuple[str, float]] = field(default_factory=list)

    def add(self, write: Write) -> None:
        """Take in the next write of the commit. Raises BadInput where it cannot be kept."""
        write.check()
        stream = write.stream
        if write.entry:
            self.entries.append(astuple(write.entry))
        if write.snapshot:
            self.snapshots.append(astuple(write.snapshot))
        if write.erased_before:
            self._age(stream, write.erased_before)
        for record_id in write.erased:
            self.records[stream, record_id] = None
        for record in write.records:
            self.records[stream, record.record_id] = record
        for effect_id in write.settled:
            self.effects[stream, effect_id] = None
        for effect in write.effects:
            self.effects[stream, effect.effect_id] = effect

    def _age(self, stream: str, before: float) -> None:
        self.ages.append((stream, before))
        for key, record in self.records.items():
            if record and key[0] == stream and record.at < before:
                self.records[key] = None


def changes_of(writes: Iterable[Write]) -> Changes:
    """The changes of these writes, taken in order."""
    changes = Changes()
    for write in writes:
        changes.add(write)
    return changes


def record_rows(records: Mapping[Key, Record | None]) -> list[Row]:
    return [(*key, *_RECORD(record)) for key, record in records.items() if record]


def effect_rows(effects: Mapping[Key, Effect | None]) -> list[Row]:
    return [(*key, *_EFFECT(effect), key[0].partition("/")[0]) for key, effect in effects.items() if effect]


def gone(latest: Mapping[Key, Record | None] | Mapping[Key, Effect | None]) -> list[Row]:
    return [key for key, value in latest.items() if value is None]
