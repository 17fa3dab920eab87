"""Opening a journal: its folder and tables are made, or raised to this release's version, by one process at a time."""

import fcntl
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from sqlalchemy import Connection, inspect, text

from actors.runtime_journal_database import Database
from actors.runtime_tables import SCHEMA_VERSION, VERSION_TABLE, metadata
from core.errors import JournalUnreadable, StartupFailed, WriteFailed

_LOCK = int.from_bytes(b"journal")  # the advisory lock's number on PostgreSQL


def prepare_schema(database: Database) -> None:
    """Make or upgrade the tables, where that is to be done.

    Raises StartupFailed where they are of a release that this one does not know, JournalUnreadable where the database
    holds something else, and WriteFailed where it cannot be written.
    """
    with _alone(database.file), database.writing() as connection:
        if database.file is None:
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        version = _version(connection)
        if version == SCHEMA_VERSION:
            return
        if version is None and (taken := _taken(connection, database)):
            problem = f"The database {database.name} has tables of other programs ({', '.join(taken)}) and no journal."
            raise JournalUnreadable(problem, "Name another file or database.")
        from actors.runtime_migrations.upgrade import upgrade  # only now: Alembic takes long to import

        if not upgrade(connection, version):
            raise _newer(database, version)


def check_schema(database: Database) -> None:
    """Raises StartupFailed where there is no journal of this release's version. Writes nothing."""
    if database.file and not database.file.is_file():
        raise StartupFailed(f"There is no journal at {database.name}.", "Start the bot once, or name another file.")
    with database.reading() as connection:
        version = _version(connection)
    if version is None:
        raise StartupFailed(f"{database.name} holds no journal.", "Start the bot once, or name another database.")
    if version < SCHEMA_VERSION:
        raise StartupFailed(
            f"The journal {database.name} is of an older release ({version}).", "Start the bot once: it upgrades it."
        )
    if version > SCHEMA_VERSION:
        raise _newer(database, version)


def _newer(database: Database, version: str | None) -> StartupFailed:
    problem = f"The journal {database.name} was made by a newer release (tables {version}, known {SCHEMA_VERSION})."
    return StartupFailed(problem, "Run that release or a newer one, or name another journal.")


def _taken(connection: Connection, database: Database) -> list[str]:
    """Tables in the way: any in a file, which is one program's, and in a server's database those of our names."""
    there = set(inspect(connection).get_table_names())
    return sorted(there if database.file else there & set(metadata.tables))[:5]


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.scalar(text(f"SELECT version_num FROM {VERSION_TABLE}"))
    return version


@contextmanager
def _alone(file: Path | None) -> Iterator[None]:
    """Hold the lock beside a SQLite file, so that one process makes it. The lock ends with the process.

    The file itself is not opened here: closing it would end the locks that SQLite holds on it in this process.
    """
    if file is None:
        yield
        return
    with ExitStack() as held:
        try:
            file.parent.mkdir(parents=True, exist_ok=True)
            lock = held.enter_context(file.with_name(f"{file.name}.lock").open("a"))
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not file.exists():
                file.touch()
        except OSError as error:
            part = f"The journal's folder {file.parent} ({error.strerror})"
            raise WriteFailed(part, "Name a file in a folder that has room and that this user may write.") from error
        yield
