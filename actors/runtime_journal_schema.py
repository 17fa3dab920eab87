"""Opening a journal: its folder and tables are made, or raised to this release's version, by one process at a time."""

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
    database.make()
    database.check(WriteFailed)
    with database.writing() as connection:
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
    database.check()
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
