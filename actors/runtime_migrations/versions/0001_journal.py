"""The journal's first tables."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "entries",
        sa.Column("stream", ID, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("command_id", ID, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("command", sa.Text, nullable=False),
        sa.Column("events", sa.Text, nullable=False),
        sa.Column("reply", sa.Text, nullable=False),
    )
    op.create_table(
        "snapshots",
        sa.Column("stream", ID, primary_key=True),
        sa.Column("seq", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("state", sa.Text, nullable=False),
    )
    op.create_table(
        "records",
        sa.Column("stream", ID, primary_key=True),
        sa.Column("record_id", ID, primary_key=True),
        sa.Column("at", sa.Double, nullable=False),
        sa.Column("kind", ID, nullable=False),
        sa.Column("user", ID, nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
    )
    op.create_index("records_at", "records", ["stream", "at"])
    op.create_table(
        "outbox",
        sa.Column("stream", ID, primary_key=True),
        sa.Column("effect_id", ID, primary_key=True),
        sa.Column("target", ID, nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("due_at", sa.Double, nullable=False),
    )
    op.create_index("outbox_due_at", "outbox", ["due_at"])
    op.create_table("owners", sa.Column("shard", ID, primary_key=True), sa.Column("incarnation", ID, nullable=False))
    op.create_table(
        "placements",
        sa.Column("kind", ID, primary_key=True),
        sa.Column("shards", sa.Integer, nullable=False),
        sa.Column("epoch", sa.BigInteger, nullable=False),
    )
