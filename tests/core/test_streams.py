"""A stream with a gap is refused, so that nothing is rebuilt from a part of it."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.errors import JournalUnreadable
from core.journal import Entry, Loaded, Snapshot
from core.streams import chance_of, check_contiguous, check_history, stream_of


def entry(seq: int, at: float = 1.0) -> Entry:
    return Entry("Counter/a", seq, at, "id", 1, "{}", "[]", "{}")


def snapshot(seq: int) -> Snapshot:
    return Snapshot("Counter/a", seq, 1.0, 1, "{}")


def refused(loaded: Loaded) -> JournalUnreadable | None:
    try:
        check_contiguous(loaded)
    except JournalUnreadable as error:
        return error
    return None


bases = st.none() | st.integers(1, 12)


@given(bases, st.integers(1, 14), st.integers(0, 8))
def test_entries_are_taken_where_they_join_the_beginning_or_the_snapshot(
    base: int | None, first: int, many: int
) -> None:
    entries = tuple(entry(seq) for seq in range(first, first + many))
    joins = first == 1 if base is None else first <= base + 1 and first + many - 1 >= base
    error = refused(Loaded(snapshot(base) if base else None, entries))
    assert (error is None) == (not entries or joins)


@given(bases, st.integers(3, 20), st.data())
def test_any_missing_entry_is_named(base: int | None, count: int, data: st.DataObject) -> None:
    missing = data.draw(st.integers(2, count - 1))
    entries = tuple(entry(seq) for seq in range(1, count + 1) if seq != missing)
    error = refused(Loaded(snapshot(base) if base else None, entries))
    assert error is not None
    assert error.problem.startswith(f"Counter/a has a gap: entry {missing} is missing")
    assert "Restore the journal from a backup" in error.advice


@given(bases, st.lists(st.integers(1, 8), min_size=2, max_size=6))
def test_what_is_taken_counts_up_by_one(base: int | None, seqs: list[int]) -> None:
    error = refused(Loaded(snapshot(base) if base else None, tuple(map(entry, seqs))))
    assert error is not None or seqs == list(range(seqs[0], seqs[0] + len(seqs)))


def test_a_stream_that_begins_late_without_a_snapshot_is_refused() -> None:
    error = refused(Loaded(None, (entry(3), entry(4))))
    assert error is not None
    assert "entry 1 is missing (the next that is there is 3)" in error.problem


def test_entries_that_end_before_the_snapshot_are_refused() -> None:
    error = refused(Loaded(snapshot(6), (entry(3), entry(4))))
    assert error is not None
    assert "entry 5 is missing (the snapshot is of entry 6)" in error.problem


@given(st.integers(1, 12), st.sets(st.integers(1, 12), max_size=3), st.integers(1, 12))
def test_a_history_is_taken_where_every_kept_moment_can_be_told(first: int, states: set[int], last: int) -> None:
    snapshots = [snapshot(seq) for seq in sorted(states)]
    entries = [entry(seq) for seq in range(first, last + 1)]
    begins = first == 1 or bool(states and first <= min(states) + 1)
    reaches = not states or (last >= max(states) if entries else len(states) == 1)
    taken = (begins and reaches) if entries else reaches
    if taken:
        check_history(snapshots, entries)
    else:
        with pytest.raises(JournalUnreadable, match="has a gap"):
            check_history(snapshots, entries)


def test_a_history_in_which_time_goes_back_is_refused() -> None:
    check_history([], [entry(1, 2.0), entry(2, 2.0), entry(3, 2.5)])
    for at in (1.5, float("nan")):
        with pytest.raises(JournalUnreadable, match="goes back in time: entry 2"):
            check_history([], [entry(1, 2.0), entry(2, at), entry(3, 2.5)])


def test_an_entry_has_the_chance_of_its_own_stream_and_number() -> None:
    def numbers(of: Entry) -> list[float]:
        rng = chance_of(of).rng()
        return [rng.random() for _ in range(3)]

    assert numbers(entry(1)) == numbers(entry(1, 9.0))
    assert numbers(entry(1)) != numbers(entry(2))
    assert stream_of("Counter", "a/b") == "Counter/a/b"
