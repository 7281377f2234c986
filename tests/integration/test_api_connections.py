"""The server's connections under attack: raw sockets against the protocol that `app.run` uses."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import httpx
import pytest
import uvicorn

from api import bodies
from api.app import assemble
from api.connections import Connection
from tests.fakes.house import House, build_house

LIVE = "GET /api/v1/health/live HTTP/1.1"
POST = "POST /api/v1/verifications HTTP/1.1"
OK = b"HTTP/1.1 200"


class Small(Connection):
    """The same with limits that a test reaches in a moment."""

    most_head = 4096
    head_within = 0.4
    most_connections = 30
    most_from_one = 20


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    made = build_house(tmp_path_factory.mktemp("house"), checks_per_minute=100_000)
    yield made
    made.notary.close()


@pytest.fixture(scope="module")
def port(house: House) -> Iterator[int]:
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        config = uvicorn.Config(
            assemble(house.parts), log_level="error", http=Small, ws="none", loop="uvloop", proxy_headers=False
        )
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(10)


@pytest.fixture
def send(port: int) -> Callable[..., bytes]:
    """Send bytes, return what comes back until the server closes or says nothing more for `patience` seconds; its first
    word may take three."""

    def act(data: bytes, *more: bytes, patience: float = 0.3) -> bytes:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
            received = b""
            try:
                connection.sendall(data)
                for piece in more:
                    connection.sendall(piece)
                connection.settimeout(max(patience, 3))
                while piece := connection.recv(65_536):
                    received += piece
                    connection.settimeout(patience)
                return received + b"<closed>"
            except TimeoutError:
                return received
            except OSError:
                return received + b"<closed>"

    return act


def request(first: str, *lines: str, body: bytes = b"") -> bytes:
    return "\r\n".join([first, *lines, "", ""]).encode("latin-1") + body


CHUNKED = "Transfer-Encoding: chunked"
REFUSED = {
    "both lengths": request(
        POST, "Host: a", "Content-Length: 5", CHUNKED, body=b"0\r\n\r\n" + request(LIVE, "Host: a")
    ),
    "two lengths": request(POST, "Host: a", "Content-Length: 2", "Content-Length: 3", body=b"{}x"),
    "list of lengths": request(POST, "Host: a", "Content-Length: 2, 2", body=b"{}"),
    "signed length": request(POST, "Host: a", "Content-Length: +2", body=b"{}"),
    "length with a blank": request(POST, "Host: a", "Content-Length : 2", body=b"{}"),
    "unknown encoding": request(POST, "Host: a", "Transfer-Encoding: xchunked", body=b"{}"),
    "chunked not last": request(POST, "Host: a", "Transfer-Encoding: chunked, identity", body=b"2\r\n{}\r\n0\r\n\r\n"),
    "chunk size": request(POST, "Host: a", CHUNKED, body=b"zz\r\n{}\r\n0\r\n\r\n"),
    "chunk size beyond": request(POST, "Host: a", CHUNKED, body=b"f" * 20 + b"\r\n{}\r\n0\r\n\r\n"),
    "folded header": request(LIVE, "Host: a", "X: b\r\n  c"),
    "bare LF": b"GET / HTTP/1.1\nHost: a\n\n",
    "NUL": request(LIVE, "Host: a", "X: b\x00c"),
    "HTTP/2": b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "no host": request(LIVE),
    "two hosts": request(LIVE, "Host: a", "Host: b"),
    "two tokens": request(POST, "Host: a", "Authorization: Bearer a", "Authorization: Bearer b", "Content-Length: 0"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_request__that_two_readers_read_differently__is_refused_once(send: Callable[..., bytes], case: str) -> None:
    answer = send(REFUSED[case])
    assert answer.startswith(b"HTTP/1.1 400"), answer[:200]
    assert b"application/problem+json" in answer
    assert answer.count(b"HTTP/1.1 ") == 1, "nothing smuggled behind it is answered"


@pytest.mark.parametrize(
    "data",
    [
        request(LIVE, "Host: a", "X: " + "y" * 5000),
        request(LIVE, "Host: a", *(f"X-{n}: y" for n in range(600))),
        request("GET /" + "a" * 5000 + " HTTP/1.1", "Host: a"),
    ],
)
def test_head__too_large__is_refused_and_closed(send: Callable[..., bytes], data: bytes) -> None:
    answer = send(data)
    assert answer.startswith(b"HTTP/1.1 431"), answer[:200]
    assert answer.endswith(b"<closed>")


def test_head__without_end__is_cut_off_long_before_it_fills_the_memory(send: Callable[..., bytes]) -> None:
    answer = send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *([b"a" * 65_536] * 64))
    assert answer == b"<closed>" or answer.startswith(b"HTTP/1.1 431")
    trailers = send(request(POST, "Host: a", CHUNKED, body=b"2\r\n{}\r\n0\r\n"), *([b"X: " + b"y" * 60_000] * 64))
    assert trailers.endswith(b"<closed>")
    assert not trailers.startswith(OK)


@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_head__that_never_ends__is_waited_for_a_moment_only(send: Callable[..., bytes], begun: bytes) -> None:
    started = time.monotonic()
    answer = send(begun, patience=5)
    assert answer.startswith(b"HTTP/1.1 408")
    assert 0.3 < time.monotonic() - started < 3


def test_second_request__on_one_connection__has_its_own_limits(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        for _ in range(5):
            connection.sendall(request(LIVE, "Host: a", "X: " + "y" * 3000))
            assert connection.recv(65_536).startswith(OK)
        connection.sendall(request(POST, "Host: a", "Content-Length: 70000", body=b"{" + b" " * 69_999))
        assert connection.recv(65_536).startswith(b"HTTP/1.1 400")
        connection.sendall(request(LIVE, "Host: a") * 3)
        time.sleep(0.3)
        assert connection.recv(65_536).count(OK) == 3
        connection.sendall(b"GET / HT")
        assert b"408" in connection.recv(65_536)


def test_connections__of_one_address__are_counted_and_the_others_told_to_come_back(port: int) -> None:
    held = [socket.create_connection(("127.0.0.1", port), timeout=5) for _ in range(20)]
    try:
        time.sleep(0.1)
        with socket.create_connection(("127.0.0.1", port), timeout=5) as one_more:
            answer = one_more.recv(65_536)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in answer
        with socket.create_connection(("127.0.0.1", port), timeout=5, source_address=("127.0.0.2", 0)) as other:
            other.sendall(request(LIVE, "Host: a"))
            assert other.recv(65_536).startswith(OK)
    finally:
        for connection in held:
            connection.close()
    time.sleep(0.2)
    assert httpx.get(f"http://127.0.0.1:{port}/api/v1/health/live").status_code == 200


def test_body__in_drops__is_cut_off_and_holds_nothing(port: int, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "QUIET", 0.5)
    token = house.headers()["Authorization"]
    started = time.monotonic()
    with socket.create_connection(("127.0.0.1", port), timeout=5) as connection:
        first = "POST /api/v1/certificates HTTP/1.1"
        connection.sendall(request(first, "Host: a", f"Authorization: {token}", "Content-Length: 5000"))
        for _ in range(20):
            connection.sendall(b" ")
            time.sleep(0.05)
            if time.monotonic() - started > 1:
                break
        answer = connection.recv(65_536)
    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert b"request.too_slow" in answer
    assert time.monotonic() - started < 3
    assert house.notary.log(house.origin).next_index == 0


def test_forwarded_for__of_anybody__is_not_believed(port: int, house: House) -> None:
    house.parts.lookups._burst = 3.0
    house.parts.lookups._buckets.clear()
    url = f"http://127.0.0.1:{port}/api/v1/statuses/1.2.156.3005.2.11100000009985328F011.{'0' * 18}.A.001.0"
    answers = [httpx.get(url, headers={"X-Forwarded-For": f"192.0.2.{n}"}).status_code for n in range(5)]
    assert answers == [404, 404, 404, 429, 429]


def test_files__of_the_server__are_given_back(port: int, house: House, tmp_path: Path) -> None:
    def count() -> int:
        return len(list(Path("/proc/self/fd").iterdir()))

    before = count()
    for _ in range(15):
        with socket.create_connection(("127.0.0.1", port)) as connection:
            connection.sendall(b"POST /api/v1/documents HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nabc")
    time.sleep(0.5)
    assert count() <= before + 3
