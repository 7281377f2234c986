"""Writing over HTTP: who may, what is refused in which words, and that a retry gives the same answer."""

from __future__ import annotations

import base64
import hashlib
import json
from typing import Any
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from api.logs.endpoints import PACKED
from ledger.types import Role
from notary.checkpoint import parse_checkpoint
from notary.entry import leaf_of
from notary.merkle import root_from_inclusion
from notary.receipt import parse_receipt
from notary.receipts import parse_bundle, split
from tests.conftest import VECTORS
from tests.fakes.house import ISSUER, OTHER, House

ONE = "/api/v1/certificates"
BULK = "/api/v1/certificates/bulk"


def problem(response: Any, status: int, code: str) -> dict[str, Any]:
    assert response.status_code == status, response.text
    assert response.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = response.json()
    assert body["code"] == code
    assert body["status"] == status
    assert body["message_zh"] != body["message_en"]
    assert body["request_id"] == response.headers["x-request-id"]
    return body


def entries_url(house: House) -> str:
    return f"/api/v1/logs/{quote(house.origin, safe='')}/entries"


def numbered(house: House, count: int) -> list[bytes]:
    return [json.dumps(house.certificate(kind="document", schema="document/1")).encode() for _ in range(count)]


def documents(count: int, issuer: str = ISSUER) -> bytes:
    """NDJSON of small document records, each another."""
    lines = []
    for number in range(count):
        data = f"file {number}".encode()
        digests = {"sha256": hashlib.sha256(data).hexdigest(), "sm3": hashlib.new("sm3", data).hexdigest()}
        document = {"media_type": "text/plain", "size": len(data), **digests}
        record = {"schema": "document/1", "kind": "document", "issuer": issuer, "document": document}
        lines.append(json.dumps(record))
    return "\n".join(lines).encode()


def test_certificate__new_then_again__same_receipt_with_salt(client: TestClient, house: House) -> None:
    body = json.dumps(house.certificate()).encode()
    headers = house.headers(key="k1")
    first = client.post(ONE, content=body, headers=headers)
    again = client.post(ONE, content=body, headers=headers)
    assert (first.status_code, again.status_code) == (201, 200), first.text
    assert first.content == again.content
    receipt = parse_receipt(first.content)
    assert receipt.salt is not None
    assert len(receipt.salt) == 32
    assert receipt.promise is not None
    assert first.headers["cache-control"] == "no-store"
    public = client.get(first.headers["location"])
    assert parse_receipt(public.content).salt is None


@pytest.mark.parametrize(
    ("authorization", "status", "code"),
    [
        (None, 401, "auth.missing"),
        ("Bearer nonsense", 401, "auth.token"),
        ("Basic dTpw", 401, "auth.missing"),
        ("status", 403, "auth.role"),
    ],
)
def test_certificate__without_right__is_refused(
    client: TestClient, house: House, authorization: str | None, status: int, code: str
) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    if authorization == "status":
        headers = house.headers(Role.STATUS)
    answer = client.post(ONE, json=house.certificate(), headers=headers)
    problem(answer, status, code)
    assert ("www-authenticate" in answer.headers) == (status == 401)


def test_certificate__log_of_another_department__is_refused(client: TestClient, house: House) -> None:
    answer = client.post(f"{ONE}?origin=chuzheng%2Funit%2F{OTHER}", json=house.certificate(), headers=house.headers())
    problem(answer, 403, "auth.department")


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b'\xef\xbb\xbf{"a":1}', 400),
        (b'{"a":1,"a":2}', 400),
        (b"[1]", 400),
        (b'{"schema":1}', 422),
    ],
)
def test_certificate__unreadable__is_refused_and_nothing_kept(
    client: TestClient, house: House, content: bytes, status: int
) -> None:
    answer = client.post(ONE, content=content, headers=house.headers())
    assert answer.status_code == status, answer.text
    assert house.notary.log(house.origin).next_index == 0


REFUSED = json.loads((VECTORS / "formats" / "refused_records.json").read_text())


@pytest.mark.parametrize("case", REFUSED, ids=[case["why"] for case in REFUSED])
def test_record__refused_by_the_vectors__is_refused_wherever_it_comes_in(
    client: TestClient, house: House, case: dict[str, str]
) -> None:
    data = base64.b64decode(case["bytes"])
    receipt = house.accept(house.certificate()).to_json().decode()
    single = client.post(ONE, content=data, headers=house.headers())
    bulk = client.post(BULK, content=documents(1) + b"\n" + data + b"\n" + documents(1), headers=house.headers(key="b"))
    form = {"file": ("a.txt", b"file"), "record": (None, data)}
    filed = client.post("/api/v1/documents", files=form, headers=house.headers())
    files = [("files", ("a.record.json", data)), ("files", ("a.receipt.json", receipt.encode()))]
    page = client.post("/verify?lang=zh", files=files)
    for answer in (single, filed, page):
        assert answer.status_code in (400, 422), answer.text
    assert single.json()["code"].split(".")[0] in ("json", "record", "request")
    rows = [row["row"] for row in problem(bulk, 422, "notary.records_wrong")["errors"]]
    assert 2 in rows
    assert "未能核验" in page.text
    assert house.notary.log(house.origin).next_index == 1, "nothing but the one that is right"


def test_certificate__too_large__is_refused_before_it_is_read(client: TestClient, house: House) -> None:
    body = problem(client.post(ONE, content=b"x" * (1 << 20 | 1), headers=house.headers()), 413, "request.too_large")
    assert "1048576" in body["message_zh"]


def test_certificate__length_not_declared__is_counted(client: TestClient, house: House) -> None:
    def pieces() -> Any:
        for _ in range(20):
            yield b"x" * (1 << 16)

    problem(client.post(ONE, content=pieces(), headers=house.headers()), 413, "request.too_large")


def test_certificate__same_identifier_other_content__is_a_conflict(client: TestClient, house: House) -> None:
    client.post(ONE, json=house.certificate(), headers=house.headers())
    answer = client.post(ONE, json=house.certificate(name="另一个名称"), headers=house.headers())
    problem(answer, 409, "already_anchored")


def test_certificate__same_key_other_content__is_a_conflict(client: TestClient, house: House) -> None:
    headers = house.headers(key="k")
    client.post(ONE, json=house.certificate(), headers=headers)
    problem(client.post(ONE, json=house.certificate(name="另一个名称"), headers=headers), 409, "idempotency_conflict")


@pytest.mark.parametrize("key", ["", "a b", "x" * 256, "é"])
def test_certificate__wrong_key__is_refused(client: TestClient, house: House, key: str) -> None:
    headers = [(k.encode(), v.encode()) for k, v in house.headers().items()]
    headers.append((b"Idempotency-Key", key.encode("latin-1")))
    problem(client.post(ONE, json=house.certificate(), headers=headers), 422, "request.key_form")


def test_bulk__receipts_and_salts__verify_alone(client: TestClient, house: House) -> None:
    headers = house.headers(key="b1")
    answer = client.post(BULK, content=documents(30) + b"\n", headers=headers)
    assert answer.status_code == 201, answer.text
    body = answer.json()
    assert body.keys() == {"schema", "receipts", "salts"}
    receipts = list(split(parse_bundle(json.dumps(body["receipts"]).encode())))
    assert [r.index for r in receipts] == list(range(30))
    assert len(base64.b64decode(body["salts"])) == 30 * 32
    assert client.post(BULK, content=documents(30), headers=headers).json() == body


def test_bulk__one_wrong_line__lists_it_and_keeps_nothing(client: TestClient, house: House) -> None:
    lines = documents(5).split(b"\n")
    lines[1], lines[3] = b"{", b'{"schema":"document/1","kind":"document","issuer":"x"}'
    answer = client.post(BULK, content=b"\n".join(lines), headers=house.headers(key="b"))
    body = problem(answer, 422, "notary.records_wrong")
    assert [row["row"] for row in body["errors"]] == [2, 4]
    assert all(row["message_zh"] for row in body["errors"])
    assert house.notary.log(house.origin).next_index == 0


def test_bulk__one_record_twice__is_refused_whole(client: TestClient, house: House) -> None:
    body = json.dumps(house.certificate()).encode()
    for other in (body, json.dumps(house.certificate(name="另一个名称")).encode()):
        answer = client.post(BULK, content=body + b"\n" + other, headers=house.headers(key="b"))
        problem(answer, 409, "notary.twice_in_call")
    assert house.notary.log(house.origin).next_index == 0


@pytest.mark.parametrize("kind", ["share", "use", "credit", "erasure", "checkpoint", 7, None, [], {}])
def test_certificate__of_a_kind_that_clients_may_not_write__is_refused(
    client: TestClient, house: House, kind: Any
) -> None:
    for schema in ("certificate/1", f"{kind}/1"):
        answer = client.post(ONE, json=house.certificate(kind=kind, schema=schema), headers=house.headers())
        assert answer.status_code == 422, answer.text
    assert house.notary.log(house.origin).next_index == 0


def test_bulk__no_key_or_too_many__is_refused(client: TestClient, house: House) -> None:
    problem(client.post(BULK, content=documents(2), headers=house.headers()), 400, "request.key_missing")
    answer = client.post(BULK, content=b"{}\n" * 10_001, headers=house.headers(key="b"))
    problem(answer, 413, "request.too_many_items")


def commitments(count: int) -> list[tuple[bytes, bytes]]:
    return [(hashlib.sha256(b"%d" % n).digest(), hashlib.sha256(b"s%d" % n).digest()) for n in range(count)]


@pytest.mark.parametrize("form", ["ndjson", "packed"])
def test_entries__both_forms__answer_with_checkpoint_and_paths(client: TestClient, house: House, form: str) -> None:
    rows = commitments(7)
    if form == "ndjson":
        lines = [json.dumps({"kind": "certificate", "sha256": a.hex(), "sm3": b.hex()}) for a, b in rows]
        content, media_type = "\n".join(lines).encode(), "application/x-ndjson"
    else:
        content, media_type = b"".join(b"\x01" + a + b for a, b in rows), "application/vnd.chuzheng.entries"
    headers = house.headers(key="e", media_type=media_type)
    answer = client.post(entries_url(house), content=content, headers=headers)
    assert answer.status_code == 201, answer.text
    bundle = parse_bundle(answer.content)
    assert bundle.promises is None
    assert bundle.checkpoint is not None
    root = parse_checkpoint(bundle.checkpoint).root
    for receipt, (sha256, sm3) in zip(split(bundle), rows, strict=True):
        assert (receipt.entry.sha256, receipt.entry.sm3) == (sha256, sm3)
        assert receipt.inclusion is not None
        leaf = leaf_of(receipt.entry.to_bytes())
        assert root_from_inclusion(receipt.index, receipt.inclusion.size, leaf, list(receipt.inclusion.path)) == root
    again = client.post(entries_url(house), content=content, headers=headers)
    assert parse_bundle(again.content).entries == bundle.entries


@pytest.mark.parametrize(
    ("content", "media_type", "status", "code"),
    [
        (b"", "application/x-ndjson", 400, "request.empty"),
        (b"{}", "application/x-ndjson", 422, "request.line"),
        (b'{"kind":"erasure","sha256":"","sm3":""}', "application/x-ndjson", 422, "request.line"),
        (b'{"kind":"certificate","sha256":"%s","sm3":"AB"}' % (b"a" * 64), "application/x-ndjson", 422, "request.line"),
        (b"x" * 64, "application/vnd.chuzheng.entries", 422, "notary.packed_length"),
        (b"x" * 66, "application/vnd.chuzheng.entries", 422, "notary.packed_length"),
        *((bytes([k]) + b"x" * 64, PACKED, 422, "notary.kind_by_client") for k in (0, 6, 7, 8, 255)),
        *((bytes([k]) + b"x" * 64, PACKED, 422, "notary.kind_of_log") for k in (3, 4, 5)),
        (b"\x01" + b"x" * 64 + b"\x01" + b"x" * 64, PACKED, 409, "notary.twice_in_call"),
        (b"\x01" + b"x" * 64 + b"\x01" + b"x" * 32 + b"y" * 32, PACKED, 409, "notary.twice_in_call"),
        (b"\x01" * 65 * 10_001, PACKED, 413, "request.too_many_items"),
        (b"x", "text/plain", 415, "request.media_type"),
    ],
)
def test_entries__wrong__is_refused(
    client: TestClient, house: House, content: bytes, media_type: str, status: int, code: str
) -> None:
    headers = house.headers(key="e", media_type=media_type)
    problem(client.post(entries_url(house), content=content, headers=headers), status, code)
    assert house.notary.log(house.origin).next_index == 0


def test_write__all_places_taken__is_told_when_to_come_back(client: TestClient, house: House) -> None:
    places = [house.parts.writes.pass_through() for _ in range(house.parts.settings.max_writes)]
    for place in places:
        place.__enter__()
    answer = client.post(ONE, json=house.certificate(), headers=house.headers())
    problem(answer, 503, "server.busy")
    assert answer.headers["retry-after"] == "1"
    for place in places:
        place.__exit__(None, None, None)
    assert client.post(ONE, json=house.certificate(), headers=house.headers()).status_code == 201
