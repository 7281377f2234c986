"""The records, their keys and what was answered, in SQL: the write-ahead of the logs.

Rows of `entry_groups` are the finished 92 bytes of consecutive entries; they give the log indexes, and whatever of them
isn't in the log's files yet is appended from here with the same bytes (architecture.md, commit order). Tables and their
key `position`: notary/stores/record_tables.py. SQLAlchemy's errors die at the engine and here.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple

import sqlalchemy as sa
from sqlalchemy import exc

from ledger.errors import IntegrityError
from ledger.store.engine import reading, writing
from ledger.store.postgres import copy_in
from ledger.types import DepartmentCode, LogId, Millis, Origin
from notary.entry import ENTRY_BYTES
from notary.stores import entry_rows
from notary.stores import statements as said
from notary.stores.record_tables import (
    answers,
    checkpoints,
    entry_groups,
    idempotency,
    index_of,
    issuers,
    log_of,
    logs,
    lookups,
    metadata,
    pack_positions,
    position_of,
    record_keys,
    record_wraps,
    records,
    unpack_positions,
)

__all__ = [
    "CheckpointRow",
    "Known",
    "LogRow",
    "RecordStore",
    "answers",
    "checkpoints",
    "entry_groups",
    "idempotency",
    "index_of",
    "issuers",
    "log_of",
    "logs",
    "lookups",
    "metadata",
    "pack_positions",
    "position_of",
    "record_keys",
    "record_wraps",
    "records",
    "translated",
    "unpack_positions",
]
_MANY = 900
"""Values in one IN list: below every database's limit for parameters."""
_TOGETHER = 25
"""Rows of one INSERT, where there are many: one a row costs a third more, and hands Python over each time."""


@dataclass(frozen=True, slots=True)
class LogRow:
    """A log as the database knows it; `next_index` counts rows, whether or not they are in the files already."""

    id: int
    origin: Origin
    log_id: LogId
    issuer: int
    next_index: int
    accepted_at: Millis
    """The greatest `accepted_at` of the log so far, not cut to the hour."""
    struck_from: int | None = None
    """Entries from this index on count for nothing (notary/reopening.py)."""

    def counts(self, index: int) -> bool:
        """Whether an entry wasn't struck out."""
        return self.struck_from is None or index < self.struck_from


class Known(NamedTuple):
    """What was answered under an idempotency key (notary/stores/answers.py), or stands under (identifier, version)
    (notary/stores/names.py)."""

    content: bytes
    positions: Sequence[int]


@dataclass(frozen=True, slots=True)
class CheckpointRow:
    """A signed checkpoint that was handed to the chain; `attempt` counts the intents made for it, from 0."""

    log: int
    size: int
    root: bytes
    note: str
    attempt: int
    intent_key: str


@contextmanager
def translated() -> Iterator[None]:
    """A broken unique key becomes IntegrityError; outages are translated by the engine already."""
    try:
        yield
    except exc.IntegrityError as error:
        raise IntegrityError("records.constraint") from error


class RecordStore:
    """Statements on the tables above; the caller brings the connection and so says what is one transaction."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine

    @contextmanager
    def transaction(self, scope: str = "", *more: str) -> Iterator[sa.Connection]:
        """One writing transaction: all or nothing, durable when it returns; one at a time within `scope`, and each of
        `more`. Who needs an issuer's too takes it last."""
        with translated(), writing(self.engine, scope, *more) as connection:
            yield connection

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A connection for reads."""
        with reading(self.engine) as connection:
            yield connection

    # -- logs ---------------------------------------------------------------------------------------------------------

    def ensure_log(self, connection: sa.Connection, origin: Origin, log_id: LogId, issuer: DepartmentCode) -> LogRow:
        """The log's row, made if it is new."""
        row = self.log(connection, origin)
        if row is not None:
            return row
        issuer_id = connection.scalar(sa.select(issuers.c.id).where(issuers.c.code == issuer))
        if issuer_id is None:
            issuer_id = connection.execute(issuers.insert().values(code=issuer)).inserted_primary_key[0]  # type: ignore[index]
        values = {"origin": origin, "log_id": log_id, "issuer": issuer_id, "next_index": 0, "accepted_at": 0}
        made = connection.execute(logs.insert().values(**values)).inserted_primary_key
        assert made is not None
        return LogRow(made[0], origin, log_id, issuer_id, 0, Millis(0))

    def log(self, connection: sa.Connection, origin: Origin, *, lock: bool = False) -> LogRow | None:
        """The log's row; `lock` holds it until the transaction ends where the database locks rows."""
        row = connection.execute(said.LOG_LOCKED if lock else said.LOG, {"origin": origin}).one_or_none()
        return None if row is None else LogRow(*row)

    def log_by_id(self, connection: sa.Connection, number: int) -> LogRow:
        """The log with this row number."""
        return LogRow(*connection.execute(said.LOG_BY_ID, {"id": number}).one())

    def logs_of(self, connection: sa.Connection, issuer: int, *, lock: bool = False) -> list[LogRow]:
        """All logs of an issuer; `lock` lets one transaction at a time ask whether a commitment is new, where the
        database locks rows: two logs of one issuer are two append locks."""
        if lock and connection.dialect.name != "sqlite":
            connection.execute(said.ISSUER_LOCKED, {"issuer": issuer})
        return [LogRow(*row) for row in connection.execute(said.LOGS_OF, {"issuer": issuer})]

    def all_logs(self, connection: sa.Connection) -> list[LogRow]:
        """Every log."""
        return [LogRow(*row) for row in connection.execute(said.ALL_LOGS)]

    def advance(self, connection: sa.Connection, log: int, next_index: int, accepted_at: Millis) -> None:
        """Note how many rows the log has now."""
        values = {"log": log, "new_index": next_index, "new_accepted_at": accepted_at}
        connection.execute(said.ADVANCE, values)

    # -- rows ---------------------------------------------------------------------------------------------------------

    def insert(self, connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert many rows at once, each with the table's columns in their order; none is fine.

        As text to the driver: bytes and integers need no conversion, and looking for one took half of a bulk's time.
        """
        if rows and connection.dialect.name == "postgresql":
            copy_in(connection, table, rows)
        elif rows:
            names = ", ".join(column.name for column in table.columns)
            places = f"({', '.join('?' * len(table.columns))})"
            end = len(rows) - len(rows) % _TOGETHER
            several = [tuple(chain.from_iterable(rows[at : at + _TOGETHER])) for at in range(0, end, _TOGETHER)]
            for count, told in ((_TOGETHER, several), (1, rows[end:])):
                if told:
                    values = ", ".join([places] * count)
                    connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES {values}", told)  # noqa: S608

    def put_entries(self, connection: sa.Connection, position: int, joined: bytes) -> None:
        """Write finished entries, joined, from `position` on; `advance` goes with it."""
        entry_rows.put(connection, position, joined)

    def entry(self, connection: sa.Connection, position: int) -> bytes | None:
        """The 92 bytes at a position."""
        return entry_rows.one(connection, position)

    def entries_from(self, connection: sa.Connection, log: int, first: int, limit: int) -> list[bytes]:
        """Up to `limit` consecutive entries of a log from index `first`; a gap is an IntegrityError."""
        joined = self.joined_from(connection, log, first, limit)
        return [joined[at : at + ENTRY_BYTES] for at in range(0, len(joined), ENTRY_BYTES)]

    def joined_from(self, connection: sa.Connection, log: int, first: int, limit: int) -> bytes:
        """The same in one piece."""
        return entry_rows.stretch(connection, position_of(log, first), limit)

    def entries_at(self, connection: sa.Connection, positions: Sequence[int]) -> dict[int, bytes]:
        """The 92 bytes by position."""
        return entry_rows.several(connection, positions)

    def salted(self, connection: sa.Connection, positions: Sequence[int]) -> dict[int, bytes]:
        """Sealed record keys by position, where the notary salted."""
        return self._by_position(connection, record_keys, record_keys.c.sealed, positions)

    def body(self, connection: sa.Connection, position: int) -> bytes | None:
        """The sealed record, None where the client committed or the record was erased."""
        return connection.scalar(sa.select(records.c.body).where(records.c.position == position))

    def wraps(self, connection: sa.Connection, position: int) -> dict[DepartmentCode, bytes]:
        """Sealed wraps by reader."""
        query = sa.select(record_wraps.c.reader, record_wraps.c.sealed).where(record_wraps.c.position == position)
        return {DepartmentCode(row.reader): row.sealed for row in connection.execute(query)}

    def _by_position(
        self, connection: sa.Connection, table: sa.Table, column: sa.Column[Any], positions: Sequence[int]
    ) -> dict[int, bytes]:
        found: dict[int, bytes] = {}
        for part in _parts(positions):
            query = sa.select(table.c.position, column).where(table.c.position.in_(part))
            found.update((row[0], row[1]) for row in connection.execute(query))
        return found

    def rows_at(
        self, connection: sa.Connection, table: sa.Table, positions: Sequence[int]
    ) -> Iterator[tuple[Any, ...]]:
        """Whole rows of a table that is keyed by position."""
        for part in _parts(positions):
            query = sa.select(table).where(table.c.position.in_(part)).order_by(table.c.position)
            yield from map(tuple, connection.execute(query))

    def strike(self, connection: sa.Connection, log: int, first: int) -> None:
        """Entries of the log from index `first` on count for nothing any more: what stood under their commitments may
        be registered again. The rows stay. A second closing is at a smaller index, and the smallest is in force."""
        struck = logs.update().where(logs.c.id == log, sa.or_(logs.c.struck_from.is_(None), logs.c.struck_from > first))
        connection.execute(struck.values(struck_from=first))

    def carry(self, connection: sa.Connection, places: Mapping[int, int], *, struck: tuple[int, int]) -> None:
        """Copy records, keys and wraps to new positions (old → new), move the look-ups there, and forget the other
        look-ups of the span `struck` (first, end)."""
        for table in (records, record_keys, record_wraps):
            rows = list(self.rows_at(connection, table, list(places)))
            self.insert(connection, table, [(places[row[0]], *row[1:]) for row in rows])
        here = sa.and_(lookups.c.position >= struck[0], lookups.c.position < struck[1])
        found = connection.execute(sa.select(lookups).where(here)).all()
        connection.execute(lookups.delete().where(here))
        kept = [(places[row.position], *row[1:]) for row in found if row.position in places]
        self.insert(connection, lookups, kept)

    # -- checkpoints --------------------------------------------------------------------------------------------------

    def checkpoint(self, connection: sa.Connection, log: int, size: int) -> CheckpointRow | None:
        """The checkpoint of this size that was handed to the chain."""
        query = sa.select(checkpoints).where(checkpoints.c.log == log, checkpoints.c.size == size)
        row = connection.execute(query).one_or_none()
        return None if row is None else CheckpointRow(*row)

    def newest_checkpoint(self, connection: sa.Connection, log: int) -> CheckpointRow | None:
        """The greatest checkpoint that was handed to the chain."""
        query = sa.select(checkpoints).where(checkpoints.c.log == log).order_by(checkpoints.c.size.desc()).limit(1)
        row = connection.execute(query).one_or_none()
        return None if row is None else CheckpointRow(*row)

    def put_checkpoint(self, connection: sa.Connection, row: CheckpointRow) -> None:
        """Keep a checkpoint, or its next attempt."""
        table = checkpoints
        if self.checkpoint(connection, row.log, row.size) is None:
            values = {name: getattr(row, name) for name in ("log", "size", "root", "note", "attempt", "intent_key")}
            connection.execute(table.insert().values(**values))
        else:
            update = table.update().where(table.c.log == row.log, table.c.size == row.size)
            connection.execute(update.values(attempt=row.attempt, intent_key=row.intent_key))


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
