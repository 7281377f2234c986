"""The other direction: header bytes from what a node tells, and the trie over a block's receipts with its proofs.

Pure. Nothing here is believed: what is built is hashed and compared with the block before anybody stores it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ledger.crypto.chain import keccak
from ledger.errors import UnavailableError
from ledger.evidence import rlp
from ledger.evidence.trie import nibbles

CLASSIC = (
    *("parentHash", "sha3Uncles", "miner", "stateRoot", "transactionsRoot", "receiptsRoot", "logsBloom"),
    *("difficulty", "number", "gasLimit", "gasUsed", "timestamp", "extraData", "mixHash", "nonce"),
)
LATER = ("baseFeePerGas", "withdrawalsRoot", "blobGasUsed", "excessBlobGas", "parentBeaconBlockRoot", "requestsHash")
"""In the order in which forks appended them; a header has a first part of these."""
NUMBERS = frozenset(
    {"difficulty", "number", "gasLimit", "gasUsed", "timestamp", "baseFeePerGas", "blobGasUsed", "excessBlobGas"}
)
EMPTY_ROOT = bytes.fromhex("56e81f171bcc55a6ff8345e692c0f86e5b48e01b996cadc001622fb5e363b421")
"""Root of a trie without keys: keccak256 of the RLP of nothing."""

Nibbles = tuple[int, ...]


def header_bytes(block: Mapping[str, Any]) -> bytes:
    """RLP of the header of an `eth_getBlockBy…` answer. UnavailableError `chain.undecodable` where a field lacks."""
    names = [*CLASSIC]
    for name in LATER:
        if block.get(name) is None:
            break
        names.append(name)
    try:
        return rlp.encode([_field(name, block[name]) for name in names])
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnavailableError("chain.undecodable", what="header") from error


def receipt_bytes(receipt: Mapping[str, Any]) -> bytes:
    """A receipt as consensus hashes it, from `eth_getTransactionReceipt`; the type is 0 where none is told."""
    try:
        kind = int(receipt.get("type") or "0x0", 16)
        logs = [[_raw(log["address"]), [_raw(t) for t in log["topics"]], _raw(log["data"])] for log in receipt["logs"]]
        body = rlp.encode(
            [int(receipt["status"], 16), int(receipt["cumulativeGasUsed"], 16), _raw(receipt["logsBloom"]), logs]
        )
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UnavailableError("chain.undecodable", what="receipt") from error
    return bytes([kind]) + body if kind else body


def receipts_trie(receipts: Sequence[bytes], index: int) -> tuple[bytes, tuple[bytes, ...]]:
    """(root, nodes from the root down to receipt `index`) of the trie of a block's receipts, key RLP(position)."""
    pairs = sorted((nibbles(rlp.encode(i)), receipt) for i, receipt in enumerate(receipts))
    path: list[bytes] = []
    root = rlp.encode(_node(pairs, nibbles(rlp.encode(index)), path))
    return keccak(root), (root, *reversed(path))


def _node(pairs: Sequence[tuple[Nibbles, bytes]], wanted: Nibbles | None, path: list[bytes]) -> list[object]:
    """The node over `pairs`, whose keys are sorted and share nothing above; hashed nodes on the way to `wanted` go
    into `path`, the lowest first."""
    if len(pairs) == 1:
        return [_compact(pairs[0][0], leaf=True), pairs[0][1]]
    shared = _shared(pairs[0][0], pairs[-1][0])
    if shared:
        below = wanted[shared:] if wanted is not None else None
        rest = [(key[shared:], value) for key, value in pairs]
        return [_compact(pairs[0][0][:shared], leaf=False), _reference(rest, below, path)]
    children: list[object] = []
    for half in range(16):
        rest = [(key[1:], value) for key, value in pairs if key[:1] == (half,)]
        below = wanted[1:] if wanted is not None and wanted[:1] == (half,) else None
        children.append(_reference(rest, below, path) if rest else b"")
    return [*children, b""]  # RLP of numbers is prefix-free: no key ends in a branch


def _reference(pairs: Sequence[tuple[Nibbles, bytes]], wanted: Nibbles | None, path: list[bytes]) -> object:
    node = _node(pairs, wanted, path)
    encoded = rlp.encode(node)
    if len(encoded) < 32:
        return node
    if wanted is not None:
        path.append(encoded)
    return keccak(encoded)


def _shared(first: Nibbles, last: Nibbles) -> int:
    """How many leading nibbles all keys between two sorted ones share."""
    return next((i for i, (a, b) in enumerate(zip(first, last, strict=False)) if a != b), min(len(first), len(last)))


def _compact(part: Nibbles, *, leaf: bool) -> bytes:
    odd = len(part) % 2
    halves = (2 * leaf + odd, *part) if odd else (2 * leaf, 0, *part)
    return bytes(halves[i] << 4 | halves[i + 1] for i in range(0, len(halves), 2))


def _field(name: str, value: str) -> bytes | int:
    return int(value, 16) if name in NUMBERS else _raw(value)


def _raw(value: str) -> bytes:
    if not value.startswith("0x"):
        raise ValueError("hex without 0x")
    return bytes.fromhex(value[2:])
