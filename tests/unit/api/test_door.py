"""The door: what is refused before any route, and what other sites' pages may read."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from starlette.testclient import TestClient

from tests.fakes.house import IDENTIFIER, ISSUER, House
from tests.unit.api.test_writing import ONE, problem

ELSEWHERE = {"Origin": "https://elsewhere.example"}


@pytest.mark.parametrize("name", ["Authorization", "Content-Type", "Idempotency-Key", "Host", "Content-Length"])
def test_header__twice__is_refused_whichever_would_win(client: TestClient, house: House, name: str) -> None:
    given = {**house.headers(key="k"), "Content-Type": "application/json", "Host": "here", "Content-Length": "2"}
    headers = [(k.encode(), v.encode()) for k, v in given.items()]
    headers.append((name.encode(), b"2" if name == "Content-Length" else b"other"))
    found = problem(client.post(ONE, content=b"{}", headers=headers), 400, "request.header_twice")
    assert name.lower() in found["message_en"]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        (f"{ONE}?origin=%ff", 400, "request.not_utf8"),
        ("/api/v1/documents?title=%d6%a4%d5%d5", 400, "request.not_utf8"),  # 证照 as GBK
        ("/api/v1/departments/%ed%a0%80", 400, "request.not_utf8"),
        ("/api/v1/trust%0a", 404, "request.not_found"),
        ("/api/v1/logs/chuzheng%2Funit%2F11420000MB9543829Q%0d%0a/checkpoint", 404, "request.not_found"),
        ("/static/page.css%00", 404, "request.not_found"),
    ],
)
def test_address__not_text__is_refused(client: TestClient, house: House, path: str, status: int, code: str) -> None:
    method = "POST" if "?" in path else "GET"
    problem(client.request(method, path, content=b"{}", headers=house.headers()), status, code)
    assert house.notary.log(house.origin).next_index == 0


@pytest.mark.parametrize("path", ["/", "/api/v1/trust", "/api/v1/health/live", "/static/page.css", "/api/v1/nothing"])
def test_head__is_get_without_the_body(client: TestClient, path: str) -> None:
    left, right = client.get(path), client.head(path)
    assert (left.status_code, left.headers["content-length"]) == (right.status_code, right.headers["content-length"])
    assert right.content == b""


def test_method__not_taken__says_which_are(client: TestClient) -> None:
    answer = client.delete("/api/v1/trust")
    problem(answer, 405, "request.method")
    assert "GET" in answer.headers["allow"]


@pytest.mark.parametrize("path", ["/api/v1/departments/", "/api/v1/trust/"])
def test_slash_too_many__is_no_redirect_to_where_the_host_header_says(client: TestClient, path: str) -> None:
    answer = client.get(path, headers={"Host": "elsewhere.example"}, follow_redirects=False)
    assert answer.status_code == 404
    assert "location" not in answer.headers


def log_url(house: House, rest: str) -> str:
    return f"/api/v1/logs/{quote(house.origin, safe='')}/{rest}"


def test_elsewhere__public_data__may_be_read(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    for path in (log_url(house, "checkpoint"), log_url(house, "receipts/0"), log_url(house, "tile/entries/000.p/1"),
                 "/api/v1/trust", f"/api/v1/departments/{ISSUER}", "/api/v1/openapi.json"):  # fmt: skip
        headers = client.get(path, headers=ELSEWHERE).headers
        assert headers["access-control-allow-origin"] == "*", path
        assert headers["cross-origin-resource-policy"] == "cross-origin", path
        assert "access-control-allow-credentials" not in headers


def test_elsewhere__with_a_token_or_for_a_look_up__may_not(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    answers = [
        client.get(log_url(house, "receipts/0?salted=true"), headers={**ELSEWHERE, **house.headers()}),
        client.get(f"/api/v1/statuses/{IDENTIFIER}", headers=ELSEWHERE),
        client.post("/api/v1/verifications", json={"identifier": IDENTIFIER}, headers=ELSEWHERE),
        client.post("/verify", json={"identifier": IDENTIFIER}, headers=ELSEWHERE),
        client.get("/", headers=ELSEWHERE),
        client.post(ONE, content=b"{}", headers={**ELSEWHERE, **house.headers()}),
    ]
    for answer in answers:
        assert "access-control-allow-origin" not in answer.headers
        assert answer.headers["cross-origin-resource-policy"] == "same-origin"


def test_preflight__is_answered_for_public_reading_only(client: TestClient, house: House) -> None:
    asked = {**ELSEWHERE, "Access-Control-Request-Method": "GET"}
    answer = client.options("/api/v1/trust", headers=asked)
    assert (answer.status_code, answer.headers["access-control-allow-methods"]) == (204, "GET, HEAD")
    assert "authorization" not in answer.headers["access-control-allow-headers"].lower()
    for path in (ONE, "/api/v1/verifications", "/verify", f"/api/v1/statuses/{IDENTIFIER}"):
        refused = client.options(path, headers={**asked, "Access-Control-Request-Method": "POST"})
        assert refused.status_code == 405
        assert "access-control-allow-origin" not in refused.headers


@pytest.mark.parametrize(
    ("path", "media_type"),
    [
        (ONE, "text/plain"),
        (ONE, "application/x-www-form-urlencoded"),
        (f"{ONE}/bulk", "application/json"),
        ("/api/v1/verifications", "text/plain"),
        ("/api/v1/statuses/lookups", "multipart/form-data; boundary=x"),
        ("/api/v1/documents", "application/x-www-form-urlencoded"),
    ],
)
def test_content_type__of_something_else__is_refused(
    client: TestClient, house: House, path: str, media_type: str
) -> None:
    headers = house.headers(key="k", media_type=media_type)
    found = problem(client.post(path, content=b"{}", headers=headers), 415, "request.media_type")
    assert media_type.partition(";")[0] in found["message_zh"]


def test_checkpoint__unchanged__isnt_sent_again(client: TestClient, house: House) -> None:
    house.anchored(house.certificate())
    for path in (
        log_url(house, "checkpoint"),
        log_url(house, "receipts/0"),
        log_url(house, "receipts?first=0&count=1"),
    ):
        first = client.get(path)
        for known in (first.headers["etag"], f'"other", W/{first.headers["etag"]}', "*"):
            again = client.get(path, headers={"If-None-Match": known})
            assert (again.status_code, again.content) == (304, b""), path
            assert again.headers["etag"] == first.headers["etag"]
        assert client.get(path, headers={"If-None-Match": '"other"'}).content == first.content
