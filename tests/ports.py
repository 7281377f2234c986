"""Ports for the programs that tests start, each given once and kept for as long as the process lives.

A port that was only free a moment ago may be gone when the program binds it: another worker's, or an outgoing
connection's own end. So each stays bound here without listening. With SO_REUSEADDR, which every server we start sets,
the program may listen on it all the same (Linux: socket(7), ip(7)), the kernel gives it to nobody else, and until
somebody listens a connection to it is refused, as to a port of nobody.
"""

from __future__ import annotations

import socket

_kept: list[socket.socket] = []


def free_port() -> int:
    """A loopback port that nothing but the caller's programs will have."""
    keeper = socket.socket()
    keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    keeper.bind(("127.0.0.1", 0))
    _kept.append(keeper)
    port: int = keeper.getsockname()[1]
    return port
