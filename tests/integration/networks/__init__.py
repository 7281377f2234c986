"""Real networks of several nodes on loopback: go-ethereum with Clique, GoQuorum and Besu with QBFT. Test helpers.

A network makes its own genesis block, keys and configuration in a folder; each node is a process of its own, known by
its pid and ended by it. Programs come from CHUZHENG_GETH_BIN (or the cache that scripts/geth.sh fills),
CHUZHENG_QUORUM_BIN and CHUZHENG_BESU_BIN; where one is missing `MissingError` says why, and tests skip with that.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from tests.integration.networks.clique import start_clique
from tests.integration.networks.nodes import Network, Node
from tests.integration.networks.programs import MissingError
from tests.integration.networks.qbft import start_besu, start_quorum

__all__ = [
    "STARTERS",
    "MissingError",
    "Network",
    "Node",
    "digest",
    "running",
    "start_besu",
    "start_clique",
    "start_quorum",
]

STARTERS: dict[str, Callable[..., Network]] = {
    "geth-clique": start_clique,
    "quorum-qbft": start_quorum,
    "besu-qbft": start_besu,
}


@contextlib.contextmanager
def running(engine: str, folder: Path, **options: Any) -> Iterator[Network]:
    """A network of `engine`, ended at the end. MissingError where there is no program for it."""
    network = STARTERS[engine](folder, **options)
    try:
        yield network
    finally:
        network.stop()


def digest(text: str) -> bytes:
    """32 bytes that stand for `text`."""
    return hashlib.sha256(text.encode()).digest()
