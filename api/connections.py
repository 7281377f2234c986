"""Connections: how much a peer may send before it is a request, for how long, and how many peers at once.

Uvicorn leaves all three open: one endless header fills the memory, idle connections use up the files that the log and
the database need. What is refused here never reaches the application, so it answers in its own few bytes.
"""

from __future__ import annotations

import asyncio
import json
import logging
import resource
from collections import Counter
from collections.abc import Callable
from typing import Any, ClassVar, cast

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

from api.pace import network_of
from ledger.texts import text

MOST_HEAD = 32 << 10
"""Bytes of request line and headers."""
_HEADER = 32
"""What a header costs beside its letters, as in HTTP/2."""
HEAD_WITHIN = 20.0
"""Seconds from the first byte of a connection, or of a further request on it, to the end of the headers."""
LINGER = 30.0
"""Seconds that the rest of a body is thrown away for after a refusal, so that the peer gets to read it."""
MOST_CONNECTIONS = 2000
MOST_FROM_ONE = 400
"""Connections of one address: enough for a proxy, too few to keep everybody else out."""


class Connection(HttpToolsProtocol):
    """Uvicorn's own protocol with limits around it."""

    most_head = MOST_HEAD
    head_within = HEAD_WITHIN
    most_connections = MOST_CONNECTIONS
    most_from_one = MOST_FROM_ONE
    owing: ClassVar[set[Connection]] = set()
    """Those from which a first request, or to which an answer, is awaited; the others only stay open."""
    on_owing: ClassVar[Callable[[], object]] = staticmethod(lambda: None)
    """Called when the first comes or the last goes: to have nothing to do is what others must know at once."""
    _from: ClassVar[Counter[str]] = Counter()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._head: int | None = 0  # bytes of the head so far; None: the head is complete
        self._beside = 0  # bytes since then that weren't body: chunk sizes, extensions, trailers
        self._body = 0
        self._head_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._peer = network_of(self.client[0]) if self.client else "-"
        self._from[self._peer] += 1
        self._owe()
        if len(self.connections) > self.most_connections or self._from[self._peer] > self.most_from_one:
            self._refuse(503, "server.busy")
        else:
            self._expect_head()

    def connection_lost(self, exc: Exception | None) -> None:
        self._stop_waiting()
        self._from[self._peer] -= 1
        if self._from[self._peer] <= 0:
            del self._from[self._peer]
        super().connection_lost(exc)
        self._owe_nothing()

    def data_received(self, data: bytes) -> None:
        if self.transport.is_closing():
            return
        if self._head is None:
            self._beside += len(data)
        else:
            self._head += len(data)
        super().data_received(data)
        if self._head is None and self._beside > self.most_head + 8 * self._body:
            self._refuse(400, "request.not_http")
        elif self._head is not None and self._head > self.most_head:
            self._refuse(431, "request.head_too_large")

    def on_message_begin(self) -> None:
        super().on_message_begin()
        self._head = 0 if self._head is None else self._head
        self._beside = self._body = 0
        self._expect_head()

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._head is not None:  # what comes after the body must not become a header of the request
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        self._stop_waiting()
        size = len(self.url) + sum(len(n) + len(v) + _HEADER for n, v in self.headers)
        self._head = None
        if size > self.most_head:
            self._refuse(431, "request.head_too_large")
        else:
            self._owe()
            super().on_headers_complete()
            self.cycle.transport = cast(asyncio.Transport, Together(self.transport, self.loop))

    def on_body(self, body: bytes) -> None:
        self._body += len(body)
        self._beside -= len(body)
        if not self.transport.is_closing():
            super().on_body(body)

    def on_message_complete(self) -> None:
        if not self.transport.is_closing():
            super().on_message_complete()

    def on_response_complete(self) -> None:
        answered, another = self.cycle, bool(self.pipeline)
        super().on_response_complete()
        if not another:
            self._owe_nothing()
        if answered.more_body and not self.transport.is_closing():
            self.loop.call_later(LINGER, self._stop_reading, answered)

    def _owe(self) -> None:
        if self not in self.owing:
            self.owing.add(self)
            if len(self.owing) == 1:
                Connection.on_owing()

    def _owe_nothing(self) -> None:
        if self in self.owing:
            self.owing.remove(self)
            if not self.owing:
                Connection.on_owing()

    def _stop_reading(self, answered: object) -> None:
        if self.cycle is answered and self._head is None and not self.transport.is_closing():
            self.transport.close()

    def send_400_response(self, msg: str) -> None:
        """What isn't HTTP; the message of the parser says nothing to a person."""
        self._refuse(400, "request.not_http")

    def _expect_head(self) -> None:
        if self._head_timer is None:
            self._head_timer = self.loop.call_later(self.head_within, self._too_slow)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _too_slow(self) -> None:
        self._head_timer = None
        if self.cycle is not None and not self.cycle.response_complete:
            self._expect_head()  # a pipelined request waits behind one that is being answered
            return
        self._refuse(408, "request.too_slow")

    def _refuse(self, status: int, code: str) -> None:
        if self.transport.is_closing():
            return
        zh, en = text(f"error.{code}", "zh"), text(f"error.{code}", "en")
        problem = {"type": f"urn:chuzheng:error:{code}", "status": status, "code": code, "detail": zh}
        body = json.dumps({**problem, "message_zh": zh, "message_en": en}, ensure_ascii=False).encode()
        head = STATUS_LINE[status] + b"content-type: application/problem+json\r\nconnection: close\r\n"
        retry = b"retry-after: 1\r\n" if status == 503 else b""
        self.transport.write(b"%s%scontent-length: %d\r\n\r\n%s" % (head, retry, len(body), body))
        self.transport.close()


class Together:
    """What one answer is written to: its head waits for the first of its body and goes out in the same call.

    Uvicorn writes them one by one, which is two system calls here and two wake-ups at the peer. A head whose body isn't
    there yet goes out by itself as soon as the loop is done with what it is doing; a refusal goes as it comes.
    """

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport, self._loop = transport, loop
        self._head: bytes | None = None
        self._begun = False

    def write(self, data: bytes) -> None:
        if not self._begun and data.startswith(b"HTTP/1.1 2"):
            self._begun, self._head = True, data
            self._loop.call_soon(self._send_head)
        elif self._head is not None:
            head, self._head = self._head, None
            self._transport.writelines([head, data] if data else [head])
        else:
            self._transport.write(data)

    def close(self) -> None:
        self._send_head()
        self._transport.close()

    def is_closing(self) -> bool:
        return self._transport.is_closing()

    def _send_head(self) -> None:
        if self._head is not None:
            head, self._head = self._head, None
            self._transport.write(head)


def more_open_files() -> None:
    """Connections are files: take as many as the system lets us, and leave half for logs, database and chain."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    soft = max(soft, min(hard, 4 * MOST_CONNECTIONS) if hard != resource.RLIM_INFINITY else 4 * MOST_CONNECTIONS)
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    Connection.most_connections = min(MOST_CONNECTIONS, soft // 2)


def quiet_servers_log() -> None:
    """Uvicorn and the form parser write warnings about what peers send, with bytes of it; our own lines are enough."""
    logging.getLogger("uvicorn.error").setLevel(logging.ERROR)
    logging.getLogger("python_multipart").setLevel(logging.CRITICAL)
