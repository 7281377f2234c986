"""Shape of a heads record for the description of the interface; notary.network_heads reads it strictly."""

from __future__ import annotations

from typing import Any

from api.digests import DIGEST

_COUNT = {"type": "integer", "minimum": 0, "maximum": 2**53 - 1}
_HASH = {"type": "string", "pattern": "^0x[0-9a-f]{64}$"}
_MEMBERS: dict[str, Any] = {
    "schema": {"const": "heads/1"},
    "kind": {"const": "checkpoint"},
    "issuer": {"type": "string", "description": "Code of the department whose log keeps the record"},
    "network": {"type": "string"},
    "chain_id": _COUNT,
    "genesis_hash": _HASH,
    "day": {"type": "string", "format": "date", "description": "Asia/Shanghai"},
    "part": {"type": "integer", "minimum": 1},
    "parts": {"type": "integer", "minimum": 1},
    "block": {
        "type": "object",
        "required": ["number", "hash", "time"],
        "additionalProperties": False,
        "properties": {"number": _COUNT, "hash": _HASH, "time": _COUNT},
    },
    "heads": {
        "type": "array",
        "maxItems": 4_000,
        "items": {
            "type": "object",
            "required": ["origin", "size", "root"],
            "additionalProperties": False,
            "properties": {
                "origin": {"type": "string"},
                "size": _COUNT,
                "root": DIGEST,
            },
        },
    },
}
HeadsBody: dict[str, Any] = {
    "type": "object",
    "description": "heads/1, a record of kind 7 (docs/formats.md): each log's newest anchored head at a final block",
    "required": sorted(_MEMBERS),
    "additionalProperties": False,
    "properties": _MEMBERS,
}
