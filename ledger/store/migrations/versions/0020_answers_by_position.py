"""Stored answers in the order of positions (docs/adr/0038): each at the first of the entries that it names.

What stays in `idempotency` has no place of its own: it names nothing, entries of another log, several stretches, or an
entry that another row here names.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
ROWS_AT_ONCE = 10_000
LOG = 1 << 40
"""A position is the log's number times this, plus the index."""


def upgrade() -> None:
    op.rename_table("idempotency", "idempotency_by_key")
    if op.get_bind().dialect.name == "postgresql":  # its name stays with the old table, and the new one wants it
        op.execute("ALTER INDEX idempotency_pkey RENAME TO idempotency_by_key_pkey")
    answers = op.create_table(
        "answers",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(18), nullable=False),
        sa.Column("operation", sa.String(32), nullable=False),
        sa.Column("key", sa.LargeBinary(32), nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("size", sa.Integer, nullable=False),
    )
    idempotency = op.create_table(
        "idempotency",
        sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("department", sa.String(18), primary_key=True),
        sa.Column("operation", sa.String(32), primary_key=True),
        sa.Column("key", sa.LargeBinary(32), primary_key=True),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
        sa.Column("positions", sa.LargeBinary, nullable=False),
    )
    connection = op.get_bind()
    ends = {
        number: number * LOG + size for number, size in connection.execute(sa.text("SELECT id, next_index FROM logs"))
    }
    free = 0
    for rows in _in_order(connection):
        own, others = list[dict[str, Any]](), list[dict[str, Any]]()
        for row in rows:
            scope = {"department": row.department, "operation": row.operation, "key": row.key, "content": row.content}
            first, size = int.from_bytes(row.positions[:8]), int.from_bytes(row.positions[8:12])
            free = max(free, row.log * LOG)
            alone = len(row.positions) == 12 and size > 0 and (size == 1 or row.key != row.content)
            if alone and free <= first and first + size <= ends.get(row.log, 0):
                free = first + size
                own.append({"position": first, **scope, "size": size})
            else:
                others.append({"log": row.log, **scope, "positions": row.positions})
        for table, found in ((answers, own), (idempotency, others)):
            if found:
                connection.execute(sa.insert(table), found)
    op.drop_table("idempotency_by_key")


def _in_order(connection: sa.Connection) -> Iterator[Any]:
    """By log and first position, the longest first; the same order whenever the rows are the same."""
    ordered = (
        "SELECT log, department, operation, key, content, positions FROM idempotency_by_key ORDER BY log, "
        "substr(positions, 1, 8), substr(positions, 9, 4) DESC, department, operation, key"
    )
    found = connection.execute(sa.text(ordered), execution_options={"stream_results": True})
    yield from found.partitions(ROWS_AT_ONCE)


def downgrade() -> None:
    raise NotImplementedError("answers under one key would have to be refused: restore a backup of the database")
