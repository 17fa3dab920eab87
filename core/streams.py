"""What must hold of a stream before anything is rebuilt from it."""

from core.errors import JournalUnreadable
from core.journal import Loaded


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


def _gap(stream: str, missing: int, after: str) -> JournalUnreadable:
    problem = f"{stream} has a gap: entry {missing} is missing ({after})."
    return JournalUnreadable(problem, "Restore the journal from a backup; nothing is rebuilt from a part.")
