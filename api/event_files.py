"""Event files for what a contract said of one object: from the index and the captured blocks, for who verifies offline.

Only what is final by the network's rule, and only with its evidence: what isn't captured yet is counted, not told.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from notary.event_proof import EventProof, proof_of_event

if TYPE_CHECKING:
    from ledger.evm.deployment import Deployment
    from ledger.store.evidence import EvidenceStore
    from ledger.store.index import IndexReader


class EventFiles:
    """`depth`: blocks on top of a block before it counts as final."""

    def __init__(self, store: EvidenceStore, index: IndexReader, deployment: Deployment, depth: int) -> None:
        self._store, self._index, self._deployment, self._depth = store, index, deployment, depth

    def about(self, contract: str, subject: bytes) -> tuple[list[EventProof], int]:
        """(files in the chain's order, how many events still wait for their evidence) of the object with this key."""
        at = self._index.cursor()
        if at is None:
            return [], 0
        found = self._store.of_subject(contract, subject, at.number - self._depth)
        chain = self._deployment
        files = [
            proof_of_event(
                captured, block, tx_hash, network=chain.network, name=contract, chain_id=chain.chain_id,
                genesis=chain.genesis_hash,
            )
            for block, tx_hash, captured in found
            if captured is not None
        ]  # fmt: skip
        return files, len(found) - len(files)
