"""The engine's promises: durable, one writer at a time, outages as our own errors; migrations that make the tables."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
import sqlalchemy as sa
from sqlalchemy.engine import Engine

from ledger.errors import ConfigurationError, ConflictError, IntegrityError, UnavailableError
from ledger.store import outbox as rows
from ledger.store.engine import open_engine, reading, upgrade, writing
from ledger.store.outbox import MOVES, IntentState
from ledger.store.tables import metadata, outbox
from ledger.types import Address, Millis
from tests.databases import Databases, fresh_engine

SENDER = Address("0x" + "aa" * 20)


def insert(engine: Engine, key: str = "k") -> None:
    with writing(engine) as connection:
        rows.insert(
            connection,
            intent_key=key,
            sender=SENDER,
            contract="C",
            function="f",
            calldata=b"\x01",
            now=Millis(1),
        )


def test_engine__sqlite__durable_settings(on_sqlite: Databases) -> None:
    with fresh_engine(on_sqlite) as engine, reading(engine) as connection:
        values = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        }
    assert values == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 30_000}


@pytest.mark.parametrize(
    ("url", "code"),
    [
        ("mysql://host/db", "store.backend"),
        ("not a url", "store.url"),
        ("sqlite+://", "store.url"),
        ("postgresql+pg8000://h/d", "store.driver"),
    ],
)
def test_engine__wrong_address__operator_is_told(url: str, code: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        open_engine(url)
    assert caught.value.code == code


def test_engine__reader_during_a_write__sees_the_old_and_waits_for_nobody(engine: Engine) -> None:
    with writing(engine) as writer:
        writer.execute(sa.insert(outbox), _row("a"))
        with reading(engine) as reader:
            assert reader.execute(sa.select(sa.func.count()).select_from(outbox)).scalar() == 0
    with reading(engine) as reader:
        assert reader.execute(sa.select(sa.func.count()).select_from(outbox)).scalar() == 1


def test_engine__two_writers__one_after_the_other_nothing_lost(engine: Engine) -> None:
    def count_up() -> None:
        for _ in range(20):
            with writing(engine) as connection:
                token = rows.acquire(connection, SENDER, "x", Millis(1), Millis(0))
                assert token is not None

    with writing(engine) as connection:
        rows.acquire(connection, SENDER, "x", Millis(1), Millis(0))
    threads = [threading.Thread(target=count_up) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with writing(engine) as connection:
        assert rows.acquire(connection, SENDER, "x", Millis(1), Millis(0)) == 82


def test_engine__exception_inside__nothing_written(engine: Engine) -> None:
    def fail(connection: sa.Connection) -> None:
        connection.execute(sa.insert(outbox), _row("a"))
        raise KeyError

    with pytest.raises(KeyError), writing(engine) as connection:
        fail(connection)
    with reading(engine) as reader:
        assert rows.by_key(reader, "a") is None


def test_engine__file_is_no_database__named_as_damage(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite").write_bytes(b"this is not a database" * 100)
    engine = open_engine(f"sqlite:///{tmp_path}/t.sqlite")
    with pytest.raises(IntegrityError, match=r"store\.damaged"):
        upgrade(engine)


def test_engine__any_umask__files_for_their_owner_alone(tmp_path: Path) -> None:
    old = tmp_path / "old.sqlite"
    old.touch(mode=0o644)
    before = os.umask(0)
    try:
        for path in (tmp_path / "home" / "new.sqlite", old):
            engine = open_engine(f"sqlite:///{path}")
            upgrade(engine)
            with writing(engine) as connection, reading(engine):
                connection.execute(sa.text("CREATE TABLE t (x)"))
            files = [path.parent / f"{path.name}{end}" for end in ("", "-wal", "-shm")]
            assert [oct(file.stat().st_mode & 0o777) for file in files] == ["0o600"] * 3
            engine.dispose()
    finally:
        os.umask(before)
    assert (tmp_path / "home").stat().st_mode & 0o777 == 0o700


def test_engine__folder_not_writable__unavailable(tmp_path: Path) -> None:
    (tmp_path / "t.sqlite").mkdir()
    engine = open_engine(f"sqlite:///{tmp_path}/t.sqlite")
    with pytest.raises(UnavailableError, match=r"store\.unavailable"):
        upgrade(engine)


def test_upgrade__twice_and_by_two_at_once__same_tables_as_declared(databases: Databases) -> None:
    url = databases.empty()
    engines = [open_engine(url) for _ in range(3)]
    threads = [threading.Thread(target=upgrade, args=(engine,)) for engine in engines]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    upgrade(engines[0])
    found = sa.inspect(engines[0])
    for table in metadata.sorted_tables:
        columns = {c["name"]: (str(c["type"]), c["nullable"]) for c in found.get_columns(table.name)}
        dialect = engines[0].dialect
        assert columns == {c.name: (c.type.compile(dialect), c.nullable) for c in table.columns}
        assert found.get_pk_constraint(table.name)["constrained_columns"] == [c.name for c in table.primary_key]
        indexes = {i["name"] for i in found.get_indexes(table.name) if not i.get("duplicates_constraint")}
        assert indexes == {i.name for i in table.indexes}
        unique = {tuple(u["column_names"]) for u in found.get_unique_constraints(table.name)}
        assert unique == {
            tuple(c.name for c in u.columns) for u in table.constraints if isinstance(u, sa.UniqueConstraint)
        }


def test_upgrade__database_of_a_newer_program__refused(engine: Engine) -> None:
    with writing(engine) as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(ConfigurationError, match=r"store\.newer"):
        upgrade(engine)


def test_lane__lease_and_fence__one_holder_until_it_ends(engine: Engine) -> None:
    with writing(engine) as c:
        assert rows.acquire(c, SENDER, "a", Millis(100), Millis(200)) == 1
        assert rows.acquire(c, SENDER, "b", Millis(150), Millis(250)) is None
        rows.fence(c, SENDER, 1, Millis(300))
        assert rows.acquire(c, SENDER, "b", Millis(250), Millis(350)) is None
        assert rows.acquire(c, SENDER, "b", Millis(301), Millis(400)) == 2
        with pytest.raises(ConflictError, match="lease_lost"):
            rows.fence(c, SENDER, 1, Millis(500))
        rows.release(c, SENDER, 2)
        assert rows.acquire(c, SENDER, "a", Millis(302), Millis(400)) == 3


def test_lane__lease_of_a_clock_that_was_a_day_ahead__binds_nobody(engine: Engine) -> None:
    day = 24 * 3600 * 1000
    with writing(engine) as c:
        assert rows.acquire(c, SENDER, "a", Millis(day), Millis(day + 5000)) == 1
        assert rows.acquire(c, SENDER, "b", Millis(day - 50_000), Millis(day - 45_000)) is None
        assert rows.acquire(c, SENDER, "b", Millis(100), Millis(5100)) == 2
        with pytest.raises(ConflictError, match="lease_lost"):
            rows.fence(c, SENDER, 1, Millis(500))


@pytest.mark.parametrize("start", list(IntentState))
@pytest.mark.parametrize("wanted", list(IntentState))
def test_move__every_pair_of_states__legal_ones_only(engine: Engine, start: IntentState, wanted: IntentState) -> None:
    insert(engine)
    with writing(engine) as c:
        c.execute(sa.update(outbox).values(state=start.value))
        row = rows.by_key(c, "k")
        assert row
        if wanted in MOVES[start]:
            rows.move(c, row, wanted)
            if wanted is not start:
                with pytest.raises(ConflictError, match="moved"):
                    rows.move(c, row, wanted)
        else:
            with pytest.raises(IntegrityError, match=r"outbox\.move"):
                rows.move(c, row, wanted)


def test_nonce__same_sender_twice__refused_by_the_database(engine: Engine) -> None:
    insert(engine, "a")
    insert(engine, "b")
    with pytest.raises(sa.exc.IntegrityError), writing(engine) as c:
        c.execute(sa.update(outbox).values(nonce=7))


def _row(key: str) -> dict[str, object]:
    return {
        "intent_key": key, "sender": SENDER, "contract": "C", "function": "f", "calldata": b"", "state": "queued",
        "created_at": 1,
    }  # fmt: skip
