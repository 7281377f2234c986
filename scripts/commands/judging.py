"""Whom a verification on the command line may ask, and the report that comes of it. Shared by what verifies.

Nothing of the network is imported unless it is wanted.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ledger.errors import ChuzhengError
from ledger.types import Millis
from scripts import output
from scripts.commands.files import read_file, replace_file

if TYPE_CHECKING:
    from notary.collect import LogReader
    from notary.evidence import Evidence, LogSeen, Presented
    from notary.exports.evidence_bundle import EvidenceBundle
    from notary.report import Report
    from notary.trust_file import TrustFile


@dataclass(frozen=True, slots=True)
class Asked:
    """Whom a verification believes and may ask; `trusted_at`: where the trust file lies."""

    trust: TrustFile | None
    trusted_at: Path
    snapshot: Path | None
    rpc_url: str | None
    url: str | None
    offline: bool
    mirrored: LogSeen | None = None
    """What a mirror on this machine shows of the log; it stands in for asking the log's server."""


def judge_presented(
    presented: Presented, asked: Asked, at: Millis | None, bundle: EvidenceBundle | None = None
) -> tuple[Report, Evidence]:
    """The report for the instant `at` (None: now), and what it was judged by; `bundle`: what it came in."""
    from notary.evidence import Evidence as Nothing
    from notary.verify import verify as judge

    trust, now = asked.trust, Millis(time.time_ns() // 1_000_000)
    evidence = Nothing()
    if not asked.offline and trust is not None:
        evidence = _collect(presented, trust, now, asked.rpc_url, asked.url)
    if asked.mirrored is not None:
        from dataclasses import replace

        evidence = replace(evidence, log=asked.mirrored)
    if trust is not None:
        proofs = asked.trusted_at.absolute().parent / "equivocations"
        evidence = _with_proofs(evidence, presented, trust, now, proofs)
    if asked.snapshot is not None and trust is not None:
        evidence = _with_snapshot(evidence, asked.snapshot, presented, trust, now, asked.trusted_at)
    if bundle is not None:
        from api.verifications.decoding import decoded
        from notary.exports.bundle_judging import with_bundle

        asked_at = at if at is not None else now
        evidence = with_bundle(evidence, bundle, presented, trust=trust, at=asked_at, now=now, decode=decoded)
    return judge(presented, evidence, trust, at if at is not None else now, now), evidence


def _with_proofs(evidence: Evidence, presented: Presented, trust: TrustFile, now: Millis, folder: Path) -> Evidence:
    """The evidence with kept proofs of equivocation that speak against the receipt; one that is met now is kept first,
    beside the trust file, where one can write."""
    from notary.evidence import LogSeen
    from notary.evidence import Unavailable as Unasked

    asked = isinstance(evidence.log, LogSeen) or not isinstance(evidence.anchor, Unasked)
    if not asked and not folder.is_dir():
        return evidence  # nobody was asked, and nothing is kept
    from dataclasses import replace

    from notary.contradictions import known_against, met
    from notary.stores.equivocations import Equivocations

    found = met(presented.receipt, evidence, trust)
    if found is not None:
        with contextlib.suppress(ChuzhengError):
            output.say("cli.verify.equivocation", path=Equivocations(folder).keep(found))
    kept = known_against(presented.receipt, Equivocations(folder).all(presented.receipt.origin), trust, now)
    return replace(evidence, equivocations=kept) if kept else evidence


def _with_snapshot(
    evidence: Evidence, path: Path, presented: Presented, trust: TrustFile, now: Millis, trusted_at: Path
) -> Evidence:
    """The evidence with a snapshot's facts; the highest sequence that was believed is remembered beside the trust file,
    where one can write."""
    from notary.snapshot_facts import why_not, with_snapshot
    from notary.trust_chain import Seen, parse_seen
    from scripts.snapshots import opened_snapshot

    memory = trusted_at.with_name(f"{trusted_at.name}.snapshot-seen")
    seen = parse_seen(read_file(memory)).sequence if memory.is_file() else None
    with opened_snapshot(path) as found:
        if why_not(found, trust, now, seen) is None and (seen is None or seen < found.sequence):
            with contextlib.suppress(ChuzhengError):
                replace_file(memory, Seen(found.sequence, found.hash).to_json())
        return with_snapshot(evidence, found, presented, trust, now, seen=seen)


def log_of_server(url: str | None) -> LogReader:
    """The logs of the server that is asked."""
    from api.settings import load
    from scripts.remote import log_of

    return log_of(load({"public_url": url}).settings.url)


def _collect(presented: Presented, trust: TrustFile, now: Millis, rpc_url: str | None, url: str | None) -> Any:
    """Evidence from a chain node and, for what isn't included yet, from the log's own files over HTTP."""
    from api.settings import load
    from notary.collect import Collector
    from scripts.remote import chain_of, log_of

    settings = load({"rpc_url": rpc_url, "public_url": url}).settings
    return Collector(chain_of(settings.rpc_url, trust), log_of(settings.url)).collect(presented, trust, now)
