"""Other nodes that are given the same transactions as our own: nodes pass large ones on by and by, and who makes the
next block can only take what it has."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence

from ledger.errors import UnavailableError
from ledger.evm.rpc import Call, Rpc
from ledger.types import Millis

RESTS = 30_000
"""milliseconds for which a relay that didn't answer is left alone"""
log = logging.getLogger(__name__)


class Relays:
    """`give` never raises for what a relay says or fails to say."""

    def __init__(self, nodes: Sequence[Rpc], now: Callable[[], Millis]) -> None:
        self._nodes = nodes
        self._now = now
        self._resting: dict[str, Millis] = {}

    def give(self, calls: Sequence[Call]) -> None:
        """Our own node has them, so the network will have them anyway: a relay that fails is left alone a while."""
        for node in self._nodes:
            if self._resting.get(node.url, 0) > self._now():
                continue
            try:
                node.batch(calls)
            except UnavailableError as error:
                self._resting[node.url] = Millis(self._now() + RESTS)
                log.warning("%s isn't given transactions for a while: %s", node.url, error)
