"""A sealed block with all its receipts: what is captured once, and proves every event in it from then on.

Pure. Nothing enters that isn't whole: header, seals and receipts fit the block's hash and each other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ledger.errors import NotFoundError, UnavailableError, UnreadableError
from ledger.evidence.build import EMPTY_ROOT, header_bytes, receipt_bytes, receipts_trie
from ledger.evidence.events import Event, parse_receipt
from ledger.evidence.header import parse_header, quorum
from ledger.types import ChainHash


@dataclass(frozen=True, slots=True)
class EventProof:
    """One event of a sealed block: the parts of evidence `qbft`, and what they prove."""

    header: bytes
    tx_index: int
    log_index: int
    """from 0 within the transaction's receipt"""
    receipt_proof: tuple[bytes, ...]
    event: Event


@dataclass(frozen=True, slots=True)
class SealedBlock:
    """`header` as RLP with its seals; `receipts` all of the block, in order, as consensus hashes them."""

    header: bytes
    receipts: tuple[bytes, ...]

    def prove(self, position: int) -> EventProof:
        """The event at `position`, from 0 within the block (a node's `logIndex`). NotFoundError beyond the last."""
        at = position
        for i, receipt in enumerate(self.receipts):
            events = parse_receipt(receipt)[1]
            if at < len(events):
                return EventProof(self.header, i, at, receipts_trie(self.receipts, i)[1], events[at])
            at -= len(events)
        raise NotFoundError("evidence.no_event", position=position)


def sealed_block(block: Mapping[str, Any], receipts: Sequence[Mapping[str, Any]], expected: ChainHash) -> SealedBlock:
    """A block and its receipts as a node told them over JSON-RPC, if they are the block of hash `expected`.

    UnavailableError `evidence.incomplete` where the node left a field out or tells what can't be: `what` says which.
    """
    header, bodies = header_bytes(block), tuple(receipt_bytes(receipt) for receipt in receipts)
    try:
        read = parse_header(header)
    except UnreadableError as error:
        raise UnavailableError("evidence.incomplete", what="header", block=expected) from error
    if read.hash != expected:
        raise UnavailableError("evidence.incomplete", what="header", block=expected)
    if len(read.sealers() & set(read.validators)) < quorum(len(read.validators)):
        raise UnavailableError("evidence.incomplete", what="seals", block=expected)
    root = receipts_trie(bodies, 0)[0] if bodies else EMPTY_ROOT
    if root != read.receipts_root:
        raise UnavailableError("evidence.incomplete", what="receipts", block=expected)
    return SealedBlock(header, bodies)
