"""The engine: SQLite on one machine, PostgreSQL beyond, opened so that what was committed survives a power cut.

Writers never both read and then both write: on SQLite they start with BEGIN IMMEDIATE, on PostgreSQL they take turns
within a scope (`writing`). Readers say that they only read, and see one state of the database as long as they read.
What the database's driver raises dies here: an outage becomes UnavailableError, only unique keys pass on.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import Connection, Engine, ExceptionContext

from ledger.errors import ConfigurationError, IntegrityError, UnavailableError
from ledger.store import postgres

BUSY_MILLISECONDS = 30_000
CACHE_KIB = 65_536
"""Pages kept by a connection: commitments are random keys, so a bulk call touches most of their index."""
WAL_PAGES = 16_384
"""Pages (64 MiB) between two copies of the WAL into the file: a page that changes often is then copied once."""
MOVE = sa.Table("store_move", sa.MetaData(), sa.Column("role", sa.String(8)), sa.Column("other", sa.Text))
"""In a database that is being moved or was: `source` or `target`, and the other one (ledger/store/moving.py)."""
_READ_ONLY = "ledger_read_only"
WAIT_SECONDS = 30.0
"""for a connection, while all of the process are taken"""


def open_engine(url: str, *, connections: int = postgres.CONNECTIONS) -> Engine:
    """An engine for `url` (`sqlite:////path/file`, `postgresql+psycopg://…`). ConfigurationError for another kind.

    `connections`: how many to PostgreSQL at most.
    """
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError("store.url") from error  # the address may hold a password: it isn't repeated
    backend = parsed.get_backend_name()
    if backend not in ("sqlite", "postgresql"):
        raise ConfigurationError("store.backend", backend=backend)
    options: dict[str, Any]
    if backend == "postgresql":
        if parsed.drivername == "postgresql":
            parsed = parsed.set(drivername="postgresql+psycopg")
        options = {"pool_pre_ping": True, "connect_args": postgres.connect_arguments(parsed), "pool_size": connections}
        options |= {"max_overflow": 0, "pool_use_lifo": True, "pool_timeout": WAIT_SECONDS}
    else:
        options = {"connect_args": {"timeout": BUSY_MILLISECONDS / 1000}}
        if parsed.database and parsed.database != ":memory:":
            _make_private(Path(parsed.database))
            options["pool_use_lifo"] = True  # the connection used last has the warm cache; the others stay small
    try:
        engine = sa.create_engine(parsed, **options)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError("store.url") from error
    except ImportError as error:
        raise ConfigurationError("store.driver", driver=parsed.drivername) from error
    if backend == "sqlite":
        event.listen(engine, "connect", _sqlite_connected)
        event.listen(engine, "begin", _sqlite_begin)
    else:
        event.listen(engine, "connect", postgres.connected)
    event.listen(engine, "handle_error", _translate)
    return engine


def shown(url: str) -> str:
    """The address as people may see it: without the password."""
    try:
        parsed = sa.make_url(url)
    except sa.exc.ArgumentError as error:
        raise ConfigurationError("store.url") from error
    hidden = {name: "***" for name in parsed.query if "password" in name}
    return parsed.update_query_dict(hidden).render_as_string(hide_password=True)


def weak_promises(engine: Engine) -> list[str]:
    """Settings of the database's server that could lose what was committed when the power goes."""
    if engine.dialect.name != "postgresql":
        return []
    with reading(engine) as connection:
        return postgres.weak_promises(connection)


@contextmanager
def writing(engine: Engine, scope: str | None = "", *more: str) -> Iterator[Connection]:
    """One transaction that writes: committed at the end, rolled back on any exception.

    Those of one `scope` come one after the other, so that what one has read still holds when it writes. On SQLite that
    is so of all writers. None: several at once, for what fences every change by itself. `more`: scopes that it belongs
    to as well, in the order in which everybody takes them.
    """
    with _waited(), engine.begin() as connection:
        if scope is not None and connection.dialect.name == "postgresql":
            for each in (scope, *more):
                postgres.take_turn(connection, each)
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """One consistent view; waits for no writer."""
    options: dict[str, Any] = {_READ_ONLY: True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with _waited(), engine.connect().execution_options(**options) as connection:
        yield connection


def own_connection(engine: Engine) -> sqlite3.Connection:
    """SQLite's own connection, set up as all are, and none of the pool's: for one caller, for as long as it likes.

    What it raises is sqlite3's (`refusal_of`).
    """
    with _waited():
        found = engine.raw_connection()
    own = found.driver_connection
    found.detach()
    assert isinstance(own, sqlite3.Connection)
    return own


@contextmanager
def _waited() -> Iterator[None]:
    """All connections of the process were taken for too long: an outage like another."""
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise UnavailableError("store.unavailable", retry_after=1.0, reason="busy") from error


def upgrade(engine: Engine) -> None:
    """Bring the tables to the newest revision, in one transaction; a second process waits and finds it done.

    ConfigurationError for a database that was moved away, or is a move's unfinished target (ledger/store/moving.py).
    """
    prepare(engine)


def prepare(engine: Engine, *, moving: bool = False) -> str | None:
    """The same for a move, which may open both ends: the name of the database to which this one was moved."""
    from alembic import command
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    scripts = ScriptDirectory.from_config(config)
    with writing(engine, None) as connection:
        if connection.dialect.name == "postgresql":
            postgres.check_promises(connection)
            postgres.be_patient(connection)
            postgres.take_turn(connection, "upgrade")
        if sa.inspect(connection).has_table(MOVE.name):
            role, other = connection.execute(sa.select(MOVE.c.role, MOVE.c.other)).first() or ("", "")
            if role and not moving:
                raise ConfigurationError(
                    "store.moved_away" if role == "source" else "store.move_unfinished", target=other
                )
            if role == "source":
                return other
        current = MigrationContext.configure(connection).get_current_revision()
        if current == scripts.get_current_head():
            return None
        known = {script.revision for script in scripts.walk_revisions()}
        if current is not None and current not in known:
            raise ConfigurationError("store.newer", found=current, expected=scripts.get_current_head())
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
    return None


def _make_private(path: Path) -> None:
    """The database's file, for its owner alone whatever the umask says; SQLite gives its -wal and -shm the same mode.

    What can't be made or changed here is SQLite's to report, when it is used.
    """
    with suppress(OSError):
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        for part in (path, path.with_name(path.name + "-wal"), path.with_name(path.name + "-shm")):
            if part.exists() and part.stat().st_mode & 0o077:
                part.chmod(0o600)


def _sqlite_connected(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would begin by itself, and too late
    cursor = connection.cursor()
    cursor.execute(f"PRAGMA busy_timeout = {BUSY_MILLISECONDS}")
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.execute("PRAGMA foreign_keys = ON")
    cursor.execute("PRAGMA secure_delete = ON")  # erasure: what is deleted, or moved to another page, is overwritten
    cursor.execute(f"PRAGMA cache_size = -{CACHE_KIB}")
    cursor.execute(f"PRAGMA wal_autocheckpoint = {WAL_PAGES}")
    cursor.close()


def _sqlite_begin(connection: Connection) -> None:
    read_only = connection.get_execution_options().get(_READ_ONLY, False)
    connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")


def _translate(context: ExceptionContext) -> None:
    """Let an outage of the database leave as our own error; a broken unique key stays what it is, callers expect it."""
    if context.is_pre_ping:
        return  # a connection that waited in the pool is gone: a new one is made, and nobody is told
    original = context.original_exception
    if isinstance(original, sqlite3.DatabaseError):
        if (ours := refusal_of(original)) is not None:
            raise ours from original
    elif context.dialect.name == "postgresql" and original is not None:
        refused = postgres.refusal(original, lost=context.is_disconnect)
        if refused is not None:
            raise refused from original


def refusal_of(error: sqlite3.DatabaseError) -> IntegrityError | UnavailableError | None:
    """What SQLite's error is to us; None: a broken unique key, or a mistake of ours."""
    if isinstance(error, sqlite3.IntegrityError):
        return None
    name = getattr(error, "sqlite_errorname", None) or ""
    if name in ("SQLITE_CORRUPT", "SQLITE_NOTADB"):
        return IntegrityError("store.damaged")
    if name == "SQLITE_FULL":
        return UnavailableError("store.full")
    if isinstance(error, sqlite3.OperationalError) and name != "SQLITE_ERROR":
        return UnavailableError("store.unavailable", retry_after=1.0, reason=name or "operational")
    return None
