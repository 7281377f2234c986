"""Shapes of a verification for the description of the interface; verification.md is the rule."""

from __future__ import annotations

from typing import Any

from api.certificates.schemas import EXAMPLE
from api.digests import DIGEST

_TEXT_OR_OBJECT = [{"type": "string", "description": "The JSON text, exactly as received"}, {"type": "object"}]

VerificationRequest: dict[str, Any] = {
    "type": "object",
    "additionalProperties": False,
    "description": "A receipt with record, or a disclosure, or an identifier alone; the file itself is never sent",
    "properties": {
        "receipt": {"anyOf": _TEXT_OR_OBJECT},
        "record": {"anyOf": _TEXT_OR_OBJECT},
        "disclosure": {"anyOf": _TEXT_OR_OBJECT},
        "credential": {"type": "string", "description": "A W3C credential (vc+jwt) of ours, by itself"},
        "bundle": {"type": "string", "description": "An evidence bundle in base64, by itself; of 100 parts at most"},
        "file": {
            "type": "object",
            "required": ["size", "sha256", "sm3"],
            "additionalProperties": False,
            "properties": {
                "size": {"type": "integer", "minimum": 0},
                "sha256": DIGEST,
                "sm3": DIGEST,
            },
        },
        "qr": {
            "type": "string",
            "maxLength": 4096,
            "description": "What a QR code holds, with or without the page's address before `#`",
        },
        "identifier": {
            "type": "string",
            "maxLength": 65536,
            "description": "Or what a QR code holds, or a credential, pasted",
        },
        "shown": {
            "type": "string",
            "maxLength": 40,
            "description": "For a person's certificate: last four of the holder's number, or the issue date",
        },
        "at": {"type": "string", "description": "Day (YYYY-MM-DD, its end in Beijing) or RFC 3339 time; default: now"},
    },
    "example": {"identifier": EXAMPLE["identifier"], "at": "2026-11-21"},
}
ReportBody: dict[str, Any] = {
    "type": "object",
    "description": "Report of notary.verify: verdict, checks in order, as of when; or a chuzheng-status/1 answer; "
    "chuzheng-credential-report/1 or chuzheng-bundle-report/1 about what is judged by itself",
    "properties": {
        "schema": {"type": "string"},
        "verdict": {"type": ["string", "null"]},
        "checks": {"type": "array", "items": {"type": "object"}},
    },
}
