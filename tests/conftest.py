"""Unit tests can't open a socket: what needs one is an integration test. Databases of both kinds, for all tests."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy.engine import Engine

from ledger.store.engine import open_engine
from tests.databases import KINDS, Databases, PostgresDatabases, of_kind, one_each
from tests.fakes.notary import sqlite_at
from tests.leftovers import nothing_left
from tests.postgres import MissingPostgresError

VECTORS = Path(__file__).parent / "vectors"

# Whoever starts the tests in the background of a script has them ignore SIGINT, and so would every program they start
# and end with it: what has a handler here begins with the default there.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

# A loaded machine is no reason for a property to fail: time is measured in tests/bench. Who names health checks to
# suppress names `too_slow` again, as theirs are taken in the place of these.
settings.register_profile("house", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("house")


@pytest.fixture(scope="module", autouse=True)
def nothing_left_behind() -> Iterator[None]:
    """A file ends what it began; the first fixture of each, so that its end comes after all others'."""
    with nothing_left():
        yield


@pytest.fixture(autouse=True)
def no_sockets_in_unit_tests(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """AF_UNIX stays (event loops use a socket pair, the tests' PostgreSQL a socket in a folder of its own); anything
    that could leave the machine is refused."""
    if "unit" not in Path(request.node.path).relative_to(Path(__file__).parent).parts:
        return
    real = socket.socket.connect

    def refuse(self: socket.socket, address: object) -> None:
        if self.family == socket.AF_UNIX:
            return real(self, address)  # type: ignore[arg-type]
        raise AssertionError("a unit test tried to open a socket")

    monkeypatch.setattr(socket.socket, "connect", refuse)


@pytest.fixture(scope="session")
def vectors() -> Path:
    """tests/vectors, each folder with the README of its origin and licence."""
    return VECTORS


@pytest.fixture(params=KINDS)
def databases(request: pytest.FixtureRequest) -> Iterator[Databases]:
    """A maker of databases, once for SQLite and once for PostgreSQL (tests/databases.py says how to use it)."""
    try:
        with of_kind(request.param) as made:
            yield made
    except MissingPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture
def database(databases: Databases) -> str:
    """The address of a database of the newest revision with nothing in it."""
    return databases.fresh()


@pytest.fixture
def engine(database: str) -> Iterator[Engine]:
    """The same, open."""
    made = open_engine(database)
    yield made
    made.dispose()


@pytest.fixture
def each_kind(databases: Databases, monkeypatch: pytest.MonkeyPatch) -> None:
    """Rigs of this test have their databases by kind, one for each folder: for files that make many rigs."""
    if databases.kind == "postgresql":
        monkeypatch.setattr("tests.fakes.notary.database_of", one_each(databases))


@pytest.fixture
def sqlite_files(monkeypatch: pytest.MonkeyPatch) -> None:
    """Rigs of this test have SQLite in their folder, in the drill too: it looks into the files or changes them."""
    monkeypatch.setattr("tests.fakes.notary.database_of", sqlite_at)


@pytest.fixture
def on_sqlite() -> Iterator[Databases]:
    """What is about SQLite alone."""
    with of_kind("sqlite") as made:
        yield made


@pytest.fixture
def on_postgres() -> Iterator[PostgresDatabases]:
    """What is about PostgreSQL alone."""
    try:
        with of_kind("postgresql") as made:
            assert isinstance(made, PostgresDatabases)
            yield made
    except MissingPostgresError as error:
        pytest.skip(str(error))


@pytest.fixture(autouse=True, scope="session")
def all_rigs_on() -> Iterator[None]:
    """CHUZHENG_TEST_DATABASE=postgresql: a drill with every rig on PostgreSQL, in files that name none too."""
    if os.environ.get("CHUZHENG_TEST_DATABASE") != "postgresql":
        yield
        return
    with of_kind("postgresql") as databases, pytest.MonkeyPatch.context() as patch:
        patch.setattr("tests.fakes.notary.database_of", one_each(databases))
        yield


def pytest_sessionfinish() -> None:
    """The tests' PostgreSQL ends with the process that started it."""
    PostgresDatabases.end()
