"""The one pure function that judges: request, evidence, trust file and two instants in, a report out. Verification.md.

Web page, API, CLI, gateways and bundle checker use it and its codes. All I/O is before it (notary.collect) and after.
Bytes that don't parse never get here: they are `unreadable`, exit 19, and no verdict.
"""

from __future__ import annotations

from typing import assert_never

from ledger.codes.certificate_ids import parse_identifier
from ledger.departments import DepartmentHistory
from ledger.types import Anchor, BlockTime, Kind, Millis
from notary.checks.anchor import check_anchored, check_final
from notary.checks.case import Bar, Case, barred, believable, moment, open_case, trust_bar, unasked
from notary.checks.content import AS_RECEIVED, ERASED, check_content, check_identifier_text, check_record_identifier
from notary.checks.issuer import check_issuer, check_issuer_key, check_issuer_of
from notary.checks.log import CLOCK_SLACK, check_inclusion, check_signature, promise_holds
from notary.checks.status import check_period, check_period_of, check_status, check_status_of, instant_of
from notary.entry import ENTRY_BYTES, status_key
from notary.evidence import (
    NOT_COLLECTED,
    OFFLINE,
    ErasedBy,
    Evidence,
    IdentifierAlone,
    Located,
    Presented,
    Request,
    Unavailable,
)
from notary.receipt import Receipt
from notary.receipts import Bundle, first_not_included, split
from notary.report import (
    Check,
    CheckName,
    IssueTime,
    Level,
    Note,
    Outcome,
    Param,
    Registered,
    Report,
    decide,
    needed_checks,
    trust_level,
)
from notary.trust_file import TrustFile

__all__ = ["check_bundle", "check_receipt", "instant_of", "verify"]

_STATUS_ANSWER = frozenset({CheckName.ANCHORED, CheckName.ISSUER, CheckName.STATUS, CheckName.PERIOD})
"""What an identifier alone is answered by."""


def verify(request: Request, evidence: Evidence, trust: TrustFile | None, at: Millis, now: Millis) -> Report:
    """Judge `request` for the instant `at`, asked at `now` (milliseconds); every check in order, one verdict.

    An identifier alone gets a status answer without a verdict.
    """
    if isinstance(request, Presented):
        return _verify_presented(request, evidence, trust, at, now)
    if isinstance(request, IdentifierAlone):
        return _verify_identifier(request, evidence, trust, at, now)
    assert_never(request)


def _verify_presented(
    presented: Presented, evidence: Evidence, trust: TrustFile | None, at: Millis, now: Millis
) -> Report:
    case = open_case(presented, evidence, trust, at, now)
    receipt, entry = case.receipt, case.receipt.entry
    anchored = check_anchored(case)
    status, decision = check_status(case)
    checks = (
        Check(CheckName.FORMAT, Outcome.PASS, "parsed", source="receipt"),
        check_content(case),
        check_record_identifier(case),
        check_inclusion(case),
        check_signature(case),
        anchored,
        check_final(case, anchored),
        check_issuer(case),
        check_issuer_key(case),
        status,
        check_period(case),
        check_seal(case),
    )
    passed = {check.name for check in checks if check.outcome is Outcome.PASS}
    applicable = {check.name for check in checks if check.outcome is not Outcome.SKIPPED}
    needed = needed_checks(
        case.kind,
        identifier=CheckName.IDENTIFIER in applicable,
        signed=receipt.issuer_signature is not None,
        sealed=CheckName.SEAL in applicable,
    )
    verdict, deciding = decide(checks, needed)
    level = _level(case, passed)
    return Report(
        subject=_subject(presented),
        checks=checks,
        needed=needed,
        verdict=verdict,
        answer=verdict,
        deciding=deciding,
        at=at,
        now=now,
        as_of=case.evidence.as_of,
        issue_time=case.time,
        level=level,
        registered=Registered(
            receipt.origin, receipt.index, entry.issuer, entry.kind, entry.accepted_at, receipt.stage,
            status_key(entry.issuer, entry.sha256),
        ),
        network=trust.network if trust else None,
        finality=trust.finality if trust else None,
        decision=decision,
        notes=_notes(case, checks, level),
        contact=evidence.contact,
    )  # fmt: skip


def check_seal(case: Case) -> Check:
    """Check 12: seals in OFD files aren't examined yet, so a file that was registered as sealed is `unknown`."""
    if case.member("capture") == Level.SEALED and case.presented.file is not None:
        return Check(CheckName.SEAL, Outcome.UNKNOWN, "not_examined", source="presented")
    return Check(CheckName.SEAL, Outcome.SKIPPED, "not_sealed", source="presented")


def check_receipt(receipt: Receipt, trust: TrustFile, now: Millis) -> tuple[Check, Check]:
    """Checks 4 and 5 of a receipt that has been parsed (check 1), with nothing but the trust file: T is `now`."""
    case = open_case(Presented(receipt), Evidence(), trust, now, now)
    return check_inclusion(case), check_signature(case)


def check_bundle(bundle: Bundle, trust: TrustFile, now: Millis) -> list[tuple[int, Check]]:
    """Checks 4 and 5 of every entry of a parsed bundle as `check_receipt` makes them: those that don't pass, by offset.

    The run of paths is checked at once and the checkpoint's signature once; where that doesn't pass for all, every
    receipt is judged singly, so that both ways give one answer.
    """
    if bundle.paths is not None and first_not_included(bundle) is None and _accepted_by(bundle, now):
        first = check_receipt(next(split(bundle)), trust, now)
        if all(check.outcome is Outcome.PASS for check in first):
            return []
    wrong = []
    for offset, receipt in enumerate(split(bundle)):
        wrong += [(offset, check) for check in check_receipt(receipt, trust, now) if check.outcome is not Outcome.PASS]
    return wrong


def _accepted_by(bundle: Bundle, now: Millis) -> bool:
    """Whether no entry was accepted later than T allows: its time is 8 big-endian bytes at offset 20 of the 92."""
    limit = ((now // 1000 + CLOCK_SLACK) * 1000).to_bytes(8, "big")
    return all(bundle.entries[at + 20 : at + 28] <= limit for at in range(0, len(bundle.entries), ENTRY_BYTES))


def _subject(presented: Presented) -> str:
    if presented.file is not None:
        return "file"
    if presented.record is not None:
        return "record"
    return "disclosure" if presented.disclosure is not None else "receipt"


def _level(case: Case, passed: set[CheckName]) -> Level | None:
    capture = case.member("capture")
    return trust_level(
        capture if isinstance(capture, str) else None,
        signed=CheckName.ISSUER_KEY in passed,
        sealed=CheckName.SEAL in passed,
    )


def _notes(case: Case, checks: tuple[Check, ...], level: Level | None) -> tuple[Note, ...]:
    """What changes no verdict and must be said."""
    notes = []
    receipt, time = case.receipt, case.time
    if not time.anchored:
        notes.append(Note("time_is_now"))
    elif case.at < time.time * 1000:
        notes.append(Note("registered_only_at", {"time": moment(time.time * 1000), "at": moment(case.at)}))
    if case.presented.disclosure is not None and case.presented.record is None:
        notes.append(Note("disclosure"))
    if checks[CheckName.IDENTIFIER.number - 1].case == AS_RECEIVED:
        notes.append(Note("as_received"))
    if checks[CheckName.CONTENT.number - 1].case == ERASED and _stands(checks):
        notes.append(Note("registered_erased", checks[CheckName.CONTENT.number - 1].params))
        if isinstance(found := case.evidence.erased, ErasedBy) and found.at is not None:
            notes.append(Note("erased_at", {"at": moment(found.at)}))
    elif isinstance(found := case.evidence.erased, Unavailable) and found not in (OFFLINE, NOT_COLLECTED):
        notes.append(Note("erasure_unasked"))
    capture = case.member("capture")
    if level is not None and capture != level:
        notes.append(Note("level_lowered", {"capture": str(capture)}))
    if receipt.checkpoint is not None and case.trust is not None and promise_holds(receipt, case.trust) is False:
        notes.append(Note("promise_unproven"))
    if differing := _differing_block(case):
        notes.append(Note("anchor_differs", {"members": ", ".join(differing)}))
    return (*notes, *_succession(case.evidence, case.untrusted))


def _stands(checks: tuple[Check, ...]) -> bool:
    """Whether the registration by itself is proven: in the log, signed, anchored, final."""
    proofs = (CheckName.INCLUSION, CheckName.SIGNATURE, CheckName.ANCHORED, CheckName.FINAL)
    return all(checks[name.number - 1].outcome is Outcome.PASS for name in proofs)


def _succession(evidence: Evidence, untrusted: Bar | None) -> tuple[Note, ...]:
    """Who carries what a succeeded issuer issued: contracts.md, "Departments"."""
    history, seen = evidence.department, evidence.as_of
    if untrusted is not None or seen is None or not isinstance(history, DepartmentHistory):
        return ()
    since = history.succeeded_at
    if since is None or since > seen.time:
        return ()
    params: dict[str, Param] = {"issuer": history.code, "since": moment(since * 1000)}
    if isinstance(evidence.carrier, Unavailable):
        return (Note("carrier_unasked", params),)
    return (Note("carried_by", {**params, "carrier": evidence.carrier}),)


def _differing_block(case: Case) -> list[str]:
    """Block members of the receipt's anchor that the chain states otherwise: reported, not failed."""
    own, event = case.receipt.anchor, case.evidence.anchor
    if own is None or not isinstance(event, Anchor):
        return []
    names = ("block_number", "block_hash", "block_time")
    return [name for name in names if getattr(own, name) != getattr(event, name)]


def _verify_identifier(
    request: IdentifierAlone, evidence: Evidence, trust: TrustFile | None, at: Millis, now: Millis
) -> Report:
    bar = trust_bar(trust, now)
    usable = believable(evidence, None if bar else trust, now)
    located = usable.located
    found = located[0] if not isinstance(located, Unavailable) and located else None
    form = check_identifier_text(request.identifier)
    registered = _registered(usable, found)
    time = _located_time(usable, now)
    if found is None:
        why = Outcome.UNKNOWN if isinstance(located, Unavailable) else Outcome.SKIPPED
        issuer, status, period = (
            Check(name, why, "not_located") for name in (CheckName.ISSUER, CheckName.STATUS, CheckName.PERIOD)
        )
        decision = None
    else:
        type_code = found.type_code
        if type_code is None and form.outcome is Outcome.PASS:
            type_code = parse_identifier(request.identifier).type
        accepted_at = BlockTime(found.entry.accepted_at // 1000)
        if type_code is None and found.entry.kind == Kind.CERTIFICATE:
            issuer = Check(CheckName.ISSUER, Outcome.UNKNOWN, "not_shown", {"member": "type"}, source="log")
        else:
            issuer = check_issuer_of(found.entry.issuer, type_code, usable, time, accepted_at)
        status, decision = check_status_of(usable, at, now)
        period = Check(CheckName.PERIOD, Outcome.UNKNOWN, "not_shown", {"member": "valid_from"}, source="log")
        if found.dates_known:
            period = check_period_of(found.valid_from, found.valid_to, at, "log")
    if bar is not None:
        registered, issuer, status = (
            barred(name, bar) for name in (CheckName.ANCHORED, CheckName.ISSUER, CheckName.STATUS)
        )
    own = {check.name: check for check in (form, registered, issuer, status, period)}
    checks = tuple(own.get(name) or Check(name, Outcome.SKIPPED, "identifier_alone") for name in CheckName)
    answer, deciding = decide([own[name] for name in CheckName if name in _STATUS_ANSWER], _STATUS_ANSWER)
    return Report(
        subject="identifier",
        checks=checks,
        needed=_STATUS_ANSWER,
        verdict=None,
        answer=answer,
        deciding=deciding,
        at=at,
        now=now,
        as_of=usable.as_of,
        issue_time=time if found else None,
        level=None,
        registered=_located_facts(found),
        network=trust.network if trust else None,
        finality=trust.finality if trust else None,
        decision=decision,
        notes=() if found is None else (*(() if time.anchored else (Note("time_is_now"),)), *_succession(usable, bar)),
        contact=evidence.contact,
    )


def _registered(evidence: Evidence, found: Located | None) -> Check:
    """Whether an identifier is registered: located in a log, and anchored."""
    name = CheckName.ANCHORED
    if isinstance(evidence.located, Unavailable):
        return unasked(name, evidence.located, "log")
    if found is None:
        return Check(name, Outcome.FAIL, "not_located", source="log")
    if isinstance(evidence.earliest, Unavailable):
        return unasked(name, evidence.earliest)
    if isinstance(evidence.earliest, Anchor):
        return Check(name, Outcome.PASS, "located", {"origin": found.origin, "index": found.index}, source="chain")
    return Check(name, Outcome.SKIPPED, "included", source="chain")


def _located_time(evidence: Evidence, now: Millis) -> IssueTime:
    if isinstance(evidence.earliest, Anchor):
        return IssueTime(evidence.earliest.block_time, anchored=True, settled=True)
    settled = not isinstance(evidence.earliest, Unavailable)
    return IssueTime(BlockTime(now // 1000), anchored=False, settled=settled)


def _located_facts(found: Located | None) -> Registered | None:
    if found is None:
        return None
    entry = found.entry
    key = status_key(entry.issuer, entry.sha256)
    return Registered(found.origin, found.index, entry.issuer, entry.kind, entry.accepted_at, None, key)
