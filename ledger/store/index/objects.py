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

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Projection:
    """One table of objects. Its `id` is the subject of their events; `changed_block` is added: the last event's."""

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
            _rewrite(connection, projection, sorted(wanted), histories)


def _rewrite(
    connection: Connection, projection: Projection, subjects: Sequence[bytes], histories: dict[bytes, list[ToldEvent]]
) -> None:
    table = projection.table
    for start in range(0, len(subjects), SUBJECTS_AT_ONCE):
        connection.execute(sa.delete(table).where(table.c.id.in_(subjects[start : start + SUBJECTS_AT_ONCE])))
    rows = []
    for subject in subjects:
        history = histories.get(subject, [])
        for row in projection.rows(subject, history):
            rows.append({"id": subject, **row, "changed_block": history[-1].block_number})
    if rows:
        connection.execute(sa.insert(table), rows)
