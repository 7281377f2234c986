"""Reading over HTTP: the log's files, receipts, statuses, departments, trust file, health."""

from __future__ import annotations

import json
from pathlib import Path
from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from ledger.statuses import DecisionCode
from ledger.types import Role
from notary.checkpoint import decode_entries, parse_checkpoint
from notary.entry import status_key
from notary.receipt import parse_receipt
from notary.receipts import parse_bundle
from tests.fakes.house import IDENTIFIER, ISSUER, OTHER, House
from tests.unit.api.test_writing import BULK, documents, problem

pytestmark = pytest.mark.usefixtures("quick_lookups")


def url(house: House, rest: str) -> str:
    return f"/api/v1/logs/{quote(house.origin, safe='')}/{rest}"


@pytest.fixture
def filled(client: TestClient, house: House) -> House:
    client.post(BULK, content=documents(300), headers=house.headers(key="b"))
    house.anchor()
    return house


def test_log__checkpoint_and_tiles__are_the_log_with_their_caching(client: TestClient, filled: House) -> None:
    note = client.get(url(filled, "checkpoint"))
    assert parse_checkpoint(note.text).size == 300
    assert "immutable" not in note.headers["cache-control"]
    full = client.get(url(filled, "tile/entries/000"))
    assert len(decode_entries(full.content)) == 256
    assert "immutable" in full.headers["cache-control"]
    partial = client.get(url(filled, "tile/0/001.p/44"))
    assert len(partial.content) == 44 * 32
    assert "immutable" not in partial.headers["cache-control"]


@pytest.mark.parametrize(
    ("path", "status"),
    [
        ("tile/0/001", 404),
        ("tile/0/999", 404),
        ("tile/0/1", 422),
        ("tile/0/x000/000", 422),
        ("tile/0/..%2f..%2fcheckpoint", 422),
        ("tile/entries/000.p/0", 422),
        ("tile/64/000", 422),
        ("tile/0/" + "x999/" * 2000 + "999", 422),
        ("tile/0/" + "9" * 5000, 422),
        ("tile//0/000", 422),
        ("tile/0/%D9%A0%D9%A0%D9%A0", 422),
        ("receipts/" + "9" * 5000, 422),
        ("receipts?first=0&count=" + "9" * 5000, 422),
        ("receipts?first=9007199254740992", 422),
        ("receipts/300", 404),
        ("receipts/-1", 404),
        ("receipts/99999999999999999999", 404),
        ("receipts?first=299&count=2", 404),
        ("receipts?first=0&count=10001", 422),
    ],
)
def test_log__outside_of_it__is_refused(client: TestClient, filled: House, path: str, status: int) -> None:
    assert client.get(url(filled, path)).status_code == status


@pytest.mark.parametrize("origin", [f"chuzheng/unit/{OTHER}", f"chuzheng/other/{ISSUER}", "chuzheng/unit/X", "a/b/c"])
def test_log__unknown__is_404(client: TestClient, house: House, origin: str) -> None:
    assert client.get(f"/api/v1/logs/{quote(origin, safe='')}/checkpoint").status_code == 404


def test_receipt__public_and_salted__differ_by_the_salt_and_the_right(client: TestClient, house: House) -> None:
    kept = house.anchored(house.certificate())
    public = parse_receipt(client.get(url(house, "receipts/0")).content)
    assert public.salt is None
    assert public.anchor is not None
    assert public.stage == kept.stage
    salted = client.get(url(house, "receipts/0?salted=true"), headers=house.headers())
    assert parse_receipt(salted.content).salt == kept.salt
    assert salted.headers["cache-control"] == "no-store"
    problem(client.get(url(house, "receipts/0?salted=true")), 401, "auth.missing")
    problem(client.get(url(house, "receipts/0?salted=true"), headers=house.headers(Role.STATUS)), 403, "auth.role")


def test_receipts__many__are_one_bundle(client: TestClient, filled: House) -> None:
    bundle = parse_bundle(client.get(url(filled, "receipts?first=10&count=20")).content)
    assert (bundle.first, bundle.count) == (10, 20)
    assert bundle.anchor is not None


def test_status__organisation__is_answered_by_identifier_and_by_key(client: TestClient, house: House) -> None:
    receipt = house.anchored(house.certificate())
    body = client.get(f"/api/v1/statuses/{IDENTIFIER}").json()
    assert (body["status"], body["anchored"], body["issuer"], body["decisions"]) == ("in_force", True, ISSUER, [])
    key = status_key(receipt.entry.issuer, receipt.entry.sha256)
    house.chain.decide(key, DecisionCode.SUSPENDED, ISSUER, cause=1)
    house.clock.time += 60_000
    by_key = client.get(f"/api/v1/statuses/{key.hex()}").json()
    assert by_key["status"] == "suspended"
    assert client.get(f"/api/v1/statuses/{IDENTIFIER}").json()["decisions"] == by_key["decisions"]


def test_status__chain_down__is_unknown_and_never_in_force(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    house.chain.fail()
    body = client.get(f"/api/v1/statuses/{IDENTIFIER}").json()
    assert (body["status"], body["decisions"]) == ("unknown", None)


@pytest.mark.parametrize(
    ("shown", "answered"),
    [("2024-02-28", True), ("1234", True), ("123x", False), ("", False), (None, False), ("4", False)],
)
def test_status__person__needs_one_value_and_wrong_equals_unknown(
    client: TestClient, house: House, shown: str | None, answered: bool
) -> None:
    house.anchored(house.certificate(holders=[{"name": "张三", "code_type": "411", "code": "P001234"}]))
    asked = {"identifier": IDENTIFIER} | ({"shown": shown} if shown is not None else {})
    answer = client.post("/api/v1/statuses/lookups", json=asked)
    assert answer.status_code == (200 if answered else 404)
    if not answered:
        unknown = client.post("/api/v1/statuses/lookups", json={**asked, "identifier": IDENTIFIER[:-1] + "X"})
        strip = ("request_id",)
        left, right = answer.json(), unknown.json()
        assert {k: v for k, v in left.items() if k not in strip} == {k: v for k, v in right.items() if k not in strip}


def test_status__asked_too_often__is_paced(client: TestClient, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.parts.lookups, "_clock", lambda: 0.0)  # all in one moment, however long they take
    codes = [client.get(f"/api/v1/statuses/{IDENTIFIER}").status_code for _ in range(31)]
    assert codes[:30] == [404] * 30
    assert codes[30] == 429


def test_department__known_unknown_and_down__are_told_apart(client: TestClient, house: House) -> None:
    body = client.get(f"/api/v1/departments/{ISSUER}").json()
    assert (body["name_zh"], body["log"], body["suspensions"]) == ("湖北省市场监督管理局", house.origin, [])
    assert body["admitted_at"] > 0
    problem(client.get(f"/api/v1/departments/{OTHER}"), 404, "department.unknown")
    problem(client.get("/api/v1/departments/nonsense"), 404, "department.unknown")
    assert [item["code"] for item in client.get("/api/v1/departments").json()["items"]] == [ISSUER]
    house.chain.fail()
    assert client.get(f"/api/v1/departments/{ISSUER}").status_code == 503


def test_trust__served__byte_for_byte(client: TestClient, house: House) -> None:
    answer = client.get("/api/v1/trust")
    assert answer.content == house.parts.settings.trust_path.read_bytes()
    assert client.get("/api/v1/trust", headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_health__in_order_then_chain_down__ready_says_no_live_says_yes(client: TestClient, filled: House) -> None:
    deep = client.get("/api/v1/health/deep")
    assert deep.status_code == 200, deep.text
    assert [t["name"] for t in deep.json()["tests"]] == [
        "keys",
        "database",
        "writes",
        "heads",
        "chain",
        "node",
        "second_node",
        "sender",
        "store",
        "second_answers",
        "content",
        "trust",
        "logs",
        "witnesses",
        "peers",
    ]
    filled.chain.fail()
    answer = client.get("/api/v1/health/ready")
    assert answer.status_code == 503
    assert [t["name"] for t in answer.json()["tests"] if not t["ok"]] == ["chain"]
    assert client.get("/api/v1/health/live").json() == {"status": "ok"}
    assert "chuzheng_http_requests_total" in client.get("/metrics").text


def test_health__other_root_on_the_chain__deep_finds_it(client: TestClient, filled: House) -> None:
    from notary.entry import log_id

    filled.notary.accept_commitments(ISSUER, filled.origin, b"\x01" + b"a" * 64, key="x")
    filled.chain.anchor(log_id(filled.origin), 301, bytes(32))
    answer = client.get("/api/v1/health/deep")
    assert answer.status_code == 503
    assert [t["name"] for t in answer.json()["tests"] if not t["ok"]] == ["logs"]


def test_every_answer__has_the_security_headers(client: TestClient) -> None:
    for path in ("/", "/api/v1/health/live", "/api/v1/nothing", "/static/page.css"):
        headers = client.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


def test_log_lines__hold_no_identifier_and_no_query(
    capsys: pytest.CaptureFixture[str], house: House, client: TestClient
) -> None:
    client.get(f"/api/v1/statuses/{IDENTIFIER}?shown=2024-02-28", headers={"X-Request-Id": "abcdefgh-1"})
    lines = [json.loads(line) for line in capsys.readouterr().err.splitlines() if line.startswith("{")]
    assert any(line.get("request_id") == "abcdefgh-1" and line["route"].endswith("/{subject}") for line in lines)
    assert IDENTIFIER not in json.dumps(lines)
    assert "2024-02-28" not in json.dumps(lines)


def test_description__every_operation__has_summary_and_errors(client: TestClient) -> None:
    description = client.get("/api/v1/openapi.json").json()
    assert "Problem" in description["components"]["schemas"]
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            assert operation.get("summary"), path
            if path.startswith("/api/v1") and "health" not in path and path != "/api/v1/departments":
                assert any(status[0] in "45" for status in operation["responses"]), (method, path)
            if method == "post":
                assert operation["requestBody"]["content"], path


def test_docs_page__stands_without_scripts(client: TestClient) -> None:
    page = client.get("/api/v1/docs?lang=en").text
    assert "<script" not in page
    assert "/api/v1/certificates/bulk" in page
    assert 'href="/api/v1/docs?lang=zh"' in page, "the other language of this page"


def test_house__data_folder__holds_no_plain_token(house: House) -> None:
    secret = house.tokens[Role.ANCHOR].split("_", 2)[2].encode()
    for path in Path(house.parts.settings.home).rglob("*"):
        if path.is_file():
            assert secret not in path.read_bytes()
