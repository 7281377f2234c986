"""The records, their keys and what was answered, in SQL: the write-ahead of the logs.

A row of `entries` is the finished 92 bytes; it gives the log index, and whatever of it isn't in the log's files yet is
appended from here with the same bytes (architecture.md, commit order). Every table has the same key, `position`:
the log's row number times 2^40 plus the log index, so that rows of one log lie together and an index needs no second
tree. SQLAlchemy's errors die at the engine and here.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy import exc

from ledger.errors import IntegrityError
from ledger.store.engine import reading, writing
from ledger.store.postgres import copy_in
from ledger.types import DepartmentCode, LogId, Millis, Origin

_SHIFT = 40
_MANY = 900
"""Values in one IN list: below every database's limit for parameters."""

metadata = sa.MetaData()
_Position = sa.BigInteger().with_variant(sa.Integer(), "sqlite")  # INTEGER PRIMARY KEY is SQLite's own row id

issuers = sa.Table(
    "issuers", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("code", sa.String(18), unique=True)
)
logs = sa.Table(
    "logs",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("origin", sa.String(128), unique=True, nullable=False),
    sa.Column("log_id", sa.LargeBinary(32), unique=True, nullable=False),
    sa.Column("issuer", sa.Integer, sa.ForeignKey("issuers.id"), nullable=False),
    sa.Column("next_index", sa.BigInteger, nullable=False),
    sa.Column("accepted_at", sa.BigInteger, nullable=False),
)
entries = sa.Table(
    "entries",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("issuer", sa.Integer, nullable=False),
    sa.Column("commitment", sa.LargeBinary(32), nullable=False),
    sa.Column("entry", sa.LargeBinary(92), nullable=False),
    sa.UniqueConstraint("issuer", "commitment", name="entries_commitment"),
)
records = sa.Table(
    "records",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
)
record_keys = sa.Table(
    "record_keys",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
record_wraps = sa.Table(
    "record_wraps",
    metadata,
    sa.Column("position", _Position, primary_key=True, autoincrement=False),
    sa.Column("reader", sa.String(18), primary_key=True),
    sa.Column("sealed", sa.LargeBinary, nullable=False),
)
lookups = sa.Table(
    "lookups",
    metadata,
    sa.Column("issuer", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("identifier", sa.LargeBinary(32), primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("content", sa.LargeBinary(32), nullable=False),
    sa.Column("position", _Position, nullable=False),
)
idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("department", sa.String(18), primary_key=True),
    sa.Column("operation", sa.String(32), primary_key=True),
    sa.Column("key", sa.LargeBinary(32), primary_key=True),
    sa.Column("content", sa.LargeBinary(32), nullable=False),
    sa.Column("positions", sa.LargeBinary, nullable=False),
)
checkpoints = sa.Table(
    "checkpoints",
    metadata,
    sa.Column("log", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("size", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("root", sa.LargeBinary(32), nullable=False),
    sa.Column("note", sa.Text, nullable=False),
    sa.Column("attempt", sa.Integer, nullable=False),
    sa.Column("intent_key", sa.String(128), nullable=False),
)


def position_of(log: int, index: int) -> int:
    """The key of (log row, index)."""
    return log << _SHIFT | index


def index_of(position: int) -> int:
    """The log index in a position."""
    return position & ((1 << _SHIFT) - 1)


def log_of(position: int) -> int:
    """The log's row number in a position."""
    return position >> _SHIFT


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


@dataclass(frozen=True, slots=True)
class Known:
    """What was answered under an idempotency key, or stands under (identifier, version)."""

    content: bytes
    positions: tuple[int, ...]


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
    def transaction(self, scope: str = "") -> Iterator[sa.Connection]:
        """One writing transaction: all or nothing, durable when it returns; one at a time within `scope`."""
        with translated(), writing(self.engine, scope) as connection:
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
        query = sa.select(logs).where(logs.c.origin == origin)
        row = connection.execute(query.with_for_update() if lock else query).one_or_none()
        return None if row is None else LogRow(*row)

    def log_by_id(self, connection: sa.Connection, number: int) -> LogRow:
        """The log with this row number."""
        return LogRow(*connection.execute(sa.select(logs).where(logs.c.id == number)).one())

    def all_logs(self, connection: sa.Connection) -> list[LogRow]:
        """Every log."""
        return [LogRow(*row) for row in connection.execute(sa.select(logs).order_by(logs.c.id))]

    def advance(self, connection: sa.Connection, log: int, next_index: int, accepted_at: Millis) -> None:
        """Note how many rows the log has now."""
        connection.execute(logs.update().where(logs.c.id == log).values(next_index=next_index, accepted_at=accepted_at))

    # -- rows ---------------------------------------------------------------------------------------------------------

    def insert(self, connection: sa.Connection, table: sa.Table, rows: list[tuple[Any, ...]]) -> None:
        """Insert many rows at once, each with the table's columns in their order; none is fine.

        As text to the driver: bytes and integers need no conversion, and looking for one took half of a bulk's time.
        """
        if rows and connection.dialect.name == "postgresql":
            copy_in(connection, table, rows)
        elif rows:
            names = ", ".join(column.name for column in table.columns)
            places = ", ".join("?" * len(table.columns))
            connection.exec_driver_sql(f"INSERT INTO {table.name} ({names}) VALUES ({places})", rows)  # noqa: S608

    def entry(self, connection: sa.Connection, position: int) -> bytes | None:
        """The 92 bytes at a position."""
        return connection.scalar(sa.select(entries.c.entry).where(entries.c.position == position))

    def entries_from(self, connection: sa.Connection, log: int, first: int, limit: int) -> list[bytes]:
        """Up to `limit` consecutive entries of a log from index `first`; a gap is an IntegrityError."""
        start = position_of(log, first)
        query = (
            sa.select(entries.c.position, entries.c.entry)
            .where(entries.c.position >= start, entries.c.position < position_of(log + 1, 0))
            .order_by(entries.c.position)
            .limit(limit)
        )
        found = connection.execute(query).all()
        for offset, row in enumerate(found):
            if row.position != start + offset:
                raise IntegrityError("records.gap", index=first + offset)
        return [row.entry for row in found]

    def entries_at(self, connection: sa.Connection, positions: Sequence[int]) -> dict[int, bytes]:
        """The 92 bytes by position."""
        return self._by_position(connection, entries, entries.c.entry, positions)

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

    def strike(self, connection: sa.Connection, log: int, start: int) -> None:
        """Entries of the log from position `start` on count for nothing any more: what stood under their commitments
        may be registered again. The rows stay, under the negative number of their log instead of the issuer's."""
        end = position_of(log + 1, 0)
        struck = entries.update().where(entries.c.position >= start, entries.c.position < end)
        connection.execute(struck.values(issuer=-log))

    def counts(self, connection: sa.Connection, position: int) -> bool:
        """Whether the entry wasn't struck out."""
        found = connection.scalar(sa.select(entries.c.issuer).where(entries.c.position == position))
        return found is not None and found >= 0

    def carry(self, connection: sa.Connection, places: Mapping[int, int], *, struck: tuple[int, int]) -> None:
        """Copy records, keys and wraps to new positions (old → new), move the look-ups there, and forget the other
        look-ups of the span `struck` (first, end)."""
        for table in (records, record_keys, record_wraps):
            for part in _parts(list(places)):
                rows = connection.execute(sa.select(table).where(table.c.position.in_(part))).all()
                self.insert(connection, table, [(places[row[0]], *row[1:]) for row in rows])
        found = connection.execute(
            sa.select(lookups).where(lookups.c.position >= struck[0], lookups.c.position < struck[1])
        ).all()
        connection.execute(lookups.delete().where(lookups.c.position >= struck[0], lookups.c.position < struck[1]))
        kept = [(*row[:-1], places[row.position]) for row in found if row.position in places]
        self.insert(connection, lookups, kept)

    # -- what is known already ----------------------------------------------------------------------------------------

    def committed(
        self, connection: sa.Connection, issuer: int, commitments: Sequence[bytes]
    ) -> dict[bytes, tuple[int, bytes]]:
        """commitment_sha256 → (position, entry), of those that stand in any log of the issuer."""
        columns = (entries.c.commitment, entries.c.position, entries.c.entry)
        return {row[0]: (row[1], row[2]) for row in self._of_issuer(connection, columns, issuer, commitments)}

    def _of_issuer(
        self, connection: sa.Connection, columns: Sequence[sa.Column[Any]], issuer: int, wanted: Sequence[bytes]
    ) -> Iterator[tuple[Any, ...]]:
        """`columns` of an issuer's rows whose first column is one of those wanted.

        Asked for every row of every bulk call: binding thousands of values one by one is most of its cost.
        """
        key, table = columns[0], columns[0].table
        names = ", ".join(c.name for c in columns)
        asked = f"SELECT {names} FROM {table} WHERE issuer = "  # noqa: S608
        if connection.dialect.name == "postgresql":
            if wanted:  # one array, in binary
                yield from connection.exec_driver_sql(f"{asked} %s AND {key.name} = ANY(%b)", (issuer, list(wanted)))
            return
        for part in _parts(wanted):
            marks = ",".join("?" * len(part))
            yield from connection.exec_driver_sql(f"{asked} ? AND {key.name} IN ({marks})", (issuer, *part))

    def find_commitment(self, connection: sa.Connection, commitment: bytes) -> list[int]:
        """Positions of a commitment in the logs of all issuers."""
        codes = sa.select(issuers.c.id)
        query = sa.select(entries.c.position).where(
            entries.c.issuer.in_(codes), entries.c.commitment == commitment
        )  # the index leads with the issuer; a notary has few
        return list(connection.scalars(query.order_by(entries.c.position)))

    def identified(
        self, connection: sa.Connection, issuer: int, wanted: Sequence[bytes]
    ) -> dict[tuple[bytes, int], Known]:
        """(identifier MAC, version) → content MAC and position."""
        columns = (lookups.c.identifier, lookups.c.version, lookups.c.content, lookups.c.position)
        rows = self._of_issuer(connection, columns, issuer, wanted)
        return {(name, version): Known(content, (position,)) for name, version, content, position in rows}

    def answered(
        self, connection: sa.Connection, log: int, department: DepartmentCode, operation: str, keys: Sequence[bytes]
    ) -> dict[bytes, Known]:
        """Idempotency key (32 bytes) → what was answered."""
        table = idempotency.c
        found: dict[bytes, Known] = {}
        for part in _parts(keys):
            query = sa.select(table.key, table.content, table.positions).where(
                table.log == log, table.department == department, table.operation == operation, table.key.in_(part)
            )
            found.update((row[0], Known(row[1], unpack_positions(row[2]))) for row in connection.execute(query))
        return found

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


def pack_positions(positions: Iterable[int]) -> bytes:
    """Positions as runs of (first u64, count u32): a bulk of consecutive entries takes 12 bytes."""
    packed = bytearray()
    first = count = 0
    for position in positions:
        if count and position == first + count:
            count += 1
            continue
        if count:
            packed += first.to_bytes(8) + count.to_bytes(4)
        first, count = position, 1
    if count:
        packed += first.to_bytes(8) + count.to_bytes(4)
    return bytes(packed)


def unpack_positions(packed: bytes) -> tuple[int, ...]:
    """The inverse of pack_positions."""
    found: list[int] = []
    for at in range(0, len(packed), 12):
        first = int.from_bytes(packed[at : at + 8])
        found.extend(range(first, first + int.from_bytes(packed[at + 8 : at + 12])))
    return tuple(found)


def _parts(values: Sequence[Any]) -> Iterator[Sequence[Any]]:
    for start in range(0, len(values), _MANY):
        yield values[start : start + _MANY]
