"""A whole database moved to another one, of either kind: copied in the order of its keys, compared, then switched over.

Broken off anywhere and begun again it goes on where it was. At no moment are both databases usable: the target refuses
to be opened until everything was compared, and the source refuses from the moment before that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Engine, make_url

from ledger.errors import ConflictError, IntegrityError
from ledger.store.engine import MOVE, prepare, reading, writing
from ledger.store.postgres import be_patient, copy_in

ROWS_AT_ONCE = 5_000
_UNMOVED = frozenset({"alembic_version", MOVE.name})
FIRST_NEEDED = ("logs", "lanes", "chain_cursor")
"""What a notary, a sender and an indexer read before anything else: renamed in the source, so that a process that still
runs there fails plainly instead of writing what nobody will see."""
Row = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Moved:
    """A table that is the same on both sides: its rows, and SHA-256 over them in the order of the key."""

    table: str
    rows: int
    sha256: str


def move(source: Engine, target: Engine, told: Callable[[str, int, int], None] = lambda *_: None) -> list[Moved]:
    """Move everything. `told`: table, rows copied, rows in all.

    ConflictError `store.move_target` if the target holds anything that isn't this move's; IntegrityError
    `store.move_differs` if the copy isn't the same (it is emptied then, and a second run begins anew).
    """
    before = prepare(source, moving=True)
    if before is not None and before != _name(target):
        raise ConflictError("store.moved_away", target=before)
    prepare(target, moving=True)
    _claim(target, _name(source))
    tables, copies = _tables(source), _tables(target)
    with writing(source) as held:
        _be_patient(held)
        if before is None:
            _require_unmoved(held, _name(target))
            _hold(held, tables)
        names = {t.name: t.name + "_moved" if before is not None and t.name in FIRST_NEEDED else t.name for t in tables}
        pairs = [(_renamed(table, names[table.name]), _named(copies, table.name)) for table in tables]
        if before is None:
            for table, copy in pairs:
                _copy(held, target, table, copy, told)
        found = _compare(held, target, pairs)
        if before is None:
            held.execute(sa.insert(MOVE).values(role="source", other=_name(target)))
            for name in FIRST_NEEDED:
                held.exec_driver_sql(f"ALTER TABLE {name} RENAME TO {name}_moved")
    with writing(target) as connection:  # from here on the target may be opened
        _number(connection, copies)
        MOVE.drop(connection)
    return found


def _name(engine: Engine) -> str:
    """A database as the other one remembers it: without user, password and options."""
    url = make_url(engine.url)
    return f"{url.get_backend_name()}:{url.host or url.query.get('host') or ''}/{(url.database or '').lstrip('/')}"


def _tables(engine: Engine) -> list[sa.Table]:
    """The tables of the newest revision as they are there, those that others refer to first."""
    found = sa.MetaData()
    found.reflect(engine)
    return [t for t in found.sorted_tables if t.name.removesuffix("_moved") not in _UNMOVED]


def _named(tables: Sequence[sa.Table], name: str) -> sa.Table:
    for table in tables:
        if table.name == name.removesuffix("_moved"):
            return table
    raise IntegrityError("store.move_differs", table=name)


def _renamed(table: sa.Table, name: str) -> sa.Table:
    return table if table.name == name else table.to_metadata(sa.MetaData(), name=name)


def _claim(target: Engine, source: str) -> None:
    """Note in the target whose it becomes; it must be empty, or claimed by the same source before."""
    with writing(target) as connection:
        MOVE.create(connection, checkfirst=True)
        other = connection.scalar(sa.select(MOVE.c.other))
        if other is None:
            for table in _tables_of(connection):
                if connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None:
                    raise ConflictError("store.move_target", table=table.name)
            connection.execute(sa.insert(MOVE).values(role="target", other=source))
        elif other != source:
            raise ConflictError("store.move_target", table=MOVE.name)


def _tables_of(connection: Connection) -> list[sa.Table]:
    found = sa.MetaData()
    found.reflect(connection)
    return [t for t in found.sorted_tables if t.name not in _UNMOVED]


def _be_patient(connection: Connection) -> None:
    if connection.dialect.name == "postgresql":
        be_patient(connection)


def _require_unmoved(held: Connection, target: str) -> None:
    """ConflictError `store.moved_away` where the same command, started twice, has ended meanwhile: the target may be in
    use already."""
    if sa.inspect(held).has_table(MOVE.name) and held.scalar(sa.select(MOVE.c.role)) == "source":
        raise ConflictError("store.moved_away", target=target)


def _hold(connection: Connection, tables: Sequence[sa.Table]) -> None:
    """Nobody writes until the move is through; SQLite's own writer is alone already."""
    MOVE.create(connection, checkfirst=True)
    if connection.dialect.name == "postgresql":
        connection.exec_driver_sql(f"LOCK TABLE {', '.join(t.name for t in tables)} IN SHARE MODE")


def _copy(
    held: Connection, target: Engine, table: sa.Table, copy: sa.Table, told: Callable[[str, int, int], None]
) -> None:
    total = int(held.scalar(sa.select(sa.func.count()).select_from(table)) or 0)
    key = [copy.c[column.name] for column in table.primary_key]
    with reading(target) as connection:
        _be_patient(connection)
        done = int(connection.scalar(sa.select(sa.func.count()).select_from(copy)) or 0)
        newest = sa.select(*key).order_by(*(column.desc() for column in key)).limit(1)
        last = connection.execute(newest).first()
    names = [column.name for column in copy.columns]
    for rows in _batches(held, table, names, None if last is None else tuple(last)):
        with writing(target) as connection:
            if connection.dialect.name == "postgresql":
                copy_in(connection, copy, rows)
            else:
                connection.execute(sa.insert(copy), [dict(zip(names, row, strict=True)) for row in rows])
        done += len(rows)
        told(copy.name, done, total)


def _batches(
    connection: Connection, table: sa.Table, names: Sequence[str], after: Row | None = None
) -> Iterator[list[Row]]:
    """Rows in the order of the key, with the columns named, from behind `after` on."""
    key = list(table.primary_key)
    places = [list(names).index(column.name) for column in key]
    while True:
        wanted = sa.select(*(table.c[name] for name in names)).order_by(*key).limit(ROWS_AT_ONCE)
        if after is not None:
            wanted = wanted.where(sa.tuple_(*key) > sa.tuple_(*after))
        rows = [tuple(row) for row in connection.execute(wanted)]
        if not rows:
            return
        yield rows
        after = tuple(rows[-1][place] for place in places)


def _compare(held: Connection, target: Engine, pairs: Sequence[tuple[sa.Table, sa.Table]]) -> list[Moved]:
    found = []
    for table, copy in pairs:
        names = [column.name for column in copy.columns]
        with reading(target) as connection:
            _be_patient(connection)
            there = _digest(_batches(connection, copy, names))
        here = _digest(_batches(held, table, names))
        if here != there:
            with writing(target) as connection:
                _be_patient(connection)
                for _, other in reversed(pairs):
                    connection.execute(sa.delete(other))
            raise IntegrityError("store.move_differs", table=copy.name)
        found.append(Moved(copy.name, *here))
    return found


def _digest(batches: Iterator[list[Row]]) -> tuple[int, str]:
    """How many rows, and SHA-256 over each value's kind, length and bytes."""
    made, count = hashlib.sha256(), 0
    for rows in batches:
        count += len(rows)
        for row in rows:
            for value in row:
                raw = value if isinstance(value, bytes) else b"" if value is None else str(_plain(value)).encode()
                made.update(b"%c%d:" % (_kind(value), len(raw)))
                made.update(raw)
    return count, made.hexdigest()


def _plain(value: Any) -> Any:
    return int(value) if isinstance(value, bool) else value


def _kind(value: Any) -> bytes:
    if value is None:
        return b"n"
    return b"b" if isinstance(value, bytes) else b"t" if isinstance(value, str) else b"i"


def _number(connection: Connection, tables: Sequence[sa.Table]) -> None:
    """PostgreSQL's own counters go on behind what was copied; SQLite's follow the rows."""
    if connection.dialect.name != "postgresql":
        return
    for table in tables:
        for column in table.primary_key:
            counter = connection.scalar(sa.select(sa.func.pg_get_serial_sequence(table.name, column.name)))
            highest = connection.scalar(sa.select(sa.func.max(column))) if counter else None
            if highest is not None:
                connection.execute(sa.select(sa.func.setval(counter, highest)))
