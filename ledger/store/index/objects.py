"""Objects that change by their events: applications, credit items, nodes, proposals and their like.

What an object is follows from all its events, and from nothing else: its record is made by going through them, and the
rows by which it is found are made again after every range and every rollback that touched it. So the index is the same
however the chain came here (docs/adr/0019). Where one subject has many objects (a department its operators), each has a
key of its own, so that none is gone through for the sake of another. Who indexes remembers the records that it made
last, so that an object with a long history costs no more than one with a short one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.index.events import KEYS_AT_ONCE, ToldEvent, told
from ledger.types import Address, ChainHash

T = TypeVar("T")
Row = Mapping[str, Any]
Place = tuple[str, Address, bytes]
"""(table, version of the contract, key)"""
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
    fold: Callable[..., Any]
    """(events in the chain's order) → the record, None for none; (further events, record) → the record after them"""
    rows: Callable[[bytes, Any], Sequence[Row]]
    """(key, record) → the columns of its row or rows"""
    part: tuple[str, ...] = ()
    """the arguments that tell the objects of one subject apart"""


@dataclass(frozen=True, slots=True)
class Touched:
    """An event, and what it is about. `told` None: it was taken back."""

    contract: str
    address: Address
    event: str
    key: bytes
    told: ToldEvent | None = None


def folded(
    history: Sequence[ToldEvent],
    known: T | None,
    first: str,
    make: Callable[[ToldEvent], T],
    after: Callable[[T, ToldEvent], T],
) -> T | None:
    """The fold of an object that an event `first` makes and any other changes; None before it, and for what is none."""
    for event in history:
        if event.event == first:
            known = make(event)
        elif known is not None:
            known = after(known, event)
    return known


def last(history: Sequence[ToldEvent], known: ToldEvent | None = None) -> ToldEvent | None:
    """The fold of what the newest event alone tells."""
    return history[-1] if history else known


class Memory:
    """The records made last, as of one block; a range that doesn't follow on that block finds it empty."""

    def __init__(self, most: int = 10_000) -> None:
        self._most = most
        self._records: dict[Place, Any] = {}
        self._made: dict[Place, Any] = {}
        self._block: ChainHash | None = None

    def begin(self, block: ChainHash | None) -> None:
        """A range that follows on `block` is written."""
        self._made = {}
        if block is None or block != self._block:
            self._records = {}

    def keep(self, block: ChainHash) -> None:
        """The range is written, `block` its last: what was made counts from now on."""
        for place, record in self._made.items():
            self._records.pop(place, None)  # the ones used last stand last
            self._records[place] = record
        for place in list(self._records)[: max(0, len(self._records) - self._most)]:
            del self._records[place]
        self._made, self._block = {}, block

    def record(self, place: Place) -> Any:
        return self._records.get(place)

    def put(self, place: Place, record: Any) -> None:
        self._made[place] = record


def object_key(subject: bytes, part: Iterable[str], args: Mapping[str, Any]) -> bytes:
    """The subject, and the values of the arguments named in `part`."""
    return subject + b"".join(_raw(args[name]) for name in part)


def _raw(value: Any) -> bytes:
    if isinstance(value, bytes):
        return value
    if isinstance(value, int):
        return value.to_bytes(WORD, "big")
    return bytes.fromhex(value.removeprefix("0x"))


def refresh(
    connection: Connection,
    projections: Iterable[Projection],
    touched: Iterable[Touched],
    memory: Memory | None = None,
) -> None:
    """Make the rows of the objects `touched` again, each object once; `memory`: only where nothing was taken back."""
    by_contract: dict[str, list[Projection]] = {}
    for projection in projections:
        by_contract.setdefault(projection.contract, []).append(projection)
    found: dict[tuple[str, Address], dict[bytes, list[Touched]]] = {}
    for t in touched:
        if t.contract in by_contract:
            found.setdefault((t.contract, t.address), {}).setdefault(t.key, []).append(t)
    for (contract, address), keys in found.items():
        _refresh(connection, by_contract[contract], address, keys, memory or Memory())


def _refresh(
    connection: Connection,
    projections: Sequence[Projection],
    address: Address,
    touched: Mapping[bytes, Sequence[Touched]],
    memory: Memory,
) -> None:
    """The same, of one version of one contract."""
    wanted = {p.table.name: _keys(p, touched) for p in projections}
    unknown = {
        key for p in projections for key in wanted[p.table.name] if memory.record((p.table.name, address, key)) is None
    }
    histories = told(connection, projections[0].contract, address, sorted(unknown))
    for p in projections:
        own = wanted[p.table.name]
        rows: list[Row] = []
        for key in own:
            place = (p.table.name, address, key)
            known = memory.record(place)
            if known is None:
                history = [event for event in histories.get(key, ()) if event.event in p.events]
                record = p.fold(history) if history else None
            else:
                history = [t.told for t in touched[key] if t.event in p.events and t.told is not None]
                record = p.fold(history, known)
            if record is not None:
                memory.put(place, record)
                where = {"id": key, "contract": address, "changed_block": history[-1].block_number}
                rows += [{**row, **where} for row in p.rows(key, record)]
        _replace(connection, p.table, address, own, rows)


def _keys(projection: Projection, touched: Mapping[bytes, Sequence[Touched]]) -> list[bytes]:
    return sorted(key for key, acts in touched.items() if any(t.event in projection.events for t in acts))


def _replace(
    connection: Connection, table: sa.Table, address: Address, keys: Sequence[bytes], rows: Sequence[Row]
) -> None:
    for start in range(0, len(keys), KEYS_AT_ONCE):
        gone = table.c.id.in_(keys[start : start + KEYS_AT_ONCE])
        connection.execute(sa.delete(table).where(gone, table.c.contract == address))
    if rows:
        connection.execute(sa.insert(table), rows)
