"""What a snapshot may be believed about a request: checks 8 and 10, T, and a compromised set's checkpoints (§8).

Pure. A snapshot of another chain, with a wrong signature or past its end, or older than one seen before, is no answer:
its facts are Unavailable with the reason, and those checks `unknown`. That it is older than `max_snapshot_age`, or
asked about a time after it, is judged with the checks (notary.checks).
"""

from __future__ import annotations

from dataclasses import replace

from ledger.crypto.suites import verify_ed25519
from ledger.types import Anchor, ChainHash, DepartmentCode, Kind, LogId, Millis
from notary.entry import log_id, status_key
from notary.evidence import ABSENT, ErasedBy, Evidence, Presented, Unavailable
from notary.report import AsOf
from notary.snapshot import Snapshot, SnapshotHead
from notary.snapshot_packed import PackedSnapshot
from notary.trust_file import TrustFile

SOURCE = "snapshot"
NO_TRANSACTION = ChainHash("0x" + "00" * 32)
"""A snapshot names none; it is a hint anyway."""


def why_not(snapshot: SnapshotHead, trust: TrustFile, now: Millis, seen: int | None = None) -> str | None:
    """Why a snapshot isn't believed; None: it is. `seen`: the highest sequence accepted before."""
    same = (snapshot.network, snapshot.chain_id, snapshot.genesis_hash)
    if same != (trust.network, trust.chain_id, trust.genesis_hash):
        return "snapshot.other_chain"
    if trust.snapshot_key is None:
        return "snapshot.no_key"
    if not verify_ed25519(trust.snapshot_key, snapshot.signature, snapshot.signed_bytes):
        return "snapshot.signature"
    if now >= snapshot.expires:
        return "snapshot.expired"
    if seen is not None and snapshot.sequence < seen:
        return "snapshot.rolled_back"
    return None


def with_snapshot(
    evidence: Evidence,
    snapshot: Snapshot | PackedSnapshot,
    request: Presented,
    trust: TrustFile,
    now: Millis,
    *,
    seen: int | None = None,
) -> Evidence:
    """`evidence` with the snapshot's facts where the chain couldn't be asked."""
    refused = why_not(snapshot, trust, now, seen)
    asked = evidence.as_of is not None
    if refused is not None:
        why = Unavailable(refused)
        if asked:
            return evidence
        return replace(evidence, department=why, accreditations=why, decisions=why, keys=why, snapshot_root=why)
    receipt = request.receipt
    origin, index, issuer = receipt.origin, receipt.index, receipt.entry.issuer
    found = None if receipt.inclusion is None else snapshot.checkpoint_at(origin, receipt.inclusion.size)
    known = replace(evidence, snapshot_root=ABSENT if found is None else found.root)
    if (order := snapshot.erasures.get((origin, index))) is not None:
        known = replace(known, erased=ErasedBy(order))
    if asked:
        return known
    member = snapshot.departments.get(issuer)
    complete = index < snapshot.complete_to.get(origin, 0)
    key = status_key(issuer, receipt.entry.sha256)
    incomplete = Unavailable("snapshot.incomplete")
    needs_status = receipt.entry.kind in (Kind.CERTIFICATE, Kind.DOCUMENT, Kind.CREDIT)
    return replace(
        known,
        as_of=AsOf(SOURCE, snapshot.block, snapshot.time),
        earliest=_earliest(snapshot, origin, index, trust, issuer),
        department=ABSENT if member is None else member.history,
        accreditations=() if member is None else member.accreditations,
        decisions=snapshot.decisions_about(key) if complete or not needs_status else incomplete,
        keys=() if member is None else member.keys,
    )


def _earliest(
    snapshot: Snapshot | PackedSnapshot, origin: str, index: int, trust: TrustFile, issuer: DepartmentCode
) -> Anchor | Unavailable:
    """The first anchored size above the index; only where the snapshot has all of that log's anchors so far."""
    first = snapshot.first_above(origin, index) if index < snapshot.complete_to.get(origin, 0) else None
    if first is None:
        return Unavailable("snapshot.incomplete")
    return Anchor(
        LogId(log_id(first.origin)), first.size, first.root, trust.chain_id, trust.genesis_hash, first.contract,
        NO_TRANSACTION, first.block_number, first.block_hash, first.block_time, issuer,
    )  # fmt: skip
