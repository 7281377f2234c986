"""An in-memory node that speaks JSON-RPC like ledger.evm.rpc.Rpc: mempool, nonces, blocks, receipts, logs, crashes.

It decodes the signed bytes that it is given, keeps them until their nonce's turn, and mines when told. `shorten` loses
the last blocks and the mempool, as a killed development chain does; with `remembers` receipts of lost blocks are told
for ever, as go-ethereum 1.13 does. `crash("eth_sendRawTransaction", after=True)` lets
the caller die (`Crash`) after the node has done the work; `fail(...)` makes calls raise UnavailableError.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import rlp  # type: ignore[import-untyped]
from coincurve import PublicKey

from ledger.crypto.chain import keccak
from ledger.errors import UnavailableError
from ledger.evm.deployment import Deployment
from ledger.evm.rpc import Call, RpcError
from ledger.types import Address, ChainHash, Contract

CHAIN_ID = 420_000
CODE = b"\x60\x00"


class Crash(BaseException):
    """The process died here; no `except Exception` may catch it."""


@dataclass
class Tx:
    hash: str
    sender: str
    nonce: int
    to: str
    data: bytes


@dataclass
class Log:
    address: str
    topics: list[str]
    data: str


@dataclass
class MinedBlock:
    number: int
    hash: str
    parent: str
    time: int
    txs: list[tuple[Tx, bool, list[Log]]] = field(default_factory=list)


Handler = Callable[["FakeNode", Tx], "list[Log]"]
"""Runs a call; raises RpcError to revert. Its effects must be in the logs or in `node.state`, keyed by block."""


def reverted(data: bytes = b"") -> RpcError:
    return RpcError("eth_call", 3, "execution reverted", "0x" + data.hex())


class FakeNode:
    def __init__(self, addresses: Sequence[str] = ("0x" + "c0" * 20,), handler: Handler | None = None) -> None:
        self.addresses = [a.lower() for a in addresses]
        self.handler: Handler = handler or (lambda _node, _tx: [])
        self.blocks = [MinedBlock(0, "0x" + hashlib.sha256(b"genesis").hexdigest(), "0x" + "00" * 32, 1_770_000_000)]
        self.pool: dict[tuple[str, int], Tx] = {}
        self.foreign: list[Log] = []
        self.calls: list[str] = []
        self.sent: list[str] = []
        self.log_limit: int | None = None
        self.remembers = False
        self._remembered: dict[str, dict[str, str]] = {}
        self._branch = 0
        self._faults: list[tuple[str, bool, BaseException, int]] = []

    # -- what a test does ----------------------------------------------------------------------------------------

    def crash(self, method: str, *, after: bool = False, skip: int = 0) -> None:
        self._faults.append((method, after, Crash(method), skip))

    def fail(self, method: str, *, after: bool = False, skip: int = 0) -> None:
        self._faults.append((method, after, UnavailableError("chain.unreachable", url="fake:"), skip))

    def mine(self, count: int = 1) -> None:
        for _ in range(count):
            top = self.blocks[-1]
            number = top.number + 1
            name = f"{self._branch}/{number}/{top.hash}".encode()
            block = MinedBlock(number, "0x" + hashlib.sha256(name).hexdigest(), top.hash, top.time + 1)
            self.blocks.append(block)
            ready = True
            while ready:
                ready = False
                for (sender, nonce), tx in sorted(self.pool.items()):
                    if nonce == self.nonce(sender):
                        del self.pool[(sender, nonce)]
                        try:
                            block.txs.append((tx, True, self.handler(self, tx)))
                        except RpcError:
                            block.txs.append((tx, False, []))
                        ready = True
                        break
            if self.foreign:
                tx_hash = "0x" + hashlib.sha256(name + b"tx").hexdigest()
                nobody = Tx(tx_hash, "0x" + "99" * 20, 0, self.addresses[0], b"")
                block.txs.append((nobody, True, self.foreign))
                self.foreign = []

    def shorten(self, count: int) -> None:
        self._branch += 1
        kept = max(1, len(self.blocks) - count)
        if self.remembers:
            self._remembered.update({t.hash: _told(b, t, ok) for b in self.blocks[kept:] for t, ok, _ in b.txs})
        del self.blocks[kept:]
        self.pool.clear()

    def forget(self) -> None:
        """A restart that kept every block but not the mempool."""
        self.pool.clear()

    def use_nonce(self, sender: str) -> None:
        """Somebody else uses the account: a transaction of theirs takes the next nonce."""
        nonce = self.nonce(sender)
        name = hashlib.sha256(f"{sender}{nonce}{self._branch}".encode()).hexdigest()
        self.pool[(sender, nonce)] = Tx("0x" + name, sender, nonce, "0x" + "77" * 20, b"")
        self.mine()

    def done(self) -> list[Tx]:
        """Successful transactions of the canonical chain to our contracts, in order."""
        return [t for b in self.blocks for t, ok, _ in b.txs if ok and t.to in self.addresses]

    def nonce(self, sender: str) -> int:
        return sum(1 for b in self.blocks for t, _, _ in b.txs if t.sender == sender)

    def deployment(self, *names: str) -> Deployment:
        code = ChainHash("0x" + keccak(CODE).hex())
        contracts = tuple(
            Contract(n, Address(a), code, 0) for n, a in zip(names, self.addresses, strict=True)
        )  # fmt: skip
        return Deployment("test", CHAIN_ID, ChainHash(self.blocks[0].hash), contracts, Address("0x" + "0f" * 20))

    # -- JSON-RPC ------------------------------------------------------------------------------------------------

    def call(self, method: str, *params: Any) -> Any:
        result = self.batch([(method, params)])[0]
        if isinstance(result, RpcError):
            raise result
        return result

    def batch(self, calls: Sequence[Call]) -> list[Any]:
        if not calls:
            return []
        self._fault(calls, after=False)
        results: list[Any] = []
        for method, params in calls:
            self.calls.append(method)
            try:
                results.append(getattr(self, method)(*params))
            except RpcError as error:
                results.append(error)
        self._fault(calls, after=True)
        return results

    def _fault(self, calls: Sequence[Call], *, after: bool) -> None:
        for i, (method, late, error, skip) in enumerate(self._faults):
            if late == after and (method == "*" or any(m == method for m, _ in calls)):
                if skip:
                    self._faults[i] = (method, late, error, skip - 1)
                    continue
                del self._faults[i]
                raise error

    def eth_chainId(self) -> str:
        return hex(CHAIN_ID)

    def eth_getCode(self, address: str, _at: str) -> str:
        return "0x" + CODE.hex() if address.lower() in self.addresses else "0x"

    def eth_getBlockByNumber(self, at: str, _full: bool) -> Any:
        number = len(self.blocks) - 1 if at == "latest" else int(at, 16)
        if number >= len(self.blocks):
            return None
        b = self.blocks[number]
        return {
            "number": hex(b.number), "hash": b.hash, "parentHash": b.parent, "timestamp": hex(b.time),
            "transactions": [tx.hash for tx, _, _ in b.txs],
        }  # fmt: skip

    def eth_getTransactionCount(self, sender: str, at: str) -> str:
        top = len(self.blocks) if at == "latest" else int(at, 16) + 1
        return hex(sum(1 for b in self.blocks[:top] for t, _, _ in b.txs if t.sender == sender))

    def eth_call(self, message: dict[str, str], _at: str) -> str:
        self.handler(self, Tx("", message["from"], -1, message["to"], bytes.fromhex(message["data"][2:])))
        return "0x"

    def eth_sendRawTransaction(self, raw: str) -> str:
        self.sent.append(raw)
        tx = _decode(bytes.fromhex(raw[2:]))
        held = self.pool.get((tx.sender, tx.nonce))
        if held is not None:
            text = "already known" if held.hash == tx.hash else "replacement transaction underpriced"
            raise RpcError("eth_sendRawTransaction", -32000, text)
        if tx.nonce < self.nonce(tx.sender):
            raise RpcError("eth_sendRawTransaction", -32003, "nonce too low")
        self.pool[(tx.sender, tx.nonce)] = tx
        return tx.hash

    def eth_getTransactionReceipt(self, tx_hash: str) -> Any:
        if tx_hash in self._remembered:
            return self._remembered[tx_hash]
        return next((_told(b, tx, ok) for b in self.blocks for tx, ok, _ in b.txs if tx.hash == tx_hash), None)

    def eth_getBlockReceipts(self, at: str) -> Any:
        block = self.blocks[int(at, 16)]
        return [_told(block, tx, ok) for tx, ok, _ in block.txs]

    def eth_getLogs(self, query: dict[str, Any]) -> list[dict[str, Any]]:
        low, high = int(query["fromBlock"], 16), int(query["toBlock"], 16)
        if self.log_limit is not None and high - low + 1 > self.log_limit:
            raise RpcError("eth_getLogs", -32005, "query exceeds max block range")
        found: list[dict[str, Any]] = []
        for b in self.blocks[low : high + 1]:
            index = 0
            for tx, _, logs in b.txs:
                for log in logs:
                    found.append(
                        {
                            "address": log.address, "topics": log.topics, "data": log.data, "blockHash": b.hash,
                            "blockNumber": hex(b.number), "transactionHash": tx.hash, "logIndex": hex(index),
                        }
                    )  # fmt: skip
                    index += 1
        return found


def _told(block: MinedBlock, tx: Tx, ok: bool) -> dict[str, str]:
    """A receipt."""
    place = {"blockNumber": hex(block.number), "blockHash": block.hash}
    return {"transactionHash": tx.hash, **place, "status": hex(int(ok))}


def _decode(raw: bytes) -> Tx:
    """EIP-155 type 0, as the chain would read it."""
    nonce, price, gas, to, value, data, v, r, s = rlp.decode(raw)
    number = int.from_bytes(v, "big")
    digest = keccak(rlp.encode([nonce, price, gas, to, value, data, CHAIN_ID, b"", b""]))
    signature = r.rjust(32, b"\0") + s.rjust(32, b"\0") + bytes([number - 35 - 2 * CHAIN_ID])
    public = PublicKey.from_signature_and_message(signature, digest, hasher=None)
    sender = "0x" + keccak(public.format(compressed=False)[1:])[12:].hex()
    return Tx("0x" + keccak(raw).hex(), sender, int.from_bytes(nonce, "big"), "0x" + to.hex(), data)
