"""A PostgreSQL that restarts in the middle of commits: nothing acknowledged is lost, and nobody else has to restart."""

import signal
import threading
from typing import Any

import psycopg
import pytest

from actors.runtime_journal import SqlJournal
from core.errors import BotError, JournalUnreadable, Unavailable, WriteFailed
from core.journal import Write
from tests.actors.journals import SHARD, append, entry, fill, kept
from tests.fakes.postgres import server

STREAM = "Counter/a"


class Writer(threading.Thread):
    """Appends one entry after another and never gives up: after an error it looks what is there and goes on."""

    def __init__(self, journal: SqlJournal) -> None:
        super().__init__()
        self._journal, self._number, self._stopping = journal, 0, False
        self._changed = threading.Condition()
        self.acknowledged: list[str] = []
        self.errors: list[BotError] = []

    def run(self) -> None:
        seq = 0
        while not self._stopping:
            self._number += 1
            command_id = f"command {self._number}"
            try:
                seq = seq or len(kept(self._journal, STREAM))
                seq += 1
                assert not self._journal.commit(
                    SHARD, "one", [Write(STREAM, entry(STREAM, seq, 1.0, command_id=command_id))]
                )
            except BotError as error:
                seq = 0
                with self._changed:
                    self.errors.append(error)
                    self._changed.notify_all()
            else:
                with self._changed:
                    self.acknowledged.append(command_id)
                    self._changed.notify_all()

    def wait_for(self, acknowledged: int = 0, errors: int = 0) -> None:
        """Until so many more were acknowledged, or refused."""
        with self._changed:
            acknowledged, errors = acknowledged + len(self.acknowledged), errors + len(self.errors)
            done = self._changed.wait_for(
                lambda: len(self.acknowledged) >= acknowledged and len(self.errors) >= errors, timeout=60
            )
        assert done, self.errors[-1:]

    def stop(self) -> None:
        self._stopping = True
        self.join()


@pytest.fixture
def journal_url() -> str:
    return server().fresh()


def ask(statement: str) -> list[tuple[Any, ...]]:
    """What the server answers to somebody who may do everything."""
    with psycopg.connect(server().uri(), autocommit=True) as connection:
        answer = connection.execute(statement.encode())
        return answer.fetchall() if answer.description else []


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGQUIT], ids=["cleanly", "by a crash"])
def test_a_server_that_restarts_loses_nothing_that_was_acknowledged(journal: SqlJournal, how: signal.Signals) -> None:
    writer = Writer(journal)
    writer.start()
    try:
        writer.wait_for(acknowledged=30)
        server().stop(how)
        writer.wait_for(errors=5)
        with pytest.raises(Unavailable, match="Check that its server runs"):
            journal.placement("Counter")
        server().start()
        writer.wait_for(acknowledged=30)
    finally:
        writer.stop()
    written = [each.command_id for each in kept(journal, STREAM)]
    assert len(written) == len(set(written))
    assert [command for command in written if command in set(writer.acknowledged)] == writer.acknowledged
    # The one whose answer was cut off may have been written; a load tells, and the writer went on from there.
    assert len(written) <= len(writer.acknowledged) + 1
    for error in writer.errors:
        assert type(error) in (WriteFailed, Unavailable)
        assert "Check that its server runs" in str(error)


def test_connections_that_the_server_cut_off_are_made_anew_by_the_next_call(journal: SqlJournal) -> None:
    fill(journal, STREAM, 2)
    assert ask("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()")
    assert len(kept(journal, STREAM)) == 2
    assert not journal.commit(SHARD, "one", [append(STREAM, 3)])


def test_who_may_not_use_the_tables_is_told_to_be_let_in(journal: SqlJournal, journal_url: str) -> None:
    fill(journal, STREAM, 1)
    ask(f"CREATE ROLE stranger LOGIN; GRANT USAGE ON SCHEMA {schema_of(journal_url)} TO stranger")
    try:
        theirs = SqlJournal(journal_url.replace("postgres@", "stranger@"))
        for call in (theirs.open, lambda: theirs.claim(SHARD, "two")):
            with pytest.raises(WriteFailed, match=r"permission denied.*lets this user in"):
                call()
        theirs.close()
    finally:
        ask("DROP OWNED BY stranger; DROP ROLE stranger")


def test_tables_that_are_spoilt_or_gone_are_told_from_a_server_that_is_away(
    journal: SqlJournal, journal_url: str
) -> None:
    fill(journal, STREAM, 2)
    ((path,),) = ask(f"SELECT pg_relation_filepath('{schema_of(journal_url)}.entries')")
    server().stop()
    file = server().folder / "data" / path
    file.write_bytes(b"\xff" * file.stat().st_size)
    server().start()
    with pytest.raises(JournalUnreadable, match=r"is damaged.*Restore it from a backup"):
        kept(journal, STREAM)
    ask(f"DROP TABLE {schema_of(journal_url)}.entries")
    with pytest.raises(JournalUnreadable, match=r"has not the tables.*Restore it from a backup"):
        kept(journal, STREAM)


def schema_of(url: str) -> str:
    return url.rpartition("%3D")[2]
