"""One question of the index that is asked thousands of times a second: which decisions a key has.

On SQLite it goes straight to the driver, on a connection of its own: SQLAlchemy makes such a question many times dearer
than SQLite does. It is one statement, so its answer is of one state of the database, cursor included. Elsewhere,
and for a database in memory, the same statement goes the usual way.
"""

from __future__ import annotations

import sqlite3
import threading
from collections.abc import Mapping, Sequence
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Engine, RowMapping

from ledger.statuses import Decision, DecisionCode
from ledger.store.engine import own_connection, reading, refusal_of
from ledger.store.tables import annulments, cursor, decisions
from ledger.types import BlockTime, DepartmentCode, Digest

_CACHE_KIB = 8_192
"""Pages that the connection keeps: the index's upper levels, beside what the system's own cache holds."""


class DecisionsAsked:
    """Safe for threads: they take turns, for some ten microseconds each."""

    def __init__(self, engine: Engine, depth: int) -> None:
        self._engine, self._depth = engine, depth
        self._lock = threading.Lock()
        self._own: sqlite3.Connection | None = None
        self._statement = of_key()
        self._direct = engine.dialect.name == "sqlite" and engine.url.database not in (None, "", ":memory:")
        if self._direct:
            compiled: Any = self._statement.compile(dialect=engine.dialect)
            self._sql, self._places = str(compiled), tuple(compiled.positiontup)
            self._columns = tuple(column.name for column in self._statement.selected_columns)
            event.listen(engine, "engine_disposed", lambda _: self._drop())

    def of(self, status_key: Digest) -> list[Decision]:
        """All decisions of a key in their order, with their annulments, as of the last block that is final."""
        values = {"key": status_key, "depth": self._depth}
        if not self._direct:
            with reading(self._engine) as connection:
                return [decision_of(row) for row in connection.execute(self._statement, values).mappings()]
        rows = self._rows([values[name] for name in self._places])
        return [decision_of(dict(zip(self._columns, row, strict=True))) for row in rows]

    def _rows(self, values: Sequence[Any]) -> list[tuple[Any, ...]]:
        with self._lock:
            try:
                return self._connection().execute(self._sql, values).fetchall()
            except sqlite3.DatabaseError as error:
                self._drop()
                if (ours := refusal_of(error)) is not None:
                    raise ours from error
                raise

    def _connection(self) -> sqlite3.Connection:
        if self._own is None:
            self._own = own_connection(self._engine)
            self._own.execute(f"PRAGMA cache_size = -{_CACHE_KIB}")
        return self._own

    def _drop(self) -> None:
        """The next question opens another: the file may be another one by then."""
        if self._own is not None:
            own, self._own = self._own, None
            own.close()


def of_key() -> sa.Select[Any]:
    """`told_decisions` of the key `:key`, up to `:depth` blocks under the cursor."""
    final = sa.select(cursor.c.number - sa.bindparam("depth", type_=sa.Integer)).scalar_subquery()
    wanted = told_decisions(final).where(decisions.c.status_key == sa.bindparam("key"))
    return wanted.order_by(decisions.c.block_number, decisions.c.log_index)


def told_decisions(final: int | sa.ScalarSelect[Any]) -> sa.Select[Any]:
    """Decisions up to block `final` with their annulments, also where a version of the contract that took a key over
    annulled what the one before had decided."""
    same = (annulments.c.status_key == decisions.c.status_key) & (annulments.c.number == decisions.c.number)
    own = decisions.alias()
    taken_over = ~sa.exists().where(
        own.c.status_key == annulments.c.status_key,
        own.c.contract == annulments.c.contract,
        own.c.number == annulments.c.number,
    )
    same &= (annulments.c.contract == decisions.c.contract) | taken_over
    joined = decisions.outerjoin(annulments, same & (annulments.c.block_number <= final))
    wanted = sa.select(decisions, annulments.c.block_time.label("annulled_at")).select_from(joined)
    return wanted.where(decisions.c.block_number <= final)


def decision_of(row: Mapping[str, Any] | RowMapping) -> Decision:
    return Decision(
        number=row["number"],
        code=DecisionCode(row["code"]),
        cause=row["cause"],
        department=DepartmentCode(row["department"]),
        effective_from=BlockTime(row["effective_from"]),
        recorded_at=BlockTime(row["block_time"]),
        basis=None if row["basis"] is None else Digest(bytes(row["basis"])),
        successor=None if row["successor"] is None else Digest(bytes(row["successor"])),
        until=None if row["until"] is None else BlockTime(row["until"]),
        ends=row["ends"],
        annulled_at=None if row["annulled_at"] is None else BlockTime(row["annulled_at"]),
    )
