"""Raises a journal's tables to the newest version with Alembic, which needs no configuration file for it."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import Connection


def upgrade(connection: Connection, version: str | None) -> bool:
    """Run what is missing since `version`, in the connection's transaction. False where that version is not known."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        return False
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    return True
