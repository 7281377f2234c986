"""The in-memory node (tests/fakes/node.py) with QBFT blocks: sealed headers and receipts that fit their hashes.

`leave_out` names fields of block or receipt that the node doesn't give, as old or misconfigured ones do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import rlp  # type: ignore[import-untyped]

from ledger.evidence.build import CLASSIC, NUMBERS
from ledger.evidence.events import Event
from ledger.evm.rpc import RpcError
from ledger.types import Address
from tests.fakes.node import FakeNode, Handler, MinedBlock
from tests.fakes.qbft import BLOOM, MadeBlock, make_block, receipt_of, validators


def _raw(text: str) -> bytes:
    return bytes.fromhex(text[2:])


class QbftNode(FakeNode):
    def __init__(self, addresses: Sequence[str], handler: Handler | None = None) -> None:
        super().__init__(addresses, handler)
        self.signers = validators(4)
        self.made: dict[str, MadeBlock] = {}
        self.leave_out: set[str] = set()
        self.block_receipts = True
        self.later_fields = False

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            super().mine()
            block = self.blocks[-1]
            made = self._make(block)
            block.hash = made.hash
            self.made[block.hash] = made

    def _make(self, block: MinedBlock) -> MadeBlock:
        receipts = [
            receipt_of(
                [Event(Address(log.address), tuple(_raw(t) for t in log.topics), _raw(log.data)) for log in logs],
                status=int(ok),
                gas=21_000 * (i + 1),
            )
            for i, (_, ok, logs) in enumerate(block.txs)
        ]
        more = [7] if self.later_fields else []
        return make_block(
            receipts, self.signers, number=block.number, time=block.time, more=more, parent=_raw(block.parent)
        )

    def eth_getBlockByNumber(self, at: str, full: bool) -> Any:
        answer = super().eth_getBlockByNumber(at, full)
        if answer is None or answer["hash"] not in self.made:
            return answer
        made, block = self.made[answer["hash"]], self.blocks[int(answer["number"], 16)]
        items = [*made.items[:12], _extra(made), *made.items[13:]]
        fields = {n: hex(v) if n in NUMBERS else "0x" + v.hex() for n, v in zip(CLASSIC, items, strict=False)}
        if self.later_fields:
            fields["baseFeePerGas"] = "0x7"
        told = {**answer, **fields, "transactions": [tx.hash for tx, _, _ in block.txs]}
        return {name: value for name, value in told.items() if name not in self.leave_out}

    def eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        for block in self.blocks:
            for i, (tx, ok, logs) in enumerate(block.txs):
                if tx.hash == tx_hash:
                    told = {
                        "blockNumber": hex(block.number), "blockHash": block.hash, "status": hex(int(ok)),
                        "cumulativeGasUsed": hex(21_000 * (i + 1)), "logsBloom": "0x" + BLOOM.hex(), "type": "0x0",
                        "logs": [{"address": e.address, "topics": e.topics, "data": e.data} for e in logs],
                    }  # fmt: skip
                    return {name: value for name, value in told.items() if name not in self.leave_out}
        return None

    def eth_getBlockReceipts(self, at: str) -> Any:
        if not self.block_receipts:
            raise RpcError("eth_getBlockReceipts", -32601, "the method doesn't exist")
        return [self.eth_getTransactionReceipt(tx.hash) for tx, _, _ in self.blocks[int(at, 16)].txs]


def _extra(made: MadeBlock) -> bytes:
    return bytes(rlp.encode([made.vanity, list(made.listed), list(made.vote), made.round, list(made.seals)]))
