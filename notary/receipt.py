"""The receipt: what a department and a holder keep for decades (formats.md §6).

Pure. Read strictly, with every limit; written compactly with its members in one order. A receipt with its salt is as
secret as the record: everything that leaves the owner goes through `without_salt`.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, replace
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Address, Anchor, BlockTime, ChainHash, Digest, Origin, Stage
from notary import members
from notary.b64 import from_b64_hashes, to_b64
from notary.canonical import parse_strict
from notary.checkpoint import Checkpoint, parse_checkpoint
from notary.entry import ENTRY_BYTES, Entry, leaf_of, log_id, parse_origin
from notary.merkle import path_length, root_from_inclusion

FORMAT = "chuzheng-receipt/1"
MEDIA_TYPE = "application/vnd.chuzheng.receipt+json"
SUFFIX = ".receipt.json"
MAX_BYTES = 256 << 10
MAX_PATH = 53
MAX_PROOF_NODES = 16
MAX_HEADER = 64 << 10

_REQUIRED = frozenset({"format", "entry", "origin", "index"})
_ALLOWED = _REQUIRED | {"salt", "promise", "issuer_signature", "inclusion", "checkpoint", "anchor", "evidence"}
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


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt at whatever stage; absent members are None."""

    entry: Entry
    origin: Origin
    index: int
    salt: bytes | None = None
    promise: bytes | None = None
    issuer_signature: IssuerSignature | None = None
    inclusion: Inclusion | None = None
    checkpoint: str | None = None
    anchor: ReceiptAnchor | None = None
    evidence: Evidence | None = None

    @property
    def stage(self) -> Stage:
        """promised → included → anchored."""
        if self.anchor is not None:
            return Stage.ANCHORED
        return Stage.INCLUDED if self.inclusion is not None else Stage.PROMISED

    @property
    def leaf(self) -> Digest:
        """The leaf, recomputed from the entry."""
        return leaf_of(self.entry.to_bytes())

    @property
    def head(self) -> Checkpoint | None:
        """The tree head in `checkpoint`, its signature unchecked."""
        return None if self.checkpoint is None else parse_checkpoint(self.checkpoint)

    def without_salt(self) -> Receipt:
        """What may leave the owner."""
        return self if self.salt is None else replace(self, salt=None)

    def to_json(self) -> bytes:
        """The file's bytes: compact JSON, members in the order of formats.md §6."""
        return json.dumps(receipt_to_value(self), ensure_ascii=False, separators=(",", ":")).encode()


def issue_bytes(origin: str, entry: Entry) -> bytes:
    """What an issuer's signature signs: "chuzheng/issue/v1"0 || log_id || kind || both commitments."""
    return b"chuzheng/issue/v1\x00" + log_id(origin) + bytes([entry.kind]) + entry.sha256 + entry.sm3


def inclusion_error(receipt: Receipt) -> str | None:
    """Why entry, path and checkpoint of an included receipt don't fit together, None when they do.

    `issuer`, `origin`, `size`, `root`: the arithmetic of check 4, signature and chain apart. InputError without
    inclusion and checkpoint.
    """
    if receipt.inclusion is None or receipt.checkpoint is None:
        raise InputError("receipt.not_included")
    if receipt.entry.issuer != parse_origin(receipt.origin).issuer:
        return "issuer"
    head = parse_checkpoint(receipt.checkpoint)
    if head.origin != receipt.origin:
        return "origin"
    if head.size != receipt.inclusion.size:
        return "size"
    root = root_from_inclusion(receipt.index, head.size, receipt.leaf, receipt.inclusion.path)
    return None if root == head.root else "root"


def parse_receipt(data: bytes) -> Receipt:
    """Read a receipt file strictly; UnreadableError on anything that formats.md §6 doesn't say."""
    return receipt_from_value(parse_strict(data, limit=MAX_BYTES))


def receipt_from_value(value: Any, where: str = FORMAT) -> Receipt:
    """A receipt from its parsed JSON; the caller has held the limits of bytes and nesting."""
    value = members.check_names(where, value, _REQUIRED, _ALLOWED)
    if value["format"] != FORMAT:
        raise UnreadableError("format.unknown", expected=FORMAT)
    entry = Entry.from_bytes(members.read_b64(where, "entry", value["entry"], ENTRY_BYTES))
    origin = members.read_text(where, "origin", value["origin"], 128)
    parse_origin(origin)
    index = members.read_count(where, "index", value["index"])
    inclusion = read_inclusion(where, value["inclusion"], index) if "inclusion" in value else None
    salt = members.read_b64(where, "salt", value["salt"], 32) if "salt" in value else None
    promise = members.read_b64(where, "promise", value["promise"], 64) if "promise" in value else None
    signature = read_signature(where, value["issuer_signature"]) if "issuer_signature" in value else None
    note = read_note(where, value["checkpoint"]) if "checkpoint" in value else None
    anchor = read_anchor(where, value["anchor"]) if "anchor" in value else None
    evidence = read_evidence(where, value["evidence"]) if "evidence" in value else None
    check_stages(
        where,
        promised=promise is not None,
        inclusion=inclusion,
        checkpoint=note,
        anchor=anchor,
        evidence=evidence,
    )
    return Receipt(entry, Origin(origin), index, salt, promise, signature, inclusion, note, anchor, evidence)


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
    note = members.read_text(where, "checkpoint", value, MAX_BYTES)
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


def receipt_to_value(receipt: Receipt) -> dict[str, Any]:
    """The JSON value of a receipt, for embedding; the salt is in it if the receipt has one."""
    value: dict[str, Any] = {"format": FORMAT, "entry": to_b64(receipt.entry.to_bytes())}
    if receipt.salt is not None:
        value["salt"] = to_b64(receipt.salt)
    value["origin"] = receipt.origin
    value["index"] = receipt.index
    if receipt.promise is not None:
        value["promise"] = to_b64(receipt.promise)
    if receipt.issuer_signature is not None:
        own = receipt.issuer_signature
        value["issuer_signature"] = {"key_id": own.key_id, "suite": own.suite, "signature": to_b64(own.signature)}
    if receipt.inclusion is not None:
        value["inclusion"] = {"size": receipt.inclusion.size, "path": [to_b64(n) for n in receipt.inclusion.path]}
    if receipt.checkpoint is not None:
        value["checkpoint"] = receipt.checkpoint
    if receipt.anchor is not None:
        value["anchor"] = anchor_to_value(receipt.anchor)
    if receipt.evidence is not None:
        value["evidence"] = evidence_to_value(receipt.evidence)
    return value


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
