"""Databases for tests, of both kinds: SQLite in a file, PostgreSQL through a unix socket (tests/postgres.py).

How a test runs on both: it takes one of the fixtures of tests/conftest.py and never makes a database itself.

- `database`: the address (a URL) of a database of the newest revision with nothing in it;
- `engine`: the same one, opened;
- `databases`: a maker of as many as a test needs, for those that restart, compare two, or start at an old revision.

Each such test then runs twice, `[sqlite]` and `[postgresql]`; without PostgreSQL on the machine the second half is
skipped and says why. What is about one of the two alone takes `on_sqlite` or `on_postgres` instead: the maker of that
kind. A file that makes rigs in many places says `pytestmark = pytest.mark.usefixtures("each_kind")` and changes
nothing else. A property has two tests: many examples on SQLite, a few on PostgreSQL. Hypothesis' state machines, which
have no fixtures, get their maker by `of_kind`. Write SQL that both take, and nothing that SQLite alone lets pass (a
string for a number, a text that is too long, GROUP BY with columns left out).
"""

from __future__ import annotations

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory, mkdtemp
from typing import Protocol

from sqlalchemy.engine import Engine

from ledger.store.engine import open_engine, upgrade
from tests.postgres import Cluster, MissingPostgresError

KINDS = ("sqlite", "postgresql")


class Databases(Protocol):
    """Makes databases of one kind; all are gone when the test is over."""

    kind: str

    def fresh(self) -> str:
        """The address of a database of the newest revision with nothing in it."""

    def empty(self) -> str:
        """The address of a database without tables."""

    def stored(self, url: str) -> bytes:
        """All that one of them keeps, as it is stored: for a look for what mustn't be there."""

    def give_back(self, url: str) -> None:
        """Forget one of them: for tests that make many."""

    def close(self) -> None:
        """Forget those that were made."""


def begin_sqlite(path: Path) -> bool:
    """Put a database of the newest revision with nothing in it where none is; False where one is, also when another
    process was first. A copy of one that was upgraded once: the revisions themselves take a third of a second."""
    if path.exists():
        return False
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    made = path.with_name(f"{path.name}.{os.getpid()}.{threading.get_ident()}")
    made.touch(mode=0o600)
    made.write_bytes(newest_sqlite())
    try:
        os.link(made, path)
    except FileExistsError:
        return False
    finally:
        made.unlink()
    return True


@cache
def newest_sqlite() -> bytes:
    """The file of one; whoever forks processes that begin one each asks for it before."""
    with TemporaryDirectory() as folder:
        path = Path(folder) / "newest.sqlite"
        engine = open_engine(f"sqlite:///{path}")
        upgrade(engine)
        engine.dispose()  # the last connection that closes leaves no -wal behind
        return path.read_bytes()


class SqliteDatabases:
    """Files in a folder of their own, copied from one that was upgraded once."""

    kind = "sqlite"

    def __init__(self) -> None:
        self.folder = Path(mkdtemp(prefix="chuzheng-sqlite-"))
        self._made = 0

    def fresh(self) -> str:
        url = self.empty()
        begin_sqlite(Path(url.removeprefix("sqlite:///")))
        return url

    def empty(self) -> str:
        self._made += 1
        return f"sqlite:///{self.folder}/{self._made}.sqlite"

    def stored(self, url: str) -> bytes:
        path = Path(url.removeprefix("sqlite:///"))
        return b"".join(found.read_bytes() for found in path.parent.glob(path.name + "*"))

    def give_back(self, url: str) -> None:
        path = Path(url.removeprefix("sqlite:///"))
        for end in ("", "-wal", "-shm"):
            path.with_name(path.name + end).unlink(missing_ok=True)

    def close(self) -> None:
        shutil.rmtree(self.folder, ignore_errors=True)


class PostgresDatabases:
    """Databases of the cluster of this process, started when the first is wanted."""

    kind = "postgresql"
    _cluster: Cluster | None = None
    _missing: str = ""

    def __init__(self) -> None:
        self._made: list[str] = []

    @property
    def cluster(self) -> Cluster:
        """MissingPostgresError where there is none."""
        if PostgresDatabases._missing:
            raise MissingPostgresError(PostgresDatabases._missing)
        if PostgresDatabases._cluster is None:
            try:
                PostgresDatabases._cluster = Cluster.start()
            except MissingPostgresError as error:
                PostgresDatabases._missing = str(error)
                raise
        return PostgresDatabases._cluster

    def fresh(self) -> str:
        self._made.append(self.cluster.create())
        return self._made[-1]

    def empty(self, *, collation: str = "C") -> str:
        self._made.append(self.cluster.empty(collation=collation))
        return self._made[-1]

    def stored(self, url: str) -> bytes:
        return self.cluster.stored(url)

    def give_back(self, url: str) -> None:
        self._made.remove(url)
        self.cluster.give_back(url)

    def close(self) -> None:
        for url in list(self._made):
            self.give_back(url)

    @classmethod
    def end(cls) -> None:
        """Stop the process's cluster; called once, when the test run ends."""
        if cls._cluster is not None:
            cls._cluster.stop()
            cls._cluster = None


@contextmanager
def of_kind(kind: str) -> Iterator[Databases]:
    """A maker of this kind. MissingPostgresError where there is no PostgreSQL."""
    made: Databases = SqliteDatabases() if kind == "sqlite" else PostgresDatabases()
    if isinstance(made, PostgresDatabases):
        made.cluster  # noqa: B018 - started, or said to be missing, before the test begins
    try:
        yield made
    finally:
        made.close()


@contextmanager
def fresh_engine(databases: Databases) -> Iterator[Engine]:
    """A fresh database, open; given back at the end."""
    url = databases.fresh()
    engine = open_engine(url)
    try:
        yield engine
    finally:
        engine.dispose()
        databases.give_back(url)


def one_each(databases: Databases) -> Callable[[Path], str]:
    """The address of a folder's own database, the same one whenever it is asked for again."""
    known: dict[Path, str] = {}

    def of(home: Path) -> str:
        if home not in known:
            known[home] = databases.fresh()
        return known[home]

    return of


def sqlite_in(folder: Path) -> Engine:
    """An upgraded SQLite database in a folder that stays: for worlds that only need some database."""
    begin_sqlite(folder / "chuzheng.sqlite")
    return open_engine(f"sqlite:///{folder}/chuzheng.sqlite")
