"""Entries in groups, and no table for what the index on disk finds (docs/adr/0021).

Every entry keeps its position and its 92 bytes. `status_keys` and `keyed_logs` go: both their answers and those of the
unique key over commitments come from an index of our own, which is made from the entries when it isn't there.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0014"
branch_labels = None
depends_on = None

GROUP = 1024
READ = 32 * GROUP
LOG = 1 << 40
"""Positions of one log."""
POSITION = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

_entries = sa.table("entries", sa.column("position"), sa.column("issuer"), sa.column("entry"))
_groups = sa.table("entry_groups", sa.column("position"), sa.column("entries"))
_logs = sa.table("logs", sa.column("id"), sa.column("struck_from"))


def upgrade() -> None:
    op.create_table(
        "entry_groups",
        sa.Column("position", POSITION, primary_key=True, autoincrement=False),
        sa.Column("entries", sa.LargeBinary, nullable=False),
    )
    op.add_column("logs", sa.Column("struck_from", sa.BigInteger))
    connection = op.get_bind()
    _strike(connection)
    _group(connection)
    for name in ("entries", "status_keys", "keyed_logs"):
        op.drop_table(name)


def _strike(connection: sa.Connection) -> None:
    """What was struck out stood under the negative number of its log instead of the issuer's, up to the log's end."""
    query = sa.select(_entries.c.issuer, sa.func.min(_entries.c.position)).where(_entries.c.issuer < 0)
    for issuer, position in connection.execute(query.group_by(_entries.c.issuer)).all():
        connection.execute(sa.update(_logs).where(_logs.c.id == -issuer).values(struck_from=position % LOG))


def _group(connection: sa.Connection) -> None:
    """A group ends where it is full, where its log ends, and before a gap, which isn't for this to judge."""
    at, first, parts = -1, 0, list[bytes]()
    while True:
        query = sa.select(_entries.c.position, _entries.c.entry).where(_entries.c.position > at)
        rows = connection.execute(query.order_by(_entries.c.position).limit(READ)).all()
        found = []
        for position, entry in rows:
            if parts and (position != first + len(parts) or position % LOG == 0 or len(parts) == GROUP):
                found.append({"position": first, "entries": b"".join(parts)})
                parts = []
            if not parts:
                first = position
            parts.append(entry)
            at = position
        if not rows and parts:
            found.append({"position": first, "entries": b"".join(parts)})
        if found:
            connection.execute(sa.insert(_groups), found)
        if not rows:
            return


def downgrade() -> None:
    raise NotImplementedError("entries aren't taken apart again: restore a backup of the database and the log folders")
