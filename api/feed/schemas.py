"""Shapes of the feed for the description of the interface."""

from __future__ import annotations

from typing import Any

FEED = "chuzheng-feed/1"
FeedBody: dict[str, Any] = {
    "type": "object",
    "required": ["schema", "network", "items", "cursor", "more"],
    "properties": {
        "schema": {"const": FEED},
        "network": {"type": "string"},
        "items": {
            "type": "array",
            "description": "In the chain's order",
            "items": {
                "type": "object",
                "properties": {
                    "change": {"enum": ["new", "changed", "ended"]},
                    "status": {"type": "string", "description": "As it stood by this change"},
                    "at": {"type": "integer", "description": "Block time, Unix seconds"},
                    "block": {"type": "integer"},
                    "origin": {"type": "string"},
                    "index": {"type": "integer"},
                    "issuer": {"type": "string"},
                    "key": {
                        "type": ["string", "null"],
                        "description": "Status key; null: the entry was lost and struck out, and goes by its place",
                    },
                    "commitment": {"type": ["string", "null"]},
                    "identifier": {"type": ["string", "null"], "description": "null: the record isn't kept here"},
                    "type": {"type": ["string", "null"]},
                    "version": {"type": ["integer", "null"]},
                    "decision": {"type": "object"},
                },
            },
        },
        "cursor": {"type": "string", "description": "Opaque; send it as `after` once the items are kept"},
        "more": {"type": "boolean", "description": "Whether more is there now; a page may be empty and go on"},
    },
}
