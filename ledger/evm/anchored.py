"""Finding anchors on a chain without reading it from its beginning: where did a log first grow beyond a size?

Heads only grow, so the states of old blocks are searched like a dictionary: sixteen at a time, six round trips on ten
million blocks. Where a node has forgotten old states (anvil does after a thousand blocks), the events of what is left
are asked for instead, by topic, in ranges that grow until the node refuses. That has an end too: who can't find out in
`MOST_RANGES` questions says so (UnavailableError), and never "there is none".
"""

from __future__ import annotations

from typing import Any

from ledger.errors import UnavailableError
from ledger.evm.anchor_log import NAME as ANCHOR_LOG
from ledger.evm.anchor_log import AnchorLogView
from ledger.evm.artifacts import artifact, decode_event
from ledger.evm.deployment import Deployment
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc, RpcError
from ledger.types import Digest, LogId

PROBES = 16
"""States asked for in one round trip."""
MOST_RANGES = 400
"""At a node's limit of 5,000 blocks a range that is two million blocks without any old state."""
Found = tuple[int, Digest, dict[str, Any]]
"""(size, root, the event as the node tells it)"""


class AnchoredSearch:
    """Looks for `Anchored` events of one deployment's AnchorLogs, all versions of them."""

    def __init__(self, rpc: Rpc, profile: EngineProfile, deployment: Deployment, view: AnchorLogView) -> None:
        self._rpc, self._profile, self._view = rpc, profile, view
        versions = deployment.versions(ANCHOR_LOG)
        self._addresses = [contract.address for contract in versions]
        self._from_block = min(contract.from_block for contract in versions)
        self._topic = next(t for t, event in artifact(ANCHOR_LOG).events.items() if event.name == "Anchored")

    def above(self, log_id: LogId, size: int, limit: int, *, upto: int, after: int | None = None) -> list[Found]:
        """The first `limit` anchors of sizes > `size` up to block `upto`, smallest first.

        `after`: a block up to which the caller knows that there is none; the contract's first block if not given.
        """
        low = max(self._from_block - 1, -1 if after is None else after)
        found: list[Found] = []
        while len(found) < limit and low < upto:
            newest = self._view.head(log_id, upto)[0]
            if newest <= size:
                break
            first, last = self._narrowed(log_id, size, low, upto)
            events = self._first_events(log_id, size, first + 1, last)
            if not events:
                raise UnavailableError("chain.moved", retry_after=1.0)  # the head said that there is one
            # What a closing struck out is told by events still.
            found += [event for event in events if event[0] <= newest]
            size, low = events[-1][0], int(events[-1][2]["blockNumber"], 16)
        return found[:limit]

    def _narrowed(self, log_id: LogId, size: int, low: int, high: int) -> tuple[int, int]:
        """(low, high] shrunk around the first block after which the head is above `size`, as far as states are kept."""
        while high - low > 1:
            blocks = sorted({low + (high - low) * i // (PROBES + 1) for i in range(1, PROBES + 1)} - {low})
            before = low, high
            for block, head in zip(blocks, self._view.sizes(log_id, blocks), strict=True):
                if head is None:
                    continue
                if head > size:
                    high = block
                    break
                low = block
            if (low, high) == before:
                break
        return low, high

    def _first_events(self, log_id: LogId, size: int, start: int, end: int) -> list[Found]:
        """The events of sizes > `size` in the first range of blocks that has any."""
        width, refused_at = self._profile.log_range, 0
        for _ in range(MOST_RANGES):
            if start > end:
                return []
            last = min(end, start + width - 1)
            try:
                logs = self._logs(log_id, start, last)
            except RpcError:
                if width == 1:
                    raise
                refused_at, width = width, max(1, width // 2)
                continue
            found = [event for log in logs if (event := self._event(log)) is not None and event[0] > size]
            if found:
                return sorted(found, key=lambda event: event[0])
            start = last + 1
            if not refused_at or width * 2 < refused_at:
                width *= 2
        raise UnavailableError("chain.search_too_long", blocks=end - start + 1)

    def _logs(self, log_id: LogId, start: int, end: int) -> list[dict[str, Any]]:
        query = {"address": self._addresses, "topics": [self._topic, "0x" + log_id.hex()]}
        logs: list[dict[str, Any]] = self._rpc.call(
            "eth_getLogs", {**query, "fromBlock": hex(start), "toBlock": hex(end)}
        )
        return logs

    @staticmethod
    def _event(log: dict[str, Any]) -> Found | None:
        event = decode_event(ANCHOR_LOG, log["topics"], log["data"])
        return None if event is None else (event[1]["size"], Digest(event[1]["root"]), log)
