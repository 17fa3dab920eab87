"""What is due of a kind, and what compaction may delete, are found by an index."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002"
down_revision = "0001"

ID = sa.Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_index("snapshots_at", "snapshots", ["at", "stream", "seq"])
    op.add_column("outbox", sa.Column("kind", ID, nullable=False, server_default=""))
    on_sqlite = op.get_bind().dialect.name == "sqlite"
    kind = "substr(stream, 1, instr(stream, '/') - 1)" if on_sqlite else "split_part(stream, '/', 1)"
    op.execute(f"UPDATE outbox SET kind = {kind}")
    op.drop_index("outbox_due_at", "outbox")
    op.create_index("outbox_due", "outbox", ["kind", "due_at"])
