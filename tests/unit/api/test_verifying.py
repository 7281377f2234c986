"""Verifying over HTTP."""

from __future__ import annotations

import hashlib
import json

import pytest
from starlette.testclient import TestClient

from notary.disclosure import make_disclosure
from notary.receipt import Receipt, parse_receipt
from tests.fakes.house import IDENTIFIER, House
from tests.unit.api.test_writing import problem
from tests.unit.api.verifying import API, FILE, code_of, document_record, texts, verdict

pytestmark = pytest.mark.usefixtures("quick_lookups")


def test_verify__record_with_receipt__is_valid_on_a_test_chain(client: TestClient, house: House) -> None:
    report = verdict(client, **texts(house, house.certificate()))
    assert (report["verdict"], report["test_chain"]) == ("valid", True), report
    assert [c["number"] for c in report["checks"]] == list(range(1, 13))


def test_verify__record_as_object__is_judged_like_its_text(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    report = verdict(client, receipt=json.loads(sent["receipt"]), record=json.loads(sent["record"]))
    assert report["verdict"] == "valid"


def test_verify__changed_record__is_a_mismatch(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    report = verdict(
        client, receipt=sent["receipt"], record=sent["record"].replace("散装", "").replace("兴山县", "远安县")
    )
    assert report["verdict"] == "mismatch"
    assert report["next_zh"]
    assert report["code"].startswith("CZ-10")


def test_verify__day_after_the_end__is_expired(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    assert verdict(client, **sent, at="2029-02-25")["verdict"] == "valid"
    assert verdict(client, **sent, at="2029-02-26")["verdict"] == "expired"
    assert verdict(client, **sent, at="2029-02-25T23:59:59+08:00")["verdict"] == "valid"


def test_verify__file_by_its_digests__is_compared_with_the_record(client: TestClient, house: House) -> None:
    sent = texts(house, document_record())
    digests = {
        "size": len(FILE),
        "sha256": hashlib.sha256(FILE).hexdigest(),
        "sm3": hashlib.new("sm3", FILE).hexdigest(),
    }
    assert verdict(client, **sent, file=digests)["verdict"] == "valid"
    assert verdict(client, **sent, file={**digests, "size": 1})["verdict"] == "mismatch"
    assert verdict(client, **sent, file={**digests, "sm3": "0" * 64})["verdict"] == "mismatch"


def test_verify__disclosure__brings_its_own_receipt(client: TestClient, house: House) -> None:
    record = house.certificate()
    receipt: Receipt = house.anchored(record)
    assert receipt.salt is not None
    data = make_disclosure(record, receipt.salt, ["name"], receipt)
    report = verdict(client, disclosure=data.decode())
    assert report["verdict"] == "valid", report


def test_verify__chain_down__is_cannot_check(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    house.chain.fail()
    assert verdict(client, **sent)["verdict"] == "cannot_check"


def test_verify__identifier_alone__is_a_status(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    found = verdict(client, identifier=IDENTIFIER)
    assert (found["exit_code"], found["status"]["schema"]) == (0, "chuzheng-status/1"), found
    unknown = verdict(client, identifier=IDENTIFIER[:-1] + "9")
    assert unknown["status"] is None
    assert unknown["text_zh"]
    assert unknown["text_en"]


@pytest.mark.parametrize(
    ("body", "status", "code"),
    [
        (b"{}", 422, "request.nothing_to_check"),
        (b'{"at":"2026-01-01"}', 422, "request.nothing_to_check"),
        (b'{"file":{"size":1,"sha256":"%s","sm3":"%s"}}' % (b"0" * 64, b"0" * 64), 422, "request.file_alone"),
        (b'{"record":"{}"}', 422, "request.receipt_missing"),
        (b'{"other":1}', 422, "request.unknown_member"),
        (b'{"identifier":"x","at":"2026-13-01"}', 422, "request.member"),
        (b'{"identifier":"x","at":"2026-01-01T00:00:00"}', 422, "request.member"),
        (b'{"file":{"size":true,"sha256":"","sm3":""}}', 422, "request.member"),
        (b'{"receipt":7}', 422, "request.member"),
        (b"[]", 422, "request.member"),
    ],
)
def test_verify__wrong_request__is_told_what_to_do(client: TestClient, body: bytes, status: int, code: str) -> None:
    problem(client.post(API, content=body), status, code)


@pytest.mark.parametrize("body", [b"", b"{", b'{"receipt":"{}"}', b'{"receipt":"nonsense"}', b'{"a":1,"a":2}', b"\xff"])
def test_verify__unreadable__is_no_verdict(client: TestClient, body: bytes) -> None:
    answer = client.post(API, content=body)
    assert answer.status_code == 400, answer.text
    assert answer.headers["content-type"] == "application/problem+json"


def test_verify__flipped_bit_in_each_member__never_valid(client: TestClient, house: House) -> None:
    sent = texts(house, house.certificate())
    value = json.loads(sent["receipt"])
    parse_receipt(sent["receipt"].encode())
    for name in ("entry", "salt", "index", "checkpoint", "inclusion"):
        changed = json.loads(sent["receipt"])
        if name == "index":
            changed[name] += 1
        elif name == "inclusion":
            changed[name]["size"] += 1
        elif name == "checkpoint":
            changed[name] = value[name].replace("\n1\n", "\n2\n")
        else:
            changed[name] = ("A" if value[name][0] != "A" else "B") + value[name][1:]
        answer = client.post(API, json={"receipt": json.dumps(changed), "record": sent["record"]})
        assert answer.status_code in (200, 400), name
        assert answer.status_code == 400 or answer.json()["verdict"] != "valid", name


def test_verify__log_lines__hold_nothing_of_what_was_sent(
    capsys: pytest.CaptureFixture[str], client: TestClient, house: House
) -> None:
    sent = texts(house, house.certificate())
    verdict(client, **sent)
    logged = capsys.readouterr().err
    assert "request" in logged
    for secret in ("兴山县", "JY14200000000001", "91420526MA9986781L", json.loads(sent["receipt"])["salt"]):
        assert secret not in logged


def test_verify__qr_code__as_the_receipt_alone(client: TestClient, house: House) -> None:
    receipt = house.anchored(house.certificate())
    alone = verdict(client, receipt=receipt.without_salt().to_json().decode())
    for body in (
        {"qr": code_of(receipt)},
        {"qr": f"https://x.example/verify#{code_of(receipt)}"},
        {"identifier": f"https://x.example/verify#{code_of(receipt)}"},
    ):
        report = verdict(client, **body)
        assert report["verdict"] == alone["verdict"] == "cannot_check"
        assert [c["outcome"] for c in report["checks"]] == [c["outcome"] for c in alone["checks"]]


def test_verify__qr_code_that_can_t_be_read__named_as_such(client: TestClient) -> None:
    for text in ("A" * 300, "x#y", "https://x.example/#", "#T" + "A" * 26):
        answer = client.post(API, json={"qr": text})
        assert answer.status_code in (400, 422), text
        assert answer.json()["code"].startswith("qr."), answer.json()


def test_verify__qr_code_with_a_receipt_beside_it__one_of_them(client: TestClient, house: House) -> None:
    receipt = house.anchored(house.certificate())
    answer = client.post(API, json={"qr": code_of(receipt), "receipt": receipt.without_salt().to_json().decode()})
    assert answer.json()["code"] == "request.two_of_one"


def test_checkpoint_at__anchored_size__kept_for_ever(client: TestClient, house: House) -> None:
    receipt = house.anchored(house.certificate())
    later = house.anchored(document_record())
    assert receipt.inclusion is not None
    assert later.inclusion is not None
    for one in (receipt, later):
        assert one.inclusion is not None
        place = f"/api/v1/logs/{one.origin.replace('/', '%2F')}/checkpoints"
        assert client.get(f"{place}/{one.inclusion.size}").text == one.checkpoint
    assert client.get(f"{place}/0").status_code == 404
    assert client.get(f"{place}/{1 << 60}").status_code == 404


def test_verify__identifier_not_found__says_that_a_value_may_be_missing(client: TestClient) -> None:
    """Wrong, missing and unknown are answered alike, so the answer mustn't read as if only the last were possible."""
    told = client.post(API, json={"identifier": IDENTIFIER}).json()
    assert "没有给出或不符时，答复相同" in told["text_zh"]
    assert "without it, or with a wrong one, the answer is the same" in told["text_en"]
