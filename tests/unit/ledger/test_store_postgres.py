"""What is PostgreSQL's alone: durable sessions, turns, refusals of the server as our own errors, secrets kept."""

from __future__ import annotations

import threading
import traceback
from collections.abc import Iterator

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.engine import Engine, make_url

from ledger.errors import ConfigurationError, IntegrityError, UnavailableError
from ledger.store import object_tables, postgres
from ledger.store.engine import open_engine, reading, upgrade, weak_promises, writing
from ledger.store.tables import lanes, metadata
from tests.databases import PostgresDatabases, fresh_engine

ROW = {"sender": "0x" + "aa" * 20, "token": 1, "lease_until": 0}


@pytest.fixture
def engine(on_postgres: PostgresDatabases) -> Iterator[Engine]:
    with fresh_engine(on_postgres) as made:
        yield made


def put(engine: Engine, sender: str = "a") -> None:
    with writing(engine) as connection:
        connection.execute(sa.insert(lanes), {**ROW, "sender": sender})


def count(engine: Engine) -> int:
    with reading(engine) as connection:
        return int(connection.scalar(sa.select(sa.func.count()).select_from(lanes)) or 0)


def setting(engine: Engine, name: str) -> str:
    with reading(engine) as connection:
        return str(connection.exec_driver_sql(f"SHOW {name}").scalar())


def end_backends(databases: PostgresDatabases, engine: Engine) -> None:
    ending = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
    databases.cluster.admin.execute(ending, (engine.url.database,))


def test_session__server_that_commits_lazily__ours_waits_for_the_disk(on_postgres: PostgresDatabases) -> None:
    url = on_postgres.empty()
    name = make_url(url).database
    on_postgres.cluster.admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = off".encode())
    engine = open_engine(url)
    assert setting(engine, "synchronous_commit") == "on"
    assert setting(engine, "lock_timeout") == "30s"
    assert setting(engine, "idle_in_transaction_session_timeout") == "10min"
    engine.dispose()
    on_postgres.cluster.admin.execute(f"ALTER DATABASE {name} SET synchronous_commit = remote_apply".encode())
    engine = open_engine(url)
    assert setting(engine, "synchronous_commit") == "remote_apply"  # more than we ask for stays
    engine.dispose()


def test_weak_promises__server_of_the_tests__named(engine: Engine) -> None:
    assert weak_promises(engine) == ["fsync", "full_page_writes"]


@pytest.mark.parametrize(
    ("host", "given", "wanted"),
    [
        ("", "?host=/run/postgresql", None),
        ("localhost", "", None),
        ("127.0.0.1", "", None),
        ("db.example", "", "verify-full"),
        ("", "?host=a.example:5432&host=b.example:5432", "verify-full"),
        ("db.example", "?sslmode=require", None),
    ],
)
def test_arguments__server_elsewhere__must_show_its_certificate(host: str, given: str, wanted: str | None) -> None:
    arguments = postgres.connect_arguments(make_url(f"postgresql+psycopg://u:p@{host}/d{given}"))
    assert arguments.get("sslmode") == wanted
    assert arguments["target_session_attrs"] == "read-write"


def test_upgrade__ordered_by_a_language__refused(on_postgres: PostgresDatabases) -> None:
    engine = open_engine(on_postgres.empty(collation="icu"))
    with pytest.raises(ConfigurationError, match=r"store\.collation"):
        upgrade(engine)
    engine.dispose()


def test_upgrade__every_table__as_declared(engine: Engine) -> None:
    def ours(name: str | None, kind: str, _parents: object) -> bool:
        return kind != "table" or name in metadata.tables

    assert object_tables.grants.name in metadata.tables
    with reading(engine) as connection:
        context = MigrationContext.configure(connection, opts={"include_name": ours})
        assert compare_metadata(context, metadata) == []


def test_upgrade__user_who_may_make_no_tables__operator_is_told(on_postgres: PostgresDatabases) -> None:
    url = make_url(on_postgres.empty())
    name = f"plain_{url.database}"
    on_postgres.cluster.admin.execute(f"CREATE ROLE {name} LOGIN".encode())
    engine = open_engine(url.set(username=name).render_as_string(hide_password=False))
    with pytest.raises(ConfigurationError, match=r"store\.forbidden"):
        upgrade(engine)
    engine.dispose()
    on_postgres.cluster.admin.execute(f"DROP ROLE {name}".encode())


def test_writing__same_scope__one_after_the_other_and_others_beside(engine: Engine) -> None:
    order: list[str] = []

    def second() -> None:
        with writing(engine, "x"):
            order.append("second")

    with writing(engine, "x"):
        thread = threading.Thread(target=second)
        thread.start()
        with writing(engine, "y"), writing(engine, None):
            order.append("beside")
        thread.join(0.3)
        order.append("first")
    thread.join()
    assert order == ["beside", "first", "second"]


def test_reading__what_is_committed_meanwhile__isn_t_seen(engine: Engine) -> None:
    with reading(engine) as connection:
        asked = sa.select(sa.func.count()).select_from(lanes)
        assert connection.scalar(asked) == 0
        put(engine)
        assert connection.scalar(asked) == 0
    assert count(engine) == 1
    with pytest.raises(UnavailableError), reading(engine) as connection:
        connection.exec_driver_sql("CREATE TABLE t (x int)")


def test_writing__lock_held_too_long__unavailable(
    on_postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(postgres._SESSION, "lock_timeout", "100ms")
    with fresh_engine(on_postgres) as engine, writing(engine):
        with pytest.raises(UnavailableError) as caught, writing(engine):
            pass
        assert caught.value.params["reason"] == "LockNotAvailable"


def test_writing__two_that_wait_for_each_other__one_goes_on(engine: Engine) -> None:
    for name in ("a", "b"):
        put(engine, name)
    met = threading.Barrier(2)
    ended: list[str] = []

    def cross(first: str, second: str) -> None:
        try:
            with writing(engine, None) as connection:
                connection.execute(sa.update(lanes).where(lanes.c.sender == first).values(token=2))
                met.wait(60)
                connection.execute(sa.update(lanes).where(lanes.c.sender == second).values(token=2))
            ended.append("done")
        except UnavailableError as error:
            ended.append(str(error.params["reason"]))

    threads = [threading.Thread(target=cross, args=pair) for pair in (("a", "b"), ("b", "a"))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(ended) == ["DeadlockDetected", "done"]


def test_writing__connection_lost_within__unavailable_nothing_written_and_on_again(
    engine: Engine, on_postgres: PostgresDatabases
) -> None:
    def lose_it(connection: sa.Connection, *, asks: bool) -> None:
        connection.execute(sa.insert(lanes), ROW)
        end_backends(on_postgres, engine)
        if asks:
            connection.execute(sa.select(lanes))

    with pytest.raises(UnavailableError, match=r"store\.unavailable"), writing(engine) as connection:
        lose_it(connection, asks=True)
    assert count(engine) == 0
    with pytest.raises(UnavailableError), writing(engine) as connection:  # lost before the commit
        lose_it(connection, asks=False)
    assert count(engine) == 0
    put(engine)
    end_backends(on_postgres, engine)  # those that wait in the pool
    assert count(engine) == 1


def test_engine__all_connections_taken__unavailable(
    on_postgres: PostgresDatabases, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ledger.store.engine.WAIT_SECONDS", 0.1)
    engine = open_engine(on_postgres.fresh(), connections=1)
    with reading(engine), pytest.raises(UnavailableError) as caught, reading(engine):
        pass
    assert caught.value.params["reason"] == "busy"
    engine.dispose()


def test_engine__standby__unavailable(on_postgres: PostgresDatabases) -> None:
    url = on_postgres.empty()
    name = make_url(url).database
    on_postgres.cluster.admin.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    engine = open_engine(url)
    with pytest.raises(UnavailableError, match=r"store\.unavailable"):
        upgrade(engine)
    engine.dispose()


def test_engine__no_server__password_in_no_word_of_it(on_postgres: PostgresDatabases) -> None:
    url = make_url(on_postgres.empty()).set(password="s3cret-w0rd").update_query_dict({"port": "1"})
    engine = open_engine(url.render_as_string(hide_password=False))
    with pytest.raises(UnavailableError) as caught:
        upgrade(engine)
    assert caught.value.params["reason"] == "OperationalError"
    assert "s3cret" not in "".join(traceback.format_exception(caught.value)) + repr(engine) + repr(engine.url)
    engine.dispose()


def test_copy_in__unique_key_broken__as_for_any_statement(engine: Engine) -> None:
    with writing(engine) as connection:
        postgres.copy_in(connection, lanes, [("a", None, 1, 2), ("b", "x", 3, 4)])
    assert count(engine) == 2
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as connection:
        postgres.copy_in(connection, lanes, [("c", None, 1, 2), ("b", "x", 3, 4)])
    assert count(engine) == 2


def test_copy_in__connection_lost__unavailable(engine: Engine, on_postgres: PostgresDatabases) -> None:
    def rows() -> Iterator[tuple[str, None, int, int]]:
        end_backends(on_postgres, engine)
        for n in range(100_000):
            yield f"{n}", None, 1, 2

    with pytest.raises(UnavailableError), writing(engine) as connection:
        postgres.copy_in(connection, lanes, rows())
    assert count(engine) == 0


@pytest.mark.parametrize(
    ("state", "expected"),
    [
        ("53100", UnavailableError),
        ("53300", UnavailableError),
        ("57P03", UnavailableError),
        ("08006", UnavailableError),
        ("XX001", IntegrityError),
        ("40001", UnavailableError),
        ("28P01", UnavailableError),
        ("23505", None),
        ("42601", None),
    ],
)
def test_refusal__by_the_server_s_code__as_who_must_act(state: str, expected: type[Exception] | None) -> None:
    error = psycopg.errors.lookup(state)("words of the server: (secret)")
    found = postgres.refusal(error, lost=False)
    assert (None if found is None else type(found)) is expected
    assert "secret" not in str(found)
