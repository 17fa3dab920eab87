"""Journals of every released form replay to the very states that they had, from every version of the tables."""

import json
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlalchemy import text

from actors.runtime_journal import SqlJournal
from actors.runtime_live import CommandId, Live
from core import (
    activity,
    activity_documents,
    answer_cache,
    budget_messages,
    budgets,
    experiment_messages,
    experiments,
    follow_messages,
    follows,
    host_pace,
    host_pace_messages,
    ingest_messages,
    ingest_queue,
    model_bandit,
    rate_limit_messages,
    rate_limits,
)
from core.canary_slots import CANARIES, ReserveSlot
from core.entities import SELF, EntityKind, Find
from core.entity_codec import Codec, to_json
from core.feature_flags import SetFlag, flags_key
from core.journal import Entry, Snapshot
from core.streams import check_history, stream_of
from core.token_buckets import Limits
from tests.actors import journal_deciding_steps, make_journal_fixture
from tests.actors.journal_versions import VERSIONS, direct, made_as
from tests.actors.journals import SHARD, file_of, fresh_url, opened

FIXTURES = Path(__file__).parents[1] / "data" / "journal"
FORMS = sorted(path.stem for path in FIXTURES.glob("*.sql"))
KINDS: dict[str, EntityKind[Any, Any, Any]] = {
    kind.name: kind
    for kind in (
        budgets.KIND,
        rate_limits.KIND,
        activity.KIND,
        ingest_queue.KIND,
        follows.KIND,
        host_pace.KIND,
        experiments.KIND,
        model_bandit.KIND,
        answer_cache.KIND,
    )
}
NEXT: dict[str, Any] = {
    budgets.KIND.name: budget_messages.SetLimits(budget_messages.BudgetLimits()),
    rate_limits.KIND.name: rate_limit_messages.SetLimits(Limits()),
    activity.KIND.name: activity.SetRetention(7),
    ingest_queue.KIND.name: ingest_messages.Add((ingest_messages.NewJob("next", "https://x.example/next"),)),
    follows.KIND.name: follow_messages.Follow(follow_messages.ChannelInfo("c", "u"), follow_messages.Wish((), 0.0, 1)),
    host_pace.KIND.name: host_pace_messages.Take(host_pace_messages.PaceRules(), 3_600.0),
    experiments.KIND.name: experiment_messages.Start(journal_deciding_steps.PLAN, "operator"),
    f"{experiments.KIND.name}/{CANARIES}": ReserveSlot("trimming"),
    f"{experiments.KIND.name}/{flags_key('guild-1')}": SetFlag("trimming", False, "ada", ("trimming",)),
    model_bandit.KIND.name: msgspec.structs.replace(journal_deciding_steps.bandit_steps()[-1][1], decision_id="next"),
    answer_cache.KIND.name: journal_deciding_steps.cache_steps()[1][1],
}
States = dict[str, list[Any]]


def test_there_is_a_journal_of_the_first_form() -> None:
    assert FORMS[:1] == ["form_1"]


@pytest.fixture(params=[*FORMS, "today"])
def fixture(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, States]:
    """A journal as SQL and the state after each of its entries: a committed one, and what the script makes now."""
    folder, name = FIXTURES, request.param
    if name == "today":
        folder, name = tmp_path / "made", make_journal_fixture.NAME
        make_journal_fixture.make(folder)
    return folder / f"{name}.sql", json.loads((folder / f"{name}.json").read_text())


def as_it_was(sql: Path, folder: Path) -> str:
    """The journal's own file."""
    url = fresh_url("sqlite", folder)
    file_of(url).parent.mkdir(parents=True)
    with sqlite3.connect(file_of(url)) as connection:
        connection.executescript(sql.read_text())
    connection.close()
    return url


def as_made_by(version: str, sql: Path, url: str) -> str:
    """The same rows in tables of this version, on either database."""
    made_as(url, version)
    source = sqlite3.connect(":memory:")
    source.executescript(sql.read_text())
    with direct(url) as connection:
        for table in ("entries", "snapshots", "records", "outbox", "placements"):
            known = [f'"{name}"' for name in connection.execute(text(f"SELECT * FROM {table}")).keys()]  # noqa: SIM118
            rows = source.execute(f"SELECT * FROM {table}")
            of_source = [f'"{column[0]}"' for column in rows.description]
            columns = [column for column in known if column in of_source]
            places = ", ".join(f":{column[1:-1]}" for column in columns)
            insert = text(f"INSERT INTO {table} ({', '.join(columns)}) VALUES ({places})")
            names = [column[1:-1] for column in of_source]
            connection.execute(insert, [dict(zip(names, row, strict=True)) for row in rows])
    source.close()
    return url


def replays(journal: SqlJournal, states: States) -> None:
    """Everything in the journal can be read, and gives the states."""
    assert set(journal.streams("", 99)) == set(states)
    for stream, its_states in states.items():
        name, _, key = stream.partition("/")
        kind = KINDS[name]
        codec: Codec[Any, Any, Any] = Codec(kind)
        snapshots, entries = journal.history(stream)
        check_history(snapshots, entries)
        assert [entry.seq for entry in entries] == list(range(1, len(its_states) + 1))
        state = kind.initial(key)
        for entry in entries:
            state = kind.replay(state, codec.events(entry))
            same(state, its_states, entry, codec)
            codec.reply(entry)
            assert bool(entry.command) == kind.keeps_commands
            assert not entry.command or codec.command(entry.command)
        for each in snapshots:
            same(codec.state(each), its_states, entries[each.seq - 1], codec)
        goes_on(journal, kind, codec, key, its_states[-1])


def same(state: Any, states: list[Any], entry: Entry, codec: Codec[Any, Any, Any]) -> None:
    """The state is the one that was written down, raised to today's form where that is another: bit for bit."""
    then = codec.state(Snapshot(entry.stream, entry.seq, entry.at, entry.version, to_json(states[entry.seq - 1])))
    assert state == then
    assert to_json(state) == to_json(then)


def goes_on(journal: SqlJournal, kind: EntityKind[Any, Any, Any], codec: Any, key: str, last: Any) -> None:
    """A shard loads the entity, and writes its next entry."""
    stream = stream_of(kind.name, key)
    live: Live[Any, Any, Any] = Live.load(key, kind, codec, journal.load([stream], 0.0)[stream], 0.0)
    then = Snapshot(stream, live.seq, live.at, journal.history(stream)[1][-1].version, to_json(last))
    assert to_json(live.state) == to_json(codec.state(then))
    now = live.at + 1.0
    command = NEXT.get(stream) or NEXT[kind.name]
    decision = kind.decide(live.state, command, now, live.chance(stream))
    write = live.apply(kind, codec, CommandId("next", now), command, decision, now, 100)
    journal.claim(SHARD, "next")
    assert not journal.commit(SHARD, "next", [write])


def beside(journal: SqlJournal) -> Iterator[tuple[str, str]]:
    """Records and reminders as what they are for, after they were read: (stream, id)."""
    logs = journal.streams(f"{activity.KIND.name}/", 99)
    for stream in logs:
        for record in journal.find(stream, Find()):
            assert activity_documents.found(record).document.user == "ada"
            yield stream, record.record_id
    for name, kind in KINDS.items():
        for due in journal.due(name, 1e12, 99):
            if due.effect.target == SELF:
                Codec(kind).command(due.effect.body)
            yield due.stream, due.effect.effect_id


def test_a_journal_replays_as_it_was(fixture: tuple[Path, States], tmp_path: Path) -> None:
    sql, states = fixture
    with opened(as_it_was(sql, tmp_path)) as journal:
        with_ingest = {activity.KIND.name, ingest_queue.KIND.name, follows.KIND.name}
        found = {stream.partition("/")[0] for stream, _ in beside(journal)}
        assert found in ({activity.KIND.name}, with_ingest, {*with_ingest, answer_cache.KIND.name})
        assert ("ActivityLog/guild-1", "tool_use/1/1") in list(beside(journal))
        assert ("ActivityLog/guild-1", "retention") in list(beside(journal))
        replays(journal, states)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_journal_replays_from_every_version_of_the_tables(
    fixture: tuple[Path, States], journal_url: str, tmp_path: Path, version: str
) -> None:
    sql, states = fixture
    with opened(as_it_was(sql, tmp_path / "reference")) as journal:
        reference = list(beside(journal))
    with opened(as_made_by(version, sql, journal_url)) as journal:
        assert list(beside(journal)) == reference
        replays(journal, states)


def test_a_state_that_is_not_the_one_of_then_is_noticed(tmp_path: Path) -> None:
    states = json.loads((FIXTURES / "form_1.json").read_text())
    states["BudgetLedger/guild-1"][2]["day"]["spent"]["tokens"] += 1
    with opened(as_it_was(FIXTURES / "form_1.sql", tmp_path)) as journal, pytest.raises(AssertionError):
        replays(journal, states)
