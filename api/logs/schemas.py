"""Shapes of the logs' bodies for the description of the interface. Reading them is notary's own strict work."""

from __future__ import annotations

from typing import Any

from api.digests import DIGEST

_B64 = {"type": "string", "contentEncoding": "base64"}
_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}

CommitmentLine: dict[str, Any] = {
    "type": "object",
    "description": "One line; at most 10,000 lines, 16 MiB",
    "required": ["kind", "sha256", "sm3"],
    "additionalProperties": False,
    "properties": {
        "kind": {"enum": ["certificate", "document", "share", "use", "credit"]},
        "sha256": DIGEST,
        "sm3": DIGEST,
    },
    "example": {"kind": "certificate", "sha256": "5d" * 32, "sm3": "66" * 32},
}
ReceiptBody: dict[str, Any] = {
    "type": "object",
    "description": "chuzheng-receipt/1 (formats.md §6); members of a later stage are absent until then",
    "required": ["format", "entry", "origin", "index"],
    "properties": {
        "format": {"const": "chuzheng-receipt/1"},
        "entry": {**_B64, "description": "92 bytes"},
        "salt": {**_B64, "description": "32 bytes, as secret as the record; the issuer's own answer only"},
        "origin": {"type": "string", "example": "chuzheng/demo/11420000MB9543829Q"},
        "index": _COUNT,
        "promise": _B64,
        "issuer_signature": {"type": "object"},
        "inclusion": {"type": "object", "properties": {"size": _COUNT, "path": {"type": "array", "items": _B64}}},
        "checkpoint": {"type": "string", "description": "C2SP tlog-checkpoint"},
        "anchor": {"type": "object"},
        "evidence": {"type": "object"},
    },
}
BundleBody: dict[str, Any] = {
    "type": "object",
    "description": "chuzheng-receipts/1: consecutive entries of one log; splits into single receipts",
    "required": ["format", "origin", "first", "entries"],
    "properties": {
        "format": {"const": "chuzheng-receipts/1"},
        "origin": {"type": "string"},
        "first": _COUNT,
        "entries": {**_B64, "description": "92 bytes each"},
        "promises": {**_B64, "description": "64 bytes each; absent where checkpoint and paths are given"},
        "checkpoint": {"type": "string"},
        "size": _COUNT,
        "paths": {"type": "array", "items": _B64},
        "anchor": {"type": "object"},
        "evidence": {"type": "object"},
    },
}
