"""W3C credentials, evidence bundles and tlog-proofs over HTTP: the command line's reports, and refusals in words."""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.app import assemble
from api.statuses.lists import StatusLists
from api.verifications.submission import Submission, add_file, from_json
from ledger.errors import ChuzhengError, InputError
from ledger.keys import NewKey, Purpose, Suite
from ledger.statuses import DecisionCode
from notary.disclosure import make_disclosure
from notary.entry import status_key
from notary.exports.credential import sign_credential
from notary.exports.tlog_proof import TlogProof
from notary.receipt import Receipt
from tests.fakes.house import ISSUER, House, Key, build_house
from tests.unit.api.test_status_lists import Whole
from tests.zips import Contents, make_bundle

KEY, KEY_ID = Key(21), bytes([5]) * 32


class Desk:
    """A house with one anchored certificate, and everything that can be made of it."""

    def __init__(self, folder: Path) -> None:
        self.house: House = build_house(folder, checks_per_minute=1000)
        chain = self.house.chain
        chain.add_key(KEY_ID, NewKey(ISSUER, int(Suite.ED25519), int(Purpose.SIGN), KEY.public_key))
        self.record = self.house.certificate()
        self.receipt: Receipt = self.house.anchored(self.record)
        assert self.receipt.salt is not None
        self.disclosure = make_disclosure(self.record, self.receipt.salt, ["name"], self.receipt)
        self.house.clock.time += 60_000
        self.client = TestClient(assemble(self.house.parts))

    def credential(self, signer: Key = KEY) -> str:
        at, url = self.house.clock.time // 1000, self.house.parts.settings.url
        return sign_credential(self.disclosure, url, signer, key_id=KEY_ID.hex(), issued_at=at).decode().strip()

    def bundle(self) -> bytes:
        return make_bundle(Contents("unit", (self.disclosure,), (self.receipt.to_json(),)))

    def revoke(self) -> None:
        chain, entry = self.house.chain, self.receipt.entry
        chain.decide(status_key(ISSUER, entry.sha256), DecisionCode.REVOKED, ISSUER, cause=1)
        self.house.clock.time += 86_400_000
        chain.mine(at=self.house.clock.time // 1000)

    def ask(self, **what: Any) -> dict[str, Any]:
        answer = self.client.post("/api/v1/verifications", json=what)
        assert answer.status_code == 200, answer.text
        found: dict[str, Any] = answer.json()
        return found


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.house.notary.close()


def outcomes(told: dict[str, Any]) -> dict[str, str]:
    return {check["name"]: check["outcome"] for check in told["checks"]}


def test_credential__sent_or_pasted__signature_and_disclosure(desk: Desk) -> None:
    for what in ({"credential": desk.credential()}, {"identifier": desk.credential()}):
        told = desk.ask(**what)
        assert (told["schema"], told["exit_code"]) == ("chuzheng-credential-report/1", 0)
        assert outcomes(told)["signature"] == "pass"
        assert told["report"]["verdict"] == "valid"
    forged = desk.ask(credential=desk.credential(Key(22)))
    assert (forged["exit_code"], outcomes(forged)["signature"]) == (21, "fail")


def test_credential__server_signs_lists__they_are_asked(desk: Desk) -> None:
    house = desk.house

    @contextmanager
    def whole() -> Iterator[Any]:
        yield Whole(house)

    house.parts.status_lists = StatusLists(house.parts.settings.url, house.notary, house.chain, {ISSUER: KEY}, whole)
    assert outcomes(desk.ask(credential=desk.credential())) == dict.fromkeys(
        ("signature", "revocation", "suspension"), "pass"
    )
    desk.revoke()
    told = desk.ask(credential=desk.credential())
    assert (told["exit_code"], outcomes(told)["revocation"]) == (12, "fail")


def test_bundle__sent__every_part_and_the_worst_of_them(desk: Desk) -> None:
    told = desk.ask(bundle=base64.b64encode(desk.bundle()).decode())
    assert (told["schema"], told["ok"], told["exit_code"]) == ("chuzheng-bundle-report/1", True, 0)
    assert [part["counts"] for part in told["reports"]] == [True, False]
    desk.revoke()
    told = desk.ask(bundle=base64.b64encode(desk.bundle()).decode())
    assert (told["code"], told["exit_code"]) == ("bundle.not_all", 12)


def test_tlog_proof__as_receipt_or_file__is_the_receipt_that_it_copies(desk: Desk) -> None:
    proof = TlogProof.of(desk.receipt).to_bytes()
    told = desk.ask(receipt=proof.decode(), disclosure=desk.disclosure.decode())
    assert told["verdict"] == "valid"
    found = add_file(Submission(), "x.tlog-proof", len(proof), io.BytesIO(proof))
    assert found.receipt is not None
    with pytest.raises(ChuzhengError):
        add_file(Submission(), "x.tlog-proof", len(proof), io.BytesIO(proof[:-30]))


def test_by_itself__with_anything_else_or_broken__refused_in_words(desk: Desk) -> None:
    bundle = base64.b64encode(desk.bundle()).decode()
    changed = bytearray(desk.bundle())
    changed[len(changed) // 2] ^= 1
    for what, code in (
        ({"credential": desk.credential(), "record": desk.record}, "request.by_itself"),
        ({"bundle": bundle, "identifier": "1.2"}, "request.by_itself"),
        ({"bundle": "%%"}, "request.member"),
        ({"credential": desk.credential()[:-30]}, None),
        ({"bundle": base64.b64encode(changed).decode()}, None),
    ):
        answer = desk.client.post("/api/v1/verifications", json=what)
        assert answer.status_code in (400, 422), answer.text
        assert code is None or answer.json()["code"] == code


def test_bundle__too_many_parts_or_bytes__told_to_use_the_command(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.verifications.exports.MOST_PARTS", 1)
    answer = desk.client.post("/api/v1/verifications", json={"bundle": base64.b64encode(desk.bundle()).decode()})
    assert answer.json()["code"] == "request.bundle_parts"
    monkeypatch.setattr("api.verifications.submission.MOST_BUNDLE", 10)
    with pytest.raises(InputError) as found:
        add_file(Submission(), "a.bundle.zip", 1000, io.BytesIO(desk.bundle()))
    assert found.value.code == "request.bundle_large"


def test_original_that_is_a_zip__is_a_file_and_no_bundle() -> None:
    data = b"PK\x03\x04" + bytes(26) + b"word/document.xml" + bytes(20)
    found = add_file(Submission(), "a.docx", len(data), io.BytesIO(data))
    assert found.bundle is None
    assert found.file is not None
    assert found.file.size == len(data)
    assert from_json(b'{"identifier":"1.2.156"}', 1000).identifier == "1.2.156"
