"""Shapes of statuses and decisions for the description of the interface; contracts.md is the rule."""

from __future__ import annotations

from typing import Any

from api.digests import DIGEST

WORDS = [
    "resume", "suspend", "rescind", "deregister", "lapse", "transfer-out", "transfer-in", "revoke", "supersede",
    "withdraw", "other", "annul",
]  # fmt: skip
_TIME = {"type": "integer", "minimum": 0, "description": "Block time, Unix seconds"}

DecisionRequest: dict[str, Any] = {
    "type": "object",
    "required": ["decision"],
    "additionalProperties": False,
    "properties": {
        "decision": {"enum": WORDS},
        "cause": {"type": "integer", "minimum": 0, "maximum": 65535, "description": "ledger/codes/causes.csv; 0: none"},
        "effective_from": {**_TIME, "description": "Not after the block; default: now"},
        "basis": {**DIGEST, "description": "commitment_sha256 of the kind-2 entry that holds the order"},
        "until": {**_TIME, "description": "Suspensions only: first second that isn't suspended"},
        "ends": {
            "type": "integer",
            "minimum": 1,
            "description": "resume: number of the decision that it ends; default: the last",
        },
        "number": {"type": "integer", "minimum": 1, "description": "annul: number of the decision struck down"},
        "successor": {**DIGEST, "description": "supersede: status key of the new certificate"},
        "disclosure": {
            "type": "string",
            "description": "Text of a chuzheng-disclosure/1 file that shows `type`: with it the competent department "
            "takes the first decision on another department's certificate",
        },
    },
    "example": {"decision": "suspend", "cause": 1, "until": 1795190400},
}
IntentBody: dict[str, Any] = {
    "type": "object",
    "properties": {
        "schema": {"const": "chuzheng-intent/1"},
        "intent": {"type": "string"},
        "state": {"enum": ["queued", "signed", "sent", "mined", "final", "reverted", "failed"]},
        "done": {"type": "boolean"},
        "tx_hash": {"type": ["string", "null"]},
        "error": {
            "type": ["object", "null"],
            "description": "What the contract said no with, or what keeps a node from taking it",
            "properties": {name: {"type": "string"} for name in ("code", "message_zh", "message_en")}
            | {"params": {"type": "object"}},
        },
    },
}
StatusBody: dict[str, Any] = {
    "type": "object",
    "properties": {
        "schema": {"const": "chuzheng-status/1"},
        "status": {"type": "string", "description": "in_force, a decision's word, or unknown during an outage"},
        "decisions": {"type": ["array", "null"], "items": {"type": "object"}},
        "issuer": {"type": "string"},
        "anchored": {"type": "boolean"},
        "test_chain": {"type": "boolean"},
    },
}
