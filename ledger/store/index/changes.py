"""What changed for certificates, in the chain's own order: anchors, closings, decisions, annulments. SQL only.

Only final blocks are told, and nothing in them ever changes: whoever goes on from where it stopped misses nothing and
meets the same order, whenever it asks and from whichever rebuilt index.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ledger.store.engine import reading
from ledger.store.index.writing import position
from ledger.store.tables import anchors, annulments, closings, cursor, decisions
from ledger.types import BlockTime, Digest, LogId


@dataclass(frozen=True, slots=True)
class Change:
    """One event: of a log from entry `first` (0-based) up to and without `end`, or of a status key's decision."""

    block: int
    log_index: int
    time: BlockTime
    what: Literal["anchored", "closed", "decided", "annulled"]
    log_id: LogId | None = None
    first: int = 0
    end: int = 0
    status_key: Digest | None = None
    number: int = 0


class ChangeReader:
    """The index, read by those who follow it; `depth` as the profile's finality."""

    def __init__(self, engine: Engine, depth: int = 0) -> None:
        self._engine, self._depth = engine, depth

    def genesis(self) -> str:
        """The chain's first block, which cursors are bound to; "" before anything was indexed."""
        with reading(self._engine) as connection:
            return str(connection.scalar(sa.select(cursor.c.genesis_hash)) or "")

    def since(self, block: int, log_index: int, limit: int) -> list[Change]:
        """Up to `limit` changes behind (block, log_index), in the chain's order."""
        with reading(self._engine) as connection:
            at = position(connection)
            final = -1 if at is None else at[1] - self._depth
            span = (block, log_index, final, limit)
            found = [self._anchored(connection, row) for row in _rows(connection, anchors, span)]
            found += [self._closed(connection, row) for row in _rows(connection, closings, span)]
            found += [_decided(row, "decided") for row in _rows(connection, decisions, span)]
            found += [_decided(row, "annulled") for row in _rows(connection, annulments, span)]
        return sorted(found, key=lambda change: (change.block, change.log_index))[:limit]

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]:
        """Status keys beyond `after` about which anything final was decided, in order."""
        with reading(self._engine) as connection:
            at = position(connection)
            final = -1 if at is None else at[1] - self._depth
            wanted = sa.select(decisions.c.status_key).where(
                decisions.c.status_key > after, decisions.c.block_number <= final
            )
            rows = connection.scalars(wanted.distinct().order_by(decisions.c.status_key).limit(limit))
            return [Digest(bytes(row)) for row in rows]

    @staticmethod
    def _anchored(connection: Connection, row: Any) -> Change:
        smaller = sa.select(sa.func.max(anchors.c.size)).where(
            anchors.c.log_id == row["log_id"], anchors.c.size < row["size"]
        )
        first = connection.scalar(smaller) or 0
        return Change(
            row["block_number"], row["log_index"], BlockTime(row["block_time"]), "anchored",
            log_id=LogId(bytes(row["log_id"])), first=first, end=row["size"],
        )  # fmt: skip

    @staticmethod
    def _closed(connection: Connection, row: Any) -> Change:
        """From the last good size up to what had been anchored: those entries count no more."""
        before = sa.or_(
            anchors.c.block_number < row["block_number"],
            sa.and_(anchors.c.block_number == row["block_number"], anchors.c.log_index < row["log_index"]),
        )
        greatest = sa.select(sa.func.max(anchors.c.size)).where(anchors.c.log_id == row["log_id"], before)
        end = connection.scalar(greatest) or 0
        return Change(
            row["block_number"], row["log_index"], BlockTime(row["block_time"]), "closed",
            log_id=LogId(bytes(row["log_id"])), first=row["size"], end=max(end, row["size"]),
        )  # fmt: skip


def _decided(row: Any, what: Literal["decided", "annulled"]) -> Change:
    return Change(
        row["block_number"], row["log_index"], BlockTime(row["block_time"]), what,
        status_key=Digest(bytes(row["status_key"])), number=row["number"],
    )  # fmt: skip


def _rows(connection: Connection, table: sa.Table, span: tuple[int, int, int, int]) -> list[Any]:
    """Rows of a table that events made, behind (block, log index), final, in the chain's order."""
    block, log_index, final, limit = span
    same = sa.and_(table.c.block_number == block, table.c.log_index > log_index)
    query = sa.select(table).where(
        table.c.block_number >= block, table.c.block_number <= final, sa.or_(table.c.block_number > block, same)
    )
    ordered = query.order_by(table.c.block_number, table.c.log_index).limit(limit)
    return list(connection.execute(ordered).mappings())
