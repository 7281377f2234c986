"""PostgreSQL: how it is connected to, what it must promise before a row is trusted to it, what its refusals mean.

Settings of a session never weaken the server's: what is committed is on its disk. A server whose databases are ordered
by a language is refused, since such an order changes with the operating system and its indexes then lose rows.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import sqlalchemy as sa
from sqlalchemy.engine import URL, Connection

from ledger.errors import ChuzhengError, ConfigurationError, IntegrityError, UnavailableError

LEAST_VERSION = 13
CONNECTIONS = 16
"""of one process: at most four processes of a machine, and a server takes 100 unless told otherwise"""
LOCK_SECONDS = 30
STATEMENT_SECONDS = 300
IDLE_SECONDS = 600
"""A transaction in which nothing was asked for so long is ended by the server: its process hangs, others wait."""
KEEPALIVE = {"idle": 30, "interval": 10, "count": 3}
"""A peer that is gone is noticed after a minute on both sides, so that its locks are free again."""
_LOCAL = ("", "localhost", "127.0.0.1", "::1")
_SESSION = {
    "lock_timeout": f"{LOCK_SECONDS}s",
    "statement_timeout": f"{STATEMENT_SECONDS}s",
    "idle_in_transaction_session_timeout": f"{IDLE_SECONDS}s",
    "tcp_keepalives_idle": str(KEEPALIVE["idle"]),
    "tcp_keepalives_interval": str(KEEPALIVE["interval"]),
    "tcp_keepalives_count": str(KEEPALIVE["count"]),
    "timezone": "UTC",
}
_RETRY_SOON = {"40001", "40P01", "55P03"}  # serialisation failure, deadlock, lock not available
_FULL = {"53100"}
_DAMAGED = {"XX001", "XX002"}
_STANDBY = {"25006"}
_FORBIDDEN = {"42501"}
_BINARY = (
    (sa.Boolean, "bool"),
    (sa.BigInteger, "int8"),
    (sa.Integer, "int4"),
    (sa.LargeBinary, "bytea"),
    (sa.String, "text"),
)
_OUTAGES = ("08", "53", "57", "58")
"""Classes of SQLSTATE: connection, resources, operator's intervention, the system's own trouble."""


def connect_arguments(url: URL) -> dict[str, Any]:
    """What psycopg is told beyond the address. A server on another machine is asked for its certificate, unless the
    address itself says otherwise (`sslmode=`): a password and sealed records cross the network."""
    arguments: dict[str, Any] = {
        "connect_timeout": 10,
        "application_name": "chuzheng",
        "target_session_attrs": "read-write",  # of several hosts the one that leads; a standby alone is an outage
        "keepalives": 1,
        **{f"keepalives_{name}": value for name, value in KEEPALIVE.items()},
    }
    hosts = url.query.get("host", url.host or "")
    named = (hosts,) if isinstance(hosts, str) else hosts
    away = [h for part in named for h in part.split(",") if h.partition(":")[0] not in _LOCAL and not h.startswith("/")]
    if away:
        arguments |= {"sslmode": "verify-full", "sslrootcert": "system"}
    return {name: value for name, value in arguments.items() if name not in _given(url)}


def _given(url: URL) -> set[str]:
    """What the address itself says; who names a mode or a root certificate knows which."""
    given = set(url.query)
    return given | {"sslrootcert"} if given & {"sslmode", "sslrootcert"} else given


def connected(connection: Any, _record: Any) -> None:
    """Time limits of the session, and no commit that isn't on the disk."""
    before = connection.autocommit
    connection.autocommit = True
    settings = ", ".join(f"set_config('{name}', '{value}', false)" for name, value in _SESSION.items())
    durable = (
        "CASE WHEN current_setting('synchronous_commit') = 'off' THEN set_config('synchronous_commit', 'on', false) END"
    )
    connection.execute(f"SELECT {settings}, {durable}")
    connection.autocommit = before


def take_turn(connection: Connection, scope: str) -> None:
    """Wait until no other transaction of this scope goes on; given back when this one ends."""
    key = int.from_bytes(hashlib.sha256(b"chuzheng/turn/v1\0" + scope.encode()).digest()[:8], signed=True)
    connection.exec_driver_sql("SELECT pg_advisory_xact_lock(%s)", (key,))


def be_patient(connection: Connection) -> None:
    """A migration or a move may take its time, also while nothing is asked here, and waits for another one's locks."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.exec_driver_sql("SET LOCAL idle_in_transaction_session_timeout = 0")
    connection.exec_driver_sql("SET LOCAL lock_timeout = '10min'")


def check_promises(connection: Connection) -> None:
    """ConfigurationError unless the server is new enough and the database stores UTF-8 in the order of its bytes."""
    version = int(connection.exec_driver_sql("SHOW server_version_num").scalar_one()) // 10_000
    if version < LEAST_VERSION:
        raise ConfigurationError("store.old_server", found=version, least=LEAST_VERSION)
    encoding, collation, provider = connection.exec_driver_sql(
        "SELECT pg_encoding_to_char(encoding), datcollate, to_jsonb(d) ->> 'datlocprovider'"
        " FROM pg_database d WHERE datname = current_database()"
    ).one()
    if encoding != "UTF8" or collation not in ("C", "POSIX") or provider == "i":
        raise ConfigurationError(
            "store.collation", encoding=encoding, collation="ICU" if provider == "i" else collation
        )


def weak_promises(connection: Connection) -> list[str]:
    """Settings of the server that lose what was committed when the power goes; `doctor` names them."""
    asked = "SELECT name FROM pg_settings WHERE name IN ('fsync', 'full_page_writes') AND setting = 'off' ORDER BY name"
    return [name for (name,) in connection.exec_driver_sql(asked)]


def refusal(error: BaseException, *, lost: bool) -> ChuzhengError | None:
    """Our error for what psycopg raised; None for what passes on (a broken unique key, a wrong statement).

    `lost`: the connection is gone. What the server says in words isn't repeated: it may hold values of rows.
    """
    state = getattr(error, "sqlstate", None) or ""
    name = type(error).__name__
    if state in _DAMAGED:
        return IntegrityError("store.damaged")
    if state in _FULL:
        return UnavailableError("store.full")
    if state in _STANDBY:
        return UnavailableError("store.unavailable", retry_after=5.0, reason="read-only")
    if state in _FORBIDDEN:
        return ConfigurationError("store.forbidden")
    if state in _RETRY_SOON:
        return UnavailableError("store.unavailable", retry_after=0.5, reason=name)
    if state[:2] == "28" or "authentication failed" in str(error):
        return UnavailableError("store.unavailable", retry_after=30.0, reason="authentication")
    if lost or state.startswith(_OUTAGES) or name == "OperationalError":
        return UnavailableError("store.unavailable", retry_after=1.0, reason=name)
    return None


def copy_in(connection: Connection, table: sa.Table, rows: Iterable[Sequence[Any]]) -> None:
    """Insert rows, each with the table's columns in their order: as COPY, a fifth of an INSERT's time or less.

    A broken unique key is SQLAlchemy's IntegrityError, as for any other statement; the transaction is lost then.
    """
    names = ", ".join(column.name for column in table.columns)
    own = connection.connection.dbapi_connection
    assert own is not None
    try:
        with own.cursor().copy(f"COPY {table.name} ({names}) FROM STDIN (FORMAT binary)") as copy:
            copy.set_types([_type_of(column) for column in table.columns])
            for row in rows:
                copy.write_row(row)
    except psycopg.IntegrityError as error:
        raise sa.exc.IntegrityError(f"COPY {table.name}", None, error) from error
    except psycopg.Error as error:
        refused = refusal(error, lost=bool(own.closed))
        if refused is None:
            raise
        raise refused from error


def _type_of(column: sa.Column[Any]) -> str:
    for kind, name in _BINARY:
        if isinstance(column.type, kind):
            return name
    raise TypeError(f"{column} has no type of COPY's")
