"""Objects that change by their events: applications, credit items, nodes, proposals and their like.

What an object is follows from all its events, and from nothing else: a record is read by going through them again, and
the rows by which objects are found are made again after every range and every rollback that touched them. So the index
is the same however the chain came here. An object has some tens of events at most; what comes in masses (anchors,
decisions) has rows of its own (`event_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.index.events import SUBJECTS_AT_ONCE, ToldEvent, told
from ledger.types import Address

Row = Mapping[str, Any]
Histories = Mapping[tuple[bytes, Address], Sequence[ToldEvent]]


@dataclass(frozen=True, slots=True)
class Projection:
    """One table of objects. Its `id` is the subject of their events; added are `contract`, the address of the
    version that told them, and `changed_block`, the last event's."""

    contract: str
    table: sa.Table
    rows: Callable[[bytes, Sequence[ToldEvent]], Sequence[Row]]
    """the columns besides `id`, of the subject's object or objects, from all its events in the chain's order"""


def refresh(connection: Connection, projections: Iterable[Projection], touched: Iterable[tuple[str, bytes]]) -> None:
    """Make the rows of the objects `touched` (contract, subject) again."""
    by_contract: dict[str, list[Projection]] = {}
    for projection in projections:
        by_contract.setdefault(projection.contract, []).append(projection)
    subjects: dict[str, set[bytes]] = {}
    for contract, subject in touched:
        if contract in by_contract:
            subjects.setdefault(contract, set()).add(subject)
    for contract, wanted in subjects.items():
        histories = told(connection, contract, sorted(wanted))
        for projection in by_contract[contract]:
            _delete(connection, projection.table, sorted(wanted))
            _insert(connection, projection, histories)


def _delete(connection: Connection, table: sa.Table, subjects: Sequence[bytes]) -> None:
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        connection.execute(sa.delete(table).where(table.c.id.in_(subjects[start : start + SUBJECTS_AT_ONCE])))


def _insert(connection: Connection, projection: Projection, histories: Histories) -> None:
    rows = []
    for (subject, address), history in histories.items():
        place = {"id": subject, "contract": address, "changed_block": history[-1].block_number}
        rows += [{**row, **place} for row in projection.rows(subject, history)]
    if rows:
        connection.execute(sa.insert(projection.table), rows)
