"""A status as JSON: chuzheng-status/1. Decisions as the chain keeps them; during an outage `decisions` is null."""

from __future__ import annotations

from typing import Any

from api.parts import Parts
from api.statuses.lookup import Standing
from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime

SCHEMA = "chuzheng-status/1"
WORDS = {code: code.name.lower() for code in DecisionCode}


def status_body(parts: Parts, standing: Standing, at: int | None = None) -> dict[str, Any]:
    """What the public may know of one registered entry. `at` in milliseconds; None: now."""
    return {
        "schema": SCHEMA,
        "origin": standing.origin,
        "index": standing.index,
        "version": standing.version,
        "issuer": standing.issuer,
        "key": standing.key.hex(),
        "anchored": standing.anchor is not None,
        "anchored_at": standing.anchor.block_time if standing.anchor else None,
        **decisions_body(parts, standing.decisions, at),
    }


def decisions_body(parts: Parts, decisions: tuple[Decision, ...] | None, at: int | None = None) -> dict[str, Any]:
    """`status` at the instant (`in_force`, a decision's word, or `unknown` during an outage) and the history."""
    now = parts.clock.now()
    seconds = BlockTime((now if at is None else at) // 1000)
    body: dict[str, Any] = {"network": parts.network, "test_chain": parts.test_chain, "at": seconds}
    if decisions is None:
        return {**body, "status": "unknown", "decisions": None}
    standing = status_at(decisions, seconds, BlockTime(now // 1000))
    in_force = standing is None or standing.code is DecisionCode.RESUMED
    return {
        **body,
        "status": "in_force" if in_force or standing is None else WORDS[standing.code],
        "decisions": [decision_body(d) for d in decisions],
    }


def decision_body(decision: Decision) -> dict[str, Any]:
    """One decision; times are block times, Unix seconds."""
    return {
        "number": decision.number,
        "code": int(decision.code),
        "word": WORDS[decision.code],
        "cause": decision.cause,
        "department": decision.department,
        "effective_from": decision.effective_from,
        "recorded_at": decision.recorded_at,
        "until": decision.until,
        "ends": decision.ends,
        "basis": decision.basis.hex() if decision.basis else None,
        "successor": decision.successor.hex() if decision.successor else None,
        "annulled_at": decision.annulled_at,
    }
