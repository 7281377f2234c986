"""What an operator gets to see: log lines and metrics hold no record, identifier, digest, salt, token or address."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from ledger.types import Role
from notary.disclosure import make_disclosure
from notary.entry import status_key
from notary.receipt import Receipt
from tests.fakes.house import IDENTIFIER, ISSUER, House
from tests.unit.api.test_writing import BULK, ONE, commitments, documents

pytestmark = pytest.mark.usefixtures("quick_lookups")

FILE = "一份只属于当事人的公文".encode() * 100
HOLDER = {"name": "欧阳娜娜", "code_type": "411", "code": "P998877665"}


def everything(client: TestClient, house: House) -> list[str]:
    """Every kind of request once, right and wrong; what of it nobody but the parties may know."""
    record = house.certificate(holders=[HOLDER], number="机密〔2024〕77号", name="退役军人优待证")
    body = json.dumps(record, ensure_ascii=False).encode()
    headers = house.headers(key="key-of-the-client")
    accepted = client.post(ONE, content=body, headers=headers).json()
    assert client.post(ONE, json={**record, "name": "另一个"}, headers=headers).status_code == 409
    for broken in (body[:-9], body + b"}", b"\xff" + body, body.replace(b"certificate/1", b"certificate/9")):
        assert client.post(ONE, content=broken, headers=house.headers()).status_code in (400, 422)
    bulk = client.post(BULK, content=documents(3), headers=house.headers(key="b")).json()
    client.post(BULK, content=body + b"\n" + body, headers=house.headers(key="b2"))
    filed = client.post(
        "/api/v1/documents?title=秘密标题", content=FILE, headers=house.headers(media_type="application/pdf")
    )
    form = {"file": ("当事人.pdf", FILE + b"2", "application/pdf")}
    client.post("/api/v1/documents", files=form, data={"title": "秘密标题"}, headers=house.headers())
    logs = f"/api/v1/logs/{quote(house.origin, safe='')}"
    packed = b"".join(b"\x01" + a + b for a, b in commitments(2))
    media_type = "application/vnd.chuzheng.entries"
    client.post(f"{logs}/entries", content=packed, headers=house.headers(key="e", media_type=media_type))
    house.anchor()
    receipt = house.notary.receipt(house.origin, 0, salted=True)
    assert receipt.salt is not None
    sent: dict[str, Any] = {"receipt": receipt.to_json().decode(), "record": body.decode()}
    disclosure = make_disclosure(record, receipt.salt, ["name", "holders"], receipt).decode()
    for path in ("/api/v1/verifications", "/verify", "/verify?lang=en"):
        client.post(path, json=sent)
        client.post(path, json={**sent, "record": sent["record"].replace("军人", "军官")})
        client.post(path, json={"disclosure": disclosure})
        client.post(path, json={**sent, "receipt": sent["receipt"][:-5]})
        client.post(path, json={"identifier": IDENTIFIER, "shown": HOLDER["code"][-4:]})
        client.post(path, json={"identifier": IDENTIFIER, "shown": "0000"})
    client.post("/verify", files=[("files", ("当事人.json", body)), ("files", ("r.receipt.json", receipt.to_json()))])
    client.get(f"/api/v1/statuses/{IDENTIFIER}?shown={HOLDER['code'][-4:]}")
    key = status_key(ISSUER, receipt.entry.sha256).hex()
    client.get(f"/api/v1/statuses/{key}")
    client.post(f"/api/v1/statuses/{key}/decisions", json={"decision": "suspend"}, headers=house.headers(Role.STATUS))
    client.get(f"{logs}/receipts/0?salted=true", headers=house.headers())
    client.get(f"{logs}/receipts/0?salted=true", headers={"Authorization": "Bearer czt_aabbccddeeff_guessed-secret"})
    client.get(f"{logs}/tile/entries/000.p/1")
    house.chain.fail()
    client.post("/api/v1/verifications", json=sent)
    client.get("/api/v1/health/deep")
    return [*secrets_of(house, receipt, key, accepted["salt"]), bulk["salts"][:24], filed.json()["receipt"]["salt"]]


def secrets_of(house: House, receipt: Receipt, key: str, salt: str) -> list[str]:
    """Values of `everything` in the spellings that a log might show them in."""
    return [
        *(text for text in (HOLDER["name"], HOLDER["code"], "77号", "优待证", "秘密标题", "当事人", "OOCUWY9H5T0RIQ")),
        *("guessed-secret", "key-of-the-client", key, salt, "2024-02-28", "testclient", FILE[:30].decode()),
        *(token.split("_", 2)[2] for token in house.tokens.values()),
        *_spellings(receipt.salt or b""),
        *_spellings(receipt.entry.sha256),
        *_spellings(hashlib.sha256(FILE).digest()),
    ]


def _spellings(value: bytes) -> list[str]:
    return [value.hex(), base64.b64encode(value).decode()[:24], repr(value)[2:20]]


def test_log_and_metrics__after_every_kind_of_request__hold_nothing_of_them(
    capfd: pytest.CaptureFixture[str], client: TestClient, house: House
) -> None:
    secrets = everything(client, house)
    out, err = capfd.readouterr()
    metrics = client.get("/metrics").text
    assert err.count('"event": "request"') > 30
    for secret in secrets:
        for where, text in (("stderr", err), ("stdout", out), ("metrics", metrics)):
            assert secret not in text, (secret, where)
    data = [path for path in house.parts.settings.home.rglob("*") if path.is_file() and "trust" not in path.parts]
    assert data
    for path in data:
        content = path.read_bytes()
        for secret in (HOLDER["name"], HOLDER["code"], "秘密标题", IDENTIFIER, FILE[:30].decode()):
            assert secret.encode() not in content, (secret, path.name)


def test_log__what_nobody_foresaw__says_where_and_not_with_what(
    capfd: pytest.CaptureFixture[str], client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    def careless(*arguments: Any, **named: Any) -> Any:
        try:
            raise KeyError(f"{HOLDER['name']} {IDENTIFIER}")
        except KeyError as error:
            raise ValueError(f"no such holder: {HOLDER['code']}") from error

    monkeypatch.setattr(house.notary, "accept_singles", careless)
    monkeypatch.setattr(house.notary, "locate", careless)
    answers = [
        client.post(ONE, json=house.certificate(holders=[HOLDER]), headers=house.headers()),
        client.get(f"/api/v1/statuses/{IDENTIFIER}?shown=1234"),
        client.post("/verify?lang=zh", json={"identifier": IDENTIFIER}),
        client.get("/api/v1/health/ready"),
    ]
    assert [answer.status_code for answer in answers] == [500, 500, 500, 503]
    assert "<h1" in answers[2].text
    err = capfd.readouterr().err
    lines = [json.loads(line) for line in err.splitlines() if '"unexpected"' in line]
    assert len(lines) == 3
    assert all("ValueError" in line["kind"] and "careless" in str(line["frames"]) for line in lines)
    for said in (err, *(answer.text for answer in answers)):
        for secret in (HOLDER["name"], HOLDER["code"], "no such holder", "OOCUWY9H5T0RIQ"):
            assert secret not in said
