"""A JSON-RPC proxy in front of a real node that can lie, dawdle, talk nonsense and stay behind. Test helper."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler
from typing import Any
from urllib.request import Request, urlopen

from tests.servers import EndingServer


class Proxy(EndingServer):
    """Passes everything on to `target`, unless told otherwise."""

    def __init__(self, target: str) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.target = target
        self.delay = 0.0
        """seconds before each answer about a block: what our watch asks, and not all that a doctor does"""
        self.nonsense: bytes | None = None
        """sent in the place of each answer"""
        self.upto: int | None = None
        """no block above this one is there"""
        self.lie_about: int | None = None
        """this block gets another hash"""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    def passed_on(self, call: dict[str, Any]) -> dict[str, Any]:
        if self.upto is not None and call["method"] == "eth_getBlockByNumber":
            at = call["params"][0]
            if at == "latest":
                call = {**call, "params": [hex(self.upto), *call["params"][1:]]}
            elif int(at, 16) > self.upto:
                return {"jsonrpc": "2.0", "id": call["id"], "result": None}
        body = Request(self.target, json.dumps(call).encode(), {"Content-Type": "application/json"})
        with urlopen(body, timeout=30) as response:
            answer: dict[str, Any] = json.load(response)
        found = answer.get("result")
        if isinstance(found, dict) and "parentHash" in found and int(found["number"], 16) == self.lie_about:
            found["hash"] = "0x" + "66" * 32
        return answer

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A caller that hung up is what these tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Proxy

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        if any(c["method"] == "eth_getBlockByNumber" for c in (asked if isinstance(asked, list) else [asked])):
            time.sleep(self.server.delay)
        answer = [self.server.passed_on(c) for c in asked] if isinstance(asked, list) else self.server.passed_on(asked)
        body = self.server.nonsense if self.server.nonsense is not None else json.dumps(answer).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_args: object) -> None:
        pass


@contextmanager
def proxied(target: str) -> Iterator[Proxy]:
    proxy = Proxy(target)
    thread = threading.Thread(target=proxy.serve_forever, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        proxy.server_close()
