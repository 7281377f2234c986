"""The record store as an audit reads it: everything of a stretch of positions at once, and what belongs to nothing.

Reads only. Ordinary calls ask for one record; an audit asks for all of them, a page at a time, by the tables' own key.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa

from notary.erasures import ERASED
from notary.stores.erasures import erasures
from notary.stores.record_tables import answers as given
from notary.stores.record_tables import (
    checkpoints,
    entry_groups,
    idempotency,
    index_of,
    log_of,
    logs,
    lookups,
    position_of,
    record_keys,
    record_wraps,
    records,
    unpack_positions,
)
from notary.stores.records import LogRow, RecordStore

PAGE = 1_000


@dataclass(slots=True)
class Stored:
    """What the tables have of one position; None where they have nothing."""

    index: int
    entry: bytes | None = None
    counts: bool = True
    """False: struck out by a closing (notary/reopening.py), so that its look-ups went elsewhere."""
    sealed: bytes | None = None
    body: bytes | None = None
    wraps: dict[str, bytes] = field(default_factory=dict)
    lookup: tuple[bytes, int, bytes] | None = None
    """Keyed hash of the identifier, version, keyed hash of the content."""
    erased: bool = False


def page(store: RecordStore, connection: sa.Connection, log: LogRow, first: int, end: int) -> list[Stored]:
    """Everything of indexes `first … end-1` that any table has."""
    low, high = position_of(log.id, first), position_of(log.id, end)
    found = {index: Stored(index, counts=log.counts(index)) for index in range(first, end)}
    for position, entry in store.entries_at(connection, range(low, high)).items():
        found[index_of(position)].entry = entry

    def of(table: sa.Table, *columns: str) -> Iterator[tuple[Any, ...]]:
        chosen = [table.c[name] for name in ("position", *columns)]
        query = sa.select(*chosen).where(table.c.position >= low, table.c.position < high)
        for row in connection.execute(query):
            yield tuple(row)

    for position, sealed in of(record_keys, "sealed"):
        found[index_of(position)].sealed = sealed
    for position, body in of(records, "body"):
        found[index_of(position)].body = body
    for position, reader, wrap in of(record_wraps, "reader", "sealed"):
        found[index_of(position)].wraps[reader] = wrap
    for position, *lookup in of(lookups, "identifier", "version", "content"):
        found[index_of(position)].lookup = (lookup[0], lookup[1], lookup[2])
    erased = {state.value for state in ERASED}
    for position, state in of(erasures, "state"):
        found[index_of(position)].erased = state in erased
    return list(found.values())


def beyond(connection: sa.Connection, log: int, next_index: int) -> list[tuple[str, int]]:
    """(table, index) of rows of a log above its last entry, the first of each table."""
    low, high = position_of(log, next_index), position_of(log + 1, 0)
    found = []
    for table in (entry_groups, records, record_keys, record_wraps, lookups):
        query = sa.select(sa.func.min(table.c.position)).where(table.c.position >= low, table.c.position < high)
        first = connection.scalar(query)
        if first is not None:
            found.append((table.name, index_of(first)))
    return found


def answers(store: RecordStore, log: int) -> Iterator[tuple[str, Sequence[int]]]:
    """(operation, positions) of every stored answer of a log."""
    here = given.c.position.between(position_of(log, 0), position_of(log + 1, 0) - 1)
    own = sa.select(given.c.operation, given.c.position, given.c.size).where(here)
    query = sa.select(idempotency.c.operation, idempotency.c.positions).where(idempotency.c.log == log)
    with store.reading() as connection:
        for parts in connection.execution_options(yield_per=PAGE).execute(own).partitions():
            for operation, first, size in parts:
                yield operation, range(first, first + size)
    with store.reading() as connection:
        for rows in connection.execution_options(yield_per=PAGE).execute(query).partitions():
            for operation, positions in rows:
                yield operation, unpack_positions(positions)


def kept_checkpoints(store: RecordStore, log: int) -> Iterator[tuple[int, bytes, str]]:
    """(size, root, note) of every checkpoint that was handed to the chain, by rising size."""
    after = -1
    while True:
        columns = (checkpoints.c.size, checkpoints.c.root, checkpoints.c.note)
        query = sa.select(*columns).where(checkpoints.c.log == log, checkpoints.c.size > after)
        with store.reading() as connection:
            rows = connection.execute(query.order_by(checkpoints.c.size).limit(PAGE)).all()
        if not rows:
            return
        yield from ((size, root, note) for size, root, note in rows)
        after = rows[-1][0]


def ends(connection: sa.Connection) -> dict[int, int]:
    """Log row → how many rows it has, of all logs."""
    return {row.id: row.next_index for row in connection.execute(sa.select(logs.c.id, logs.c.next_index))}


def stands(position: int, known: dict[int, int]) -> bool:
    """Whether a position is one of a log's."""
    return index_of(position) < known.get(log_of(position), 0)
