"""How the journal connects: a URL that names what keeps what is written, and an engine for each kind of database."""

import sqlite3
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError
from sqlalchemy.pool import ConnectionPoolEntry

from core.errors import BadInput

_WAIT_S = 10  # for another's lock, for a free connection, and for a server's first answer
IDENTITY = "identity"  # of the file that a connection to SQLite has open, in its `info`
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


def parsed_url(url: str) -> URL:
    """Raises BadInput where `url` names nothing that keeps what is written; it is not shown."""
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


def sqlite_engine(file: Path, read_only: bool) -> Engine:
    """Connections to a file that is there. The execution option `begin` is how a transaction begins."""
    # As SQLAlchemy's page on SQLite has it: the driver's own idea of transactions off, and BEGIN by this event.
    # It is never made here: a journal that was deleted is missed, not begun anew.
    query = {"mode": "ro" if read_only else "rw", "uri": "true"}
    url = URL.create("sqlite", database=f"file:{quote(str(file))}", query=query)
    engine = create_engine(url, connect_args={"timeout": _WAIT_S}, pool_timeout=_WAIT_S, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None
        if not read_only:
            for pragma in ("journal_mode=WAL", "synchronous=FULL", "secure_delete=ON"):
                connection.execute(f"PRAGMA {pragma}")
        record.info[IDENTITY] = identity(file)

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        statement = connection.get_execution_options().get("begin", "BEGIN")
        if statement:
            connection.exec_driver_sql(statement)

    return engine


def postgres_engine(url: URL, read_only: bool) -> Engine:
    """Connections to a server."""
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


def identity(file: Path) -> tuple[tuple[int, int] | None, ...]:
    """Which files have the names of the journal, of its log and of that one's index now; None where there is none."""
    return tuple(map(_found, (file, file.with_name(f"{file.name}-wal"), file.with_name(f"{file.name}-shm"))))


def _found(file: Path) -> tuple[int, int] | None:
    try:
        found = file.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
