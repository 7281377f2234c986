"""From a world and a receipt to a report, as tests ask for it: collect, verify, and say it in both languages."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

from ledger.types import Millis
from notary.evidence import (
    FileDigests,
    Presented,
)
from notary.receipt import IssuerSignature, Receipt, issue_bytes
from notary.report import CheckName, Outcome, Report
from notary.report_json import to_json
from notary.report_text import report_text
from notary.trust import TrustFile
from notary.verify import verify
from tests.fakes.registry import World, signer

PASS, FAIL, UNKNOWN, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIPPED
N = CheckName


def judged(
    world: World,
    receipt: Receipt,
    *,
    trust: TrustFile | None = None,
    at: int | None = None,
    now: int | None = None,
    offline: bool = False,
    evidence: dict[str, Any] | None = None,
    **shown: Any,
) -> Report:
    """Collect from the world and verify; `evidence` replaces items of what was collected."""
    from notary.collect import collect

    time = world.now if now is None else Millis(now)
    believed = trust or world.trust
    presented = Presented(receipt, **shown)
    found = collect(presented, believed, None if offline else world.chain, None if offline else world.log, time)
    found = replace(found, **(evidence or {}))
    report = verify(presented, found, believed, time if at is None else Millis(at), time)
    for language in ("zh", "en"):  # every report of these tests can be said
        assert report_text(report, language).encode("gbk")
    assert json.loads(to_json(report))["exit_code"] == report.exit_code
    return report


def outcome(report: Report, name: CheckName) -> tuple[Outcome, str]:
    check = report.check(name)
    return check.outcome, check.case


def digests(content: bytes) -> FileDigests:
    return FileDigests(len(content), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())


def signed(world: World, receipt: Receipt, *, suite: str = "intl", seed: str = "issuer", key_id: str = "k1") -> Receipt:
    signature = signer(seed).sign(issue_bytes(receipt.origin, receipt.entry))
    return replace(receipt, issuer_signature=IssuerSignature(key_id, suite, signature))
