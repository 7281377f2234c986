"""PostgreSQL keeps entries and sealed records as they are: hashes and ciphertext don't get smaller.

Kept so, a part of a group of entries is read without the rest (docs/adr/0027). Nothing changes on SQLite.
"""

from __future__ import annotations

from alembic import op

revision = "0016"
down_revision = "0010"
branch_labels = None
depends_on = None

COLUMNS = (("entry_groups", "entries"), ("records", "body"))


def upgrade() -> None:
    _store("EXTERNAL")


def downgrade() -> None:
    _store("EXTENDED")


def _store(how: str) -> None:
    if op.get_bind().dialect.name == "postgresql":
        for table, column in COLUMNS:
            op.execute(f"ALTER TABLE {table} ALTER COLUMN {column} SET STORAGE {how}")
