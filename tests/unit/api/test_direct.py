"""The routes that go round FastAPI: the same answers, limits, labels and log lines as those that don't."""

from __future__ import annotations

import asyncio
import io
import json
import re

import pytest
from fastapi import APIRouter, Request, Response
from starlette.testclient import TestClient
from starlette.types import Message

from api.app import Application
from api.direct import direct, table
from api.observing import set_up_logs
from api.remembered import Remembered
from tests.fakes.house import House
from tests.unit.api.verifying import document_record

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


def test_turns__many_at_once__answer_as_one_by_one(client: TestClient, house: House) -> None:
    house.parts.remembered = Remembered(house.chain)
    records = [house.certificate(), *({**document_record(), "title": f"通知{n}"} for n in range(5))]
    receipts = [house.anchored(record).to_json().decode() for record in records]
    asked = [{"receipt": receipt, "record": record} for receipt, record in zip(receipts, records, strict=True)]
    asked += [{"receipt": receipts[0], "record": records[1]}, {"receipt": receipts[2]}, {"record": records[0]}]
    asked += [{**asked[3], "at": "2020-01-01"}, {"receipt": receipts[4][:-1], "record": records[4]}]
    bodies = [json.dumps(one).encode() for one in asked]
    one_by_one = [client.post(PATH, content=body, headers={"X-Request-Id": "the-same-id"}).content for body in bodies]

    async def posted(body: bytes) -> bytes:
        found = bytearray()

        async def receive() -> Message:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: Message) -> None:
            found.extend(message.get("body", b""))

        scope = {
            "type": "http", "http_version": "1.1", "method": "POST", "path": PATH, "raw_path": PATH.encode(),
            "query_string": b"", "root_path": "", "scheme": "http",
            "headers": [(b"host", b"x"), (b"x-request-id", b"the-same-id")],
            "client": ("127.0.0.1", 1), "server": ("127.0.0.1", 2),
        }  # fmt: skip
        await application(client)(scope, receive, send)
        return bytes(found)

    async def at_once() -> list[bytes]:
        return await asyncio.gather(*(posted(body) for body in bodies * 3))

    assert asyncio.run(at_once()) == one_by_one * 3
    assert [json.loads(answer).get("verdict") for answer in one_by_one[:7]] == ["valid"] * 6 + ["mismatch"]
