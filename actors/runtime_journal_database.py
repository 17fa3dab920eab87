"""The database under the journal: one pool of connections, how a transaction begins, and what its errors mean."""

import fcntl
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DataError, DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import BadInput, BotError, JournalUnreadable, Unavailable, WriteFailed

_WAIT_S = 10  # for another's lock, for a free connection, and for a server's first answer
_IDENTITY = "identity"
_CONFLICT = (sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY, "23505")
_DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT, "XX001", "XX002")
_NO_TABLES = (sqlite3.SQLITE_ERROR, "42P01", "42703")
_DISK = "Check that its disk is whole and not full."
_ADVICE: dict[int | str | None, str] = {
    sqlite3.SQLITE_FULL: "Make room on its disk.",
    sqlite3.SQLITE_READONLY: "Let this user write the file and its folder, or name another.",
    sqlite3.SQLITE_CANTOPEN: "Check that it is there and that this user may write it and its folder, or name another.",
    sqlite3.SQLITE_BUSY: "Another program holds it: end that one.",
}
_SECRETS = ("password", "sslpassword")
# A server that is cut off is given up, also in the middle of a call.
_POSTGRES_CONNECTION = {
    "connect_timeout": _WAIT_S,
    "tcp_user_timeout": _WAIT_S * 1000,
    "keepalives_idle": _WAIT_S // 2,
    "keepalives_interval": 1,
    "keepalives_count": _WAIT_S // 2,
}
# A commit is on disk before it is acknowledged, nobody waits for ever, and who is cut off in a transaction loses it.
_POSTGRES_SETTINGS = f"""SELECT set_config('lock_timeout', '{_WAIT_S}s', false),
    set_config('idle_in_transaction_session_timeout', '60s', false),
    set_config('synchronous_commit', replace(current_setting('synchronous_commit'), 'off', 'on'), false)"""


class Conflict(Exception):
    """A row with this primary key is there already."""


class Database:
    """A SQLite file or a PostgreSQL database. `name` is how people are told of it: it never shows a password.

    Transactions that write begin with the right to write, so that two of them never wait for each other; those that
    read see one moment. Raises BadInput where `url` is neither kind.
    """

    def __init__(self, url: str, read_only: bool = False) -> None:
        parsed = _parsed(url)
        self.file = Path(parsed.database or "").absolute() if parsed.get_backend_name() == "sqlite" else None
        shown = parsed.difference_update_query(_SECRETS)
        self.name = str(self.file) if self.file else shown.render_as_string(hide_password=True)
        self._reader: Engine
        self._writer: Engine
        if self.file:
            self._engine = _sqlite(self.file, read_only)
            self._reader, self._writer = self._engine, self._engine.execution_options(begin="BEGIN IMMEDIATE")
        else:
            self._engine = _postgres(parsed, read_only)
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
        """Make a SQLite file, empty, and its folder, where there is none. Raises WriteFailed."""
        if self.file and not self.file.exists():
            with self.errors(WriteFailed):
                self.file.parent.mkdir(parents=True, exist_ok=True)
                with self._turn():
                    # Once somebody uses it, it must not be opened: closing it ends the locks that SQLite holds on it.
                    if not self.file.exists():
                        self.file.touch()

    def close(self) -> None:
        """Give every connection back. A later call connects anew."""
        self._engine.dispose()

    def _turn(self) -> AbstractContextManager[object]:
        return _turn(self.file) if self.file else nullcontext()

    def _check_in_place(self, connection: Connection, kind: type[Unavailable]) -> None:
        # A file that was deleted lives on while it is open: what is written to it then ends with this process.
        if self.file and connection.info[_IDENTITY] != _identity(self.file):
            part = f"The journal {self.name} (it was deleted, moved or replaced while in use)"
            raise kind(part, "Stop what uses it, put it back or restore it from a backup, and start again.")

    def _translated(self, error: DBAPIError, kind: type[Unavailable]) -> BotError | Conflict:
        cause: Any = error.orig
        code = _code_of(cause)
        if code in _CONFLICT:
            return Conflict()
        reason = (str(cause).strip().splitlines() or [type(cause).__name__])[0]
        if isinstance(code, int):
            code &= 0xFF
        if code in _DAMAGED:
            problem = f"The journal {self.name} is damaged, or is no journal at all ({reason})."
            return JournalUnreadable(problem, "Restore it from a backup, or name another.")
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


def _identity(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _parsed(url: str) -> URL:
    advice = "Take sqlite:///FILE or postgresql+psycopg://USER:PASSWORD@HOST/DATABASE."
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):
        raise BadInput("The journal's URL cannot be read.", advice) from None  # the cause would show the password
    backend = parsed.get_backend_name()
    if backend == "sqlite" and parsed.database not in (None, "", ":memory:"):
        return parsed
    if backend == "postgresql":
        return parsed.set(drivername="postgresql+psycopg")
    raise BadInput(f"The journal's URL ({backend}) names nothing that keeps what is written.", advice)


def _sqlite(file: Path, read_only: bool) -> Engine:
    # As SQLAlchemy's page on SQLite has it: the driver's own idea of transactions off, and BEGIN by this event.
    # It is never made here: a journal that was deleted is missed, not begun anew.
    query = {"mode": "ro" if read_only else "rw", "uri": "true"}
    url = URL.create("sqlite", database=f"file:{quote(str(file))}", query=query)
    engine = create_engine(url, connect_args={"timeout": _WAIT_S}, pool_timeout=_WAIT_S, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        record.info[_IDENTITY] = _identity(file)
        if not read_only:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("begin", "BEGIN")
        if statement:
            connection.exec_driver_sql(statement)

    return engine


def _postgres(url: URL, read_only: bool) -> Engine:
    engine = create_engine(
        url,
        paramstyle="format",
        connect_args=_POSTGRES_CONNECTION,
        pool_timeout=_WAIT_S,
        pool_pre_ping=True,  # a server that was restarted is met by the next call
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _: object) -> None:
        connection.execute(_POSTGRES_SETTINGS)
        if read_only:
            connection.execute("SELECT set_config('default_transaction_read_only', 'on', false)")
        connection.commit()

    return engine
