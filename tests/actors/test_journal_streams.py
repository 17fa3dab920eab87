"""What is appended to a journal is there, in order and as it was, on SQLite and on PostgreSQL."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actors.runtime_journal import SqlJournal
from core.entities import Effect, Find, Record
from core.errors import BadInput
from core.journal import Entry, Loaded, Snapshot, Write
from core.streams import check_contiguous
from tests.actors.journals import SHARD, append, entry, fill, fresh_name, kept, opened, snapshot

# What JSON text may hold, and what PostgreSQL's text can: everything but NUL and half characters.
texts = st.text(st.characters(codec="utf-8", exclude_characters="\x00"))
times = st.floats(0, 2e9, allow_nan=False)


def test_what_was_appended_is_there_for_whoever_looks(journal: SqlJournal, journal_url: str) -> None:
    appended = fill(journal, "Counter/a", 3)
    assert kept(journal, "Counter/a") == tuple(appended)
    with opened(journal_url) as another:
        assert kept(another, "Counter/a") == tuple(appended)
        assert another.history("Counter/a") == ([], appended)


@settings(max_examples=50)
@given(st.lists(st.tuples(texts, texts, texts, texts, times, st.integers(1, 99)), min_size=1, max_size=3), times)
def test_every_field_comes_back_bit_for_bit(
    shared_journal: SqlJournal, rows: list[tuple[str, str, str, str, float, int]], at: float
) -> None:
    stream = fresh_name("Counter/é€𝄞 ")
    entries = [
        Entry(stream, seq, when, command_id, version, command, events, reply)
        for seq, (command_id, command, events, reply, when, version) in enumerate(rows, start=1)
    ]
    kept_state = Snapshot(stream, len(rows), at, 7, rows[0][0])
    shared_journal.commit(SHARD, "one", [Write(stream, each) for each in entries])
    shared_journal.commit(SHARD, "one", [Write(stream, snapshot=kept_state)])
    snapshots, found = shared_journal.history(stream)
    assert (snapshots, found) == ([kept_state], entries)
    assert [each.at.hex() for each in found] == [each.at.hex() for each in entries]


def test_seqs_beyond_32_bits_are_kept(journal: SqlJournal) -> None:
    far = 2**40
    journal.commit(
        SHARD, "one", [append("Counter/a", far + n, snapshot=snapshot("Counter/a", far + n)) for n in (0, 1)]
    )
    assert journal.load(["Counter/a"], 1e15)["Counter/a"].snapshot == snapshot("Counter/a", far + 1)
    assert [each.seq for each in kept(journal, "Counter/a")] == [far, far + 1]


def test_a_stream_that_nobody_wrote_is_empty(journal: SqlJournal) -> None:
    fill(journal, "Counter/a", 2)
    assert journal.load(["Counter/b", "Counter/A", "counter/a"], 0.0) == {
        name: Loaded() for name in ("Counter/b", "Counter/A", "counter/a")
    }
    assert journal.history("Counter/") == ([], [])
    assert journal.load([], 0.0) == {}


def test_thousands_of_streams_are_loaded_at_once_each_its_own(journal: SqlJournal) -> None:
    names = [f"Counter/{number}" for number in range(1_203)]
    writes = [append(name, seq) for seq in (1, 2) for name in names]
    writes += [Write(name, snapshot=snapshot(name, 2)) for name in names[::3]]
    assert not journal.commit(SHARD, "one", writes)
    found = journal.load([*names, *names[:700], "Counter/none"], 0.0)
    assert list(found) == [*names, "Counter/none"]
    for number, name in enumerate(names):
        expected = snapshot(name, 2) if number % 3 == 0 else None
        assert found[name] == Loaded(expected, (entry(name, 1), entry(name, 2)))


@given(
    st.lists(st.floats(0.1, 5), min_size=1, max_size=30).map(
        lambda steps: [sum(steps[: n + 1]) for n in range(len(steps))]
    ),
    st.sets(st.integers(1, 30), max_size=4),
    st.floats(0, 60),
)
def test_a_load_brings_the_newest_snapshot_and_what_came_after_it_or_since(
    shared_journal: SqlJournal, ats: list[float], snapshots_at: set[int], since: float
) -> None:
    stream = fresh_name("Counter/")
    entries = [entry(stream, seq, at) for seq, at in enumerate(ats, start=1)]
    states = {seq: snapshot(stream, seq, ats[seq - 1]) for seq in snapshots_at if seq <= len(ats)}
    shared_journal.commit(SHARD, "one", [Write(stream, each, snapshot=states.get(each.seq)) for each in entries])
    newest = states[max(states)] if states else None
    after = newest.seq if newest else 0
    loaded = shared_journal.load([stream], since)[stream]
    assert loaded == Loaded(newest, tuple(each for each in entries if each.seq > after or each.at >= since))
    check_contiguous(loaded)


def test_a_commit_of_many_streams_keeps_the_order_of_each(journal: SqlJournal) -> None:
    writes = [append(f"Counter/{name}", seq) for seq in range(1, 51) for name in "abc"]
    assert journal.commit(SHARD, "one", writes) == frozenset()
    for name in "abc":
        assert [each.seq for each in kept(journal, f"Counter/{name}")] == list(range(1, 51))


def test_a_commit_of_nothing_is_one(journal: SqlJournal) -> None:
    assert journal.commit(SHARD, "one", []) == frozenset()


def test_a_stream_whose_entry_is_there_loses_whole_and_the_others_are_written(journal: SqlJournal) -> None:
    mine = fill(journal, "Counter/taken", 2)
    record, effect = Record("r", 1.0, "k", "{}"), Effect("e", "t", "{}", 1.0)
    lost = journal.commit(
        SHARD,
        "one",
        [
            append("Counter/free", 1, records=(record,)),
            Write("Counter/taken", effects=(effect,)),
            Write("Counter/taken", entry("Counter/taken", 2, events="[]"), records=(record,)),
            append("Counter/taken", 3, snapshot=snapshot("Counter/taken", 3)),
            append("Counter/free", 2, effects=(effect,)),
        ],
    )
    assert lost == {"Counter/taken"}
    assert journal.history("Counter/taken") == ([], mine)
    assert [each.seq for each in kept(journal, "Counter/free")] == [1, 2]
    assert journal.find("Counter/taken", Find()) == []
    assert journal.find("Counter/free", Find()) == [record]
    assert [due.stream for due in journal.due("Counter", 9.0, 9)] == ["Counter/free"]


def test_a_stream_that_is_written_twice_in_one_commit_loses(journal: SqlJournal) -> None:
    writes = [append("Counter/a", 1), append("Counter/b", 1), Write("Counter/a", entry("Counter/a", 1, reply="[]"))]
    assert journal.commit(SHARD, "one", writes) == {"Counter/a"}
    assert kept(journal, "Counter/a") == ()
    assert len(kept(journal, "Counter/b")) == 1


def test_a_snapshot_of_the_same_entry_replaces_the_older(journal: SqlJournal) -> None:
    fill(journal, "Counter/a", 1)
    newer = Snapshot("Counter/a", 1, 2.0, 2, '{"n":9}')
    journal.commit(SHARD, "one", [Write("Counter/a", snapshot=snapshot("Counter/a", 1))])
    journal.commit(SHARD, "one", [Write("Counter/a", snapshot=newer)])
    assert journal.history("Counter/a")[0] == [newer]


@settings(max_examples=25)
@given(st.lists(st.sampled_from("abc"), min_size=1, max_size=12), st.integers(1, 4))
def test_appends_one_by_one_and_together_are_the_same_journal(
    shared_journal: SqlJournal, order: list[str], at_once: int
) -> None:
    prefix = fresh_name("Counter/")
    seqs = dict.fromkeys("abc", 0)
    writes = []
    for name in order:
        seqs[name] += 1
        writes.append(append(f"{prefix}{name}", seqs[name]))
    for first in range(0, len(writes), at_once):
        assert not shared_journal.commit(SHARD, "one", writes[first : first + at_once])
    for name in "abc":
        assert [each.seq for each in kept(shared_journal, f"{prefix}{name}")] == list(range(1, seqs[name] + 1))


def test_a_name_that_is_no_text_is_refused(journal: SqlJournal) -> None:
    for look in (lambda: journal.load(["Counter/\ud800"], 0.0), lambda: journal.history("Counter/\udfff")):
        with pytest.raises(BadInput, match="Send whole characters"):
            look()
