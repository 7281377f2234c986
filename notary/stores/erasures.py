"""Erasures in SQL: how far each has come, and the statements that destroy (formats.md §7).

`destroy` takes everything of a record out of every table that has something of it, in the caller's transaction; a new
table that holds anything derived from a record must be added there, and tests/unit/notary/test_erasing_bytes.py looks
for the bytes in the files themselves. SQLite overwrites what it deletes (`secure_delete`, ledger.store.engine), so what
is left to do is to empty the write-ahead file; PostgreSQL rewrites the tables.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace

import sqlalchemy as sa

from ledger.errors import NotFoundError, UnavailableError
from ledger.types import DepartmentCode, Millis, Origin
from notary.erasures import ERASED, State, day_of
from notary.stores.content_index import content_copies, content_files
from notary.stores.records import (
    RecordStore,
    answers,
    idempotency,
    log_of,
    lookups,
    metadata,
    position_of,
    record_keys,
    record_wraps,
    records,
    unpack_positions,
)

ANSWER_ERASED = bytes(32)
"""`content` of a stored answer that named something erased: no HMAC or SHA-256 is that, so nothing matches it."""
_OF_RECORDS = (record_keys, record_wraps, records, lookups)
_BATCH = 1000
_Found = tuple[sa.Table, sa.ColumnElement[bool], bool]
"""A stored answer: its table, its row there, and whether it was kept under the record's own HMAC."""
_PATIENCE = 2_000
"""Milliseconds that `scrub` waits for readers; writers wait meanwhile."""
_ANEW = 256 << 20
"""Bytes of a PostgreSQL table that is written anew by an erasure: a few seconds."""

erasures = sa.Table(
    "erasures",
    metadata,
    sa.Column("position", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("order_code", sa.String(64), nullable=False),
    sa.Column("state", sa.String(10), nullable=False, index=True),
    sa.Column("proposer", sa.LargeBinary(32)),  # keyed hashes of two different persons; none: taken from a list
    sa.Column("confirmer", sa.LargeBinary(32)),
    sa.Column("proposed_at", sa.BigInteger, nullable=False),
    sa.Column("erased_at", sa.BigInteger),
    sa.Column("done_at", sa.BigInteger),
    sa.Column("cid", sa.String(128)),  # of ciphertext that is still to be deleted
    sa.Column("readers", sa.Text, nullable=False),  # JSON: who could open the file
    sa.Column("entry", sa.BigInteger),  # position of the entry of kind 6
    sa.Column("salt", sa.LargeBinary(32)),  # of its record: public
)


_SCRUBBED = (*_OF_RECORDS, answers, idempotency, erasures, content_files, content_copies)
"""All that hold bytes of an erased record after its rows are deleted; the last three name its file's ciphertext."""


@dataclass(frozen=True, slots=True)
class ErasureRow:
    """One erasure; `proposer` and `confirmer` are keyed hashes of persons, times Unix milliseconds."""

    position: int
    order_code: str
    state: State
    proposer: bytes | None
    confirmer: bytes | None
    proposed_at: Millis
    erased_at: Millis | None = None
    done_at: Millis | None = None
    cid: str | None = None
    readers: tuple[DepartmentCode, ...] = ()
    entry: int | None = None
    salt: bytes | None = None

    def refusal(self, origin: Origin, index: int) -> NotFoundError:
        """What whoever asks for the content is told: by which order it is gone, and since which day."""
        return NotFoundError("erased", origin=origin, index=index, order=self.order_code, day=day_of(self.erased_at))


class ErasureStore:
    """Statements on the table above, and on everything that `destroy` empties; the caller brings the transaction."""

    def __init__(self, store: RecordStore) -> None:
        self._store = store

    def get(self, connection: sa.Connection, position: int) -> ErasureRow | None:
        row = connection.execute(sa.select(erasures).where(erasures.c.position == position)).one_or_none()
        return None if row is None else _row(row)

    def put(self, connection: sa.Connection, row: ErasureRow) -> None:
        """Write the row as it is now, new or changed."""
        values = {field.name: getattr(row, field.name) for field in fields(row)}
        values |= {"state": row.state.value, "readers": json.dumps(row.readers)}
        connection.execute(sa.delete(erasures).where(erasures.c.position == row.position))
        connection.execute(sa.insert(erasures).values(**values))

    def erased(self, connection: sa.Connection, position: int) -> ErasureRow | None:
        """The row, if what stood at the position is gone by order."""
        row = self.get(connection, position)
        return row if row is not None and row.state in ERASED else None

    def in_states(self, connection: sa.Connection, states: Sequence[State]) -> list[ErasureRow]:
        query = sa.select(erasures).where(erasures.c.state.in_([state.value for state in states]))
        return [_row(row) for row in connection.execute(query.order_by(erasures.c.position))]

    def of_span(self, connection: sa.Connection, first: int, end: int) -> list[ErasureRow]:
        """Rows of positions `first … end-1`, whatever their state."""
        query = sa.select(erasures).where(erasures.c.position >= first, erasures.c.position < end)
        return [_row(row) for row in connection.execute(query.order_by(erasures.c.position))]

    def carry(self, connection: sa.Connection, places: Mapping[int, int]) -> None:
        """What was erased before its entry was registered again (old → new position) is told as erased there too, and
        is to be named by that log's list."""
        first, last = min(places, default=0), max(places, default=-1)
        for known in self.of_span(connection, first, last + 1):
            if known.position in places and known.state in ERASED:
                moved = replace(known, position=places[known.position], state=State.DESTROYED)
                self.put(connection, replace(moved, done_at=None, entry=None, salt=None))

    # -- destroying ---------------------------------------------------------------------------------------------------

    def destroy(self, connection: sa.Connection, positions: Sequence[int]) -> None:
        """Keys, salts, records, wraps and look-ups of these positions; nothing happens where they are gone already."""
        for table in _OF_RECORDS:
            connection.execute(sa.delete(table).where(table.c.position.in_(positions)))

    def kept(self, connection: sa.Connection, positions: Sequence[int]) -> bool:
        """Whether anything of these positions is still there."""
        return any(
            connection.execute(sa.select(table.c.position).where(table.c.position.in_(positions)).limit(1)).first()
            for table in _OF_RECORDS
        )

    def forget_answers(self, positions: Sequence[int]) -> int:
        """Stored answers of any log that name one of these positions; how many.

        What was kept under the record's own HMAC goes; what was kept under a key that the client chose stays without
        anything of the content, so that a retry by that key is told `erased` and doesn't register it anew. What gave
        the position is found by it; the others are read in parts and written apart: the writers wait for nobody.
        """
        wanted, changed = set(positions), 0
        for table, here, own in [*self._gave(wanted), *self._named(wanted)]:
            with self._store.transaction() as connection:
                if own:
                    connection.execute(sa.delete(table).where(here))
                else:
                    connection.execute(sa.update(table).where(here).values(content=ANSWER_ERASED))
            changed += 1
        return changed

    def _gave(self, wanted: set[int]) -> Iterator[_Found]:
        """Rows of `answers`: no two share an entry, so the last that begins at or before it has it, or none."""
        table, seen = answers.c, set[int]()
        for position in sorted(wanted):
            here = sa.and_(table.position >= position_of(log_of(position), 0), table.position <= position)
            with self._store.reading() as connection:
                row = connection.execute(
                    sa.select(answers).where(here).order_by(table.position.desc()).limit(1)
                ).first()
            if row is None or row.position in seen or row.content == ANSWER_ERASED:
                continue
            if position < row.position + row.size:
                seen.add(row.position)
                yield answers, table.position == row.position, row.key == row.content

    def _named(self, wanted: set[int]) -> Iterator[_Found]:
        """Rows of `idempotency`, few beside those, and nothing says which name a position: all are looked at."""
        table = idempotency.c
        one = [position.to_bytes(8) + (1).to_bytes(4) for position in wanted]
        # Single answers are compared by the database; only runs and lists of several have to be unpacked here.
        query = sa.select(idempotency).where(
            table.content != ANSWER_ERASED,
            sa.or_(
                table.positions.in_(one),
                sa.func.length(table.positions) > 12,
                sa.func.substr(table.positions, 9, 4) != (1).to_bytes(4),
            ),
        )
        with self._store.reading() as connection:
            for rows in connection.execution_options(yield_per=_BATCH).execute(query).partitions():
                for row in rows:
                    if wanted & set(unpack_positions(row.positions)):
                        scope = (
                            (table.log, row.log),
                            (table.department, row.department),
                            (table.operation, row.operation),
                        )
                        here = sa.and_(table.key == row.key, *[column == value for column, value in scope])
                        yield idempotency, here, row.key == row.content

    def filed(self, connection: sa.Connection, after: int, limit: int = _BATCH) -> list[int]:
        """Positions above `after` whose record has a file here, in order: those that have wraps."""
        query = sa.select(record_wraps.c.position).where(record_wraps.c.position > after).distinct()
        return list(connection.scalars(query.order_by(record_wraps.c.position).limit(limit)))

    def only_freed(self) -> list[str]:
        """Tables that an erasure doesn't write anew because they are large: bytes of what was erased, its sealed key
        among them, may stand in their files until a person has them written anew. SQLite overwrites what it deletes."""
        if self._store.engine.dialect.name == "sqlite":
            return []
        with self._store.reading() as connection:
            return _large(connection)

    def scrub(self) -> bool:
        """Make the deleted rows' bytes vanish from the database's files; False: a reader holds them, try again."""
        engine = self._store.engine
        if engine.dialect.name == "sqlite":
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
                raw = connection.connection.driver_connection
                assert raw is not None
                waits = raw.execute("PRAGMA busy_timeout").fetchone()[0]
                raw.execute(f"PRAGMA busy_timeout = {_PATIENCE}")
                try:
                    return bool(raw.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()[0] == 0)
                finally:
                    raw.execute(f"PRAGMA busy_timeout = {waits}")
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.detach()  # its limits are its own from here on, and it isn't used again
            connection.exec_driver_sql(f"SET statement_timeout = 0; SET lock_timeout = {_PATIENCE}")
            large = _large(connection)
            for table in _SCRUBBED:
                # Written anew it holds nothing of what is gone, but nobody writes or reads it meanwhile. A large one
                # is freed only: its pages may keep the bytes until they are used again, so `only_freed` is told.
                how = "VACUUM" if table.name in large else "VACUUM FULL"
                try:
                    connection.exec_driver_sql(f"{how} {table.name}")
                except UnavailableError as error:
                    if error.params.get("reason") == "LockNotAvailable":
                        return False
                    raise
            if connection.scalar(sa.select(sa.func.current_setting("is_superuser"))) == "on":
                connection.exec_driver_sql("CHECKPOINT")  # else the old files go with the server's next one
        return True


def _large(connection: sa.Connection) -> list[str]:
    """Names of PostgreSQL tables that would take too long to write anew while people wait; each is asked once."""
    sizes = [sa.func.pg_total_relation_size(table.name).label(table.name) for table in _SCRUBBED]
    found = connection.execute(sa.select(*sizes)).one()._mapping
    return [table.name for table in _SCRUBBED if (found[table.name] or 0) > _ANEW]


def _row(row: sa.Row[tuple[object, ...]]) -> ErasureRow:
    values = dict(row._mapping)
    values |= {"state": State(str(values["state"])), "readers": tuple(json.loads(str(values["readers"])))}
    return ErasureRow(**values)
