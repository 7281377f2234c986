"""What changed for certificates, in the chain's own order: anchors, closings, decisions, annulments. SQL only.

Only final blocks are told, and nothing in them ever changes: whoever goes on from where it stopped misses nothing and
meets the same order, whenever it asks and from whichever rebuilt index.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine

from ledger.statuses import Decision
from ledger.store.engine import reading
from ledger.store.index.asking import decision_of, told_decisions
from ledger.store.index.events import KEYS_AT_ONCE
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


@dataclass(frozen=True, slots=True)
class Closing:
    """A log was closed at `size` by the event at (block, log index) `place`: entries from there on count no more."""

    log_id: LogId
    size: int
    place: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Recorded:
    """A decision, and where it was made and annulled: (block, log index). A block's time is the same for all in it."""

    decision: Decision
    place: tuple[int, int]
    annulled: tuple[int, int] | None = None


_smaller = anchors.alias()
_SMALLER = (
    sa.select(sa.func.max(_smaller.c.size))
    .where(_smaller.c.log_id == anchors.c.log_id, _smaller.c.size < anchors.c.size)
    .scalar_subquery()
    .label("first")
)
"""Of an anchor: the size before it."""
_ANNULLED = (annulments.c.block_number.label("annulled_block"), annulments.c.log_index.label("annulled_index"))


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
            span = (block, log_index, self._final(connection), limit)
            found = [_anchored(row) for row in _rows(connection, anchors, span, _SMALLER)]
            found += [self._closed(connection, row) for row in _rows(connection, closings, span)]
            found += [_decided(row, "decided") for row in _rows(connection, decisions, span)]
            found += [_decided(row, "annulled") for row in _rows(connection, annulments, span)]
        return sorted(found, key=lambda change: (change.block, change.log_index))[:limit]

    def decided_keys(self, after: bytes, limit: int) -> list[Digest]:
        """Status keys beyond `after` about which anything final was decided, in order."""
        with reading(self._engine) as connection:
            wanted = sa.select(decisions.c.status_key).where(
                decisions.c.status_key > after, decisions.c.block_number <= self._final(connection)
            )
            rows = connection.scalars(wanted.distinct().order_by(decisions.c.status_key).limit(limit))
            return [Digest(bytes(row)) for row in rows]

    def recorded_of(self, keys: Sequence[Digest]) -> dict[Digest, list[Recorded]]:
        """The final decisions about each of `keys` that has any, in their order, with their annulments."""
        found: dict[Digest, list[Recorded]] = {}
        with reading(self._engine) as connection:
            wanted = told_decisions(self._final(connection)).add_columns(*_ANNULLED)
            wanted = wanted.order_by(decisions.c.block_number, decisions.c.log_index)
            for start in range(0, len(keys), KEYS_AT_ONCE):
                some = decisions.c.status_key.in_(keys[start : start + KEYS_AT_ONCE])
                for row in connection.execute(wanted.where(some)).mappings():
                    found.setdefault(Digest(bytes(row["status_key"])), []).append(_recorded(row))
        return found

    def closings(self) -> list[Closing]:
        """Every final closing; there are few."""
        with reading(self._engine) as connection:
            wanted = sa.select(closings).where(closings.c.block_number <= self._final(connection))
            rows = connection.execute(wanted).mappings()
            return [Closing(LogId(bytes(r["log_id"])), r["size"], (r["block_number"], r["log_index"])) for r in rows]

    def anchored_by(self, log_id: LogId, place: tuple[int, int] | None = None) -> int:
        """The greatest size of a log that is anchored, finally and before (block, log index) `place`; 0 if none is."""
        with reading(self._engine) as connection:
            wanted = sa.select(anchors.c.size).where(anchors.c.log_id == log_id)
            wanted = wanted.where(anchors.c.block_number <= self._final(connection))
            if place is not None:
                wanted = wanted.where(_before(place))
            return connection.scalar(wanted.order_by(anchors.c.size.desc()).limit(1)) or 0

    def _final(self, connection: Connection) -> int:
        at = position(connection)
        return -1 if at is None else at[1] - self._depth

    @staticmethod
    def _closed(connection: Connection, row: Any) -> Change:
        """From the last good size up to what had been anchored: those entries count no more."""
        before = _before((row["block_number"], row["log_index"]))
        greatest = sa.select(sa.func.max(anchors.c.size)).where(anchors.c.log_id == row["log_id"], before)
        end = connection.scalar(greatest) or 0
        return Change(
            row["block_number"], row["log_index"], BlockTime(row["block_time"]), "closed",
            log_id=LogId(bytes(row["log_id"])), first=row["size"], end=max(end, row["size"]),
        )  # fmt: skip


def _anchored(row: Any) -> Change:
    return Change(
        row["block_number"], row["log_index"], BlockTime(row["block_time"]), "anchored",
        log_id=LogId(bytes(row["log_id"])), first=row["first"] or 0, end=row["size"],
    )  # fmt: skip


def _recorded(row: Any) -> Recorded:
    annulled = None if row["annulled_block"] is None else (row["annulled_block"], row["annulled_index"])
    return Recorded(decision_of(row), (row["block_number"], row["log_index"]), annulled)


def _before(place: tuple[int, int]) -> sa.ColumnElement[bool]:
    """Whether an anchor comes before (block, log index)."""
    same = sa.and_(anchors.c.block_number == place[0], anchors.c.log_index < place[1])
    return sa.or_(anchors.c.block_number < place[0], same)


def _decided(row: Any, what: Literal["decided", "annulled"]) -> Change:
    return Change(
        row["block_number"], row["log_index"], BlockTime(row["block_time"]), what,
        status_key=Digest(bytes(row["status_key"])), number=row["number"],
    )  # fmt: skip


def _rows(
    connection: Connection, table: sa.Table, span: tuple[int, int, int, int], *more: sa.ColumnElement[Any]
) -> list[Any]:
    """Rows of a table that events made, behind (block, log index), final, in the chain's order."""
    block, log_index, final, limit = span
    same = sa.and_(table.c.block_number == block, table.c.log_index > log_index)
    query = sa.select(table, *more).where(
        table.c.block_number >= block, table.c.block_number <= final, sa.or_(table.c.block_number > block, same)
    )
    ordered = query.order_by(table.c.block_number, table.c.log_index).limit(limit)
    return list(connection.execute(ordered).mappings())
