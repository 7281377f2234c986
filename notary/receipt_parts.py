"""The parts of receipts and bundles: inclusion, anchor, evidence, signature, each read strictly (formats.md §6).

Pure. A reader takes the parsed JSON of one member and answers the part or raises UnreadableError; `where` names the
format that is being read.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ledger.errors import UnreadableError
from ledger.types import Address, Anchor, BlockTime, ChainHash
from notary import members
from notary.b64 import from_b64_hashes, to_b64
from notary.checkpoint import MAX_NOTE_BYTES, parse_checkpoint
from notary.merkle import path_length

MAX_PATH = 53
MAX_PROOF_NODES = 16
MAX_HEADER = 64 << 10

_INCLUSION = frozenset({"size", "path"})
_ANCHOR = frozenset({"chain_id", "genesis_hash", "contract", "tx_hash", "block_number", "block_hash", "block_time"})
_SIGNATURE = frozenset({"key_id", "suite", "signature"})
_QBFT = frozenset({"kind", "header", "tx_index", "log_index", "receipt_proof"})
_NONE = frozenset({"kind"})


@dataclass(frozen=True, slots=True)
class Inclusion:
    """The path from the leaf to the head of the tree of `size`; nodes of 32 bytes."""

    size: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class IssuerSignature:
    """The issuing department's own signature over `issue_bytes`."""

    key_id: str
    suite: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class ReceiptAnchor:
    """Where the chain holds the checkpoint; `tx_hash` is a hint and never shown as verified."""

    chain_id: int
    genesis_hash: ChainHash
    contract: Address
    tx_hash: ChainHash
    block_number: int
    block_hash: ChainHash
    block_time: BlockTime

    @staticmethod
    def of(anchor: Anchor) -> ReceiptAnchor:
        """The receipt's part of what the chain said."""
        return ReceiptAnchor(
            anchor.chain_id,
            anchor.genesis_hash,
            anchor.contract,
            anchor.tx_hash,
            anchor.block_number,
            anchor.block_hash,
            anchor.block_time,
        )


@dataclass(frozen=True, slots=True)
class QbftEvidence:
    """A block header with its seals and the trie proof of one receipt in it; bytes as RLP."""

    header: bytes
    tx_index: int
    log_index: int
    receipt_proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class NoEvidence:
    """`{"kind": "none"}`: the chain has no final evidence that fits a receipt."""


Evidence = QbftEvidence | NoEvidence


def check_stages(
    where: str, *, promised: bool, inclusion: object, checkpoint: object, anchor: object, evidence: object
) -> None:
    """Members come in stages: nothing of a later one without all of the one before."""
    if (inclusion is None) != (checkpoint is None):
        raise UnreadableError("receipt.stage", where=where, member="checkpoint" if checkpoint is None else "inclusion")
    if inclusion is None and not promised:
        raise UnreadableError("receipt.stage", where=where, member="promise")
    if anchor is not None and inclusion is None:
        raise UnreadableError("receipt.stage", where=where, member="inclusion")
    if evidence is not None and anchor is None:
        raise UnreadableError("receipt.stage", where=where, member="anchor")


def read_inclusion(where: str, value: Any, index: int) -> Inclusion:
    """`{"size", "path"}` for a leaf at `index`: index < size, the path of exactly the right length."""
    value = members.check_names(where, value, _INCLUSION, _INCLUSION)
    size = members.read_count(where, "inclusion.size", value["size"])
    if index >= size:
        raise UnreadableError("receipt.index", where=where, index=index, size=size)
    texts = members.read_list(where, "inclusion.path", value["path"], MAX_PATH)
    if len(texts) != path_length(index, size):
        raise UnreadableError("receipt.path_length", where=where, expected=path_length(index, size), found=len(texts))
    path = from_b64_hashes(texts)
    if path is None:
        raise UnreadableError("format.base64", where=where, member="inclusion.path")
    return Inclusion(size, path)


def read_note(where: str, value: Any) -> str:
    """A signed note whose text is a checkpoint."""
    note = members.read_text(where, "checkpoint", value, MAX_NOTE_BYTES)
    parse_checkpoint(note)
    return note


def read_signature(where: str, value: Any) -> IssuerSignature:
    """The issuer's signature member."""
    value = members.check_names(where, value, _SIGNATURE, _SIGNATURE)
    return IssuerSignature(
        members.read_text(where, "issuer_signature.key_id", value["key_id"], 128),
        members.read_text(where, "issuer_signature.suite", value["suite"], 32),
        members.read_b64(where, "issuer_signature.signature", value["signature"], 64),
    )


def read_anchor(where: str, value: Any) -> ReceiptAnchor:
    """The anchor member."""
    value = members.check_names(where, value, _ANCHOR, _ANCHOR)
    return ReceiptAnchor(
        members.read_count(where, "anchor.chain_id", value["chain_id"]),
        ChainHash(members.read_chain_hash(where, "anchor.genesis_hash", value["genesis_hash"])),
        Address(members.read_address(where, "anchor.contract", value["contract"])),
        ChainHash(members.read_chain_hash(where, "anchor.tx_hash", value["tx_hash"])),
        members.read_count(where, "anchor.block_number", value["block_number"]),
        ChainHash(members.read_chain_hash(where, "anchor.block_hash", value["block_hash"])),
        BlockTime(members.read_count(where, "anchor.block_time", value["block_time"])),
    )


def read_evidence(where: str, value: Any) -> Evidence:
    """The evidence member; RLP is read by the check that needs it."""
    kind = value.get("kind") if type(value) is dict else None
    if kind == "none":
        members.check_names(where, value, _NONE, _NONE)
        return NoEvidence()
    if kind != "qbft":
        raise UnreadableError("receipt.evidence_kind", where=where)
    value = members.check_names(where, value, _QBFT, _QBFT)
    header = members.read_b64(where, "evidence.header", value["header"])
    if len(header) > MAX_HEADER:
        raise UnreadableError("format.too_long", where=where, member="evidence.header", limit=MAX_HEADER)
    nodes = members.read_list(where, "evidence.receipt_proof", value["receipt_proof"], MAX_PROOF_NODES)
    return QbftEvidence(
        header,
        members.read_count(where, "evidence.tx_index", value["tx_index"]),
        members.read_count(where, "evidence.log_index", value["log_index"]),
        tuple(members.read_b64(where, "evidence.receipt_proof", node) for node in nodes),
    )


def anchor_to_value(anchor: ReceiptAnchor) -> dict[str, Any]:
    """The anchor member."""
    return {
        "chain_id": anchor.chain_id,
        "genesis_hash": anchor.genesis_hash,
        "contract": anchor.contract,
        "tx_hash": anchor.tx_hash,
        "block_number": anchor.block_number,
        "block_hash": anchor.block_hash,
        "block_time": anchor.block_time,
    }


def evidence_to_value(evidence: Evidence) -> dict[str, Any]:
    """The evidence member."""
    if isinstance(evidence, NoEvidence):
        return {"kind": "none"}
    return {
        "kind": "qbft",
        "header": to_b64(evidence.header),
        "tx_index": evidence.tx_index,
        "log_index": evidence.log_index,
        "receipt_proof": [to_b64(node) for node in evidence.receipt_proof],
    }
