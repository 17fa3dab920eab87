"""What Alembic runs: the migrations, on the connection that the journal is opened with."""

from alembic import context

from actors.runtime_tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"], target_metadata=metadata, version_table=VERSION_TABLE
)
context.run_migrations()
