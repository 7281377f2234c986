"""Somebody else's table, read page by page in one read-only transaction: the one place where a back-fill speaks SQL.

The database is only read: SQLite is opened in read-only mode, PostgreSQL in a transaction that may not write, and both
give one view for the whole run, so that rows which change meanwhile are neither missed nor seen half.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import sqlalchemy as sa
from sqlalchemy import exc

from ledger.errors import ConfigurationError, InputError, UnavailableError

if TYPE_CHECKING:
    from collections.abc import Iterator


class SourceTable:
    """A table or view of a source database; `key` orders it, is unique and never null."""

    def __init__(self, url: str, name: str, key: str) -> None:
        """ConfigurationError where the address isn't one of SQLite or PostgreSQL; InputError `backfill.table`."""
        with _translated():
            self._engine = _read_only_engine(url)
            self._connection = self._engine.connect()
            self._begin()
            schema, _, table = name.rpartition(".")
            try:
                found = sa.inspect(self._connection).get_columns(table, schema=schema or None)
            except exc.NoSuchTableError:
                raise InputError("backfill.table", table=name[:120]) from None
        self.columns = [column["name"] for column in found]
        if key not in self.columns:
            raise InputError("backfill.key_missing", column=key[:60])
        self._table = sa.table(table, *[sa.column(c) for c in self.columns], schema=schema or None)
        self._key = self._table.c[key]

    def close(self) -> None:
        self._connection.close()
        self._engine.dispose()

    def count(self, up_to: Any = None) -> int:
        """Rows of the table, or those whose key isn't above `up_to`."""
        query = sa.select(sa.func.count()).select_from(self._table)
        if up_to is not None:
            query = query.where(self._key <= up_to)
        with _translated():
            return int(self._connection.scalar(query) or 0)

    def without_key(self) -> int:
        """Rows whose key is null: no page would ever hold them."""
        query = sa.select(sa.func.count()).select_from(self._table).where(self._key.is_(None))
        with _translated():
            return int(self._connection.scalar(query) or 0)

    def page(self, columns: Sequence[str], start: Any, limit: int) -> list[tuple[Any, ...]]:
        """Up to `limit` rows, (key, *columns), in the order of the key from `start` on, that row included."""
        query = sa.select(self._key, *[self._table.c[c].label(f"c{n}") for n, c in enumerate(columns)])
        if start is not None:
            query = query.where(self._key >= start)
        with _translated():
            return [tuple(row) for row in self._connection.execute(query.order_by(self._key).limit(limit))]

    def _begin(self) -> None:
        if self._connection.dialect.name == "postgresql":
            self._connection.execute(sa.text("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY"))
        else:
            self._connection.exec_driver_sql("BEGIN")


def _read_only_engine(url: str) -> sa.Engine:
    try:
        parsed = sa.make_url(url.strip())
    except exc.ArgumentError:
        raise ConfigurationError("backfill.url") from None  # it may hold a password: it isn't repeated
    backend = parsed.get_backend_name()
    if backend == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        try:
            return sa.create_engine(parsed, poolclass=sa.NullPool)
        except ImportError as error:
            raise ConfigurationError("store.driver", driver=parsed.drivername) from error
    if backend != "sqlite" or not parsed.database or parsed.database == ":memory:":
        raise ConfigurationError("backfill.backend", backend=backend[:30])
    from urllib.parse import quote

    address = f"sqlite:///file:{quote(parsed.database)}?mode=ro&uri=true"
    engine = sa.create_engine(address, poolclass=sa.NullPool)
    sa.event.listen(engine, "connect", _own_transactions)
    return engine


def _own_transactions(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # else the driver decides when a transaction begins
    connection.execute("PRAGMA query_only = ON")


@contextmanager
def _translated() -> Iterator[None]:
    """What the driver raises may hold the address with its password, or values of rows: only its kind is told."""
    try:
        yield
    except exc.SQLAlchemyError as error:
        kind = type(getattr(error, "orig", None) or error).__name__
        raise UnavailableError("backfill.database", reason=kind) from None
