"""The database under the journal: one pool of connections, how a transaction begins, and what its errors mean."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from actors.runtime_journal_engines import IDENTITY, identity, parsed_url, postgres_engine, sqlite_engine
from core.errors import BadInput, BotError, JournalUnreadable, Unavailable, WriteFailed

_CHECKED_BYTES = 1_000_000_000  # looked through in two seconds
_CONFLICT = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "23505")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, "XX001", "XX002")
_NO_TABLES = (sqlite3.SQLITE_ERROR, "42P01", "42703")
_DISK = "Check that its disk is whole and not full."
_ADVICE: dict[int | str | None, str] = {
    sqlite3.SQLITE_FULL: "Make room on its disk.",
    sqlite3.SQLITE_READONLY: "Let this user write the file, its -wal and -shm, and the folder; or name another.",
    sqlite3.SQLITE_CANTOPEN: "Check that it is there and that this user may write it and its folder, or name another.",
    sqlite3.SQLITE_BUSY: "Another program holds it: end that one.",
}
_SECRETS = ("password", "sslpassword")


class Conflict(Exception):
    """A row with this primary key is there already."""


class Database:
    """A SQLite file or a PostgreSQL database. `name` is how people are told of it: it never shows a password.

    Transactions that write begin with the right to write, so that two of them never wait for each other; those that
    read see one moment. Raises BadInput where `url` is neither kind.
    """

    def __init__(self, url: str, read_only: bool = False) -> None:
        parsed = parsed_url(url)
        self.file = Path(parsed.database or "").absolute() if parsed.get_backend_name() == "sqlite" else None
        shown = parsed.difference_update_query(_SECRETS)
        self.name = str(self.file) if self.file else shown.render_as_string(hide_password=True)
        self._reader: Engine
        self._writer: Engine
        if self.file:
            self._engine = sqlite_engine(self.file, read_only)
            self._reader, self._writer = self._engine, self._engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._engine = postgres_engine(parsed, read_only)
            self._reader = self._engine.execution_options(isolation_level="REPEATABLE READ")
            self._writer = self._engine

    @property
    def placeholder(self) -> str:
        """What stands for a value in a driver's own SQL."""
        return "?" if self.file else "%s"

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A transaction on one unchanging view. Raises Unavailable, and JournalUnreadable where the file is damaged."""
        with self.errors(Unavailable), self._reader.begin() as connection:
            self._check_in_place(connection, Unavailable)
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A transaction that is on disk afterwards. Raises WriteFailed, JournalUnreadable, BadInput, or Conflict."""
        with self.errors(WriteFailed), self._turn(), self._writer.begin() as connection:
            self._check_in_place(connection, WriteFailed)
            yield connection

    @contextmanager
    def errors(self, kind: type[Unavailable]) -> Iterator[None]:
        """What the database raises in here leaves as `kind`, or as what it is."""
        try:
            yield
        except DBAPIError as error:
            raise self._translated(error, kind) from error
        except UnicodeEncodeError as error:
            raise BadInput("A text for the journal holds half a character.", "Send whole characters.") from error
        except PoolTimeout as error:
            raise kind(f"The journal {self.name} (all connections are busy)", "Call it from fewer threads.") from error
        except OSError as error:
            part = f"The journal {self.name} ({error.strerror})"
            raise kind(part, "Check that its folder is there, has room, and that this user may write it.") from error

    def scrub(self) -> None:
        """Leave no copy of what was deleted in a SQLite file and its log. Raises WriteFailed.

        Each connection overwrites what it deletes, but not what is left of a row where it was before the file's pages
        were balanced, nor what the log holds. So the file is written anew, and the log emptied.
        """
        if self.file is None:
            return
        unbegun = self._engine.execution_options(begin="")
        with self.errors(WriteFailed), self._turn(), unbegun.connect() as connection:
            self._check_in_place(connection, WriteFailed)
            connection.exec_driver_sql("VACUUM")
            in_use, *_ = connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").one()
        if in_use:
            raise WriteFailed(f"The log of the journal {self.name}", "Something has it open to read: end that.")

    def make(self) -> None:
        """Make a SQLite file, empty and with a log, and its folder, where there is none. Raises WriteFailed."""
        if self.file is None:
            return
        with self.errors(WriteFailed):
            self.file.parent.mkdir(parents=True, exist_ok=True)
            with self._turn():
                # Once somebody uses it, it must not be opened: closing it ends the locks that SQLite holds on it.
                if not self.file.exists():
                    self.file.touch()
                # The first connection begins the log, for which nobody else waits.
                self._engine.connect().close()

    def check(self, kind: type[Unavailable] = Unavailable) -> None:
        """Raises JournalUnreadable where a SQLite file is damaged: a page that was torn would hide what is on it.

        A file of up to 1 GB is looked through; of a bigger one, only what is read later. Raises `kind` where that
        cannot be done.
        """
        if self.file is None:
            return
        with self.errors(kind), self._reader.begin() as connection:
            if self.file.stat().st_size <= _CHECKED_BYTES:
                found = connection.exec_driver_sql("PRAGMA quick_check(1)").scalar()
                if found != "ok":
                    raise self._damaged(str(found).splitlines()[-1])

    def close(self) -> None:
        """Give every connection back. A later call connects anew."""
        self._engine.dispose()

    def _turn(self) -> AbstractContextManager[object]:
        return _turn(self.file) if self.file else nullcontext()

    def _check_in_place(self, connection: Connection, kind: type[Unavailable]) -> None:
        # A file that was deleted lives on while it is open: what is written to it then ends with this process.
        if self.file is None:
            return
        known, found = connection.info[IDENTITY], identity(self.file)
        if found[0] is None or any(was not in (None, now) for was, now in zip(known, found, strict=True)):
            part = f"The journal {self.name} (it was deleted, moved or replaced while in use)"
            raise kind(part, "Stop what uses it, put it back or restore it from a backup, and start again.")
        connection.info[IDENTITY] = found

    def _damaged(self, reason: str) -> JournalUnreadable:
        problem = f"The journal {self.name} is damaged, or is no journal at all ({reason})."
        return JournalUnreadable(problem, "Restore it from a backup, or name another.")

    def _translated(self, error: DBAPIError, kind: type[Unavailable]) -> BotError | Conflict:
        cause: Any = error.orig
        code = _code_of(cause)
        if code in _CONFLICT:
            return Conflict()
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        if isinstance(code, int):
            code &= 0xFF
        if code in _DAMAGED:
            return self._damaged(reason)
        if code == sqlite3.SQLITE_CONSTRAINT or isinstance(error, DataError):
            return BadInput(f"The journal cannot hold this ({reason}).", "Send finite numbers and printable text.")
        if code in _NO_TABLES:
            problem = f"The journal {self.name} has not the tables that it should have ({reason})."
            return JournalUnreadable(problem, "Restore it from a backup, or name another database.")
        server = "Check that its server runs, has room, and lets this user in."
        return kind(f"The journal {self.name} ({reason})", _ADVICE.get(code, _DISK) if self.file else server)


def _code_of(cause: Any) -> int | str | None:
    """SQLite's extended code, or PostgreSQL's SQLSTATE."""
    if isinstance(cause, sqlite3.Error):
        # The driver's own errors have no code; this one it raises for a text that is none, so it was not written so.
        unreadable = sqlite3.SQLITE_CORRUPT if isinstance(cause, sqlite3.OperationalError) else None
        return getattr(cause, "sqlite_errorcode", unreadable)
    sqlstate: str | None = getattr(cause, "sqlstate", None)
    return sqlstate


@contextmanager
def _turn(file: Path) -> Iterator[None]:
    """Wait for one's turn to write a SQLite file. A turn ends with the process that has it.

    SQLite's lock alone would do, but whoever waits for that sleeps up to 0.1 s at a time and others go first: with
    four shards on one file the slowest commits took ten times as long.
    """
    with file.with_name(f"{file.name}.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
