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
        self.block = house.chain._blocks[-1]

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
        pass_to_next_quarter(house)
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
    pass_to_next_quarter(house)
    [later] = set(read())
    assert parse_status_list(later).marks(position)
    assert len([path for path in (tmp_path / "lists").iterdir() if path.name != "making.lock"]) == 1


def machines(house: House, count: int) -> list[StatusLists]:
    """With a folder each: they share no more than the chain and the log."""
    made = house.parts.status_lists
    assert made is not None
    return [StatusLists(made._base, house.notary, house.chain, made._signers, made._whole) for _ in range(count)]


def pass_to_next_quarter(house: House, *, mined: bool = True) -> int:
    """Its start, which the newest block, if one is `mined`, is after."""
    start = house.clock.time // 900_000 * 900 + 900
    house.clock.time = start * 1000 + 5000
    if mined:
        house.chain.mine(at=start + 1)
    return start


def test_list__two_machines_and_a_decision_between__the_same_bytes(house: House) -> None:
    receipt = house.anchored(house.certificate())
    _, position = place_of(house.origin, receipt.index)
    first, second = machines(house, 2)
    start = pass_to_next_quarter(house)
    made = first.read(house.origin, 0, "revocation", house.clock.now())
    house.chain.decide(status_key(ISSUER, receipt.entry.sha256), DecisionCode.REVOKED, department=ISSUER)
    house.clock.time += 60_000
    assert second.read(house.origin, 0, "revocation", house.clock.now()) == made
    assert parse_status_list(made).made_at == start
    assert not parse_status_list(made).marks(position)
    pass_to_next_quarter(house)
    [later] = {each.read(house.origin, 0, "revocation", house.clock.now()) for each in (second, first)}
    assert parse_status_list(later).marks(position)


def test_list__index_hasnt_reached_the_quarter__the_last_one_that_it_has_gone_beyond(house: House) -> None:
    """Or a machine that is asked a moment later would say something else for the same quarter."""
    receipt = house.anchored(house.certificate())
    _, position = place_of(house.origin, receipt.index)
    early, late = machines(house, 2)
    start = pass_to_next_quarter(house)
    before = early.read(house.origin, 0, "revocation", house.clock.now())
    following = pass_to_next_quarter(house, mined=False)
    assert early.read(house.origin, 0, "revocation", house.clock.now()) == before
    key = status_key(ISSUER, receipt.entry.sha256)
    house.chain.decide(key, DecisionCode.REVOKED, department=ISSUER, at=following)  # in the quarter's first second
    for each in (early, late):
        found = parse_status_list(each.read(house.origin, 0, "revocation", house.clock.now()))
        assert (found.made_at, found.marks(position)) == (start, False)
    house.chain.mine(at=following + 1)
    [after] = {each.read(house.origin, 0, "revocation", house.clock.now()) for each in (late, early)}
    assert (parse_status_list(after).made_at, parse_status_list(after).marks(position)) == (following, True)


def test_list__key_of_this_quarter__from_its_block_on_and_only_once_a_later_one_is_there(house: House) -> None:
    house.anchored(house.certificate())
    start, made = pass_to_next_quarter(house), house.parts.status_lists
    assert made is not None
    made._signers = {ISSUER: Key(22)}
    new = NewKey(ISSUER, int(Suite.ED25519), int(Purpose.SIGN), Key(22).public_key)
    house.chain.add_key(bytes([6]) * 32, new)
    since = house.chain._blocks[-1].time
    with TestClient(assemble(house.parts)) as client:
        answer = client.get(path(house))
        assert (answer.status_code, answer.json()["code"]) == (503, "vc.list_later")
        house.chain.mine()
        assert parse_status_list(client.get(path(house)).content).made_at == since > start


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
