"""What is sent to be verified over HTTP, and the verdict."""

from __future__ import annotations

import hashlib
import json
from typing import Any

from starlette.testclient import TestClient

from notary.qr import QrProof
from notary.receipt import Receipt
from tests.fakes.house import ISSUER, House

API = "/api/v1/verifications"
FILE = "一份公文".encode() * 1000


def texts(house: House, record: dict[str, Any]) -> dict[str, str]:
    """Receipt and record as a visitor has them."""
    receipt = house.anchored(record)
    return {"receipt": receipt.to_json().decode(), "record": json.dumps(record, ensure_ascii=False)}


def document_record() -> dict[str, Any]:
    digests = {"sha256": hashlib.sha256(FILE).hexdigest(), "sm3": hashlib.new("sm3", FILE).hexdigest()}
    document = {"media_type": "application/pdf", "size": len(FILE), **digests}
    return {
        "schema": "document/1",
        "kind": "document",
        "issuer": ISSUER,
        "document": document,
        "title": "关于样例的通知",
    }


def verdict(client: TestClient, **body: Any) -> dict[str, Any]:
    answer = client.post(API, json=body)
    assert answer.status_code == 200, answer.text
    found: dict[str, Any] = answer.json()
    return found


def code_of(receipt: Receipt) -> str:
    return QrProof.of(receipt).to_text()
