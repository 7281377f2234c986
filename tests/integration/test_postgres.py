"""A notary on PostgreSQL: killed, with its server killed under load, with several processes beside each other.

What must hold is the same as on SQLite (test_notary_crash.py): nothing that was acknowledged is lost, nothing is taken
twice, and while the database can't be used everybody is told to come again.
"""

from __future__ import annotations

import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path
from typing import Any

import psycopg
import pytest
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from sqlalchemy import make_url
from starlette.testclient import TestClient

from api.app import assemble
from api.erasures.answers import erasure_body
from ledger.errors import UnavailableError
from notary.filing import Filing
from notary.fsck import fsck
from notary.receipt import Receipt
from notary.stores.content import EmbeddedStore
from notary.stores.record_tables import index_of
from tests.databases import PostgresDatabases
from tests.drills.life import check
from tests.fakes.house import build_house
from tests.fakes.notary import FOREIGN, ISSUER, ORIGIN, OTHER, SECOND, Rig, certificate, packed
from tests.integration.test_notary_crash import points_of, run
from tests.postgres import Cluster, MissingPostgresError
from tests.unit.notary.test_erasing_bytes import erase, secrets_of

CALLERS = 6
EACH = 25
MOST = 100_000
PATIENCE = 120.0
ORIGINS = (ORIGIN, SECOND, FOREIGN)


@pytest.fixture
def home(tmp_path: Path, on_postgres: PostgresDatabases) -> Path:
    return at_home(tmp_path / "home", on_postgres)


def at_home(folder: Path, databases: PostgresDatabases) -> Path:
    """A folder whose database is PostgreSQL's."""
    folder.mkdir()
    (folder / "database").write_text(databases.fresh())
    return folder


@pytest.fixture
def cluster() -> Iterator[Cluster]:
    """A server of one's own, to kill."""
    try:
        made = Cluster.start()
    except MissingPostgresError as error:
        pytest.skip(str(error))
    yield made
    made.stop()


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it doesn't happen"
        time.sleep(0.01)


@pytest.mark.parametrize("step", ["written", "committed"])
def test_kill__at_each_named_step_of_each_call__nothing_acknowledged_is_lost(
    tmp_path: Path, on_postgres: PostgresDatabases, step: str
) -> None:
    names = points_of(at_home(tmp_path / "whole", on_postgres))
    for at in [n for n, name in enumerate(names) if name == step]:
        home = at_home(tmp_path / f"at{at}", on_postgres)
        check(home, run(home, at))


def test_server_killed_under_load__callers_are_told_to_come_again_and_nothing_is_lost(
    cluster: Cluster, tmp_path: Path
) -> None:
    rig = Rig(tmp_path / "home", database=cluster.create())
    answered: dict[int, Receipt] = {}
    refused: list[str] = []

    killed_twice = threading.Event()

    def call(caller: int) -> None:
        for count, number in enumerate(range(caller, MOST, CALLERS)):
            if killed_twice.is_set() and count >= EACH:
                return  # whoever was killed, somebody called
            while True:
                try:
                    [accepted] = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(number)], key=f"{number}")
                except UnavailableError as error:
                    refused.append(error.code)
                    time.sleep(0.05)
                else:
                    answered[number] = accepted.receipt
                    break

    callers = [threading.Thread(target=call, args=(n,)) for n in range(CALLERS)]
    for thread in callers:
        thread.start()
    for how in (signal.SIGQUIT, signal.SIGINT):
        before = len(answered)
        until(lambda before=before: len(answered) >= before + 20)  # type: ignore[misc]
        cluster.down(how)
        told = len(refused)
        until(lambda told=told: len(refused) > told)  # type: ignore[misc]
        cluster.up()
    killed_twice.set()
    for thread in callers:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    assert set(refused) <= {"store.unavailable", "notary.busy"}
    assert len({receipt.index for receipt in answered.values()}) == len(answered) >= CALLERS * EACH
    entries = rig.entries()
    assert len(entries) == len(answered)
    for number, receipt in answered.items():
        assert entries[receipt.index] == receipt.entry.to_bytes()
        [again] = rig.notary.accept_records(ISSUER, ORIGIN, [certificate(number)], key=f"{number}")
        assert again.receipt == receipt
    with rig.notary.store.reading() as connection:
        rows = enumerate(rig.notary.store.entries_from(connection, rig.notary.log(ORIGIN).id, 0, len(entries)))
        assert fsck(rig.log, rows=rows).sound
    rig.notary.close()


def test_server_down__http__refused_with_a_time_to_come_again_and_on_without_a_restart(
    cluster: Cluster, tmp_path: Path
) -> None:
    house = build_house(tmp_path, database_url=cluster.create())
    with TestClient(assemble(house.parts)) as client:

        def post() -> Any:
            return client.post("/api/v1/certificates", json=house.certificate(), headers=house.headers(key="k"))

        def ready() -> int:
            client.app.state.ready = (0.0, None)  # type: ignore[attr-defined]  # not what it said a second ago
            return client.get("/api/v1/health/ready").status_code

        assert ready() == 200
        cluster.down()
        refused = post()
        assert (refused.status_code, refused.json()["code"]) == (503, "store.unavailable")
        assert int(refused.headers["retry-after"]) >= 1
        assert ready() == 503
        cluster.up()
        first = post()
        assert first.status_code == 201
        assert post().json() == first.json()
        assert ready() == 200
    house.notary.close()


def test_erasure__record_of_several__its_bytes_are_in_no_table_s_file_afterwards(
    cluster: Cluster, tmp_path: Path
) -> None:
    """The write-ahead log keeps them until it is recycled, as docs/operations.md says."""
    rig = Rig(tmp_path / "home", database=cluster.create())
    rig.notary.filing = Filing(EmbeddedStore(tmp_path / "content"))
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(40)], key="k")
    readers = {ISSUER: X25519PrivateKey.generate().public_key(), OTHER: X25519PrivateKey.generate().public_key()}
    file = rig.notary.accept_document(ISSUER, ORIGIN, BytesIO(b"a file"), media_type="text/plain", readers=readers)
    of_file = {f"file's {what}": secret for what, secret in secrets_of(rig, file.receipt.index).items()}
    secrets = secrets_of(rig, 7) | of_file

    def found() -> set[str]:
        cluster.admin.execute("CHECKPOINT")
        held = [path.read_bytes() for path in (cluster.folder / "data" / "base").rglob("*") if path.is_file()]
        return {what for what, secret in secrets.items() if any(secret in data for data in held)}

    assert found() > {"sealed", "body", "identifier 1", "file's sealed", f"file's wrap {OTHER}"}
    erase(rig, 7)
    assert found() & (secrets.keys() - of_file.keys()) == set()
    erase(rig, file.receipt.index)
    assert found() == set()
    rig.notary.close()


def test_erasure__table_too_large_to_write_anew__freed_only_and_clean_after_the_vacuum_that_the_book_asks_for(
    cluster: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """docs/operations.md, PostgreSQL: over 256 MiB (here: over nothing) a table keeps its file and only frees rows."""
    url = cluster.create()
    rig = Rig(tmp_path / "home", database=url)
    rig.notary.accept_records(ISSUER, ORIGIN, [certificate(n) for n in range(200)], key="k")
    database = str(make_url(url).database)

    def asked(query: str) -> list[Any]:
        with psycopg.connect(cluster.conninfo(database), autocommit=True) as connection:
            found = connection.execute(query.encode())
            return [] if found.description is None else [row[0] for row in found]

    first_page = "SELECT position FROM record_keys WHERE ctid < '(1,0)' ORDER BY ctid DESC LIMIT 1"
    last = index_of(asked(first_page)[0])  # in its page nothing stands behind it that would be moved over it
    secrets = secrets_of(rig, last)

    def found(where: bytes) -> set[str]:
        return {what for what, secret in secrets.items() if secret in where}

    def files() -> bytes:
        cluster.admin.execute("CHECKPOINT")
        data = cluster.folder / "data" / "base"
        return b"".join(path.read_bytes() for path in data.rglob("*") if path.is_file())

    where = "SELECT relfilenode FROM pg_class WHERE relname IN ('records', 'record_keys', 'lookups') ORDER BY relname"
    before = asked(where)
    monkeypatch.setattr("notary.stores.erasures._ANEW", -1)
    erase(rig, last)  # comes to `done`: whoever confirms isn't kept waiting for a table of many gigabytes
    assert asked(where) == before
    assert found(cluster.stored(url)) == set()
    freed = "SELECT vacuum_count FROM pg_stat_user_tables WHERE relname IN ('records', 'record_keys', 'lookups')"
    assert asked(freed) == [1, 1, 1]
    assert found(files()) >= {"sealed"}
    body = erasure_body(rig.notary.erasing.target(ISSUER, ORIGIN, last), None)
    assert {"records", "record_keys", "lookups"} <= set(body["rewrite"]["tables"])
    asked(body["rewrite"]["command"])  # as `erase show` says
    assert asked(where) != before
    assert found(files()) == set()
    monkeypatch.undo()
    assert erasure_body(rig.notary.erasing.target(ISSUER, ORIGIN, last), None)["rewrite"] is None
    kept = asked(where)
    erase(rig, 8)  # a small table is written anew at once
    assert all(now != then for now, then in zip(asked(where), kept, strict=True))
    rig.notary.close()


def test_several_processes__logs_of_two_issuers__each_commitment_once_for_its_issuer(
    tmp_path: Path, on_postgres: PostgresDatabases
) -> None:
    url = on_postgres.fresh()
    children = []
    for child in range(4):  # all start at once: the logs' rows are made by whoever is first
        pid = os.fork()
        if pid == 0:
            code = 1
            try:
                rig = Rig(tmp_path / "home", origins=ORIGINS, database=url)
                for n in range(15):
                    issuer, origin = [(ISSUER, ORIGIN), (ISSUER, SECOND), (OTHER, FOREIGN)][(n + child) % 3]
                    rig.notary.accept_commitments(issuer, origin, packed(1, start=n), key=f"{n}")
                    rig.notary.accept_commitments(
                        issuer, origin, packed(9, start=1000 + 150 * child + 10 * n), key=f"{child}/{n}"
                    )
                rig.notary.close()
                code = 0
            finally:
                os._exit(code)
        children.append(pid)
    assert [os.waitpid(pid, 0)[1] for pid in children] == [0] * 4
    rig = Rig(tmp_path / "home", origins=ORIGINS, database=url)
    of_issuer = rig.entries(ORIGIN) + rig.entries(SECOND)
    assert len({entry[28:60] for entry in of_issuer}) == len(of_issuer)
    with rig.notary.store.reading() as connection:
        for origin in ORIGINS:
            stored = rig.notary.store.entries_from(connection, rig.notary.log(origin).id, 0, 10_000)
            assert stored == rig.entries(origin)
    rig.notary.close()
