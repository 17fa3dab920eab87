"""Records and effects beside the streams: what is written, replaced, aged, erased and settled, in that order."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import structs

from actors.runtime_journal import SqlJournal
from core.entities import SELF, Effect, Find, Record
from core.errors import BadInput
from core.journal import Due, Write
from tests.actors.journals import SHARD, append, entry, file_of, fresh_name, fresh_url, opened

moments = st.sampled_from([1.0, 2.0, 3.0, 4.0])
ids = st.sampled_from(["a", "b", "c"])
records = st.builds(Record, ids, moments, st.sampled_from(["x", "y"]), st.just("{}"), ids, ids)
effects = st.builds(Effect, ids, st.sampled_from([SELF, "discord"]), st.sampled_from(["{}", "[]"]), moments)
writes = st.builds(
    Write,
    st.just("first") | st.just("second"),
    records=st.lists(records, max_size=3).map(tuple),
    erased=st.lists(ids, max_size=2).map(tuple),
    erased_before=st.just(0.0) | moments,
    effects=st.lists(effects, max_size=2).map(tuple),
    settled=st.lists(ids, max_size=2).map(tuple),
)


class Oracle:
    """What of one entity's records and effects is left after some writes, by the words of the port alone."""

    def __init__(self) -> None:
        self.records: dict[str, Record] = {}
        self.effects: dict[str, Effect] = {}

    def take(self, write: Write) -> None:
        kept = {name: record for name, record in self.records.items() if not record.at < write.erased_before}
        kept = {name: record for name, record in kept.items() if name not in write.erased}
        self.records = kept | {record.record_id: record for record in write.records}
        waiting = {name: effect for name, effect in self.effects.items() if name not in write.settled}
        self.effects = waiting | {effect.effect_id: effect for effect in write.effects}


@settings(max_examples=60)
@given(st.lists(st.lists(writes, max_size=5), max_size=4))
def test_many_writes_of_many_commits_leave_what_each_alone_in_order_would(
    shared_journal: SqlJournal, commits: list[list[Write]]
) -> None:
    kind = fresh_name("Kind")
    oracles = {"first": Oracle(), "second": Oracle()}
    for commit in commits:
        shared_journal.commit(
            SHARD, "one", [structs.replace(write, stream=f"{kind}/{write.stream}") for write in commit]
        )
        for write in commit:
            oracles[write.stream].take(write)
    due = []
    for key, oracle in oracles.items():
        newest = sorted(oracle.records.values(), key=lambda record: (-record.at, record.record_id))
        assert shared_journal.find(f"{kind}/{key}", Find()) == newest
        due += [Due(f"{kind}/{key}", effect) for effect in oracle.effects.values()]
    due.sort(key=lambda each: (each.effect.due_at, each.stream, each.effect.effect_id))
    assert shared_journal.due(kind, 4.0, 100) == due
    assert shared_journal.due(kind, 2.0, 100) == [each for each in due if each.effect.due_at <= 2.0]
    assert shared_journal.next_due(kind) == (due[0].effect.due_at if due else None)


def test_what_is_erased_goes_before_what_is_written_with_it(journal: SqlJournal) -> None:
    old, new = Record("r", 1.0, "k", "old"), Record("r", 1.0, "k", "new")
    journal.commit(SHARD, "one", [append("Counter/a", 1, records=(old, replace(old, record_id="s")))])
    journal.commit(SHARD, "one", [append("Counter/a", 2, erased=("r", "s"), erased_before=9.0, records=(new,))])
    assert journal.find("Counter/a", Find()) == [new]


def test_a_reminder_that_is_settled_and_set_again_stays_set(journal: SqlJournal) -> None:
    first, again = Effect("remind", SELF, "{}", 1.0), Effect("remind", SELF, "[]", 5.0)
    journal.commit(SHARD, "one", [append("Counter/a", 1, effects=(first,))])
    journal.commit(SHARD, "one", [append("Counter/a", 2, settled=("remind",), effects=(again,))])
    assert journal.due("Counter", 9.0, 9) == [Due("Counter/a", again)]
    journal.commit(SHARD, "one", [Write("Counter/a", settled=("remind", "never set"))])
    assert journal.due("Counter", 9.0, 9) == []


def test_erasing_touches_the_own_stream_alone(journal: SqlJournal) -> None:
    record, effect = Record("r", 1.0, "k", "{}"), Effect("e", "t", "{}", 1.0)
    streams = ["Counter/a", "Counter/ab", "Counter/a/b", "Counters/a"]
    journal.commit(SHARD, "one", [Write(name, records=(record,), effects=(effect,)) for name in streams])
    gone = [Write(streams[0], erased=("r",), settled=("e",)), Write(streams[1], erased_before=9.0)]
    journal.commit(SHARD, "one", gone)
    assert [len(journal.find(name, Find())) for name in streams] == [0, 0, 1, 1]
    assert [due.stream for due in journal.due("Counter", 9.0, 9)] == ["Counter/a/b", "Counter/ab"]


@pytest.mark.parametrize(
    ("find", "expected"),
    [
        (Find(), "edcba"),
        (Find(record_id="b"), "b"),
        (Find(record_id="nobody's"), ""),
        (Find(kind="answer"), "eca"),
        (Find(user="ada"), "ba"),
        (Find(channel="attic"), "db"),
        (Find(kind="answer", user="ada"), "a"),
        (Find(kind="answer", user="ada", channel="attic"), ""),
        (Find(user="a%"), ""),
        (Find(user="ADA"), ""),
        (Find(since=2.0), "edcb"),
        (Find(until=4.0), "cba"),
        (Find(since=2.0, until=4.0), "cb"),
        (Find(until=math.inf, limit=2), "ed"),
        (Find(limit=0), ""),
    ],
)
def test_records_are_found_by_every_field_that_is_given(shared_journal: SqlJournal, find: Find, expected: str) -> None:
    rows = [
        Record("a", 1.0, "answer", "{}", "ada", "garden"),
        Record("b", 2.0, "note", "{}", "ada", "attic"),
        Record("c", 3.0, "answer", "{}", "bob", "garden"),
        Record("d", 4.0, "note", "{}", "", "attic"),
        Record("e", 4.5, "answer", "{}", "bob", ""),
    ]
    both = [Write(fresh_name("Counter/"), records=tuple(rows)) for _ in range(2)]
    shared_journal.commit(SHARD, "one", both)
    assert "".join(record.record_id for record in shared_journal.find(both[0].stream, find)) == expected


def test_due_gives_one_kind_oldest_first_a_page_at_a_time(journal: SqlJournal) -> None:
    for number in (3, 1, 2):
        of = [Write(f"{kind}/k", effects=(Effect(f"e{number}", "t", "{}", number),)) for kind in ("Count", "Counter")]
        journal.commit(SHARD, "one", of)
    assert [due.effect.effect_id for due in journal.due("Counter", 3.0, 9)] == ["e1", "e2", "e3"]
    assert [due.effect.effect_id for due in journal.due("Counter", 2.0, 9)] == ["e1", "e2"]
    assert [due.effect.effect_id for due in journal.due("Counter", 9.0, 2, 1)] == ["e2", "e3"]
    assert journal.due("Counter", 9.0, 9, 3) == []
    assert {due.stream for due in journal.due("Count", 9.0, 9)} == {"Count/k"}
    assert (journal.next_due("Counter"), journal.next_due("Coun")) == (1.0, None)


T = TypeVar("T", Record, Effect)


def changed(one: T, field: str, value: str) -> T:
    fields: dict[str, Any] = {field: value}
    return replace(one, **fields)


RECORD, EFFECT = Record("r", 1.0, "k", "{}", "ada", "attic"), Effect("e", SELF, "{}", 1.0)


@pytest.mark.parametrize(
    "bad",
    [
        *(Write("Refused/b", records=(replace(RECORD, at=at),)) for at in (math.nan, math.inf)),
        *(Write("Refused/b", effects=(replace(EFFECT, due_at=at),)) for at in (math.nan, -math.inf)),
        Write("Refused/b", erased_before=math.nan),
        append("Refused/b", 1, math.nan),
        *(Write("Refused/b", records=(changed(RECORD, name, "\0"),)) for name in ("record_id", "kind", "body")),
        *(Write("Refused/b", records=(changed(RECORD, name, "\ud800"),)) for name in ("user", "channel", "body")),
        *(Write("Refused/b", effects=(changed(EFFECT, name, "\udfff"),)) for name in ("effect_id", "target", "body")),
        Write("Refused/b", erased=("\0",)),
        Write("Refused/b", settled=("\ud800",)),
        Write("Refused/b", entry("Refused/b", 1, command_id="\0")),
        Write("Refused/\ud800", entry("Refused/\ud800", 1)),
    ],
)
def test_what_cannot_be_kept_is_refused_and_nothing_of_its_commit_is_written(
    shared_journal: SqlJournal, bad: Write
) -> None:
    good = append("Refused/a", 1, records=(RECORD,), effects=(EFFECT,))
    for commit in ([good, bad], [bad, good]):
        with pytest.raises(BadInput, match=r"Send (finite|whole|text)"):
            shared_journal.commit(SHARD, "one", commit)
    assert shared_journal.streams("Refused/", 9) == []
    assert (shared_journal.find("Refused/a", Find()), shared_journal.due("Refused", 9.0, 9)) == ([], [])


def test_what_was_erased_is_nowhere_on_the_disk_after_a_scrub(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    words = [f"secret {number} " + "x" * (37 * number) for number in range(60)]
    with opened(url, "one") as journal:
        records = tuple(Record(f"r{number}", 1.0, "k", word) for number, word in enumerate(words))
        journal.commit(SHARD, "one", [append("Counter/a", 1, records=records)])
        journal.commit(SHARD, "one", [append("Counter/a", 2, erased=tuple(f"r{number}" for number in range(1, 60)))])
        journal.scrub()
        kept_bytes = b"".join(path.read_bytes() for path in file_of(url).parent.iterdir())
        assert [word for word in words if word[:10].encode() in kept_bytes] == words[:1]
        assert [record.body for record in journal.find("Counter/a", Find())] == words[:1]
        assert not journal.commit(SHARD, "one", [append("Counter/a", 3)])


def test_a_scrub_of_a_server_changes_nothing(tmp_path: Path) -> None:
    with opened(fresh_url("postgres", tmp_path), "one") as journal:
        journal.commit(SHARD, "one", [append("Counter/a", 1, records=(RECORD,))])
        journal.scrub()
        assert journal.find("Counter/a", Find()) == [RECORD]
