"""What a stream is called, and what must hold of it before anything is rebuilt from it."""

from collections.abc import Sequence
from itertools import pairwise

from core.entities import Chance
from core.errors import JournalUnreadable
from core.journal import Entry, Loaded, Snapshot


def stream_of(kind: str, key: str) -> str:
    """The name of an entity's stream."""
    return f"{kind}/{key}"


def chance_of(entry: Entry) -> Chance:
    """The chance with which this entry was decided."""
    return Chance(entry.stream, entry.seq)


def check_contiguous(loaded: Loaded) -> None:
    """Raises JournalUnreadable where an entry is missing, so that no state is guessed at.

    Entries count from 1, or join the snapshot: the first comes at most one after it and the last not before it.
    """
    seqs = [entry.seq for entry in loaded.entries]
    if not seqs:
        return
    stream, base = loaded.entries[0].stream, loaded.snapshot.seq if loaded.snapshot else 0
    expected = seqs[0] if loaded.snapshot and seqs[0] <= base else base + 1
    for seq in seqs:
        if seq != expected:
            raise _gap(stream, expected, f"the next that is there is {seq}")
        expected += 1
    if expected <= base:
        raise _gap(stream, expected, f"the snapshot is of entry {base}")


def check_history(snapshots: Sequence[Snapshot], entries: Sequence[Entry]) -> None:
    """Raises JournalUnreadable where the state after any kept entry could not be told, or time goes back.

    Entries count from 1, or join the oldest snapshot that is kept; they reach the newest one.
    """
    kept = tuple(entries)
    check_contiguous(Loaded(snapshots[0] if snapshots else None, kept))
    if snapshots:
        oldest, newest = snapshots[0], snapshots[-1]
        check_contiguous(Loaded(newest, kept))
        if not entries and oldest.seq < newest.seq:
            raise _gap(oldest.stream, oldest.seq + 1, f"the newest snapshot is of entry {newest.seq}")
    for older, newer in pairwise(entries):
        if not older.at <= newer.at:
            problem = f"{newer.stream} goes back in time: entry {newer.seq} is of {newer.at!r}, after {older.at!r}."
            raise JournalUnreadable(problem, "Restore the journal from a backup; nothing is guessed at.")


def _gap(stream: str, missing: int, after: str) -> JournalUnreadable:
    problem = f"{stream} has a gap: entry {missing} is missing ({after})."
    return JournalUnreadable(problem, "Restore the journal from a backup; nothing is rebuilt from a part.")
