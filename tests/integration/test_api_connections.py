"""The server's connections under attack: raw sockets against the protocol that `app.run` uses."""

from __future__ import annotations

import os
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
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


PATIENCE = 60.0
"""Seconds that a loaded machine may take for what comes at once elsewhere."""
LISTENING = "0A"
"""The state of a socket, as /proc/net/tcp has it."""


class Small(Connection):
    """The same with limits that a test reaches in a moment; the one of time only where it is the test's matter."""

    most_head = 4096
    head_within = PATIENCE
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
            assemble(house.parts), log_level="error", http=Small, ws="none", loop="uvloop", proxy_headers=False,
            timeout_keep_alive=int(PATIENCE),
        )  # fmt: skip
        server = uvicorn.Server(config)
        thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
        thread.start()
        while not server.started:
            time.sleep(0.02)
        yield listening.getsockname()[1]
        server.should_exit = True
        thread.join(PATIENCE)


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """A head that isn't complete in a moment is cut off."""
    monkeypatch.setattr(Small, "head_within", 0.4)


def connected(port: int, own: str = "127.0.0.1") -> socket.socket:
    return socket.create_connection(("127.0.0.1", port), timeout=PATIENCE, source_address=(own, 0))


def one_answer(connection: socket.socket) -> bytes:
    """The next answer and nothing of what follows it."""
    found = b""
    while b"\r\n\r\n" not in found:
        found += _byte(connection)
    [length] = [int(line[15:]) for line in found.splitlines() if line.startswith(b"content-length:")]
    while length:
        piece = connection.recv(length)
        assert piece, found
        found, length = found + piece, length - len(piece)
    return found


def _byte(connection: socket.socket) -> bytes:
    piece = connection.recv(1)
    assert piece, "closed within a head"
    return piece


def until(done: Callable[[], bool]) -> None:
    end = time.monotonic() + PATIENCE
    while not done():
        assert time.monotonic() < end, "it doesn't happen"
        time.sleep(0.02)


@pytest.fixture
def send(port: int) -> Callable[..., bytes]:
    """Send bytes, return what comes back until the server closes or says nothing more for `patience` seconds; its first
    word may take longer."""

    def act(data: bytes, *more: bytes, patience: float = 0.3) -> bytes:
        with connected(port) as connection:
            received = b""
            try:
                connection.sendall(data)
                for piece in more:
                    connection.sendall(piece)
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
    answer = send(data, patience=PATIENCE)
    assert answer.startswith(b"HTTP/1.1 431"), answer[:200]
    assert answer.endswith(b"<closed>")


def test_head__without_end__is_cut_off_long_before_it_fills_the_memory(send: Callable[..., bytes]) -> None:
    answer = send(b"GET / HTTP/1.1\r\nHost: a\r\nX: ", *([b"a" * 65_536] * 64), patience=PATIENCE)
    assert answer == b"<closed>" or answer.startswith(b"HTTP/1.1 431")
    begun = request(POST, "Host: a", CHUNKED, body=b"2\r\n{}\r\n0\r\n")
    trailers = send(begun, *([b"X: " + b"y" * 60_000] * 64), patience=PATIENCE)
    assert trailers.endswith(b"<closed>")
    assert not trailers.startswith(OK)


@pytest.mark.usefixtures("hasty")
@pytest.mark.parametrize("begun", [b"", b"GET / HT", b"GET / HTTP/1.1\r\nHost: a\r\nX: "])
def test_head__that_never_ends__is_waited_for_a_moment_only(send: Callable[..., bytes], begun: bytes) -> None:
    started = time.monotonic()
    answer = send(begun, patience=PATIENCE)
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - started > 0.3


def test_second_request__on_one_connection__has_its_own_limits(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    with connected(port) as connection:
        for _ in range(5):
            connection.sendall(request(LIVE, "Host: a", "X: " + "y" * 3000))
            assert one_answer(connection).startswith(OK)
        connection.sendall(request(POST, "Host: a", "Content-Length: 70000", body=b"{" + b" " * 69_999))
        assert one_answer(connection).startswith(b"HTTP/1.1 400")
        connection.sendall(request(LIVE, "Host: a") * 3)
        for _ in range(3):
            assert one_answer(connection).startswith(OK)
        monkeypatch.setattr(Small, "head_within", 0.4)
        connection.sendall(b"GET / HT")
        assert one_answer(connection).startswith(b"HTTP/1.1 408")


def test_connections__of_one_address__are_counted_and_the_others_told_to_come_back(port: int) -> None:
    held = [connected(port) for _ in range(20)]  # taken in this order, and before the next one
    try:
        with connected(port) as one_more:
            answer = one_answer(one_more)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"retry-after: 1" in answer
        with connected(port, own="127.0.0.2") as other:
            other.sendall(request(LIVE, "Host: a"))
            assert one_answer(other).startswith(OK)
    finally:
        for connection in held:
            connection.close()

    def taken_again() -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{port}/api/v1/health/live", timeout=PATIENCE).status_code == 200
        except httpx.TransportError:
            return False

    until(taken_again)


def test_owing__connection__from_the_start_until_nothing_is_asked(port: int) -> None:
    def owed() -> int:
        return sum(each.client is not None and each.client[0] == "127.0.0.9" for each in list(Connection.owing))

    with connected(port, own="127.0.0.9") as connection:
        until(lambda: owed() == 1)
        for count in (1, 3):
            connection.sendall(request(LIVE, "Host: a") * count)
            for _ in range(count):
                assert one_answer(connection).startswith(OK)
            until(lambda: owed() == 0)
        connection.sendall(request(POST, "Host: a", "Content-Length: 5"))
        until(lambda: owed() == 1)
    until(lambda: owed() == 0)


def test_body__in_drops__is_cut_off_and_holds_nothing(port: int, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "QUIET", 0.5)
    token = house.headers()["Authorization"]
    with connected(port) as connection:
        first = "POST /api/v1/certificates HTTP/1.1"
        connection.sendall(request(first, "Host: a", f"Authorization: {token}", "Content-Length: 5000"))
        for _ in range(4000):
            if select.select([connection], [], [], 0.05)[0]:
                break
            connection.sendall(b" ")
        answer = one_answer(connection)
    assert answer.startswith(b"HTTP/1.1 408"), answer
    assert b"request.too_slow" in answer
    assert house.notary.log(house.origin).next_index == 0


def test_forwarded_for__of_anybody__is_not_believed(port: int, house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(house.parts.lookups, "_burst", 3.0)
    monkeypatch.setattr(house.parts.lookups, "_clock", lambda: 0.0)  # no time to earn further ones
    house.parts.lookups._buckets.clear()
    url = f"http://127.0.0.1:{port}/api/v1/statuses/1.2.156.3005.2.11100000009985328F011.{'0' * 18}.A.001.0"
    told = [{"X-Forwarded-For": f"192.0.2.{n}"} for n in range(5)]
    answers = [httpx.get(url, headers=headers, timeout=PATIENCE).status_code for headers in told]
    assert answers == [404, 404, 404, 429, 429]


def held(port: int, house: House) -> set[str]:
    """What the server in this process has open for its callers: connections, and files of uploads."""
    lines = [line.split() for line in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    taken = {f"socket:[{line[9]}]" for line in lines if line[1].endswith(f":{port:04X}") and line[3] != LISTENING}
    found = set()
    for file in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # of another thread, closed meanwhile
            found.add(os.readlink(file))
    return {name for name in found if name in taken or name.startswith(f"{house.parts.settings.uploads_dir}/")}


def test_files__of_the_server__are_given_back(port: int, house: House) -> None:
    begun = request("POST /api/v1/documents HTTP/1.1", "Host: a", f"Authorization: {house.headers()['Authorization']}",
                    "Content-Length: 9", body=b"abc")  # fmt: skip
    callers = [connected(port) for _ in range(15)]
    for connection in callers:
        connection.sendall(begun)
    until(lambda: len(held(port, house)) == 30)
    for connection in callers:
        connection.close()
    until(lambda: not held(port, house))
