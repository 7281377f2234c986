"""What proves the events of a block without the chain (ledger/store/evidence.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "block_evidence",
        sa.Column("block_hash", sa.String(66), primary_key=True),
        sa.Column("block_number", sa.BigInteger, nullable=False),
        sa.Column("header", sa.LargeBinary, nullable=False),
        sa.Column("receipts", sa.LargeBinary, nullable=False),
    )
    op.create_index("ix_block_evidence_block_number", "block_evidence", ["block_number"])


def downgrade() -> None:
    op.drop_table("block_evidence")
