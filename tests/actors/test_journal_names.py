"""The names of a journal's streams, on SQLite and on PostgreSQL, against a sorted list."""

from hypothesis import given
from hypothesis import strategies as st

from actors.runtime_journal import SqlJournal
from core.journal import Write
from tests.actors.journals import SHARD, append, fill, fresh_name, snapshot

# Characters that a LIKE, a language's order or a byte more or less would treat in a way of their own.
NAMES = st.text(st.sampled_from("aAbÄäé𝄞_%/*0. \uffff"), max_size=4)


@given(st.lists(NAMES, max_size=8, unique=True), NAMES, st.integers(1, 9))
def test_the_streams_that_begin_so_are_listed_in_the_order_of_their_bytes(
    shared_journal: SqlJournal, names: list[str], prefix: str, limit: int
) -> None:
    base = fresh_name("Counter/") + "/"
    for index, name in enumerate(names):
        stream = f"{base}{name}"
        writes = [append(stream, 1), append(stream, 2)]
        shared_journal.commit(SHARD, "one", writes if index % 2 else [Write(stream, snapshot=snapshot(stream, 2))])
    found = shared_journal.streams(base + prefix, limit)
    matching = sorted((base + name for name in names if name.startswith(prefix)), key=str.encode)
    assert found == matching[:limit]


def test_a_stream_is_listed_once_however_long_it_is(journal: SqlJournal) -> None:
    assert journal.streams("", 5) == []
    fill(journal, "Counter/a", 50)
    fill(journal, "Counter/b", 1)
    journal.commit(SHARD, "one", [Write("Counter/a", snapshot=snapshot("Counter/a", 50))])
    assert journal.streams("", 5) == ["Counter/a", "Counter/b"]
    assert journal.streams("Counter/b", 5) == ["Counter/b"]
    assert journal.streams("Counter", 1) == ["Counter/a"]
    assert journal.streams("Counter/c", 5) == []


def test_a_stream_of_which_a_snapshot_alone_is_left_is_listed(journal: SqlJournal) -> None:
    fill(journal, "Counter/a", 3)
    journal.commit(SHARD, "one", [Write("Counter/a", snapshot=snapshot("Counter/a", 3, at=3.0))])
    assert journal.compact(10.0, 10) == 3
    assert journal.streams("Counter/", 5) == ["Counter/a"]
