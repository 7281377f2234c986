"""Status lists and controller documents over HTTP: for wallets, cached, and nothing for who has no key here."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.statuses.lists import StatusLists
from ledger.keys import NewKey, Purpose, Suite
from ledger.statuses import DecisionCode
from ledger.types import Digest
from notary.entry import status_key
from notary.exports.status_credential import parse_status_list
from notary.exports.status_place import place_of
from tests.fakes.house import ISSUER, OTHER, House, Key, build_house

KEY_ID = bytes([5]) * 32


class Whole:
    """The index, as far as lists need it, over the fake chain."""

    def __init__(self, house: House) -> None:
        self._house = house

    def decisions_of(self, keys: list[Digest]) -> dict[Digest, Any]:
        found = {key: list(self._house.chain.decisions(key)) for key in keys}
        return {key: decisions for key, decisions in found.items() if decisions}


@pytest.fixture
def house(tmp_path: Path) -> House:
    house = build_house(tmp_path)
    key = Key(21)
    house.chain.add_key(KEY_ID, NewKey(ISSUER, int(Suite.ED25519), int(Purpose.SIGN), key.public_key))

    @contextmanager
    def whole() -> Iterator[Any]:
        yield Whole(house)

    house.parts.status_lists = StatusLists(house.parts.settings.url, house.notary, house.chain, {ISSUER: key}, whole)
    return house


def path(house: House, number: int = 0, purpose: str = "revocation") -> str:
    return f"/api/v1/statuses/lists/{quote(house.origin, safe='')}/{number}/{purpose}"


def test_list__nothing_decided_then_revoked__bit_comes_with_the_next_quarter(house: House) -> None:
    receipt = house.anchored(house.certificate())
    _, position = place_of(house.origin, receipt.index)
    with TestClient(assemble(house.parts)) as client:
        first = client.get(path(house))
        assert first.status_code == 200
        assert first.headers["content-type"] == "application/vc+jwt"
        assert "max-age=900" in first.headers["cache-control"]
        found = parse_status_list(first.content)
        assert found.key_id == KEY_ID.hex()
        assert found.jws.verifies(Key(21).public_key)
        assert not found.marks(position)
        house.chain.decide(status_key(ISSUER, receipt.entry.sha256), DecisionCode.REVOKED, department=ISSUER)
        assert client.get(path(house)).content == first.content
        assert client.get(path(house), headers={"If-None-Match": first.headers["etag"]}).status_code == 304
        house.clock.time += 900_000
        assert parse_status_list(client.get(path(house)).content).marks(position)
        assert not parse_status_list(client.get(path(house, purpose="suspension")).content).marks(position)


def test_list__two_processes_and_a_decision_between__the_same_bytes_until_the_next_quarter(
    house: House, tmp_path: Path
) -> None:
    """A revocation that was seen isn't gone for whoever asks another process a moment later."""
    receipt = house.anchored(house.certificate())
    _, position = place_of(house.origin, receipt.index)
    made = house.parts.status_lists
    assert made is not None

    def read() -> list[bytes]:
        return [each.read(house.origin, 0, "revocation", house.clock.now()) for each in processes]

    processes = [
        StatusLists(made._base, house.notary, house.chain, made._signers, made._whole, folder=tmp_path / "lists")
        for _ in range(3)
    ]
    first = processes[0].read(house.origin, 0, "revocation", house.clock.now())
    house.chain.decide(status_key(ISSUER, receipt.entry.sha256), DecisionCode.REVOKED, department=ISSUER)
    assert set(read()) == {first}
    house.clock.time += 900_000
    [later] = set(read())
    assert parse_status_list(later).marks(position)
    assert len([path for path in (tmp_path / "lists").iterdir() if path.name != "making.lock"]) == 1


def test_list__beyond_the_end_of_no_log_or_without_a_key__404(house: House) -> None:
    house.anchored(house.certificate())
    with TestClient(assemble(house.parts)) as client:
        assert client.get(path(house, 1)).status_code == 404
        assert client.get(path(house).replace("unit", "other")).status_code == 404
        assert client.get(path(house, purpose="refresh")).status_code == 422
        assert house.parts.status_lists is not None
        house.parts.status_lists._signers = {}
        house.parts.status_lists._kept = {}
        answer = client.get(path(house))
        assert (answer.status_code, answer.json()["code"]) == (404, "vc.no_issuer_key")
        house.parts.status_lists = None
        assert client.get(path(house)).status_code == 404


def test_list__chain_cant_be_asked__503(house: House) -> None:
    house.anchored(house.certificate())
    house.chain.fail()
    with TestClient(assemble(house.parts)) as client:
        assert client.get(path(house)).status_code == 503


def test_issuer__keys_of_the_chain__as_a_controller_document(house: House) -> None:
    with TestClient(assemble(house.parts)) as client:
        answer = client.get(f"/api/v1/departments/{ISSUER}/issuer")
        assert answer.status_code == 200
        document = answer.json()
        assert document["id"] == f"{house.parts.settings.url}/api/v1/departments/{ISSUER}/issuer"
        assert [m["id"].partition("#")[2] for m in document["verificationMethod"]] == [KEY_ID.hex()]
        assert client.get(f"/api/v1/departments/{OTHER}/issuer").json()["verificationMethod"] == []
        assert client.get("/api/v1/departments/nobody/issuer").status_code == 404
