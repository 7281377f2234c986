"""A Kubo node in memory, over real HTTP: the calls that notary/stores/kubo.py makes, with Kubo's own words.

`twist` may change any answer: what a node that lies, is cut off or hangs would send.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import Message
from http.server import BaseHTTPRequestHandler
from urllib.parse import parse_qs, urlsplit

from ledger.errors import UnreadableError
from notary.cid import DAG_PB, RAW, cid_text, decode_node, make_cid, parse_cid
from tests.servers import EndingServer


@dataclass
class Answer:
    """What goes back; `declared` is a Content-Length that isn't the body's, `drops` seconds between single bytes."""

    status: int
    body: bytes
    declared: int | None = None
    drops: float = 0.0


@dataclass
class FakeKubo:
    """Blocks and recursive pins. `calls` are the paths that were asked."""

    blocks: dict[str, bytes] = field(default_factory=dict)
    pinned: set[str] = field(default_factory=set)
    calls: list[str] = field(default_factory=list)
    twist: Callable[[str, Answer], Answer] = lambda path, answer: answer
    address: str = ""

    def collect_garbage(self) -> None:
        """As `ipfs repo gc`."""
        kept = {name for root in self.pinned for name in self._below(root)}
        self.blocks = {name: block for name, block in self.blocks.items() if name in kept}

    def _below(self, name: str) -> Iterator[str]:
        yield name
        if parse_cid(name)[1] == DAG_PB:
            for link in decode_node(self.blocks[name]):
                yield from self._below(cid_text(link.cid))

    def answer(self, path: str, query: dict[str, list[str]], body: bytes) -> Answer:
        arg = query.get("arg", [""])[0]
        absent = f"block was not found locally (offline): ipld: could not find {arg}"
        assert query["offline"] == ["true"]
        match path:
            case "version":
                return _json({"Version": "0.44.0-fake"})
            case "block/put":
                codec = {"raw": RAW, "dag-pb": DAG_PB}[query["cid-codec"][0]]
                name = cid_text(make_cid(codec, body))
                self.blocks.setdefault(name, body)  # as Kubo: what is there isn't looked at again
                return _json({"Key": name, "Size": len(body)})
            case "block/get" if arg in self.blocks:
                return Answer(200, self.blocks[arg])
            case "block/stat" if arg in self.blocks:
                return _json({"Key": arg, "Size": len(self.blocks[arg])})
            case "block/get" | "block/stat":
                return _error(absent)
            case "block/rm":
                if any(arg in self._below(root) for root in self.pinned):
                    return _json({"Hash": arg, "Error": "pinned: indirect"})
                self.blocks.pop(arg, None)
                return _json({"Hash": arg})
            case "pin/add":
                try:
                    assert all(name in self.blocks for name in self._below(arg))
                except (KeyError, AssertionError, UnreadableError):
                    return _error(f"pin: {absent}")
                self.pinned.add(arg)
                return Answer(200, b'{"Progress":1}\n' + json.dumps({"Pins": [arg]}).encode() + b"\n")
            case "pin/rm":
                if arg not in self.pinned:
                    return _error("not pinned or pinned indirectly")
                self.pinned.remove(arg)
                return _json({"Pins": [arg]})
            case "pin/ls" if arg:
                if arg not in self.pinned:
                    return _error(f"path '{arg}' is not pinned")
                return _json({"Keys": {arg: {"Type": "recursive"}}})
            case "pin/ls":
                names = [*sorted(self.pinned), "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn"]
                return Answer(200, b"".join(json.dumps({"Cid": n}).encode() + b"\n" for n in names))
        return Answer(404, b"404 page not found")


@contextmanager
def running(node: FakeKubo) -> Iterator[FakeKubo]:
    """Serve the node on loopback until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            parts = urlsplit(self.path)
            path = parts.path.removeprefix("/api/v0/")
            node.calls.append(path)
            answer = node.twist(path, node.answer(path, parse_qs(parts.query), self._file()))
            self.send_response(answer.status)
            self.send_header("Content-Type", "application/json")
            declared = len(answer.body) if answer.declared is None else answer.declared
            self.send_header("Content-Length", str(declared))
            if declared != len(answer.body):
                self.close_connection = True
            self.end_headers()
            if not answer.drops:
                self.wfile.write(answer.body)
                return
            for byte in answer.body:
                self.wfile.write(bytes([byte]))
                self.wfile.flush()
                time.sleep(answer.drops)

        def _file(self) -> bytes:
            if self.headers.get("Transfer-Encoding") != "chunked":
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                return b""
            body = bytearray()
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            self.rfile.readline()
            head = f"Content-Type: {self.headers['Content-Type']}\r\n\r\n".encode()
            parts = message_from_bytes(head + bytes(body)).get_payload()
            assert isinstance(parts, list)
            assert isinstance(parts[0], Message)
            found = parts[0].get_payload(decode=True)
            assert isinstance(found, bytes)
            return found

        def log_message(self, format: str, *args: object) -> None:
            return

    server = EndingServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    node.address = f"/ip4/127.0.0.1/tcp/{server.server_port}"
    try:
        yield node
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _json(found: dict[str, object]) -> Answer:
    return Answer(200, json.dumps(found).encode() + b"\n")


def _error(message: str) -> Answer:
    return Answer(500, json.dumps({"Message": message, "Code": 0, "Type": "error"}).encode())
