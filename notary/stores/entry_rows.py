"""Entries in SQL: one row for up to GROUP consecutive ones, written in the transaction that gives out their indexes.

A row of its own for each entry cost more than all else of a bulk call (docs/adr/0021). Who must know which commitments
stand where asks the index (notary/stores/places.py), which is made from these rows.
"""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from ledger.errors import IntegrityError
from ledger.store.postgres import copy_in
from notary.entry import ENTRY_BYTES
from notary.stores.record_tables import entry_groups, index_of, log_of, position_of

GROUP = 1024
"""Entries of one row at most: about 94 KB, of which reading one entry has to fetch the way to it."""
_APART = 256
"""Positions that lie closer than this are read in one stretch."""
_table = entry_groups.c
_at, _low, _end = (sa.bindparam(name, type_=sa.BigInteger) for name in ("at", "low", "end"))
_START = sa.cast(_at - _table.position, sa.Integer) * ENTRY_BYTES + 1
_ONE = (
    sa.select(sa.func.substr(_table.entries, _START, ENTRY_BYTES, type_=sa.LargeBinary))
    .where(_table.position <= _at, _table.position > _low)
    .order_by(_table.position.desc())
    .limit(1)
)
_STRETCH = (
    sa.select(_table.position, _table.entries)
    .where(_table.position > _low, _table.position < _end)
    .order_by(_table.position)
)


def put(connection: sa.Connection, position: int, joined: bytes) -> None:
    """Write entries from `position` on."""
    rows = [
        (position + at // ENTRY_BYTES, joined[at : at + GROUP * ENTRY_BYTES])
        for at in range(0, len(joined), GROUP * ENTRY_BYTES)
    ]
    if rows and connection.dialect.name == "postgresql":
        copy_in(connection, entry_groups, rows)
    elif rows:
        connection.execute(sa.insert(entry_groups), [{"position": at, "entries": part} for at, part in rows])


def one(connection: sa.Connection, position: int) -> bytes | None:
    """The 92 bytes at a position; None beyond the log's end."""
    return connection.scalar(_ONE, {"at": position, "low": _before(position)}) or None


def stretch(connection: sa.Connection, position: int, count: int) -> bytes:
    """Up to `count` consecutive entries of one log from `position` on, joined. IntegrityError `records.gap`."""
    end = min(position + count, position_of(log_of(position) + 1, 0))
    parts: list[bytes] = []
    at = position
    for first, joined in connection.execute(_STRETCH, {"low": _before(position), "end": end}):
        upto = first + len(joined) // ENTRY_BYTES
        if upto <= position:
            continue
        if (first != at and parts) or first > at:
            raise IntegrityError("records.gap", index=index_of(at))
        parts.append(joined[(at - first) * ENTRY_BYTES : (end - first) * ENTRY_BYTES])
        at = min(upto, end)
    return b"".join(parts)


def several(connection: sa.Connection, positions: Sequence[int]) -> dict[int, bytes]:
    """The 92 bytes of each position that has an entry."""
    found: dict[int, bytes] = {}
    rising = sorted(set(positions))
    at = 0
    while at < len(rising):
        end = at + 1
        while (
            end < len(rising) and rising[end] - rising[end - 1] < _APART and log_of(rising[end]) == log_of(rising[at])
        ):
            end += 1
        first = rising[at]
        joined = stretch(connection, first, rising[end - 1] + 1 - first)
        for position in rising[at:end]:
            offset = (position - first) * ENTRY_BYTES
            if offset < len(joined):
                found[position] = joined[offset : offset + ENTRY_BYTES]
        at = end
    return found


def _before(position: int) -> int:
    """The row that holds an entry begins after this."""
    return max(position - GROUP, position_of(log_of(position), 0) - 1)
