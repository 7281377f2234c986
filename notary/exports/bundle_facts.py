"""What a bundle's own events say about a certificate's status: decisions that a quorum's seals prove (ADR 0026).

Pure. Events prove what was decided, never that nothing else was: they can end a certificate's force up to the newest of
them, and they can't show that it is in force. For that a bundle carries a snapshot.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from ledger.statuses import Decision, DecisionCode, status_at
from ledger.types import BlockTime, DepartmentCode, Digest, Millis
from notary.entry import status_key
from notary.event_proof import EventProof, judge_event
from notary.evidence import Evidence, Presented, Unavailable
from notary.report import AsOf, Outcome
from notary.trust_file import TrustFile

SOURCE = "bundle"
STATUSES = "CertificateStatus"
Decode = Callable[[EventProof], "tuple[str, Mapping[str, Any]] | None"]
"""(event, arguments) as the contract's ABI has them; None for an event that nobody knows"""


def with_events(
    evidence: Evidence, events: Iterable[EventProof], presented: Presented, *, trust: TrustFile | None, at: Millis,
    now: Millis, decode: Decode,
) -> Evidence:  # fmt: skip
    """`evidence` with the proven decisions, where nothing better is known and they say that it isn't in force."""
    if not isinstance(evidence.decisions, Unavailable):
        return evidence
    entry = presented.receipt.entry
    key = status_key(entry.issuer, entry.sha256)
    own = [e for e in events if e.name == STATUSES and len(e.topics) > 1 and e.topics[1] == key]
    proven = [e for e in own if judge_event(e, trust, now).outcome is Outcome.PASS]
    found = _decisions(proven, decode)
    newest = max(proven, key=lambda e: e.place.block_number, default=None)
    if newest is None or not found:
        return evidence
    known = newest.place.block_time
    standing = status_at(found, min(BlockTime(at // 1000), known), known)
    if standing is None or standing.code is DecisionCode.RESUMED:
        return evidence
    as_of = evidence.as_of or AsOf(SOURCE, newest.place.block_number, known)
    return replace(evidence, decisions=found, as_of=as_of)


def _decisions(proven: Iterable[EventProof], decode: Decode) -> tuple[Decision, ...]:
    found: dict[int, Decision] = {}
    struck: dict[int, BlockTime] = {}
    for event in proven:
        match decode(event):
            case ("Decided", args):
                found[args["number"]] = _decision(args, event.place.block_time)
            case ("Annulled", args):
                struck[args["number"]] = event.place.block_time
            case _:
                continue
    return tuple(replace(found[n], annulled_at=struck.get(n)) for n in sorted(found))


def _decision(args: Mapping[str, Any], time: BlockTime) -> Decision:
    return Decision(
        number=args["number"],
        code=DecisionCode(args["code"]),
        cause=args["cause"],
        department=DepartmentCode(args["department"].rstrip(b"\0").decode("ascii")),
        effective_from=BlockTime(args["effectiveFrom"]),
        recorded_at=time,
        basis=Digest(args["basis"]) if any(args["basis"]) else None,
        successor=Digest(args["successor"]) if any(args["successor"]) else None,
        until=BlockTime(args["until"]) if args["until"] else None,
        ends=args["ends"] or None,
    )
