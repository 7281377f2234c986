"""Watching the node that we believe: is it slow, does it tell of an older chain than before, does a second one agree?

A node can be wrong without being down: a copy restored from a backup, a cache in between, a lie. Each look compares it
with what it said itself, and with another node at a block that is final for both. What doesn't read as an answer at all
is UnavailableError here as everywhere; the health page names both.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from ledger.errors import ConfigurationError
from ledger.evm.blocks import block_at, latest_block
from ledger.evm.deployment import chain_identity
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc
from ledger.types import Block

SLOW = 2.0
"""Seconds for the newest block's header, which takes milliseconds as a rule."""


@dataclass(frozen=True, slots=True)
class Sight:
    """What a look found: `ok`, or a case with what is to be told about it."""

    case: str = "ok"
    params: dict[str, Any] = field(default_factory=dict)


OK = Sight()


class NodeWatch:
    """Looks at one node; remembers the highest block that it told of and the newest one that was final."""

    def __init__(
        self,
        rpc: Rpc,
        profile: EngineProfile,
        second: Rpc | None = None,
        *,
        seen: Block | None = None,
        slow: float = SLOW,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """`seen`: a block that the chain surely had, such as the index's last one."""
        self._rpc, self._second, self._profile = rpc, second, profile
        self._slow, self._clock = slow, clock
        self._lock = threading.Lock()
        self._highest = -1 if seen is None else seen.number
        self._known: Block | None = None

    @property
    def has_second(self) -> bool:
        return self._second is not None

    def look(self) -> Sight:
        """`node_slow` (seconds, limit), `node_older` (found, before), `node_rewritten` (number, first, second)."""
        with self._lock:  # before it is asked: who asks at the same time may hear of a higher block sooner
            highest, known = self._highest, self._known
        begun = self._clock()
        head = latest_block(self._rpc)
        took = self._clock() - begun
        depth = self._profile.finality_depth
        with self._lock:
            self._highest = max(self._highest, head.number)
        if head.number + depth < highest:
            return Sight("node_older", {"found": head.number, "before": highest})
        if known is not None:
            now = block_at(self._rpc, known.number)
            if now is not None and now.hash != known.hash:
                return Sight("node_rewritten", {"number": known.number, "first": known.hash, "second": now.hash})
        final = head if depth == 0 else block_at(self._rpc, max(0, head.number - depth))
        if final is not None:
            with self._lock:
                self._known = final
        if took > self._slow:
            return Sight("node_slow", {"seconds": round(took, 1), "limit": self._slow})
        return OK

    def compare(self) -> Sight:
        """`second_chain` where the second node is of another chain, `nodes_disagree` (number, first, second).

        UnavailableError while one of them can't be asked; ConfigurationError `watch.no_second` without a second node.
        """
        if self._second is None:
            raise ConfigurationError("watch.no_second")
        if chain_identity(self._rpc) != chain_identity(self._second):
            return Sight("second_chain")
        low = min(latest_block(self._rpc).number, latest_block(self._second).number)
        number = max(0, low - self._profile.finality_depth)
        ours, theirs = block_at(self._rpc, number), block_at(self._second, number)
        if ours is None or theirs is None or ours.hash == theirs.hash:
            return OK
        return Sight("nodes_disagree", {"number": number, "first": ours.hash, "second": theirs.hash})
