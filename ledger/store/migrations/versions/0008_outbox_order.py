"""The outbox's indexes in the order that it is read in, so that what is done costs the sender nothing."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_index("outbox_work", table_name="outbox")
    op.drop_index("outbox_block", table_name="outbox")
    op.create_index("outbox_work", "outbox", ["sender", "state", "nonce", "id"])
    op.create_index("outbox_block", "outbox", ["block_number", "block_hash", "sender"])


def downgrade() -> None:
    op.drop_index("outbox_work", table_name="outbox")
    op.drop_index("outbox_block", table_name="outbox")
    op.create_index("outbox_work", "outbox", ["sender", "state", "id"])
    op.create_index("outbox_block", "outbox", ["block_number"])
