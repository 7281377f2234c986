"""Uploads over a real socket: cut off, over the limit, lying about their length; and many submissions at once."""

from __future__ import annotations

import json
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
import uvicorn

from api.app import assemble
from ledger.certificates import check_record
from ledger.codes.certificate_ids import make_identifier
from tests.fakes.house import ISSUER, TYPE, House, build_house

PATIENCE = 120.0
"""Seconds that a loaded machine may take for what comes at once elsewhere."""


@pytest.fixture
def house(tmp_path: Path) -> Iterator[House]:
    made = build_house(tmp_path, max_document_bytes=1 << 20)
    yield made
    made.notary.close()


@pytest.fixture
def port(house: House) -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(assemble(house.parts), log_level="error", http="httptools", loop="uvloop")
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


def nothing_kept(house: House) -> None:
    """No part of an upload stays; the server may take a moment to notice that somebody has gone."""
    uploads, end = house.parts.settings.uploads_dir, time.monotonic() + PATIENCE
    while uploads.exists() and (left := list(uploads.iterdir())):
        assert time.monotonic() < end, left
        time.sleep(0.02)


def head(house: House, path: str, *lines: str) -> bytes:
    token = house.headers()["Authorization"]
    first = [f"POST {path} HTTP/1.1", "Host: here", f"Authorization: {token}", *lines]
    return ("\r\n".join(first) + "\r\n\r\n").encode()


@pytest.mark.parametrize("path", ["/api/v1/certificates", "/api/v1/documents", "/api/v1/certificates/bulk"])
def test_upload__cut_off__leaves_nothing(house: House, port: int, path: str) -> None:
    body = json.dumps(house.certificate()).encode()
    with socket.create_connection(("127.0.0.1", port)) as connection:
        connection.sendall(head(house, path, f"Content-Length: {len(body)}", "Idempotency-Key: cut") + body[:-20])
        time.sleep(0.3)
    time.sleep(0.3)
    assert house.notary.log(house.origin).next_index == 0
    nothing_kept(house)
    url = f"http://127.0.0.1:{port}/api/v1/certificates"
    again = httpx.post(url, content=body, headers=house.headers(key="cut"), timeout=PATIENCE)
    assert again.status_code == 201
    nothing_kept(house)


def test_upload__chunks_beyond_the_limit__are_refused_and_nothing_stays(house: House, port: int) -> None:
    def chunks() -> Iterator[bytes]:
        for _ in range(40):
            yield b"x" * 65_536

    url = f"http://127.0.0.1:{port}/api/v1/documents"
    answer = httpx.post(url, content=chunks(), headers=house.headers(), timeout=PATIENCE)
    assert (answer.status_code, answer.json()["code"]) == (413, "request.too_large")
    assert house.parts.settings.uploads_dir.exists()
    nothing_kept(house)


@pytest.mark.parametrize("length", ["-1", "abc", "99999999999999999999"])
def test_upload__nonsense_length__is_refused(house: House, port: int, length: str) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as connection:
        connection.sendall(head(house, "/api/v1/certificates", f"Content-Length: {length}"))
        status = int(connection.recv(4096).split(b" ", 2)[1])
    assert status in (400, 413)


def test_submissions__many_at_once__each_has_its_own_index(house: House, port: int) -> None:
    url = f"http://127.0.0.1:{port}/api/v1/certificates"

    def submit(number: int) -> tuple[int, int]:
        identifier = make_identifier(TYPE, ISSUER, f"SERIAL{number:04d}", 1)
        record = house.certificate(identifier=identifier)
        assert check_record(record) == []
        answer = client.post(url, json=record, headers=house.headers())
        return answer.status_code, answer.json().get("index", -1)

    with httpx.Client(timeout=PATIENCE) as client, ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(submit, range(200)))
    assert {status for status, _ in answers} == {201}
    assert sorted(index for _, index in answers) == list(range(200))
