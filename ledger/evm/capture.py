"""Capturing evidence: each final block in which something of ours happened, with its seals and all its receipts.

One block is fetched once, whatever happened in it, and proves its anchors, decisions and grants alike. A node that
can't give all of it is asked again later; until then receipts say `{"kind": "none"}`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import structlog

from ledger.errors import UnavailableError
from ledger.evidence.build import header_bytes
from ledger.evidence.sealed import SealedBlock, sealed_block
from ledger.evidence.sets import ListedSet, listed_sets
from ledger.evm.profiles import EngineProfile
from ledger.evm.rpc import Rpc, RpcError, results_of
from ledger.store.evidence import EvidenceStore
from ledger.store.index import IndexReader
from ledger.types import ChainHash

AT_ONCE = 20
"""Blocks of one step."""
HEADERS = 100
FIRST_WAIT, LONGEST_WAIT = 5.0, 600.0
"""Seconds until a block is asked for again that the node couldn't give."""
LOOK_BACK = 600.0
"""Seconds between two looks at all blocks from the first on, for what a restore brought back under other numbers."""

_log = structlog.get_logger("evm.capture")


def fetch_block(rpc: Rpc, number: int, block_hash: ChainHash) -> SealedBlock:
    """The block with its receipts, checked against its hash. UnavailableError if the node can't give all of it."""
    block = rpc.call("eth_getBlockByNumber", hex(number), False)
    if not isinstance(block, dict) or not isinstance(block.get("transactions"), list):
        raise UnavailableError("evidence.incomplete", what="block", block=block_hash)
    return sealed_block(block, _receipts(rpc, number, block["transactions"], block_hash), block_hash)


def _receipts(rpc: Rpc, number: int, hashes: list[Any], block_hash: ChainHash) -> list[dict[str, Any]]:
    """All receipts of a block at once where the node has a call for it, else one by one in batches."""
    if not hashes:
        return []
    try:
        found = rpc.call("eth_getBlockReceipts", hex(number))
    except RpcError:
        found = rpc.batch([("eth_getTransactionReceipt", (tx_hash,)) for tx_hash in hashes])
    whole = isinstance(found, list) and len(found) == len(hashes) and all(isinstance(each, dict) for each in found)
    if not whole:
        raise UnavailableError("evidence.incomplete", what="receipts", block=block_hash)
    return list(found)


def validator_sets(rpc: Rpc, first: int, last: int) -> tuple[ListedSet, ...]:
    """Validator sets that the headers of blocks first ≤ number ≤ last list, for a trust file; `first` 0, or the
    `from_block` of the last set of the file before."""
    return listed_sets(_headers(rpc, first, last))


def _headers(rpc: Rpc, first: int, last: int) -> Iterator[bytes]:
    for start in range(first, last + 1, HEADERS):
        numbers = range(start, min(last, start + HEADERS - 1) + 1)
        for answer in results_of(rpc, [("eth_getBlockByNumber", (hex(number), False)) for number in numbers]):
            if not isinstance(answer, dict):
                raise UnavailableError("chain.undecodable", what="header")
            yield header_bytes(answer)


class Capture:
    """Part of the loop beside the API (notary.worker.Step); several of them do the same work twice and no harm."""

    def __init__(
        self,
        store: EvidenceStore,
        index: IndexReader,
        rpc: Rpc,
        profile: EngineProfile,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._store, self._index, self._rpc, self._clock = store, index, rpc, clock
        self._sealed = profile.sealed_headers
        self._depth = profile.finality_depth
        self._floor = -1
        self._floor_until = 0.0
        self._later: dict[ChainHash, tuple[float, float]] = {}
        """hash → (not before, the wait that led to it)"""

    def step(self) -> bool:
        """Capture some blocks; whether anything was stored. Engines without seals have nothing to capture."""
        if not self._sealed:
            return False
        at, now = self._index.cursor(), self._clock()
        if at is None:
            return False
        upto = at.number - self._depth
        if now >= self._floor_until or upto < self._floor:
            self._floor, self._floor_until = -1, now + LOOK_BACK
        missing = self._store.missing(self._floor, upto, AT_ONCE + len(self._later))
        if not missing:
            self._floor = upto
            self._later.clear()
            return False
        due = [(n, h) for n, h in missing if now >= self._later.get(h, (0.0, 0.0))[0]][:AT_ONCE]
        return sum([self._one(number, block_hash, now) for number, block_hash in due]) > 0

    def _one(self, number: int, block_hash: ChainHash, now: float) -> bool:
        try:
            self._store.put(block_hash, number, fetch_block(self._rpc, number, block_hash))
        except UnavailableError as error:
            wait = min(LONGEST_WAIT, 2 * self._later.get(block_hash, (0.0, FIRST_WAIT / 2))[1])
            self._later[block_hash] = (now + wait, wait)
            _log.warning("capture.later", block=number, code=error.code, seconds=wait)
            return False
        self._later.pop(block_hash, None)
        return True
