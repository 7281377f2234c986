"""A PostgreSQL of the tests' own: in a folder of its own, reached by a unix socket alone, ended by its own pid.

Nothing is written durably (fsync off): what is tested is what our program does, and a server that is killed loses
nothing as long as the machine runs. Its words are ordered as Chinese is, so that an order that rests on the database's
collation shows; our own databases are made with collation C, as the program demands.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg

ROLE = "chuzheng"
_TEMPLATE = "newest"
_WAIT = 120.0
SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",
    "full_page_writes": "off",
    "shared_buffers": "32MB",
    "max_connections": "200",
    "autovacuum": "off",
    "max_wal_size": "4GB",
    "log_min_messages": "warning",
}


class MissingPostgresError(Exception):
    """There is no PostgreSQL here; the text says what would help."""


def find_programs() -> Path:
    """The folder of initdb and postgres. MissingPostgresError where there is none."""
    named = os.environ.get("CHUZHENG_POSTGRES_BIN")
    folders = [Path(named)] if named else []
    on_path = shutil.which("postgres")
    folders += [Path(on_path).parent] if on_path else []
    versions = Path("/usr/lib/postgresql").glob("[0-9]*/bin")
    folders += sorted(versions, key=lambda found: int(found.parent.name), reverse=True)
    for folder in folders:
        if (folder / "initdb").is_file() and (folder / "postgres").is_file():
            return folder
    raise MissingPostgresError(
        "no PostgreSQL server: apt-get install postgresql, or name the folder of its programs by CHUZHENG_POSTGRES_BIN"
    )


def _as_whom() -> pwd.struct_passwd | None:
    """Whom the server runs as: root must not."""
    if os.getuid() != 0:
        return None
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name)
    raise MissingPostgresError("PostgreSQL doesn't run as root, and there is no user postgres or nobody")


@dataclass
class Cluster:
    """A server and its databases. `create` gives a database of the newest revision with nothing in it."""

    folder: Path
    programs: Path
    port: int = 5432
    settings: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None
    _made: int = 0
    _idle: list[str] = field(default_factory=list)
    _admin: psycopg.Connection | None = None
    _shape: Any = None

    @classmethod
    def start(cls, **settings: str) -> Cluster:
        """A new one; MissingPostgresError where the program isn't there or doesn't start."""
        programs = find_programs()
        user = _as_whom()
        folder = Path(tempfile.mkdtemp(prefix="chuzheng-postgres-"))  # short: a socket's path has 107 bytes at most
        if user is not None:
            os.chown(folder, user.pw_uid, user.pw_gid)
        cluster = cls(folder, programs, settings={**SETTINGS, **settings})
        try:
            cluster._run("initdb", "-D", str(folder / "data"), "-U", ROLE, "--auth=trust", "-E", "UTF8", "--no-sync",
                         "--locale=C", "--locale-provider=icu", "--icu-locale=zh")  # fmt: skip
            cluster.up()
        except (OSError, subprocess.SubprocessError, TimeoutError) as error:
            cluster.stop()
            raise MissingPostgresError(f"PostgreSQL doesn't start: {error}") from error
        return cluster

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def up(self) -> None:
        """Start the server on its folder, and wait until it answers."""
        given = [part for name, value in self.settings.items() for part in ("-c", f"{name}={value}")]
        self._process = self._begin("postgres", "-D", str(self.folder / "data"), "-k", str(self.folder), *given)
        until = time.monotonic() + _WAIT
        while True:
            try:
                psycopg.connect(self.conninfo("postgres")).close()
                return
            except psycopg.OperationalError:
                if self._process.poll() is not None or time.monotonic() > until:
                    log = (self.folder / "log").read_text(errors="replace")
                    raise TimeoutError(log[-500:]) from None
                time.sleep(0.02)

    def down(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """End the server: SIGQUIT at once, as a crash does; SIGINT in order; its databases stay."""
        if self._admin is not None:
            self._admin.close()
            self._admin = None
        if self._process is not None:
            if self._process.poll() is None:
                self._process.send_signal(how)
                self._process.wait(_WAIT)
            self._process = None

    def stop(self) -> None:
        """End it and forget everything."""
        self.down()
        shutil.rmtree(self.folder, ignore_errors=True)

    def conninfo(self, database: str) -> str:
        return f"host={self.folder} port={self.port} user={ROLE} dbname={database}"

    def url(self, database: str) -> str:
        """As a setting has it."""
        return f"postgresql+psycopg://{ROLE}@/{database}?host={quote(str(self.folder))}&port={self.port}"

    def empty(self, *, collation: str = "C") -> str:
        """A database with no tables at all; its address."""
        name = self._name()
        locale = f"LOCALE '{collation}'" if collation != "icu" else "LOCALE_PROVIDER icu LOCALE 'C' ICU_LOCALE 'zh'"
        provider = "" if collation == "icu" else "LOCALE_PROVIDER libc"
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE template0 {provider} {locale}".encode())
        return self.url(name)

    def create(self) -> str:
        """A database of the newest revision with nothing in it; its address. `give_back` when it is done with."""
        if self._idle:
            return self.url(self._idle.pop())
        if self._shape is None:
            self._make_template()
        name = self._name()
        self.admin.execute(f"CREATE DATABASE {name} TEMPLATE {_TEMPLATE} STRATEGY file_copy".encode())
        return self.url(name)

    def give_back(self, url: str) -> None:
        """A database that is wanted no more: emptied for the next one, or dropped where its tables aren't ours."""
        name = _name_in(url)
        ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
        self.admin.execute(ending, (name,))
        try:
            with psycopg.connect(self.conninfo(name), autocommit=True) as connection:
                shape = connection.execute(_SHAPE).fetchone()
                if shape == self._shape:
                    connection.execute(_EMPTY)
                    self._idle.append(name)
                    return
        except psycopg.Error:
            pass
        self.admin.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)".encode())

    def stored(self, url: str) -> bytes:
        """Every table of a database as bytes."""
        found = []
        with psycopg.connect(self.conninfo(_name_in(url))) as connection:
            for (table,) in connection.execute(_TABLES).fetchall():
                with connection.cursor().copy(f'COPY "{table}" TO STDOUT (FORMAT binary)'.encode()) as rows:
                    found += [bytes(part) for part in rows]
        return b"".join(found)

    @property
    def admin(self) -> psycopg.Connection:
        if self._admin is None or self._admin.closed:
            self._admin = psycopg.connect(self.conninfo("postgres"), autocommit=True)
        return self._admin

    def _name(self) -> str:
        self._made += 1
        return f"t{self._made}"

    def _make_template(self) -> None:
        from ledger.store.engine import open_engine, upgrade

        self.admin.execute(f"CREATE DATABASE {_TEMPLATE} TEMPLATE template0 LOCALE_PROVIDER libc LOCALE 'C'".encode())
        engine = open_engine(self.url(_TEMPLATE))
        upgrade(engine)
        engine.dispose()
        with psycopg.connect(self.conninfo(_TEMPLATE), autocommit=True) as connection:
            self._shape = connection.execute(_SHAPE).fetchone()

    def _command(self, program: str, *arguments: str) -> list[str]:
        user = _as_whom()
        # A test run that is killed takes its server along.
        around = ["setpriv", "--pdeathsig", "QUIT"] if shutil.which("setpriv") else []
        if user is not None and not around:
            raise MissingPostgresError("PostgreSQL doesn't run as root, and there is no setpriv to change the user")
        if user is not None:
            around += [f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
        return [*around, str(self.programs / program), *arguments]

    def _begin(self, program: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (self.folder / "log").open("ab") as log:
            environ = {**os.environ, "LC_ALL": "C"}
            return subprocess.Popen(
                self._command(program, *arguments), stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=environ,
                cwd=self.folder,
            )  # fmt: skip

    def _run(self, program: str, *arguments: str) -> None:
        process = self._begin(program, *arguments)
        if process.wait(_WAIT) != 0:
            raise OSError((self.folder / "log").read_text(errors="replace")[-500:])


def _name_in(url: str) -> str:
    return url.rpartition("?")[0].rpartition("/")[2]


_TABLES = "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r'"
_SHAPE = """
SELECT md5(string_agg(concat_ws(' ', c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull), E'\\n'
  ORDER BY c.relname, a.attnum)), (SELECT min(version_num) FROM alembic_version)
FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
WHERE c.relnamespace = 'public'::regnamespace AND a.attnum > 0
"""
_EMPTY = """
DO $$ DECLARE t text; filled boolean; BEGIN
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' LOOP
    CONTINUE WHEN t = 'alembic_version';
    EXECUTE format('SELECT EXISTS (SELECT FROM %I)', t) INTO filled;
    IF filled THEN EXECUTE format('TRUNCATE %I CASCADE', t); END IF;
  END LOOP;
  FOR t IN SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace AND relkind = 'S' LOOP
    EXECUTE format('ALTER SEQUENCE %I RESTART', t);
  END LOOP;
END $$
"""
