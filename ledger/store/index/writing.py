"""The index as the indexer alone writes it: cursor, blocks, events and what they make, in one transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.index.event_rows import made_row
from ledger.store.index.events import IndexedEvent, as_told, event_values
from ledger.store.index.objects import Memory, Touched, refresh
from ledger.store.index.projections import PROJECTIONS, key_of
from ledger.store.tables import FROM_EVENTS, blocks, cursor, events
from ledger.types import Address, Block, ChainHash


def set_cursor(connection: Connection, chain_id: int, genesis_hash: str, number: int, block_hash: str) -> None:
    connection.execute(sa.delete(cursor))
    values = {"id": 1, "chain_id": chain_id, "genesis_hash": genesis_hash, "number": number, "hash": block_hash}
    connection.execute(sa.insert(cursor).values(values))


def clear_cursor(connection: Connection) -> None:
    connection.execute(sa.delete(cursor))


def add_blocks(connection: Connection, added: Sequence[Block]) -> None:
    if added:
        values = [{"number": b.number, "hash": b.hash, "parent": b.parent, "time": b.time} for b in added]
        connection.execute(sa.insert(blocks), values)


def add_events(connection: Connection, added: Sequence[IndexedEvent], memory: Memory | None = None) -> None:
    """The events themselves, the rows that they make, and the objects that they change; one statement a table.

    `memory`: of the writer, at the block before these (`Memory.begin`); without it each object is read again.
    """
    if not added:
        return
    keys = [key_of(event) for event in added]
    connection.execute(sa.insert(events), [event_values(event, key) for event, key in zip(added, keys, strict=True)])
    rows: dict[sa.Table, list[dict[str, Any]]] = {}
    for event in added:
        made = made_row(event)
        if made is not None:
            table, values = made
            rows.setdefault(table, []).append({**values, **_place(event)})
    for table, values_of_all in rows.items():
        connection.execute(sa.insert(table), values_of_all)
    touched = (Touched(e.contract, e.address, e.event, key, as_told(e)) for e, key in zip(added, keys, strict=True))
    refresh(connection, PROJECTIONS, touched, memory)


def _place(event: IndexedEvent) -> dict[str, Any]:
    return {
        "block_number": event.block.number,
        "log_index": event.log_index,
        "block_hash": event.block.hash,
        "block_time": event.block.time,
        "tx_hash": event.tx_hash,
    }


def take_back(connection: Connection, above: int) -> int:
    """Forget every block above `above` with all that its events made; how many blocks there were."""
    about = sa.select(events.c.contract, events.c.address, events.c.event, events.c.object_key).distinct()
    gone = connection.execute(about.where(events.c.block_number > above)).all()
    for table in (*FROM_EVENTS, events):
        connection.execute(sa.delete(table).where(table.c.block_number > above))
    refresh(connection, PROJECTIONS, (Touched(c, Address(a), e, bytes(key)) for c, a, e, key in gone))
    return connection.execute(sa.delete(blocks).where(blocks.c.number > above)).rowcount


def prune(connection: Connection, below: int) -> None:
    """Forget headers under `below` in which nothing of ours happened: they are only kept to find a common ancestor."""
    used = sa.select(events.c.block_number).where(events.c.block_number < below)
    connection.execute(sa.delete(blocks).where(blocks.c.number < below, blocks.c.number.not_in(used)))


def known_blocks(connection: Connection, upto: int, limit: int) -> list[tuple[int, ChainHash]]:
    """(number, hash) of the indexed blocks up to `upto`, the highest first."""
    query = sa.select(blocks.c.number, blocks.c.hash).where(blocks.c.number <= upto)
    return [(n, ChainHash(h)) for n, h in connection.execute(query.order_by(blocks.c.number.desc()).limit(limit))]


def position(connection: Connection) -> tuple[ChainHash, int, ChainHash] | None:
    """(genesis hash, number, hash) of the last indexed block; None before the first."""
    row = connection.execute(sa.select(cursor.c.genesis_hash, cursor.c.number, cursor.c.hash)).first()
    return None if row is None else (ChainHash(row[0]), row[1], ChainHash(row[2]))
