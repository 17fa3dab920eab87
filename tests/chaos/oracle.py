"""Judges a crash test by what the callers wrote down: against the journal, and against what actors answer afterwards.

Nothing in here knows how a journal or an actor works; each check finds what its planted fault is in test_oracle.py.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec

from core import activity, budget_messages, rate_limit_messages
from core.entities import Record
from core.journal import Entry
from tests.actors import counters
from tests.chaos.notes import Note

# Replies that say that something was written down.
WRITTEN = {"Total", "Reserved", "Settled", "Released", "Noted"}
READING = {"total", "report", "quota"}
_REPLY: msgspec.json.Decoder[Any] = msgspec.json.Decoder(
    counters.Total | budget_messages.Reply | activity.Noted | rate_limit_messages.Reply
)
# Refusals of which a caller may believe that nothing was done.
CLEAN = {"Busy"}


class Finding(NamedTuple):
    """Something that must not be: what kind of thing, and which."""

    what: str
    text: str


@dataclass(frozen=True)
class Histories:
    """What the journal keeps of a run: entries and records by stream. `since` is when the run began, unix seconds."""

    entries: Mapping[str, Sequence[Entry]]
    records: Mapping[str, Sequence[Record]]
    since: float = 0.0

    def fresh(self, stream: str) -> Sequence[Entry]:
        """The entries that the run has written."""
        return [entry for entry in self.entries.get(stream, ()) if entry.at >= self.since]

    def replies(self, kind: str) -> Mapping[str, str]:
        """The class of the reply that each command of a kind got, by its id."""
        streams = [stream for stream in self.entries if stream.startswith(f"{kind}/")]
        fresh = (entry for stream in streams for entry in self.fresh(stream))
        return {entry.command_id: msgspec.json.decode(entry.reply)["type"] for entry in fresh}


def commands(notes: Iterable[Note], histories: Histories) -> Iterator[Finding]:
    """Every acknowledged command is in its stream once, with the reply that its caller got; the others at most once."""
    asked: defaultdict[tuple[str, str], list[Note]] = defaultdict(list)
    for note in notes:
        if note.command_id and note.method not in READING:
            asked[f"{note.kind}/{note.key}", note.command_id].append(note)
    written = {stream: _by_command(histories.fresh(stream)) for stream in histories.entries}
    for (stream, command_id), its_notes in asked.items():
        yield from _command(f"{stream}: {command_id}", its_notes, written.get(stream, {}).get(command_id, []))
    for stream, by_command in written.items():
        for command_id, its_entries in by_command.items():
            if (stream, command_id) not in asked and not _is_lease(its_entries[0]):
                yield Finding("doubled", f"{stream}: entry {its_entries[0].seq} is of no caller ({command_id})")


def _command(name: str, notes: Sequence[Note], entries: Sequence[Entry]) -> Iterator[Finding]:
    acknowledged = [note for note in notes if note.reply]
    if len(entries) > 1:
        yield Finding("doubled", f"{name} is there {len(entries)} times")
    if not entries and any(_is_written(note) for note in acknowledged):
        yield Finding("lost", f"{name} was acknowledged")
    if entries and all(note.error in CLEAN for note in notes):
        yield Finding("undone", f"{name} was refused ({notes[0].error}), and is done")
    replies = [*(note.reply for note in acknowledged), *(entry.reply for entry in entries)]
    if acknowledged and any(_REPLY.decode(reply) != _REPLY.decode(replies[0]) for reply in replies):
        yield Finding("differing", f"{name} was answered with {replies}")


def _is_written(note: Note) -> bool:
    # A limiter without a limit writes nothing.
    return note.told["type"] in WRITTEN or (note.told["type"] == "Granted" and "burst" in note.told)


def _is_lease(entry: Entry) -> bool:
    """Whether a leased limiter wrote it, whose calls nobody notes."""
    return entry.stream.startswith("RateLimiter/") and msgspec.json.decode(entry.command)["type"] in ("Lease", "Settle")


def _by_command(entries: Iterable[Entry]) -> Mapping[str, Sequence[Entry]]:
    found: defaultdict[str, list[Entry]] = defaultdict(list)
    for entry in entries:
        found[entry.command_id].append(entry)
    return found


def readings(notes: Sequence[Note]) -> Iterator[Finding]:
    """Whoever calls after a reply finds what it told: what was once seen is never taken back."""
    often = Counter(note.command_id for note in notes)
    # The second answer to a command is the first one, so it may be old.
    of_key: defaultdict[str, list[Note]] = defaultdict(list)
    for note in notes:
        if note.reply and note.told["type"] == "Total" and often[note.command_id] == 1:
            of_key[note.key].append(note)
    for key, its_notes in of_key.items():
        ended, most = iter(sorted(its_notes, key=lambda note: note.ended_s)), 0
        done = next(ended)
        for note in sorted(its_notes, key=lambda note: note.began_s):
            while done.ended_s < note.began_s:
                most = max(most, done.told["adds"])
                done = next(ended)
            if note.told["adds"] < most + (note.method != "total"):
                yield Finding("stale", f"{key}: {note.method} told {note.reply} after {most} adds were told")
