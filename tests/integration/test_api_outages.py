"""What stops working around the server: a database that is held or damaged, a disk, a store, a chain that hangs.

Submissions are durable or plainly refused, verdicts become `cannot_check`, health says so; mended, it goes on.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient

from api import breaker
from api.app import assemble
from api.breaker import Breaker
from api.health import probes
from ledger.codes.certificate_ids import make_identifier
from ledger.evm.profiles import profile_named
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from tests.fakes.house import IDENTIFIER, ISSUER, TYPE, House, build_house

ONE = "/api/v1/certificates"


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build_house(tmp_path, checks_per_minute=1000, lookups_per_minute=1000)
    yield made
    made.notary.close()


@pytest.fixture
def client(house: House) -> Iterator[TestClient]:
    with TestClient(assemble(house.parts)) as client:
        yield client


def sick(client: TestClient, depth: str = "ready") -> list[str]:
    client.app.state.ready = (0.0, None)  # type: ignore[attr-defined]  # not what it said a second ago
    answer = client.get(f"/api/v1/health/{depth}")
    found = [test["name"] for test in answer.json()["tests"] if not test["ok"]]
    assert (answer.status_code == 200) is (found == [])
    return found


def told(answer: Any, status: int) -> str:
    """The problem's code; nothing of ours in it but words."""
    assert answer.status_code == status, answer.text
    assert "Traceback" not in answer.text
    if status == 503:
        assert int(answer.headers["retry-after"]) >= 1
    code: str = answer.json()["code"]
    return code


@contextmanager
def held_by_another(house: House, patience: int) -> Iterator[None]:
    """Somebody else writes; whoever else wants to waits for `patience` milliseconds."""

    @sa.event.listens_for(house.parts.engine, "connect")
    def wait(connection: Any, _: Any) -> None:
        connection.execute(f"PRAGMA busy_timeout = {patience}")

    house.parts.engine.dispose()
    with closing(sqlite3.connect(house.parts.settings.home / "chuzheng.sqlite", isolation_level=None)) as holder:
        holder.execute("BEGIN IMMEDIATE")
        yield
        holder.execute("ROLLBACK")


def test_database__held_by_another__write_is_refused_and_a_retry_takes_it(client: TestClient, house: House) -> None:
    with held_by_another(house, 50):
        answer = client.post(ONE, json=house.certificate(), headers=house.headers(key="k"))
        assert told(answer, 503) == "store.unavailable"
        assert client.get("/").status_code == 200, "reading goes on"
    assert client.post(ONE, json=house.certificate(), headers=house.headers(key="k")).status_code == 201


def test_database__held_by_another__a_write_that_waits_shows_in_health(
    client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probes, "LONGEST_WRITE", 0)
    answers: list[Any] = []
    writer = threading.Thread(
        target=lambda: answers.append(client.post(ONE, json=house.certificate(), headers=house.headers(key="k")))
    )
    with held_by_another(house, 600_000):
        writer.start()
        while writer.is_alive() and sick(client) != ["writes"]:
            time.sleep(0.05)
        assert sick(client) == ["writes"]
    writer.join()
    assert answers[0].status_code == 201
    assert sick(client) == []


def test_database__damaged__is_said_and_a_receipt_can_still_be_checked(client: TestClient, house: House) -> None:
    record = house.certificate()
    sent = {"receipt": house.anchored(record).to_json().decode(), "record": json.dumps(record)}
    house.parts.engine.dispose()
    for file in house.parts.settings.home.glob("chuzheng.sqlite*"):
        file.write_bytes(b"garbage!" * (file.stat().st_size // 8))
    assert told(client.post(ONE, json=record, headers=house.headers()), 500) == "store.damaged"
    assert "database" in sick(client)
    assert client.post("/api/v1/verifications", json=sent).json()["verdict"] == "valid"
    assert told(client.get(f"/api/v1/statuses/{IDENTIFIER}"), 500) == "store.damaged"


def test_content_store__gone__documents_are_refused_certificates_taken(client: TestClient, house: House) -> None:
    content = house.parts.settings.content_dir
    aside = content.with_name("aside")
    content.rename(aside)
    content.write_bytes(b"")
    assert told(client.post("/api/v1/documents", content=b"file", headers=house.headers(key="d")), 503)
    assert client.post(ONE, json=house.certificate(), headers=house.headers()).status_code == 201
    assert sick(client) == ["store"]
    content.unlink()
    aside.rename(content)
    assert client.post("/api/v1/documents", content=b"file", headers=house.headers(key="d")).status_code == 201
    assert sick(client) == []


def test_log_folder__gone__nothing_is_acknowledged(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    folder = house.notary.logs[house.origin].directory
    aside = folder.with_name("aside")
    folder.rename(aside)
    folder.write_bytes(b"")
    other = house.certificate(identifier=make_identifier(TYPE, ISSUER, "SERIAL0002", 1))
    assert told(client.post(ONE, json=other, headers=house.headers(key="l")), 503)
    assert sick(client, "deep") == ["logs"]
    folder.unlink()
    aside.rename(folder)
    assert sick(client, "deep") == []
    answer = client.post(ONE, json=other, headers=house.headers(key="l"))
    assert (answer.status_code, answer.json()["index"]) == (201, 1)


def test_tokens_file__damaged__refuses_everyone_and_says_so(client: TestClient, house: House) -> None:
    path = house.parts.settings.tokens_path
    kept = path.read_bytes()
    path.write_bytes(kept[:-9])
    assert told(client.post(ONE, json=house.certificate(), headers=house.headers()), 500) == "auth.tokens_file"
    assert sick(client) == ["keys"]
    path.write_bytes(kept)
    assert client.post(ONE, json=house.certificate(), headers=house.headers()).status_code == 201


class SilentNode:
    """A node that takes connections and never answers: what a stopped process or a lost host looks like."""

    def __init__(self, listening: socket.socket) -> None:
        self._listening = listening
        self.url = f"http://127.0.0.1:{listening.getsockname()[1]}"

    def asked(self) -> int:
        """How many connections there were; once."""
        self._listening.setblocking(False)
        for count in itertools.count():
            try:
                self._listening.accept()[0].close()
            except BlockingIOError:
                return count
        raise AssertionError


@pytest.fixture
def silent_node() -> Iterator[SilentNode]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        listening.listen(64)
        yield SilentNode(listening)


def test_chain__hangs__one_waits_the_others_are_answered_and_writes_go_on(
    client: TestClient, house: House, silent_node: SilentNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    from ledger.evm.deployment import Deployment
    from ledger.types import Address, ChainHash, Contract

    record = house.certificate()
    sent = {"receipt": house.anchored(record).to_json().decode(), "record": json.dumps(record)}
    zero = ChainHash("0x" + "0" * 64)
    names = ("AnchorLog", "CertificateStatus", "Departments")
    contracts = tuple(Contract(name, Address("0x" + "1" * 40), zero, 0) for name in names)
    deployment = Deployment("unit", 420_000, zero, contracts, Address("0x" + "2" * 40))
    house.parts.chain = Breaker(EvmChainReader(Rpc(silent_node.url, timeout=1.2), profile_named("anvil"), deployment))
    monkeypatch.setattr(breaker, "OPEN_FOR", 3600.0)  # for as long as this test takes, nobody asks again
    reports = [client.post("/api/v1/verifications", json=sent).json() for _ in range(5)]
    status = client.get(f"/api/v1/statuses/{IDENTIFIER}").json()
    assert {report["verdict"] for report in reports} == {"cannot_check"}
    assert reports[0]["exit_code"] == 20
    assert status["status"] == "unknown"
    assert sick(client) == ["chain"]
    assert told(client.get("/api/v1/departments/11420000MB9543829Q"), 503) == "chain.unreachable"
    new = house.certificate(identifier=make_identifier(TYPE, ISSUER, "SERIAL0003", 1))
    assert client.post(ONE, json=new, headers=house.headers()).status_code == 201
    assert silent_node.asked() == 1, "not one timeout for each question"
    house.parts.chain = house.chain
    assert client.post("/api/v1/verifications", json=sent).json()["verdict"] == "valid"


def test_disk__full__says_how_much_room_there_is(client: TestClient, house: House) -> None:
    probes_least, probes.LEAST_FREE = probes.LEAST_FREE, 1 << 40
    try:
        assert sick(client) == ["store"]
    finally:
        probes.LEAST_FREE = probes_least


def test_server__without_a_notary__verifies_and_says_that_it_registers_nothing(house: House) -> None:
    record = house.certificate()
    sent = {"receipt": house.anchored(record).to_json().decode(), "record": json.dumps(record)}
    parts = dataclasses.replace(house.parts, notary=None, log_reader=None)
    with TestClient(assemble(parts)) as client:
        assert client.post("/api/v1/verifications", json=sent).json()["verdict"] == "valid"
        assert told(client.post(ONE, json=record, headers=house.headers()), 503) == "server.no_notary"
        assert client.get("/api/v1/health/live").status_code == 200
