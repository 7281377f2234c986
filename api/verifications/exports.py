"""W3C credentials and evidence bundles that a visitor brings: each part judged as if it had come alone.

What may be asked is asked: the chain, and this server's own status lists; no address that only a visitor's file names.
"""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial

from api.parts import Parts
from api.verifications.decoding import decoded
from api.verifications.judging import judge
from api.verifications.submission import PartUnreadable
from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.types import Millis
from notary.collect import signing_keys
from notary.event_proof import EventJudgement, judge_event
from notary.evidence import OFFLINE, Evidence, Presented, Unavailable
from notary.exports.bundle_judging import counting, with_bundle, worst
from notary.exports.credential import PURPOSES, Credential, parse_credential
from notary.exports.credential_checks import CredentialCheck, check_credential, verdict_of
from notary.exports.evidence_bundle import EvidenceBundle, parts_of, read_bundle
from notary.exports.status_credential import StatusList, parse_status_list
from notary.exports.status_place import place_of
from notary.report import Report, Verdict
from notary.trust_file import TrustFile

MOST_PARTS = 100
"""Of a bundle that is judged here: each costs as much as a verification."""


@dataclass(frozen=True, slots=True)
class JudgedCredential:
    """`verdict`: of signature, lists and disclosure together."""

    credential: Credential
    presented: Presented
    report: Report
    checks: tuple[CredentialCheck, ...]
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class JudgedBundle:
    """`verdict`: the worst of the parts that count; `presented` and `reports` by the members' names."""

    bundle: EvidenceBundle
    presented: Mapping[str, Presented]
    reports: Mapping[str, Report]
    counts: frozenset[str]
    events: Mapping[str, tuple[str, EventJudgement]]
    verdict: Verdict


def judge_credential(parts: Parts, data: bytes, at: Millis | None) -> JudgedCredential:
    """PartUnreadable where it isn't a credential of ours."""
    try:
        credential = parse_credential(data)
    except UnreadableError as error:
        raise PartUnreadable("credential", error) from error
    disclosure = credential.disclosure
    presented = Presented(disclosure.receipt, disclosure=disclosure)
    report = judge(parts, presented, at)
    chain = parts.chain_now()
    keys = OFFLINE if chain is None else signing_keys(chain, disclosure.receipt.entry.issuer)
    lists = () if isinstance(keys, Unavailable) else _own_lists(parts, credential)
    checks = check_credential(credential, keys, lists, report.now)
    return JudgedCredential(credential, presented, report, checks, verdict_of(report, checks, lists))


def _own_lists(parts: Parts, credential: Credential) -> tuple[StatusList, ...]:
    """This server's lists of the credential's department, where it signs them."""
    if parts.status_lists is None or credential.base != parts.settings.url:
        return ()
    receipt, found = credential.disclosure.receipt, []
    number, _ = place_of(receipt.origin, receipt.index)
    for purpose in PURPOSES:
        try:
            data = parts.status_lists.read(receipt.origin, number, purpose, parts.clock.now())
        except ChuzhengError:
            continue  # an outage, or no key here: the check says that there is no list
        found.append(parse_status_list(data))
    return tuple(found)


def judge_bundle(parts: Parts, data: bytes, at: Millis | None) -> JudgedBundle:
    """PartUnreadable where it isn't one; InputError `request.bundle_parts` for more parts than are judged here."""
    try:
        bundle = read_bundle(io.BytesIO(data))
    except UnreadableError as error:
        raise PartUnreadable("bundle", error) from error
    found = len(bundle.disclosures) + len(bundle.receipts) + len(bundle.events)
    if found > MOST_PARTS:
        raise InputError("request.bundle_parts", found=found, limit=MOST_PARTS)
    now, trust = parts.clock.now(), parts.trust
    presented = {name: Presented(receipt, disclosure=disclosure) for name, receipt, disclosure in parts_of(bundle)}
    asked_at = now if at is None else at
    reports = {}
    for name, each in presented.items():
        add = partial(_added, bundle=bundle, presented=each, trust=trust, at=asked_at, now=now)
        reports[name] = judge(parts, each, at, add)
    events = {name: (proof.name, judge_event(proof, trust, now)) for name, proof in bundle.events.items()}
    verdict = worst(reports, (judged.outcome for _, judged in events.values())) or Verdict.VALID
    return JudgedBundle(bundle, presented, reports, frozenset(counting(reports)), events, verdict)


def _added(
    evidence: Evidence, *, bundle: EvidenceBundle, presented: Presented, trust: TrustFile | None, at: Millis,
    now: Millis,
) -> Evidence:  # fmt: skip
    return with_bundle(evidence, bundle, presented, trust=trust, at=at, now=now, decode=decoded)
