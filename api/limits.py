"""What a write must bring before its body is looked at: a key of the right form, a log of the caller's own."""

from __future__ import annotations

from fastapi import Request

from api.auth import Caller
from api.parts import Parts
from ledger.errors import DeniedError, InputError, NotFoundError
from ledger.types import Origin
from notary.entry import make_origin, parse_origin

JSON = "application/json"
NDJSON = "application/x-ndjson"


def media_type(request: Request, expected: str) -> None:
    """Nothing said about the type is fine; another type than `expected` isn't: the sender means something else."""
    found = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if found not in ("", expected):
        raise InputError("request.media_type", found=found[:100], expected=expected)


def idempotency_key(header: str | None, *, needed: bool = False) -> str | None:
    """The key as given: 1 to 255 visible ASCII characters. InputError if it is another, or needed and absent."""
    if header is None:
        if needed:
            raise InputError("request.key_missing")
        return None
    if not 1 <= len(header) <= 255 or not all("!" <= c <= "~" for c in header):
        raise InputError("request.key_form")
    return header


def own_log(caller: Caller, parts: Parts, origin: str | None) -> Origin:
    """The log to write to: the one named, which must be the caller's department's, or where its records go."""
    if origin is None:
        current = parts.notary.current_log(caller.department) if parts.notary else None
        return current or make_origin(parts.network, caller.department)
    try:
        parsed = parse_origin(origin)
    except InputError:
        raise NotFoundError("log.unknown", origin=origin) from None
    if parsed.issuer != caller.department:
        raise DeniedError("auth.department", department=caller.department, found=parsed.issuer)
    if parsed.network != parts.network:
        raise NotFoundError("log.unknown", origin=origin)
    return Origin(origin)
