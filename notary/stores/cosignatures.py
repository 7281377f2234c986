"""Cosignatures of our logs' checkpoints, by (log, size, witness), in SQL; only lines that were verified come in here.

Kept for every checkpoint that was handed to the chain, and for newer ones until the next: a log seals each second, and
what no receipt will ever rest on isn't worth a row for ever.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from notary.checkpoint import NoteSignature
from notary.stores.records import checkpoints, metadata

cosignatures = sa.Table(
    "cosignatures",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String(128), primary_key=True),
    sa.Column("key_id", sa.LargeBinary(4), primary_key=True),
    sa.Column("signature", sa.LargeBinary(72), nullable=False),
)


def put_line(connection: sa.Connection, log: int, size: int, line: NoteSignature) -> None:
    """Keep a line; the first of a witness for a size stays. Lines of smaller sizes that nothing rests on go."""
    table = cosignatures.c
    same = (table.log == log, table.size == size, table.name == line.name, table.key_id == line.key_id)
    if connection.execute(sa.select(table.size).where(*same)).first() is not None:
        return
    values = {"log": log, "size": size, "name": line.name, "key_id": line.key_id, "signature": line.signature}
    connection.execute(cosignatures.insert().values(**values))
    kept = sa.select(checkpoints.c.size).where(checkpoints.c.log == log, checkpoints.c.size == table.size)
    last = sa.select(sa.func.max(checkpoints.c.size)).where(checkpoints.c.log == log).scalar_subquery()
    # Above the last one that was handed over: older ones were looked at when that was new.
    old = cosignatures.delete().where(
        table.log == log,
        table.size < size,
        table.name == line.name,
        table.size > sa.func.coalesce(last, 0) - RECENT,
        ~sa.exists(kept),
    )
    connection.execute(old)


RECENT = 1 << 20
"""Sizes below the newest checkpoint of the chain in which leftovers are looked for."""


def lines_of(connection: sa.Connection, log: int, size: int) -> list[NoteSignature]:
    """The cosignatures of one checkpoint, by witness."""
    table = cosignatures.c
    query = sa.select(table.name, table.key_id, table.signature).where(table.log == log, table.size == size)
    rows: Any = connection.execute(query.order_by(table.name, table.key_id))
    return [NoteSignature(*row) for row in rows]


def sizes_from(connection: sa.Connection, log: int, size: int, limit: int) -> list[int]:
    """The smallest sizes above `size` that any witness cosigned."""
    table = cosignatures.c
    query = sa.select(table.size).where(table.log == log, table.size > size).distinct()
    return list(connection.scalars(query.order_by(table.size).limit(limit)))
