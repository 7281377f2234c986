"""Another operator's heads over HTTP: what the token lets in, once a key, and nothing else of kind 7."""

from __future__ import annotations

import json
from typing import Any

import pytest
from starlette.testclient import TestClient

from api.auth import Desk
from ledger.types import Kind
from notary.canonical import canonicalise
from notary.entry import Entry
from notary.network_heads import heads_records, kept_by
from notary.receipt import parse_receipt
from tests.fakes.house import ISSUER, OTHER, House
from tests.unit.notary.test_network_heads import heads_of

RECORD: dict[str, Any] = heads_records(heads_of(3, "elsewhere"), ISSUER, "2026-02-03")[0]


@pytest.fixture
def headers(house: House) -> dict[str, str]:
    token = house.parts.tokens.issue(ISSUER, Desk.HEADS)
    return {"Authorization": f"Bearer {token}", "Idempotency-Key": "one", "Content-Type": "application/json"}


def test_heads__handed_in_and_again__one_entry_of_kind_7(
    client: TestClient, house: House, headers: dict[str, str]
) -> None:
    body = canonicalise(RECORD)
    first = client.post("/api/v1/heads", content=body, headers=headers)
    assert (first.status_code, first.headers["cache-control"]) == (201, "no-store")
    receipt = parse_receipt(first.content)
    assert receipt.entry.kind is Kind.CHECKPOINT
    assert receipt.promise is not None
    again = client.post("/api/v1/heads", content=body, headers=headers)
    assert (again.status_code, parse_receipt(again.content).index) == (200, receipt.index)
    house.anchor()
    later = client.post("/api/v1/heads", content=body, headers=headers)
    assert later.status_code == 200
    assert kept_by(RECORD, parse_receipt(later.content)) is None
    assert house.notary.log(house.origin).next_index == 1
    assert Entry.from_bytes(house.notary.prover.entry(house.origin, 0)).issuer == ISSUER


@pytest.mark.parametrize(
    ("change", "status", "code"),
    [
        ({"issuer": OTHER}, 422, "record.other_issuer"), ({"day": "2026-2-3"}, 400, "format.text"),
        ({"more": 1}, 400, "format.member_unknown"), ({"kind": "certificate"}, 400, "format.unknown"),
    ],
)  # fmt: skip
def test_heads__anything_else__refused(
    client: TestClient, headers: dict[str, str], change: dict[str, Any], status: int, code: str
) -> None:
    answer = client.post("/api/v1/heads", content=json.dumps({**RECORD, **change}), headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)


def test_heads__key_missing_or_used_for_another_day__refused(client: TestClient, headers: dict[str, str]) -> None:
    assert client.post("/api/v1/heads", content=canonicalise(RECORD), headers=headers).status_code == 201
    other = canonicalise({**RECORD, "day": "2026-02-04"})
    assert client.post("/api/v1/heads", content=other, headers=headers).json()["code"] == "idempotency_conflict"
    del headers["Idempotency-Key"]
    assert client.post("/api/v1/heads", content=other, headers=headers).json()["code"] == "request.key_missing"


def test_token__of_role_heads__writes_nothing_else(client: TestClient, house: House, headers: dict[str, str]) -> None:
    record = json.dumps(house.certificate())
    assert client.post("/api/v1/certificates", content=record, headers=headers).json()["code"] == "auth.role"
    body = canonicalise(RECORD)
    assert client.post("/api/v1/heads", content=body, headers=house.headers(key="k")).json()["code"] == "auth.role"
    assert client.post("/api/v1/heads", content=body).status_code == 401
    # And nobody writes kind 7 through the ordinary door.
    answer = client.post("/api/v1/certificates", content=body, headers=house.headers(key="k2"))
    assert answer.json()["code"] == "record.kind"
