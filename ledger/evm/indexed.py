"""The chain read with the help of our own index: the index finds, the chain confirms.

Only the search for anchors is helped, because only its cost grows with the chain. What the index has is believed when
the chain has that block, by its hash, and holds that root now; what it hasn't yet is looked for in the blocks after its
last one. An index that is behind, rolled back, restored from an old copy or gone costs time; it changes no answer.
"""

from __future__ import annotations

from collections.abc import Sequence

from ledger.errors import UnavailableError
from ledger.evm.anchor_log import NAME as ANCHOR_LOG
from ledger.evm.blocks import blocks_at
from ledger.evm.deployment import Deployment
from ledger.evm.profiles import EngineProfile
from ledger.evm.reader import EvmChainReader
from ledger.evm.rpc import Rpc
from ledger.store.index import IndexReader
from ledger.types import Anchor, Block, LogId


class IndexedChainReader(EvmChainReader):
    """`EvmChainReader` for who has an index of the same deployment."""

    def __init__(self, rpc: Rpc, profile: EngineProfile, deployment: Deployment, index: IndexReader) -> None:
        super().__init__(rpc, profile, deployment)
        self._index = index

    def anchors(self, log_id: LogId, above_size: int = 0, limit: int = 1) -> Sequence[Anchor]:
        upto = self.final_head().number
        try:
            held, last = self._index.anchors_above(log_id, above_size, limit)
        except UnavailableError:  # the database is down: the chain alone can answer
            return self._search_anchors(log_id, above_size, limit, upto=upto)
        found, complete_to = self._confirmed(log_id, held, last, upto)
        if len(found) == limit:
            return found
        size = found[-1].size if found else above_size
        rest = self._search_anchors(log_id, size, limit - len(found), upto=upto, after=complete_to)
        return (*found, *rest)

    def _confirmed(
        self, log_id: LogId, held: Sequence[Anchor], last: Block | None, upto: int
    ) -> tuple[tuple[Anchor, ...], int | None]:
        """What of `held` the chain confirms, and the block up to which nothing else can be.

        A block's hash settles all its events, and those before it; so the index's last block vouches for all of them.
        """
        if last is None:
            return (), None
        versions = {c.address for c in self._deployment.versions(ANCHOR_LOG)}
        ours = [a for a in held if a.contract in versions and a.block_number <= upto]
        if len(ours) < len(held):
            return (), None
        blocks = blocks_at(self._rpc, [*(a.block_number for a in ours), last.number])
        same = [b is not None and b.hash == a.block_hash for a, b in zip(ours, blocks, strict=False)]
        if not all(same):
            return (), None
        roots = self._logs.anchored_roots(log_id, [a.size for a in ours], upto)
        if roots != [a.root for a in ours]:
            raise UnavailableError("chain.moved", retry_after=1.0)
        if blocks[-1] != last:
            return tuple(ours), ours[-1].block_number if ours else None
        return tuple(ours), min(upto, last.number - self._index.depth)
