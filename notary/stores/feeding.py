"""Kept records as the feed reads them: sealed keys and body of every position of a stretch, in one statement."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import sqlalchemy as sa

from notary.stores.record_tables import record_keys, records

PIECE = 64
"""Rows in memory at once: a body may have 1 MiB."""
_MANY = 900
_KEPT = sa.select(record_keys.c.position, record_keys.c.sealed, records.c.body).join(
    records, records.c.position == record_keys.c.position
)


def kept_between(connection: sa.Connection, low: int, high: int) -> Iterator[tuple[Any, ...]]:
    """(position, sealed key and salt, sealed body) of each record that is kept at positions `low … high-1`."""
    query = _KEPT.where(record_keys.c.position >= low, record_keys.c.position < high)
    yield from map(tuple, connection.execute(query, execution_options={"yield_per": PIECE}))


def kept_at(connection: sa.Connection, positions: Sequence[int]) -> Iterator[tuple[Any, ...]]:
    """The same of single positions."""
    for at in range(0, len(positions), _MANY):
        query = _KEPT.where(record_keys.c.position.in_(positions[at : at + _MANY]))
        yield from map(tuple, connection.execute(query, execution_options={"yield_per": PIECE}))
