"""Objects that change by their events: applications, credit items, nodes, proposals and their like.

An object's row follows from all its events, and from nothing else: after every range, and after a rollback, the rows of
the objects that it touched are made again from their events. So the index is the same however the chain came here. An
object has some tens of events at most; what comes in masses (anchors, decisions) has rows of its own (`event_rows`).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection

from ledger.store.index.events import SUBJECTS_AT_ONCE, ToldEvent, told


@dataclass(frozen=True, slots=True)
class Projection:
    """One table of objects. Its key is `id`, the events' subject."""

    contract: str
    table: sa.Table
    row: Callable[[bytes, Sequence[ToldEvent]], dict[str, Any] | None]
    """the object's columns without `id`, from all its events in the chain's order; None if these are not of such an
    object"""


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
        row = projection.row(subject, histories[subject]) if subject in histories else None
        if row is not None:
            rows.append({"id": subject, **row})
    if rows:
        connection.execute(sa.insert(table), rows)
