"""The receipt: what a department and a holder keep for decades (formats.md §6).

Pure. Read strictly, with every limit; written compactly with its members in one order. A receipt with its salt is as
secret as the record: everything that leaves the owner goes through `without_salt`.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field, replace
from typing import Any

from ledger.errors import InputError, UnreadableError
from ledger.types import Digest, Origin, Stage
from notary import members
from notary.b64 import to_b64
from notary.canonical import parse_strict
from notary.checkpoint import Checkpoint, parse_checkpoint
from notary.entry import ENTRY_BYTES, Entry, leaf_of, log_id, parse_origin
from notary.merkle import root_from_inclusion
from notary.receipt_parts import (
    Evidence,
    Inclusion,
    IssuerSignature,
    NoEvidence,
    QbftEvidence,
    ReceiptAnchor,
    anchor_to_value,
    check_stages,
    evidence_to_value,
    read_anchor,
    read_evidence,
    read_inclusion,
    read_note,
    read_signature,
)

__all__ = [
    "Evidence",
    "Inclusion",
    "IssuerSignature",
    "NoEvidence",
    "QbftEvidence",
    "Receipt",
    "ReceiptAnchor",
    "inclusion_error",
    "issue_bytes",
    "parse_receipt",
    "receipt_from_value",
    "receipt_to_value",
]

FORMAT = "chuzheng-receipt/1"
MEDIA_TYPE = "application/vnd.chuzheng.receipt+json"
SUFFIX = ".receipt.json"
MAX_BYTES = 256 << 10
_MANY, _LOOK = re.compile(rb'(?:\xef\xbb\xbf)?\s*\{\s*"format"\s*:\s*"chuzheng-receipts/1"'), 200
_REQUIRED = frozenset({"format", "entry", "origin", "index"})
_ALLOWED = _REQUIRED | {"salt", "promise", "issuer_signature", "inclusion", "checkpoint", "anchor", "evidence"}


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receipt at whatever stage; absent members are None."""

    entry: Entry
    origin: Origin
    index: int
    salt: bytes | None = field(default=None, repr=False)
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


def are_many(data: bytes) -> bool:
    """Whether a file that begins so is a bundle of receipts (notary/receipts.py), which is split before it's judged."""
    return _MANY.match(data[:_LOOK]) is not None


def parse_receipt(data: bytes) -> Receipt:
    """Read a receipt file strictly; UnreadableError on anything that formats.md §6 doesn't say."""
    if are_many(data):
        raise UnreadableError("receipts.not_single")
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
