"""Erasures: how far each has come (notary/stores/erasures.py)."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "erasures",
        sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("order_code", sa.String(64), nullable=False),
        sa.Column("state", sa.String(10), nullable=False, index=True),
        sa.Column("proposer", sa.LargeBinary(32)),
        sa.Column("confirmer", sa.LargeBinary(32)),
        sa.Column("proposed_at", sa.BigInteger, nullable=False),
        sa.Column("erased_at", sa.BigInteger),
        sa.Column("done_at", sa.BigInteger),
        sa.Column("cid", sa.String(128)),
        sa.Column("readers", sa.Text, nullable=False),
        sa.Column("entry", sa.BigInteger),
        sa.Column("salt", sa.LargeBinary(32)),
    )


def downgrade() -> None:
    op.drop_table("erasures")
