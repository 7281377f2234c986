"""Whether the Council closed a log: asked at every submission, answered from memory for half a second.

The index learns of a closing seconds after its block anyway, and what is registered above a closing's size counts for
nothing, whoever took it (docs/adr/0013). The other questions go to the index at once.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from ledger.types import Anchor, Digest, LogId
from notary.prove import AnchorIndex

KEPT = 0.5
"""Seconds for which an answer is believed."""


class RecentClosings:
    """The index of the chain, with `closed_at` kept for KEPT seconds."""

    def __init__(self, index: AnchorIndex, now: Callable[[], float] = time.monotonic) -> None:
        self._index, self._now = index, now
        self._kept: dict[LogId, tuple[float, int | None]] = {}

    def anchor_for(self, log_id: LogId, index: int) -> Anchor | None:
        return self._index.anchor_for(log_id, index)

    def log_head(self, log_id: LogId) -> tuple[int, Digest] | None:
        return self._index.log_head(log_id)

    def closed_at(self, log_id: LogId) -> int | None:
        """The last good size of a closed log; None while it is open, as far as was known KEPT seconds ago."""
        now = self._now()
        since, size = self._kept.get(log_id, (now - KEPT, None))
        if now - since >= KEPT:
            size = self._index.closed_at(log_id)
            self._kept[log_id] = now, size
        return size
