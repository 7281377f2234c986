"""Shapes of erasures for the description of the interface; formats.md §7 and ADR 0025 are the rule."""

from __future__ import annotations

from typing import Any

from api.digests import DIGEST

_TEXT = {"type": "string"}
_TIME = {"type": ["integer", "null"], "description": "Unix milliseconds"}

ErasureRequest: dict[str, Any] = {
    "type": "object",
    "required": ["order", "acknowledge"],
    "additionalProperties": False,
    "properties": {
        "order": {
            "type": "string",
            "minLength": 1,
            "maxLength": 64,
            "description": "Code of the order; public for ever",
        },
        "acknowledge": {
            **DIGEST,
            "description": "As the GET of the same entry gives it: what goes and what can't be recalled was read",
        },
    },
    "example": {"order": "〔2026〕12", "acknowledge": "5d" * 32},
}
ErasureBody: dict[str, Any] = {
    "type": "object",
    "description": "chuzheng-erasure/1",
    "required": ["schema", "origin", "index", "state", "acknowledge", "not_recalled"],
    "properties": {
        "schema": {"const": "chuzheng-erasure/1"},
        "origin": _TEXT,
        "index": {"type": "integer"},
        "state": {"enum": ["none", "proposed", "withdrawn", "destroyed", "entered", "done"]},
        "order": {"type": ["string", "null"]},
        "proposed_at": _TIME,
        "erased_at": _TIME,
        "done_at": _TIME,
        "kept": {"type": "boolean", "description": "Whether the record is kept here"},
        "file": {"type": "boolean", "description": "Whether it has a file here"},
        "readers": {"type": "array", "items": _TEXT, "description": "Departments that can open the file"},
        "not_recalled": {"type": "array", "items": {"type": "object"}, "description": "What no erasure reaches"},
        "acknowledge": {"type": "string"},
        "notices": {"type": "array", "items": {"type": "object"}, "description": "To each reader, once it is erased"},
        "backups": {"type": ["object", "null"], "description": "Which backups still hold it, and until when"},
        "rewrite": {
            "type": ["object", "null"],
            "description": "Large tables of PostgreSQL that may hold bytes of it until `command` is run after `since`",
        },
    },
}
ReleaseRequest: dict[str, Any] = {
    "type": "object",
    "required": ["order", "record"],
    "additionalProperties": False,
    "properties": {
        "order": {"type": "string", "minLength": 1, "maxLength": 64, "description": "Code of the order to register it"},
        "record": {"type": "object", "description": "The record as it will be sent; of a file's, document as it was"},
        "proposal": {**_TEXT, "description": "The first person's, as it was answered; another person sends it"},
    },
    "example": {"order": "〔2027〕3", "record": {"schema": "certificate/1", "kind": "certificate"}},
}
ReleaseBody: dict[str, Any] = {
    "type": "object",
    "description": "chuzheng-erasure-release/1",
    "required": ["schema", "order", "released"],
    "properties": {
        "schema": {"const": "chuzheng-erasure-release/1"},
        "order": _TEXT,
        "released": {
            "type": "boolean",
            "description": "False: only proposed, or it wasn't refused; sent again: as before",
        },
        "proposal": {**_TEXT, "description": "For the second person; absent in the answer to that one"},
    },
}
ErasuresBody: dict[str, Any] = {
    "type": "object",
    "description": "chuzheng-erasures/1 (formats.md §7): the log's list, each item provable by an entry of kind 6",
    "required": ["format", "origin", "erasures"],
    "properties": {
        "format": {"const": "chuzheng-erasures/1"},
        "origin": _TEXT,
        "erasures": {"type": "array", "items": {"type": "object"}},
    },
}
