"""The object that each event is about (ledger/store/index/events.py).

Events of before have none, so the index forgets all that it had: the indexer brings it again from the chain.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

INDEXED = ("chain_events", "chain_logs", "chain_anchors", "chain_decisions", "chain_annulments", "chain_blocks")


def upgrade() -> None:
    for table in (*INDEXED, "chain_cursor"):
        op.execute(sa.text(f"DELETE FROM {table}"))  # noqa: S608 - our own names
    with op.batch_alter_table("chain_events") as batch:
        batch.add_column(sa.Column("subject", sa.LargeBinary(length=32), nullable=False))
    op.create_index("events_subject", "chain_events", ["contract", "subject", "block_number", "log_index"])


def downgrade() -> None:
    op.drop_index("events_subject", "chain_events")
    with op.batch_alter_table("chain_events") as batch:
        batch.drop_column("subject")
