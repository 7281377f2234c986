"""The routes that go round FastAPI: the same answers, limits, labels and log lines as those that don't."""

from __future__ import annotations

import io
import json
import re

import pytest
from fastapi import APIRouter, Request, Response
from starlette.testclient import TestClient

from api.app import Application
from api.direct import direct, table
from api.observing import set_up_logs
from tests.fakes.house import House

PATH = "/api/v1/verifications"


def application(client: TestClient) -> Application:
    assert isinstance(client.app, Application)
    return client.app


def test_direct__and_routed__answer_alike(client: TestClient, house: House) -> None:
    record = house.certificate()
    receipt = house.anchored(record)
    whole = {"receipt": receipt.to_json().decode(), "record": record, "at": "2026-11-20"}
    asked: list[tuple[str, bytes, dict[str, str]]] = [
        ("POST", json.dumps(whole).encode(), {}),
        ("POST", json.dumps({**whole, "record": "{}"}).encode(), {}),
        ("POST", json.dumps({"receipt": receipt.to_json().decode()}).encode(), {"Content-Type": "application/json"}),
        ("POST", b"{}", {"Content-Type": "text/plain"}),
        ("POST", b"not JSON", {}),
        ("POST", b"", {}),
        ("POST", b'{"identifier": "1.2.156"}', {}),
        ("GET", b"", {}),
        ("OPTIONS", b"", {}),
    ]
    direct_answers = [answer_of(client, *one) for one in asked]
    assert ("POST", PATH) in application(client).direct
    application(client).middleware_stack = None
    application(client).direct = {}
    assert [answer_of(client, *one) for one in asked] == direct_answers
    assert direct_answers[0][0] == 200


def answer_of(client: TestClient, method: str, body: bytes, headers: dict[str, str]) -> tuple[int, str, str]:
    found = client.request(method, PATH, content=body, headers={**headers, "X-Request-Id": "the-same-id"})
    told = re.sub(r'"now":\d+|\d\d:\d\d:\d\d', "", found.text)
    return found.status_code, told, str(sorted(found.headers.items()))


def test_direct__is_counted_under_the_routers_name(client: TestClient, house: House) -> None:
    client.post(PATH, content=b"{}")
    assert house.parts.meters.requests.labels("POST", "/verifications", "422")._value.get() == 1


def test_table__path_with_a_parameter__is_a_mistake() -> None:
    router = APIRouter(prefix="/things")

    async def twin(request: Request) -> Response:
        return Response()

    @router.get("/{name}")
    @direct(twin)
    async def thing(name: str) -> Response:
        return Response()

    with pytest.raises(ValueError, match="name"):
        table("/api", router)


def test_request_line__is_json_as_all_lines_are(client: TestClient) -> None:
    written = io.StringIO()
    set_up_logs("info", written)
    client.post(PATH, content=b"{}", headers={"X-Request-Id": "an-id.of_8+"})
    client.get("/api/v1/nothing", headers={"X-Request-Id": "an-id.of_8"})
    first, second = map(json.loads, written.getvalue().splitlines()[-2:])
    assert list(second) == ["request_id", "method", "route", "status", "milliseconds", "event", "level", "timestamp"]
    assert (second["request_id"], second["status"], second["route"]) == ("an-id.of_8", 404, "-")
    assert (first["method"], first["status"], first["route"]) == ("POST", 422, "/verifications")
    assert "+" not in first["request_id"]
    written.truncate(0)
    set_up_logs("warning", written)
    client.get("/api/v1/nothing")
    assert written.getvalue().strip("\0") == ""
    set_up_logs("info")
