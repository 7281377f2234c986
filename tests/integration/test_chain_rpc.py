"""The JSON-RPC client against a server that misbehaves: order by id, nonsense, outages, closed connections."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import Any

import pytest

from ledger.errors import ConfigurationError, UnavailableError
from ledger.evm.rpc import Rpc, RpcError
from tests.servers import EndingServer

Answer = Callable[[Any], Any]


class Server(EndingServer):
    answer: Answer
    close_after_each = False
    connections = 0

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is what these tests are about."""


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Server

    def setup(self) -> None:
        super().setup()
        self.server.connections += 1

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        answer = self.server.answer(asked)
        body = answer if isinstance(answer, bytes) else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.server.close_after_each

    def log_message(self, *_args: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    made = Server(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=made.serve_forever, daemon=True)
    thread.start()
    yield made
    made.shutdown()
    made.server_close()


def rpc_of(server: Server, **options: Any) -> Rpc:
    return Rpc(f"http://127.0.0.1:{server.server_address[1]}", **options)


def echo(asked: Any) -> Any:
    if isinstance(asked, list):
        return [echo(one) for one in reversed(asked)]  # any order is allowed
    return {"jsonrpc": "2.0", "id": asked["id"], "result": asked["params"]}


def test_batch__answers_in_any_order__given_back_in_ours(server: Server) -> None:
    server.answer = echo
    calls = [("m", [n]) for n in range(257)]
    assert rpc_of(server, batch_limit=100).batch(calls) == [[n] for n in range(257)]
    assert rpc_of(server).call("m", 1, 2) == [1, 2]
    assert rpc_of(server).batch([]) == []


def test_batch__one_refused__others_answered(server: Server) -> None:
    def some(asked: Any) -> Any:
        error = {"code": 3, "message": "execution reverted", "data": "0x0102"}
        return [{"id": a["id"], "error": error} if a["id"] == 1 else echo(a) for a in asked]

    server.answer = some
    first, second, third = rpc_of(server).batch([("m", [n]) for n in range(3)])
    assert (first, third) == ([0], [2])
    assert isinstance(second, RpcError)
    assert (second.number, second.data) == (3, "0x0102")


@pytest.mark.parametrize(
    "answer",
    [
        b"<html>", b"", b"null", b"[]", b"{}", b'"x"', b'{"jsonrpc":"2.0","id":1}', b"\xff\xfe", b"[null]",
    ],
)  # fmt: skip
def test_answer__nonsense__unavailable_never_an_answer(server: Server, answer: bytes) -> None:
    server.answer = lambda _asked: answer
    with pytest.raises(UnavailableError, match=r"chain\.bad_answer"):
        rpc_of(server).call("m")
    with pytest.raises(UnavailableError, match=r"chain\.bad_answer"):
        rpc_of(server).batch([("m", []), ("m", [])])


def test_batch__an_answer_missing_or_doubled__nothing_is_guessed(server: Server) -> None:
    for picked in ([0], [0, 0]):
        server.answer = lambda asked, picked=picked: [echo(asked)[i] for i in picked]  # type: ignore[misc]
        with pytest.raises(UnavailableError, match=r"chain\.bad_answer"):
            rpc_of(server).batch([("m", [1]), ("m", [2])])


def test_connection__kept_and_renewed_when_the_node_closed_it(server: Server) -> None:
    server.answer = echo
    rpc = rpc_of(server)
    assert [rpc.call("m", n) for n in range(5)] == [[n] for n in range(5)]
    assert server.connections == 1
    server.close_after_each = True
    assert [rpc.call("m", n) for n in range(5)] == [[n] for n in range(5)]


def test_outage__nobody_there_or_too_slow__unreachable_without_secrets(server: Server) -> None:
    hang = threading.Event()
    server.answer = lambda asked: hang.wait(60) and echo(asked)
    with pytest.raises(UnavailableError, match=r"chain\.unreachable"):
        rpc_of(server, timeout=0.2).call("m")
    hang.set()
    with pytest.raises(UnavailableError, match=r"chain\.unreachable") as caught:
        Rpc("http://user:secret@127.0.0.1:9/path?token=secret", timeout=0.5).call("m")
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize("url", ["ftp://x", "http://", "nonsense"])
def test_url__no_http__operator_is_told(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"chain\.url"):
        Rpc(url)
