"""QBFT blocks of our own making, with throw-away validator keys: header, seals and receipt trie by other people's code
(rlp, eth-keys, trie), so that what reads them is held against more than itself.

    block = make_block([[event], []], validators(4), number=9, time=1_770_000_000)
    block.evidence(0, 0)
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import rlp  # type: ignore[import-untyped]
from eth_hash.auto import keccak
from eth_keys.datatypes import PrivateKey
from trie.hexary import HexaryTrie

from ledger.evidence.events import Event
from notary.receipt import QbftEvidence

MIX_HASH = bytes.fromhex("63746963616c2062797a616e74696e65206661756c7420746f6c6572616e6365")
BLOOM = bytes(256)


def validators(count: int, seed: str = "validator") -> list[PrivateKey]:
    """Throw-away keys, always the same ones for a seed."""
    return [PrivateKey(hashlib.sha256(f"{seed} {i}".encode()).digest()) for i in range(count)]


def addresses(signers: Sequence[PrivateKey]) -> tuple[str, ...]:
    return tuple(signer.public_key.to_address() for signer in signers)


def get_proof(tree: HexaryTrie, index: int) -> Sequence[Any]:
    """The library's own proof of the value at RLP(index): decoded nodes, the root first."""
    found: Sequence[Any] = tree.get_proof(rlp.encode(index))  # type: ignore[no-untyped-call]
    return found


@dataclass(frozen=True)
class MadeBlock:
    """A sealed block; `items` are the header's byte strings with `extra` apart."""

    items: tuple[Any, ...]
    vanity: bytes
    listed: tuple[bytes, ...]
    vote: tuple[bytes, ...]
    round: int
    seals: tuple[bytes, ...]
    receipts: tuple[bytes, ...]
    trie: HexaryTrie = field(repr=False, compare=False)

    def header(self, round_: int | None = None, seals: Sequence[bytes] | None = None) -> bytes:
        number = self.round if round_ is None else round_
        own = self.seals if seals is None else seals
        extra = rlp.encode([self.vanity, list(self.listed), list(self.vote), number, list(own)])
        return bytes(rlp.encode([*self.items[:12], extra, *self.items[13:]]))

    @property
    def hash(self) -> str:
        return "0x" + keccak(self.header(0, ())).hex()

    def proof(self, tx_index: int) -> tuple[bytes, ...]:
        return tuple(rlp.encode(node) for node in get_proof(self.trie, tx_index))

    def evidence(self, tx_index: int = 0, log_index: int = 0) -> QbftEvidence:
        return QbftEvidence(self.header(), tx_index, log_index, self.proof(tx_index))

    def sealed(self, signers: Sequence[PrivateKey]) -> MadeBlock:
        digest = keccak(self.header(seals=()))
        return replace(self, seals=tuple(signer.sign_msg_hash(digest).to_bytes() for signer in signers))


def receipt_of(events: Sequence[Event], *, status: int = 1, kind: int = 0, gas: int = 21_000) -> bytes:
    """A receipt as consensus hashes it: legacy for kind 0, else `type || list`."""
    logs = [[bytes.fromhex(e.address[2:]), list(e.topics), e.data] for e in events]
    body = rlp.encode([status, gas, BLOOM, logs])
    return bytes([kind]) + bytes(body) if kind else bytes(body)


def make_block(
    transactions: Sequence[Sequence[Event] | bytes],
    signers: Sequence[PrivateKey],
    *,
    number: int = 9,
    time: int = 1_770_000_000,
    round_: int = 0,
    sealers: Sequence[PrivateKey] | None = None,
    vote: tuple[bytes, ...] = (),
    more: Sequence[Any] = (),
    parent: bytes = bytes(32),
) -> MadeBlock:
    """A block whose transactions emitted these events (or have these receipts), sealed by `sealers`: by default by
    exactly the quorum of `signers`, ceil(2n/3). `more`: header items behind the 15 classic ones."""
    receipts = tuple(t if isinstance(t, bytes) else receipt_of(t) for t in transactions)
    tree = HexaryTrie({})
    for i, receipt in enumerate(receipts):
        tree[rlp.encode(i)] = receipt
    items = (
        *(parent, bytes(32), bytes(20), bytes(32), bytes(32), tree.root_hash, BLOOM),
        *(1, number, 0xE0000000, 21_000 * len(receipts), time, b"", MIX_HASH, bytes(8), *more),
    )
    listed = tuple(bytes.fromhex(address[2:]) for address in addresses(signers))
    block = MadeBlock(items, bytes(32), listed, vote, round_, (), receipts, tree)
    return block.sealed(signers[: -(-2 * len(signers) // 3)] if sealers is None else sealers)
