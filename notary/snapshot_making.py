"""A snapshot's body from what the index holds at one final block (formats.md §8); the signature: notary.snapshot.

Pure. What is left out is said by its absence: a log without an anchor isn't in `complete_to`, and a verifier then knows
nothing of it. Everything is sorted, so that the same facts give the same bytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from ledger.departments import MemberFacts
from ledger.keys import DepartmentKey, Purpose
from ledger.statuses import Decision
from ledger.types import Anchor, Block, ChainHash, Digest, LogId, Millis, Origin
from notary.b64 import to_b64

VALID_FOR = 30 * 24 * 3_600_000
"""Milliseconds until `expires`; what needs fresh facts is unknown sooner, by the trust file's `max_snapshot_age`."""


@dataclass(frozen=True, slots=True)
class Heading:
    """Whose facts these are, and how long the file stands."""

    network: str
    chain_id: int
    genesis_hash: ChainHash
    sequence: int
    expires: Millis
    as_of: Block


@dataclass(frozen=True, slots=True)
class Erased:
    """An entry whose content was destroyed by order."""

    origin: Origin
    index: int
    order: str


def snapshot_body(
    heading: Heading,
    *,
    logs: Iterable[tuple[LogId, Origin]],
    anchors: Iterable[Anchor],
    decisions: Iterable[tuple[Digest, Decision]],
    members: Iterable[MemberFacts],
    erased: Iterable[Erased] = (),
) -> dict[str, Any]:
    """The members that `sign_snapshot` takes. `anchors` and `decisions` must be all that count up to `heading.as_of`:
    `complete_to` says so to who believes the file."""
    origins = dict(logs)
    known = [(origins[anchor.log_id], anchor) for anchor in anchors if anchor.log_id in origins]
    known.sort(key=lambda each: (each[0], each[1].size))
    return {
        "network": heading.network,
        "chain_id": heading.chain_id,
        "genesis_hash": heading.genesis_hash,
        "sequence": heading.sequence,
        "expires": heading.expires,
        "as_of": {"block": heading.as_of.number, "time": heading.as_of.time},
        "complete_to": {origin: anchor.size for origin, anchor in known},  # the largest comes last
        "checkpoints": [_checkpoint(origin, anchor) for origin, anchor in known],
        "decisions": [_decision(key, decision) for key, decision in sorted(decisions, key=_by_key)],
        "departments": [_member(member) for member in sorted(members, key=lambda m: m.history.code)],
        "erasures": [
            {"origin": each.origin, "index": each.index, "order": each.order}
            for each in sorted(erased, key=lambda e: (e.origin, e.index))
        ],
    }


def _by_key(found: tuple[Digest, Decision]) -> tuple[bytes, int]:
    return found[0], found[1].number


def _checkpoint(origin: Origin, anchor: Anchor) -> dict[str, Any]:
    return {
        "origin": origin,
        "size": anchor.size,
        "root": anchor.root.hex(),
        "contract": anchor.contract,
        "block_number": anchor.block_number,
        "block_hash": anchor.block_hash,
        "block_time": anchor.block_time,
    }


def _decision(key: Digest, decision: Decision) -> dict[str, Any]:
    return {
        "key": key.hex(),
        "number": decision.number,
        "code": int(decision.code),
        "cause": decision.cause,
        "department": decision.department,
        "effective_from": decision.effective_from,
        "recorded_at": decision.recorded_at,
        **_given(
            basis=None if decision.basis is None else decision.basis.hex(),
            successor=None if decision.successor is None else decision.successor.hex(),
            until=decision.until,
            ends=decision.ends,
            annulled_at=decision.annulled_at,
        ),
    }


def _member(member: MemberFacts) -> dict[str, Any]:
    history = member.history
    signing = [k for k in member.keys if k.confirmed_at is not None and k.purpose is Purpose.SIGN]
    return {
        "code": history.code,
        "kind": int(history.kind),
        "division": history.division,
        "admitted_at": history.admitted_at,
        "suspensions": [{"since": s.since, "reason": s.reason, **_given(until=s.until)} for s in history.suspensions],
        **_given(succeeded_at=history.succeeded_at, successor=history.successor),
        "accreditations": [
            {"type": a.type_code, "since": a.since, **_given(until=a.until, withdrawn_from=a.withdrawn_from)}
            for a in sorted(member.accreditations, key=lambda a: (a.type_code, a.since))
        ],
        "keys": [_key(key) for key in sorted(signing, key=lambda k: (k.since, k.key_id))],
    }


def _key(key: DepartmentKey) -> dict[str, Any]:
    """A confirmed signing key, as check 9 takes it; a proposal and a wrap key sign nothing."""
    return {
        "key_id": key.key_id.hex(),
        "suite": key.suite.named,
        "key": to_b64(key.public_key),
        "since": key.since,
        **_given(until=key.end, compromised_since=key.compromised_since, claimed_since=key.claimed_since),
    }


def _given(**members: Any) -> dict[str, Any]:
    """Absent where there is nothing to say, never null."""
    return {name: value for name, value in members.items() if value is not None}
