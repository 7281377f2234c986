"""Loopback ports: whether one can be listened on, and which one an address names."""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from api.settings import Settings

PATIENCE = 5.0
"""Seconds that what a killed supervisor left behind has to let go of a port."""
LOOPBACK = frozenset({"127.0.0.1", "localhost"})


def patience(settings: Settings) -> float:
    """Seconds to wait for a port: a network that never ran has left nothing behind."""
    return PATIENCE if settings.deployment_path.exists() else 0.0


def await_free(host: str, port: int, seconds: float) -> bool:
    """Whether nobody listens on the port, or stops doing so in time."""
    deadline = time.monotonic() + seconds
    while not _free(host, port):
        if time.monotonic() > deadline:
            return False
        time.sleep(0.2)
    return True


def loopback_port(url: str) -> int | None:
    """The port of `http://127.0.0.1:PORT`; None for any other address."""
    try:
        parts = urlsplit(url)
        return parts.port if parts.scheme == "http" and parts.hostname in LOOPBACK and parts.port else None
    except ValueError:
        return None


def _free(host: str, port: int) -> bool:
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except OSError:
        return False
    return True
