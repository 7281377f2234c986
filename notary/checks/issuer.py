"""Checks 8 and 9: was the issuer recognised when it issued, and did it sign? Contracts.md, "Departments".

Pure. Both are about T, not about today: later suspension, rotation or succession undoes nothing issued before. A key
that its department says was stolen by T is `unknown` until the Council says so too.
"""

from __future__ import annotations

from ledger.crypto import suites
from ledger.departments import Accreditation, DepartmentHistory, Standing, admitted_at, recognised
from ledger.errors import InputError, UnavailableError
from ledger.keys import Validity, validity
from ledger.types import BlockTime, Kind, TypeCode
from notary.checks.case import HIDDEN, Case, at_issue, barred, moment, unasked
from notary.evidence import ABSENT, DepartmentKey, Evidence, Unavailable
from notary.receipt import issue_bytes
from notary.report import Check, CheckName, IssueTime, Outcome

_ISSUER = CheckName.ISSUER
_KEY = CheckName.ISSUER_KEY


def check_issuer(case: Case) -> Check:
    """Check 8: recognised for the type at T; for all but certificates: admitted and not suspended at T."""
    if case.untrusted:
        return barred(_ISSUER, case.untrusted)
    as_of = case.evidence.as_of
    if as_of is not None and as_of.source != "chain" and max(case.at, case.time.time * 1000) > as_of.time * 1000 + 999:
        return unasked(_ISSUER, Unavailable("after_as_of"), as_of.source)
    if case.kind != Kind.CERTIFICATE:
        return _at_issue(case, None)
    type_code = case.member("type")
    if type_code is HIDDEN or not isinstance(type_code, str):
        return Check(_ISSUER, Outcome.UNKNOWN, "not_shown", {"member": "type"}, source="presented")
    return _at_issue(case, type_code)


def _at_issue(case: Case, type_code: str | None) -> Check:
    found = check_issuer_of(case.receipt.entry.issuer, type_code, case.evidence, case.time, case.accepted_at)
    return at_issue(found, case.time)


def check_issuer_of(
    issuer: str, type_code: str | None, evidence: Evidence, time: IssueTime, accepted_at: BlockTime
) -> Check:
    """The same apart from a case: `type_code` None asks for admission only."""
    history, accreditations = evidence.department, evidence.accreditations
    source = "chain" if evidence.as_of is None else evidence.as_of.source
    params: dict[str, str | int] = {"issuer": issuer, "time": moment(time.time * 1000), "type": type_code or ""}
    if isinstance(history, Unavailable):
        return unasked(_ISSUER, history)
    if history is ABSENT:
        return Check(_ISSUER, Outcome.FAIL, Standing.NOT_ADMITTED.value, params, source=source)
    if type_code is not None and isinstance(accreditations, Unavailable):
        return unasked(_ISSUER, accreditations)
    held = () if isinstance(accreditations, Unavailable) else accreditations
    found = _standing(history, held, type_code, time.time)
    if found is Standing.RECOGNISED:
        case = "admitted" if type_code is None else found.value
        return Check(_ISSUER, Outcome.PASS, case, params, source=source)
    # What held when it was accepted may have been anchored then, by an anchor that we couldn't ask for.
    maybe = not time.settled and _standing(history, held, type_code, accepted_at) is Standing.RECOGNISED
    return Check(_ISSUER, Outcome.UNKNOWN if maybe else Outcome.FAIL, found.value, params, source=source)


def _standing(
    history: DepartmentHistory, held: tuple[Accreditation, ...], type_code: str | None, at: BlockTime
) -> Standing:
    if type_code is None:
        return admitted_at(history, at).standing
    return recognised(history, held, TypeCode(type_code), at).standing


def check_issuer_key(case: Case) -> Check:
    """Check 9: the issuer's own signature verifies with its key at T; without one, the log's key vouches."""
    own = case.receipt.issuer_signature
    if own is None:
        return Check(_KEY, Outcome.SKIPPED, "absent", source="receipt")
    if case.untrusted:
        return barred(_KEY, case.untrusted)
    keys = case.evidence.keys
    if isinstance(keys, Unavailable):
        return unasked(_KEY, keys)
    named = [key for key in keys if key.key_id == own.key_id and key.suite == own.suite]
    if not named:
        return Check(_KEY, Outcome.FAIL, "no_key", {"key_id": own.key_id[:64]}, source="chain")
    try:
        message = issue_bytes(case.receipt.origin, case.receipt.entry)
        signing = [key for key in named if suites.verify(own.suite, key.public_key, own.signature, message)]
    except (UnavailableError, InputError):
        return Check(_KEY, Outcome.UNKNOWN, "suite", {"suite": own.suite}, source="receipt")
    if not signing:
        return Check(_KEY, Outcome.FAIL, "wrong", {"key_id": own.key_id[:64]}, source="chain")
    params = {"key_id": own.key_id[:64], "time": moment(case.time.time * 1000)}
    worth = {_worth(key, case.time.time) for key in signing}
    if Validity.VALID in worth:
        return at_issue(Check(_KEY, Outcome.PASS, "signed", params, source="chain"), case.time)
    if Validity.UNKNOWN in worth:
        return Check(_KEY, Outcome.UNKNOWN, "claimed_stolen", params, source="chain")
    maybe = not case.time.settled and any(_worth(key, case.accepted_at) is not Validity.INVALID for key in signing)
    return Check(_KEY, Outcome.UNKNOWN if maybe else Outcome.FAIL, "key_time", params, source="chain")


def _worth(key: DepartmentKey, at: BlockTime) -> Validity:
    return validity(key.since, key.until, key.compromised_since, key.claimed_since, at)
