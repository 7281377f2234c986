"""Look-ups in the order of positions (docs/adr/0035): new rows lie beside one another, whatever their identifiers are.

From an identifier to its rows leads an index of our own beside the logs, made from these rows when it isn't there. The
issuer goes: it is in the keyed hash, and in the log that the position names.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019"
down_revision = "0018"
branch_labels = None
depends_on = None

POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.rename_table("lookups", "lookups_by_name")
    if op.get_bind().dialect.name == "postgresql":  # its name stays with the old table, and the new one wants it
        op.execute("ALTER INDEX lookups_pkey RENAME TO lookups_by_name_pkey")
    op.create_table(
        "lookups",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("identifier", sa.LargeBinary(32), nullable=False),
        sa.Column("version", sa.Integer, nullable=False),
        sa.Column("content", sa.LargeBinary(32), nullable=False),
    )
    columns = "position, identifier, version, content"
    op.execute(f"INSERT INTO lookups ({columns}) SELECT {columns} FROM lookups_by_name ORDER BY position")  # noqa: S608
    op.drop_table("lookups_by_name")


def downgrade() -> None:
    raise NotImplementedError("two identical names would have to be refused: restore a backup of the database")
