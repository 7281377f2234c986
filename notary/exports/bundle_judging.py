"""What a bundle's parts come to together: the worst of those that count, whoever judged them.

Pure. A receipt whose disclosure is in the bundle too is judged by that; an event that doesn't hold makes the proof
invalid, one that nobody could judge leaves the question open.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from ledger.types import Millis
from notary.entry import status_key
from notary.evidence import Evidence, Presented
from notary.exports.bundle_facts import Decode, with_events
from notary.exports.evidence_bundle import EvidenceBundle
from notary.report import Outcome, Report, Verdict
from notary.snapshot_facts import with_snapshot
from notary.trust_file import TrustFile


def counting(names: Iterable[str]) -> set[str]:
    """The parts whose own verdict counts, by the members' names: not receipts whose disclosure says more."""
    held = list(names)
    shown = {_place(name) for name in held if name.startswith("disclosures/")}
    return {name for name in held if name.startswith("disclosures/") or _place(name) not in shown}


def worst(reports: Mapping[str, Report], events: Iterable[Outcome]) -> Verdict | None:
    """The verdict that stands first in the table of verdicts; None: nothing was judged."""
    found = {reports[name].verdict for name in counting(reports)} - {None}
    outcomes = set(events)
    found |= {Verdict.PROOF_INVALID} if Outcome.FAIL in outcomes else set()
    found |= {Verdict.CANNOT_CHECK} if Outcome.UNKNOWN in outcomes else set()
    return next((verdict for verdict in Verdict if verdict in found), None)


def with_bundle(
    evidence: Evidence, bundle: EvidenceBundle, presented: Presented, *, trust: TrustFile | None, at: Millis,
    now: Millis, decode: Decode,
) -> Evidence:  # fmt: skip
    """The evidence with what the bundle itself brings: its snapshot, then its proven decisions."""
    if trust is None:
        return evidence
    if bundle.snapshot is not None:
        evidence = with_snapshot(evidence, bundle.snapshot, presented, trust, now)
    entry = presented.receipt.entry
    own = bundle.events_of(status_key(entry.issuer, entry.sha256))
    return with_events(evidence, own, presented, trust=trust, at=at, now=now, decode=decode)


def _place(name: str) -> str:
    """The log and index in a member's name."""
    return "-".join(name.rpartition("/")[2].split("-")[:2])
