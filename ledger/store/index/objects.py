"""Objects that change by their events: applications, credit items, nodes, proposals and their like.

What an object is follows from all its events, and from nothing else: a record is read by going through them again, and
the rows by which objects are found are made again after every range and every rollback that touched them. So the index
is the same however the chain came here (docs/adr/0019). An object has some tens of events at most: what comes in masses
(anchors, decisions) has rows of its own (`event_rows`), and where one subject has many objects (a department its
operators), each has a key of its own, so that none of them is gone through for the sake of another.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.index.events import KEYS_AT_ONCE, Histories, ToldEvent, told
from ledger.types import Address

Row = Mapping[str, Any]
WORD = 4
"""Bytes of a number in a key."""


@dataclass(frozen=True, slots=True)
class Projection:
    """One table of objects. Their `id` is the key of their events; added are `contract`, the address of the version
    that told them, and `changed_block`, the last event's."""

    contract: str
    table: sa.Table
    events: frozenset[str]
    """those that the rows are made of: no other one is shown to `rows`"""
    rows: Callable[[Sequence[ToldEvent]], Sequence[Row]]
    """the columns of the object's row or rows, from its events in the chain's order"""
    part: tuple[str, ...] = ()
    """the arguments that tell the objects of one subject apart"""


@dataclass(frozen=True, slots=True)
class Touched:
    """What an event is about."""

    contract: str
    address: Address
    event: str
    key: bytes


def object_key(subject: bytes, part: Iterable[str], args: Mapping[str, Any]) -> bytes:
    """The subject, and the values of the arguments named in `part`."""
    return subject + b"".join(_raw(args[name]) for name in part)


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return value.to_bytes(WORD, "big")
    return bytes.fromhex(value.removeprefix("0x"))


def refresh(connection: Connection, projections: Iterable[Projection], touched: Iterable[Touched]) -> None:
    """Make the rows of the objects `touched` again, each object once."""
    by_contract: dict[str, list[Projection]] = {}
    for projection in projections:
        by_contract.setdefault(projection.contract, []).append(projection)
    found: dict[tuple[str, Address], dict[str, set[bytes]]] = {}
    for t in touched:
        if t.contract in by_contract:
            found.setdefault((t.contract, t.address), {}).setdefault(t.event, set()).add(t.key)
    for (contract, address), keys in found.items():
        wanted = [(p, _keys(p, keys)) for p in by_contract[contract]]
        histories = told(connection, contract, address, sorted(set().union(*(own for _, own in wanted))))
        for projection, own in wanted:
            _delete(connection, projection.table, address, sorted(own))
            _insert(connection, projection, address, {key: histories.get(key, ()) for key in sorted(own)})


def _keys(projection: Projection, touched: Mapping[str, set[bytes]]) -> set[bytes]:
    return set().union(*(touched.get(event, ()) for event in projection.events))


def _delete(connection: Connection, table: sa.Table, address: Address, keys: Sequence[bytes]) -> None:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        gone = table.c.id.in_(keys[start : start + KEYS_AT_ONCE])
        connection.execute(sa.delete(table).where(gone, table.c.contract == address))


def _insert(connection: Connection, projection: Projection, address: Address, histories: Histories) -> None:
    rows = []
    for key, told_of_it in histories.items():
        history = [event for event in told_of_it if event.event in projection.events]
        if not history:
            continue
        place = {"id": key, "contract": address, "changed_block": history[-1].block_number}
        rows += [{**row, **place} for row in projection.rows(history)]
    if rows:
        connection.execute(sa.insert(projection.table), rows)
