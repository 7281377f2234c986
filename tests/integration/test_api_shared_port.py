"""Several API processes on one port: the kernel gives each of them connections."""

from __future__ import annotations

import socket

from api.app import shared_port


def test_shared_port__two_listeners__both_are_given_connections() -> None:
    with shared_port("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with shared_port("127.0.0.1", port) as second:
            listeners, clients = (first, second), []
            for listener in listeners:
                listener.listen(128)
                listener.setblocking(False)
            try:
                clients = [socket.create_connection(("127.0.0.1", port), 5) for _ in range(64)]
                assert all(_accepted(listener) for listener in listeners)
            finally:
                for client in clients:
                    client.close()


def _accepted(listener: socket.socket) -> int:
    count = 0
    while True:
        try:
            listener.accept()[0].close()
        except BlockingIOError:
            return count
        count += 1
