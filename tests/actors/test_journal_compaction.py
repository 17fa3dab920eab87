"""Compaction keeps what time travel was asked to keep, and takes the rest in small pieces: on both databases."""

import json
from bisect import bisect_right
from concurrent.futures import ThreadPoolExecutor
from itertools import accumulate

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime_journal import SqlJournal
from core.entities import Effect, Find, Record
from core.journal import Entry, Snapshot, Step, Write
from core.streams import check_contiguous, check_history
from tests.actors.journals import SHARD, append, entry, fill, fresh_name, kept, opened, snapshot

# Many things happen at one moment, and then nothing for a while.
steps = st.sampled_from([0.0, 0.0, 1.0, 2.5])


def rebuilt(journal: SqlJournal, stream: str, moment: float) -> list[int]:
    """The state as of `moment`: all numbers so far, from the newest snapshot then and what came after it."""
    snapshots, entries = journal.history(stream)
    check_history(snapshots, entries)
    of_then = [each for each in snapshots if each.at <= moment]
    state: list[int] = json.loads(of_then[-1].state) if of_then else []
    after = [each for each in entries if each.seq > len(state) and each.at <= moment]
    assert [each.seq for each in after] == list(range(len(state) + 1, len(state) + len(after) + 1))
    return state + [number for each in after for number in json.loads(each.events)]


def written(journal: SqlJournal, stream: str, ats: list[float], snapshots_at: set[int]) -> None:
    """Entry n adds the number 7n; the snapshots hold what was added up to them."""
    numbers = [7 * seq for seq in range(1, len(ats) + 1)]
    writes = []
    for seq, at in enumerate(ats, start=1):
        state = Snapshot(stream, seq, at, 1, json.dumps(numbers[:seq])) if seq in snapshots_at else None
        writes.append(Write(stream, entry(stream, seq, at, events=f"[{7 * seq}]"), snapshot=state))
    assert not journal.commit(SHARD, "one", writes)


def compacted(journal: SqlJournal, before: float) -> int:
    gone = 0
    while piece := journal.compact(before, 3):
        gone += piece
    return gone


@st.composite
def pasts(draw: st.DrawFn) -> tuple[list[float], set[int], list[float]]:
    """When entries were written, which of them with a snapshot, and from when on the past is to be kept: about then."""
    ats = list(accumulate(draw(st.lists(steps, min_size=1, max_size=15)), initial=1.0))
    snapshots_at = draw(st.sets(st.integers(1, len(ats)), max_size=5))
    near = st.tuples(st.sampled_from(ats), st.sampled_from([-0.5, 0.0, 0.5])).map(sum)
    return ats, snapshots_at, sorted(draw(st.lists(near, min_size=1, max_size=2)))


@settings(max_examples=60)
@given(pasts())
def test_every_moment_from_before_on_is_rebuilt_as_it_was(
    shared_journal: SqlJournal, past: tuple[list[float], set[int], list[float]]
) -> None:
    ats, snapshots_at, befores = past
    stream = fresh_name("Counter/")
    written(shared_journal, stream, ats, snapshots_at)
    _, all_entries = shared_journal.history(stream)
    for before in befores:
        compacted(shared_journal, before)
        for moment in (before, *(at for at in ats if at > before), ats[-1] + 1.0):
            expected = [7 * seq for seq in range(1, bisect_right(ats, moment) + 1)]
            assert rebuilt(shared_journal, stream, moment) == expected
        check_contiguous(shared_journal.load([stream], before)[stream])
    _, entries = shared_journal.history(stream)
    covered = max((seq for seq in snapshots_at if ats[seq - 1] <= befores[-1]), default=0)
    assert entries == [each for each in all_entries if each.seq > covered or each.at >= befores[-1]]
    assert compacted(shared_journal, befores[-1]) == 0


def test_compaction_takes_only_what_a_snapshot_stands_for(journal: SqlJournal) -> None:
    fill(journal, "Counter/none", 5)
    fill(journal, "Counter/late", 5)
    journal.commit(SHARD, "one", [Write("Counter/late", snapshot=snapshot("Counter/late", 5, 9.0))])
    written(journal, "Counter/a", [1.0, 2.0, 3.0, 4.0], {1, 3})
    record, effect = Record("r", 0.5, "k", "{}"), Effect("e", "t", "{}", 0.5)
    journal.commit(SHARD, "one", [Write("Counter/a", records=(record,), effects=(effect,))])
    assert compacted(journal, 3.5) == 3
    assert [each.seq for each in kept(journal, "Counter/a")] == [4]
    assert [each.seq for each in journal.history("Counter/a")[0]] == [3]
    assert len(kept(journal, "Counter/none")) == len(kept(journal, "Counter/late")) == 5
    assert journal.find("Counter/a", Find()) == [record]
    assert [due.effect for due in journal.due("Counter", 9.0, 9)] == [effect]
    assert not journal.commit(SHARD, "one", [append("Counter/a", 5)])


def test_a_piece_is_at_most_so_many_streams_and_all_go_in_the_end(journal: SqlJournal) -> None:
    for number in range(7):
        written(journal, f"Counter/{number}", [1.0, 2.0, 3.0], {2})
    pieces = []
    while gone := journal.compact(9.0, 3):
        pieces.append(gone)
    assert pieces == [6, 6, 2]


def test_a_long_stream_goes_in_pieces_and_can_be_loaded_between_them(journal: SqlJournal) -> None:
    count = 21_000
    writes = [append("Counter/long", seq, 1.0) for seq in range(1, count + 1)]
    writes.append(Write("Counter/long", snapshot=snapshot("Counter/long", count, 2.0)))
    journal.commit(SHARD, "one", writes)
    left = count
    while gone := journal.compact(9.0, 10):
        assert gone <= 10_000
        left -= gone
        loaded = journal.load(["Counter/long"], 0.0)["Counter/long"]
        assert loaded.snapshot == snapshot("Counter/long", count, 2.0)
        assert len(loaded.entries) == left
        check_contiguous(loaded)
        check_history(*journal.history("Counter/long"))
    assert left == 0


class Crash(Exception):
    """Stands for the end of the process."""


def test_a_crash_between_its_deletions_changes_nothing(journal_url: str) -> None:
    def crash(step: Step) -> None:
        if step is Step.COMPACTION:
            raise Crash

    with opened(journal_url, "one", crash) as journal:
        written(journal, "Counter/a", [1.0, 2.0, 3.0, 4.0], {1, 3})
        before = journal.history("Counter/a")
        with pytest.raises(Crash):
            journal.compact(9.0, 10)
    with opened(journal_url) as again:
        assert again.history("Counter/a") == before
        assert compacted(again, 9.0) == 3


def test_writers_go_on_while_others_compact(journal_url: str) -> None:
    def appended(name: str) -> list[Entry]:
        stream, entries = f"Counter/{name}", []
        with opened(journal_url) as journal:
            for seq in range(1, 121):
                state = snapshot(stream, seq) if seq % 10 == 0 else None
                write = append(stream, seq, snapshot=state)
                assert not journal.commit(SHARD, "one", [write])
                entries.append(entry(stream, seq))
        return entries

    def compact() -> int:
        with opened(journal_url) as journal:
            return sum(journal.compact(60.0, 2) for _ in range(150))

    with opened(journal_url, "one") as journal, ThreadPoolExecutor(4) as threads:
        writing = [threads.submit(appended, name) for name in "ab"]
        compacting = [threads.submit(compact) for _ in range(2)]
        gone = sum(each.result() for each in compacting)
        for name, entries in zip("ab", (each.result() for each in writing), strict=True):
            found = kept(journal, f"Counter/{name}")
            assert list(found) == entries[-len(found) :]
            gone -= len(entries) - len(found)
    assert gone == 0
