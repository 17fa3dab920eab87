"""The journal's tables: made, raised from every older version, and left alone where they are not ours to change."""

import subprocess
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, event, inspect, text

from actors.runtime_journal import SqlJournal
from actors.runtime_tables import SCHEMA_VERSION, VERSION_TABLE, metadata
from core.entities import Effect
from core.errors import JournalUnreadable, StartupFailed, WriteFailed
from core.journal import Due
from tests.actors.journal_versions import MIGRATIONS, VERSIONS, direct, made_as
from tests.actors.journals import ROOT, SHARD, append, fill, fresh_url, kept, opened, python


def version_of(url: str) -> Any:
    with direct(url) as connection:
        return connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))


def set_version(url: str, version: str) -> None:
    with direct(url) as connection:
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '{version}'"))


def tables_of(url: str) -> list[str]:
    with direct(url) as connection:
        return sorted(inspect(connection).get_table_names())


def test_the_version_is_that_of_the_newest_migration() -> None:
    assert ScriptDirectory.from_config(MIGRATIONS).get_heads() == [SCHEMA_VERSION]
    assert sorted(VERSIONS) == VERSIONS[::-1] == [f"{number:04}" for number in range(1, len(VERSIONS) + 1)]


def differences(url: str) -> Any:
    """What the journal's tables are not, of what the code takes them to be."""
    with direct(url) as connection:
        options = {"version_table": VERSION_TABLE, "compare_type": True}
        return compare_metadata(MigrationContext.configure(connection, opts=options), metadata)


def test_a_new_journal_has_just_the_tables_that_the_code_knows(journal: SqlJournal, journal_url: str) -> None:
    fill(journal, "Counter/a", 1)
    assert differences(journal_url) == []
    assert version_of(journal_url) == SCHEMA_VERSION
    with direct(journal_url) as connection:
        connection.execute(text("DROP INDEX outbox_due"))
    assert [difference for difference, _ in differences(journal_url)] == ["add_index"]


@pytest.mark.parametrize("version", VERSIONS[1:])
def test_every_older_journal_is_raised_and_keeps_what_it_holds(journal_url: str, version: str) -> None:
    made_as(journal_url, version)
    with direct(journal_url) as connection:
        connection.execute(text("INSERT INTO entries VALUES ('Counter/a', 1, 1.5, 'c', 1, '{}', '[]', '{}')"))
        columns = "(stream, effect_id, target, body, due_at)"
        connection.execute(text(f"INSERT INTO outbox {columns} VALUES ('Counter/a/b', 'e', 'self', '[]', 2.5)"))
    with pytest.raises(StartupFailed, match=rf"older release \({version}\)\. Start the bot once"):
        SqlJournal(journal_url, read_only=True).open()
    with opened(journal_url, "one") as journal:
        assert [(each.at, each.command_id) for each in kept(journal, "Counter/a")] == [(1.5, "c")]
        assert journal.due("Counter", 9.0, 9) == [Due("Counter/a/b", Effect("e", "self", "[]", 2.5))]
        assert not journal.commit(SHARD, "one", [append("Counter/a", 2)])
    assert (differences(journal_url), version_of(journal_url)) == ([], SCHEMA_VERSION)


def test_opening_again_changes_nothing(journal: SqlJournal, journal_url: str) -> None:
    fill(journal, "Counter/a", 2)
    before = tables_of(journal_url)
    with opened(journal_url) as again:
        assert len(kept(again, "Counter/a")) == 2
    assert not journal.commit(SHARD, "one", [append("Counter/a", 3)])
    assert (tables_of(journal_url), version_of(journal_url)) == (before, SCHEMA_VERSION)


@pytest.mark.parametrize("read_only", [False, True])
def test_a_journal_of_a_newer_release_is_refused_and_left_as_it_is(journal_url: str, read_only: bool) -> None:
    with opened(journal_url, "one") as journal:
        fill(journal, "Counter/a", 1)
    set_version(journal_url, "9999")
    with pytest.raises(StartupFailed, match=rf"tables 9999, known {SCHEMA_VERSION}\)\. Run that release"):
        SqlJournal(journal_url, read_only=read_only).open()
    assert version_of(journal_url) == "9999"
    set_version(journal_url, SCHEMA_VERSION)
    with opened(journal_url) as journal:
        assert len(kept(journal, "Counter/a")) == 1


def test_a_database_of_another_program_is_refused_and_left_as_it_is(journal_url: str) -> None:
    with direct(journal_url) as connection:
        connection.execute(text("CREATE TABLE records (cookie TEXT)"))
        connection.execute(text("INSERT INTO records VALUES ('theirs')"))
    with pytest.raises(JournalUnreadable, match=r"other programs \(records\).*Name another"):
        SqlJournal(journal_url).open()
    assert tables_of(journal_url) == ["records"]


def test_a_file_of_another_program_is_refused_whatever_its_tables_are_called(tmp_path: Path) -> None:
    url = fresh_url("sqlite", tmp_path)
    with direct(url) as connection:
        connection.execute(text("CREATE TABLE cookies (name TEXT)"))
    with pytest.raises(JournalUnreadable, match=r"other programs \(cookies\)"):
        SqlJournal(url).open()
    assert tables_of(url) == ["cookies"]


def test_a_server_may_hold_tables_of_others_beside_the_journal(tmp_path: Path) -> None:
    url = fresh_url("postgres", tmp_path)
    with direct(url) as connection:
        connection.execute(text("CREATE TABLE cookies (name TEXT)"))
    with opened(url, "one") as journal:
        fill(journal, "Counter/a", 1)


class PowerCut(Exception):
    """Ends an upgrade in its middle."""


def test_an_upgrade_that_ends_in_its_middle_leaves_nothing_behind(journal_url: str) -> None:
    def cut(_c: object, _k: object, statement: str, _p: object, _x: object, _many: bool) -> None:
        if "CREATE TABLE outbox" in statement:
            raise PowerCut

    event.listen(Engine, "before_cursor_execute", cut)
    try:
        with pytest.raises(PowerCut):
            SqlJournal(journal_url).open()
    finally:
        event.remove(Engine, "before_cursor_execute", cut)
    assert tables_of(journal_url) == []
    with opened(journal_url, "one") as journal:
        fill(journal, "Counter/a", 1)


OPENS = "import sys; from tests.actors.journals import opened, fill; opened(sys.argv[1], sys.argv[2]).__enter__()"


def test_processes_that_open_a_new_journal_at_once_all_get_it(journal_url: str) -> None:
    command_of = [python("")[0], "-c", OPENS, journal_url]
    opening = [
        subprocess.Popen([*command_of, name], cwd=ROOT, stderr=subprocess.PIPE, text=True) for name in ("a", "b", "c")
    ]
    assert [(each.communicate()[1], each.returncode) for each in opening] == [("", 0)] * 3
    with opened(journal_url, "one") as journal:
        fill(journal, "Counter/a", 1)


def test_threads_that_open_a_new_journal_at_once_all_get_it(journal_url: str) -> None:
    ready = threading.Barrier(4)

    def open_it(_: int) -> None:
        ready.wait()
        with opened(journal_url):
            pass

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(open_it, range(4))) == [None] * 4
    assert (differences(journal_url), version_of(journal_url)) == ([], SCHEMA_VERSION)


def test_reading_only_changes_nothing_and_says_what_is_missing(journal_url: str) -> None:
    with pytest.raises(StartupFailed, match="Start the bot once"):
        SqlJournal(journal_url, read_only=True).open()
    with opened(journal_url, "one") as journal:
        fill(journal, "Counter/a", 2)
        reader = SqlJournal(journal_url, read_only=True)
        reader.open()
        assert len(kept(reader, "Counter/a")) == 2
        for write in (lambda: reader.claim(SHARD, "two"), lambda: reader.place("Counter", 2)):
            with pytest.raises(WriteFailed):
                write()
        reader.close()
        assert not journal.commit(SHARD, "one", [append("Counter/a", 3)])
