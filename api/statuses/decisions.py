"""A department's decision as JSON → the notary's decision; an outbox row as JSON. The rules are notary's and ledger's."""

from __future__ import annotations

import re
from typing import Any

from api.parts import Parts
from ledger.errors import InputError, NotFoundError
from ledger.statuses import DecisionCode, NewDecision
from ledger.types import BlockTime, DepartmentCode, Digest
from notary.canonical import parse_strict

ANNUL = "annul"
CODES: dict[str, DecisionCode] = {
    "resume": DecisionCode.RESUMED,
    "transfer-in": DecisionCode.RESUMED,
    "suspend": DecisionCode.SUSPENDED,
    "rescind": DecisionCode.RESCINDED,
    "deregister": DecisionCode.DEREGISTERED,
    "lapse": DecisionCode.LAPSED,
    "transfer-out": DecisionCode.TRANSFERRED_OUT,
    "revoke": DecisionCode.REVOKED,
    "supersede": DecisionCode.SUPERSEDED,
    "withdraw": DecisionCode.WITHDRAWN,
    "other": DecisionCode.OTHER,
}
MEMBERS = frozenset({"decision", "cause", "effective_from", "basis", "until", "ends", "number", "successor"})
_HEX = re.compile(r"[0-9a-f]{64}", re.ASCII)
INTENT = "chuzheng-intent/1"


def parse_decision(body: bytes, now: int) -> NewDecision | tuple[int, Digest | None]:
    """A decision, or (number, basis) of the one to annul. `now` in seconds stands where `effective_from` is absent."""
    value = parse_strict(body, limit=64 << 10)
    if not isinstance(value, dict):
        raise InputError("request.member", name="body", expected="{…}")
    for name in value:
        if name not in MEMBERS:
            raise InputError("request.unknown_member", name=str(name)[:40])
    word = value.get("decision")
    basis = _digest(value, "basis")
    if word == ANNUL:
        number = _integer(value, "number", 1, (1 << 32) - 1)
        if number is None:
            raise InputError("request.member", name="number", expected="1, 2, 3, …")
        return number, basis
    if not isinstance(word, str) or word not in CODES:
        raise InputError("request.member", name="decision", expected=", ".join([*CODES, ANNUL]))
    effective = _integer(value, "effective_from", 0, (1 << 53) - 1)
    until = _integer(value, "until", 1, (1 << 53) - 1)
    return NewDecision(
        code=CODES[word],
        cause=_integer(value, "cause", 0, 65535) or 0,
        effective_from=BlockTime(now if effective is None else effective),
        basis=basis,
        successor=_digest(value, "successor"),
        until=None if until is None else BlockTime(until),
        ends=_integer(value, "ends", 1, (1 << 32) - 1),
    )


def intent_body(parts: Parts, intent: str) -> dict[str, Any]:
    """chuzheng-intent/1: how far it has come; `done` once nothing more happens by itself."""
    row = parts.outbox.status(intent) if parts.outbox is not None else None
    if row is None:
        raise NotFoundError("status.intent_unknown", intent=intent[:80])
    error = None
    if row.error_code is not None:
        error = {"code": row.error_code, "params": {k: str(v) for k, v in row.error_params.items()}}
    return {
        "schema": INTENT,
        "intent": intent,
        "state": str(row.state),
        "done": bool(row.done),
        "tx_hash": row.tx_hash,
        "block_number": row.block_number,
        "error": error,
        "test_chain": parts.test_chain,
    }


def _integer(value: dict[str, Any], name: str, least: int, most: int) -> int | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, int) or isinstance(found, bool) or not least <= found <= most:
        raise InputError("request.member", name=name, expected=f"{least} … {most}")
    return found


def _digest(value: dict[str, Any], name: str) -> Digest | None:
    found = value.get(name)
    if found is None:
        return None
    if not isinstance(found, str) or not _HEX.fullmatch(found):
        raise InputError("request.member", name=name, expected="64 × [0-9a-f]")
    return Digest(bytes.fromhex(found))


def submit(
    parts: Parts, department: DepartmentCode, key: Digest, wanted: NewDecision | tuple[int, Digest | None], idem: str | None
) -> str:
    """PENDING F2."""
    raise NotFoundError("status.intent_unknown", intent="")
