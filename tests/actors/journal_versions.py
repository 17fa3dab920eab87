"""Journals as older releases left them, and a way past the journal to its database."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, create_engine

from actors import runtime_migrations
from tests.actors.journals import file_of

MIGRATIONS = Config()
MIGRATIONS.set_main_option("script_location", str(Path(runtime_migrations.__file__).parent))
VERSIONS = [script.revision for script in ScriptDirectory.from_config(MIGRATIONS).walk_revisions()]


@contextmanager
def direct(url: str) -> Iterator[Connection]:
    """A connection past the journal."""
    if url.startswith("sqlite"):
        file_of(url).parent.mkdir(exist_ok=True)
    engine = create_engine(url)
    with engine.begin() as connection:
        yield connection
    engine.dispose()


def made_as(url: str, version: str) -> None:
    """A journal as the release of that version left it."""
    with direct(url) as connection:
        MIGRATIONS.attributes["connection"] = connection
        command.upgrade(MIGRATIONS, version)
