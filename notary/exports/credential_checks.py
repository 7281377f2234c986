"""What is asked of a credential beside the verification of its disclosure: the department's signature, and the lists.

Pure. `iat` is the signer's word, and nobody else's: a key that was stolen by now may have signed under any earlier
time, so such a signature is *unknown* even before the theft. An outage is unknown, never a pass and never a fail.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from ledger.crypto.suites import INTL
from ledger.keys import Validity, validity
from ledger.types import BlockTime, Millis
from notary.evidence import DepartmentKey, Unavailable
from notary.exports.credential import PURPOSES, Credential
from notary.exports.jose import Jws
from notary.exports.status_credential import StatusList
from notary.exports.status_place import place_of
from notary.report import Outcome, Report, Verdict


@dataclass(frozen=True, slots=True)
class CredentialCheck:
    """`name`: `signature`, `revocation` or `suspension`; the message is `vc.<name>.<case>`."""

    name: str
    outcome: Outcome
    case: str


def check_credential(
    credential: Credential, keys: Sequence[DepartmentKey] | Unavailable, lists: Iterable[StatusList], now: Millis
) -> tuple[CredentialCheck, ...]:
    """The signature, then each list. `keys`: the issuer's, from chain or snapshot; `lists`: those that were had."""
    own = _signature(credential.jws, credential.key_id, credential.issued_at, keys, now)
    signature = CredentialCheck("signature", *own)
    held = tuple(lists)
    return (signature, *(CredentialCheck(p, *_marked(credential, p, held, keys, now)) for p in PURPOSES))


def verdict_of(report: Report, checks: Sequence[CredentialCheck], lists: Sequence[StatusList]) -> Verdict:
    """The signature's fault first, then the disclosure's verdict; a list speaks only where it is newer than that."""
    signature = checks[0].outcome
    if signature is Outcome.FAIL:
        return Verdict.PROOF_INVALID
    if report.verdict is not Verdict.VALID:
        return report.answer
    if signature is not Outcome.PASS:
        return Verdict.CANNOT_CHECK
    known = 0 if report.as_of is None else report.as_of.time
    newer = {each.purpose for each in lists if each.made_at > known}
    marked = {check.name for check in checks[1:] if check.outcome is Outcome.FAIL} & newer
    if "revocation" in marked:
        return Verdict.NOT_IN_FORCE
    return Verdict.SUSPENDED if marked else report.answer


def _signature(
    jws: Jws, key_id: str, signed_at: int, keys: Sequence[DepartmentKey] | Unavailable, now: Millis
) -> tuple[Outcome, str]:
    if isinstance(keys, Unavailable):
        return Outcome.UNKNOWN, "unasked"
    named = [key for key in keys if key.key_id == key_id]
    if not named:
        return Outcome.FAIL, "no_key"
    making = [key for key in named if key.suite == INTL and jws.verifies(key.public_key)]
    if not making:
        return Outcome.FAIL, "wrong"
    if signed_at * 1000 > now + 300_000:
        return Outcome.FAIL, "in_future"
    worth = {_worth(key, BlockTime(signed_at), BlockTime(now // 1000)) for key in making}
    if Validity.VALID in worth:
        return Outcome.PASS, "signed"
    return (Outcome.UNKNOWN, "stolen") if Validity.UNKNOWN in worth else (Outcome.FAIL, "key_time")


def _worth(key: DepartmentKey, signed_at: BlockTime, now: BlockTime) -> Validity:
    found = validity(key.since, key.until, key.compromised_since, key.claimed_since, signed_at)
    if found is Validity.VALID and any(t is not None and t <= now for t in (key.compromised_since, key.claimed_since)):
        return Validity.UNKNOWN
    return found


def _marked(
    credential: Credential, purpose: str, lists: Sequence[StatusList],
    keys: Sequence[DepartmentKey] | Unavailable, now: Millis,
) -> tuple[Outcome, str]:  # fmt: skip
    receipt = credential.disclosure.receipt
    number, position = place_of(receipt.origin, receipt.index)
    wanted = (credential.base, receipt.origin, number, purpose)
    found = next((each for each in lists if (each.base, each.origin, each.number, each.purpose) == wanted), None)
    if found is None:
        return Outcome.UNKNOWN, "no_list"
    outcome, case = _signature(found.jws, found.key_id, found.made_at, keys, now)
    if outcome is not Outcome.PASS:
        return Outcome.UNKNOWN, "list_unasked" if case == "unasked" else "list_not_believed"
    if now >= found.valid_until * 1000:
        return Outcome.UNKNOWN, "list_expired"
    return (Outcome.FAIL, "marked") if found.marks(position) else (Outcome.PASS, "clear")
