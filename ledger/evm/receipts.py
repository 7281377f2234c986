"""Receipts of transactions, each of a block that stands on the chain.

A node may go on telling of a block that the chain has lost: go-ethereum 1.13, the last with Clique, remembers where it
once found a transaction, also when a fork's other side brought it in another block (go-ethereum's issue 29261). Taken
at its word it would have that transaction lost at every look, and never final. So where a receipt's block isn't the
chain's, its transaction is looked for in the blocks themselves.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from ledger.errors import UnavailableError
from ledger.evm.blocks import blocks_at, latest_block
from ledger.evm.rpc import Rpc, results_of

REACH = 64
"""Blocks below a lost one where its transactions may stand now: forks are shallower."""
STRIDE = 50
"""blocks that are looked through at a time"""
Receipt = dict[str, Any]
"""As eth_getTransactionReceipt writes it: `blockNumber`, `blockHash`, `status`, each hex."""


def standing_receipts(rpc: Rpc, hashes: Sequence[str]) -> list[Receipt | None]:
    """The receipts in the order of `hashes`; None for a transaction that is in no block. RpcError where the node
    refuses to answer about one, UnavailableError if its answer makes no sense."""
    told = [_receipt(answer) for answer in results_of(rpc, [("eth_getTransactionReceipt", (h,)) for h in hashes])]
    numbers = sorted({_number(receipt) for receipt in told if receipt is not None})
    standing = {block.hash for block in blocks_at(rpc, numbers) if block is not None}
    lost = {h: r for h, r in zip(hashes, told, strict=True) if r is not None and r["blockHash"].lower() not in standing}
    if not lost:
        return told
    found = _looked_for(rpc, set(lost), max(0, min(_number(receipt) for receipt in lost.values()) - REACH))
    return [found.get(h) if h in lost else receipt for h, receipt in zip(hashes, told, strict=True)]


def _looked_for(rpc: Rpc, wanted: set[str], first: int) -> dict[str, Receipt]:
    """The receipts of those `wanted` that stand in block `first` or above."""
    found: dict[str, Receipt] = {}
    for number, block_hash, transactions in _blocks(rpc, first):
        if not wanted.isdisjoint(transactions):
            receipts = results_of(rpc, [("eth_getBlockReceipts", (hex(number),))])[0] or []
            for receipt in map(_receipt, receipts):
                if receipt is not None and receipt["blockHash"].lower() == block_hash:
                    found[receipt.get("transactionHash", "")] = receipt
            if wanted.issubset(found):
                break
    return found


def _blocks(rpc: Rpc, first: int) -> Iterator[tuple[int, str, list[str]]]:
    """Number, hash and the transactions' hashes of each block from `first` to the head."""
    head = latest_block(rpc).number
    for start in range(first, head + 1, STRIDE):
        numbers = range(start, min(head + 1, start + STRIDE))
        blocks = results_of(rpc, [("eth_getBlockByNumber", (hex(number), False)) for number in numbers])
        for number, block in zip(numbers, blocks, strict=True):
            if isinstance(block, dict):
                yield number, str(block.get("hash")).lower(), list(block.get("transactions") or [])


def _receipt(answer: Any) -> Receipt | None:
    """None for what waits in the pool."""
    if answer is None or (isinstance(answer, dict) and not answer.get("blockHash")):
        return None
    if not isinstance(answer, dict) or not isinstance(answer.get("blockNumber"), str):
        raise UnavailableError("chain.undecodable", what="receipt")
    return answer


def _number(receipt: Receipt) -> int:
    try:
        return int(receipt["blockNumber"], 16)
    except ValueError as error:
        raise UnavailableError("chain.undecodable", what="receipt") from error
