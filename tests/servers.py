"""HTTP servers of tests: their end is the end of their connections and threads too, whoever keeps the other ends."""

from __future__ import annotations

import socket
from contextlib import suppress
from http.server import ThreadingHTTPServer
from typing import Any


class EndingServer(ThreadingHTTPServer):
    """`server_close` cuts off who is connected, and returns when the last thread has ended."""

    daemon_threads = False  # they are waited for

    def __init__(self, *arguments: Any) -> None:
        self._open: set[Any] = set()
        super().__init__(*arguments)

    def process_request(self, request: Any, client_address: Any) -> None:
        self._open.add(request)
        super().process_request(request, client_address)

    def shutdown_request(self, request: Any) -> None:
        self._open.discard(request)
        super().shutdown_request(request)

    def server_close(self) -> None:
        for request in list(self._open):
            with suppress(OSError):  # it ends at this moment
                request.shutdown(socket.SHUT_RDWR)
        super().server_close()
