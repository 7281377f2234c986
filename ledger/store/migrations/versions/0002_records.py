"""The notary's tables: logs, entries, records with their keys, what was answered, checkpoints handed to the chain.

`position` is the log's row number times 2^40 plus the log index (notary/stores/records.py). No foreign keys from the
rows of a record to its entry: erasure removes them one table at a time, and the look-up would cost at every insert.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "issuers", sa.Column("id", sa.Integer, primary_key=True), sa.Column("code", sa.String(18), unique=True)
    )
    op.create_table(
        "logs",
        sa.Column("id", sa.Integer, primary_key=True),
        sa.Column("origin", sa.String(128), unique=True, nullable=False),
        sa.Column("log_id", sa.LargeBinary(32), unique=True, nullable=False),
        sa.Column("issuer", sa.Integer, sa.ForeignKey("issuers.id"), nullable=False),
        sa.Column("next_index", sa.BigInteger, nullable=False),
        sa.Column("accepted_at", sa.BigInteger, nullable=False),
    )
    op.create_table(
        "entries",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("issuer", sa.Integer, nullable=False),
        sa.Column("commitment", sa.LargeBinary(32), nullable=False),
        sa.Column("entry", sa.LargeBinary(92), nullable=False),
        sa.UniqueConstraint("issuer", "commitment", name="entries_commitment"),
    )
    for name, column in (("records", "body"), ("record_keys", "sealed")):
        op.create_table(
            name,
            sa.Column("position", POSITION, primary_key=True, autoincrement=False),
            sa.Column(column, sa.LargeBinary, nullable=False),
        )
    op.create_table(
        "record_wraps",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("reader", sa.String(18), primary_key=True),
        sa.Column("sealed", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "lookups",
        sa.Column("issuer", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("identifier", sa.LargeBinary(32), primary_key=True),
        sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("position", POSITION, nullable=False),
    )
    op.create_table(
        "idempotency",
        sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(18), primary_key=True),
        sa.Column("operation", sa.String(32), primary_key=True),
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("positions", sa.LargeBinary, nullable=False),
    )
    op.create_table(
        "checkpoints",
        sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
        sa.Column("root", sa.LargeBinary(32), nullable=False),
        sa.Column("note", sa.Text, nullable=False),
        sa.Column("attempt", sa.Integer, nullable=False),
        sa.Column("intent_key", sa.String(128), nullable=False),
    )


def downgrade() -> None:
    names = "checkpoints idempotency lookups record_wraps record_keys records entries logs issuers"
    for name in names.split():
        op.drop_table(name)
