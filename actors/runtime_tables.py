"""The journal's tables, the same on SQLite and PostgreSQL. actors/runtime_migrations/ makes and changes them."""

from sqlalchemy import BigInteger, Column, Double, Index, Integer, MetaData, Table, Text
from sqlalchemy.dialects import postgresql

# The newest migration. A test holds it against actors/runtime_migrations/versions/.
SCHEMA_VERSION = "0002"
VERSION_TABLE = "journal_version"

# On SQLite no table is WITHOUT ROWID: rows are appended and only the small keys are spread, which writes a third as
# much where a commit holds many streams.
# Ids sort by their bytes, whatever the language of the server.
ID = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")

metadata = MetaData()

entries = Table(
    "entries",
    metadata,
    Column("stream", ID, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("command_id", ID, nullable=False),
    Column("version", Integer, nullable=False),
    Column("command", Text, nullable=False),
    Column("events", Text, nullable=False),
    Column("reply", Text, nullable=False),
)

snapshots = Table(
    "snapshots",
    metadata,
    Column("stream", ID, primary_key=True),
    Column("seq", BigInteger, primary_key=True, autoincrement=False),
    Column("at", Double, nullable=False),
    Column("version", Integer, nullable=False),
    Column("state", Text, nullable=False),
    Index("snapshots_at", "at", "stream", "seq"),
)

records = Table(
    "records",
    metadata,
    Column("stream", ID, primary_key=True),
    Column("record_id", ID, primary_key=True),
    Column("at", Double, nullable=False),
    Column("kind", ID, nullable=False),
    Column("user", ID, nullable=False),
    Column("channel", ID, nullable=False),
    Column("body", Text, nullable=False),
    Index("records_at", "stream", "at"),
)

outbox = Table(
    "outbox",
    metadata,
    Column("stream", ID, primary_key=True),
    Column("effect_id", ID, primary_key=True),
    Column("target", ID, nullable=False),
    Column("body", Text, nullable=False),
    Column("due_at", Double, nullable=False),
    Column("kind", ID, nullable=False, server_default=""),
    Index("outbox_due", "kind", "due_at"),
)

owners = Table(
    "owners",
    metadata,
    Column("shard", ID, primary_key=True),
    Column("incarnation", ID, nullable=False),
)

placements = Table(
    "placements",
    metadata,
    Column("kind", ID, primary_key=True),
    Column("shards", Integer, nullable=False),
    Column("epoch", BigInteger, nullable=False),
)
