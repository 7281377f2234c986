"""Which files the records name, which store was seen to hold them, and moves from store to store.

All of it can be made anew from the records and the stores (notary/stores/content_index.py).
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0015"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "content_files",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("cid", sa.String(59), nullable=False),
    )
    op.create_index("ix_content_files_cid", "content_files", ["cid"])
    op.create_table(
        "content_cursors",
        sa.Column("what", sa.String(300), primary_key=True),
        sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("position", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "content_copies",
        sa.Column("store", sa.String(300), primary_key=True),
        sa.Column("cid", sa.String(59), primary_key=True),
        sa.Column("since", sa.BigInteger, nullable=False),
        sa.Column("seen_at", sa.BigInteger),
    )
    op.create_index("content_copies_seen", "content_copies", ["store", "seen_at", "cid"])
    op.create_table(
        "content_moves",
        sa.Column("source", sa.String(300), primary_key=True),
        sa.Column("target", sa.String(300), nullable=False),
        sa.Column("started_at", sa.BigInteger, nullable=False),
        sa.Column("finished_at", sa.BigInteger),
    )


def downgrade() -> None:
    for table in ("content_moves", "content_copies", "content_cursors", "content_files"):
        op.drop_table(table)
