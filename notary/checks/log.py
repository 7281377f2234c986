"""Checks 4 and 5: is the entry in the log, and did the log sign for it? Formats.md §3, §4.

Pure. The signature of one checkpoint is verified once, however many receipts lean on it (notary.checkpoint remembers).
"""

from __future__ import annotations

from ledger.crypto.suites import verify_ed25519
from ledger.errors import ChuzhengError
from ledger.types import Anchor, Digest
from notary.checkpoint import (
    VerifierKey,
    parse_checkpoint,
    parse_note,
    promise_bytes,
    verify_signature,
)
from notary.checks.case import Case, at_issue, barred, hexed, moment
from notary.cosignature import cosigners
from notary.entry import leaf_of, log_id, parse_origin
from notary.evidence import LogSeen
from notary.merkle import verify_inclusion
from notary.receipt import Receipt, inclusion_error
from notary.report import Check, CheckName, IssueTime, Outcome
from notary.trust_file import LogKey, TrustFile

CLOCK_SLACK = 300
"""Seconds that `accepted_at` may lie after T."""
_INCLUSION = CheckName.INCLUSION
_SIGNATURE = CheckName.SIGNATURE


def check_inclusion(case: Case) -> Check:
    """Check 4: entry → leaf → path gives the checkpoint's root; issuer = origin's = the event's department."""
    if case.other_network:
        return barred(_INCLUSION, case.other_network)
    event, issuer = case.evidence.anchor, case.receipt.entry.issuer
    if (named := _evidenced_department(case)) not in (None, issuer):
        return Check(_INCLUSION, Outcome.FAIL, "department", observed=named, expected=issuer, source="receipt")
    if isinstance(event, Anchor) and event.department not in (None, issuer):
        return Check(_INCLUSION, Outcome.FAIL, "department", observed=event.department, expected=issuer, source="chain")
    return at_issue(_inclusion(case.receipt, case.time), case.time)


def _evidenced_department(case: Case) -> str | None:
    """The department of an `Anchored` event that block evidence proves, as far as it can be read."""
    event = None if case.examined is None else case.examined.event
    if event is None or len(event.topics) != 3:
        return None
    return event.topics[2].rstrip(b"\0").decode("ascii", "replace")


def _inclusion(receipt: Receipt, time: IssueTime) -> Check:
    entry = receipt.entry
    if entry.issuer != parse_origin(receipt.origin).issuer:
        return Check(
            _INCLUSION, Outcome.FAIL, "issuer",
            observed=entry.issuer, expected=parse_origin(receipt.origin).issuer, source="receipt",
        )  # fmt: skip
    if entry.accepted_at > (time.time + CLOCK_SLACK) * 1000:
        return Check(
            _INCLUSION, Outcome.FAIL, "accepted_later",
            {"accepted": moment(entry.accepted_at), "time": moment(time.time * 1000)}, source="receipt",
        )  # fmt: skip
    if receipt.inclusion is None:
        return Check(_INCLUSION, Outcome.SKIPPED, "promised", source="receipt")
    try:
        error = inclusion_error(receipt)
    except ChuzhengError:
        error = "root"
    if error is not None:
        return Check(_INCLUSION, Outcome.FAIL, error, source="receipt")
    params = {"index": receipt.index, "size": receipt.inclusion.size}
    return Check(_INCLUSION, Outcome.PASS, "included", params, source="receipt")


def check_signature(case: Case) -> Check:
    """Check 5: checkpoint (or, before it, promise) by a trusted key valid at T, witnesses, no equivocation."""
    trust = case.trust
    if case.untrusted or trust is None:
        return barred(_SIGNATURE, case.untrusted)
    found = _signature(case.receipt, trust, case.time)
    if found.case in ("unsigned", "no_key"):
        return found
    return _equivocation(case, trust) or at_issue(found, case.time)


def _signature(receipt: Receipt, trust: TrustFile, time: IssueTime) -> Check:
    keys = trust.keys_of(receipt.origin)
    if not keys:
        return Check(_SIGNATURE, Outcome.UNKNOWN, "no_key", {"origin": receipt.origin}, source="trust")
    signing = [key for key in keys if _signed(receipt, key)]
    params = {"origin": receipt.origin, "time": moment(time.time * 1000)}
    if not signing:
        return Check(_SIGNATURE, Outcome.FAIL, "unsigned", params, source="trust")
    if not any(key.valid_at(time.time * 1000) for key in signing):
        # What held when it was accepted may have been anchored then, by an anchor that we couldn't ask for.
        maybe = not time.settled and any(key.valid_at(receipt.entry.accepted_at) for key in signing)
        return Check(_SIGNATURE, Outcome.UNKNOWN if maybe else Outcome.FAIL, "key_time", params, source="trust")
    if receipt.checkpoint is None:
        return Check(_SIGNATURE, Outcome.PASS, "promise", params, source="trust")
    witnesses = len(cosigners(parse_note(receipt.checkpoint), trust.witnesses))
    if witnesses < trust.witnesses_needed:
        return Check(
            _SIGNATURE, Outcome.FAIL, "witnesses", params,
            observed=str(witnesses), expected=str(trust.witnesses_needed), source="trust",
        )  # fmt: skip
    if trust.witnesses_needed:
        told = {"found": witnesses, "needed": trust.witnesses_needed, "known": len(trust.witnesses)}
        return Check(_SIGNATURE, Outcome.PASS, "witnessed", {**params, **told}, source="trust")
    return Check(_SIGNATURE, Outcome.PASS, "checkpoint", params, source="trust")


def signed_by_log(note: str, origin: str, trust: TrustFile) -> bool:
    """Whether a checkpoint that a log served is that log's, by any of its listed keys."""
    try:
        return parse_checkpoint(note).origin == origin and any(
            verify_signature(note, VerifierKey(key.name, key.ed25519)) for key in trust.keys_of(origin)
        )
    except ChuzhengError:
        return False


def promise_holds(receipt: Receipt, trust: TrustFile) -> bool | None:
    """Whether the promise is by one of the log's keys; None where there is no promise or no key."""
    keys = trust.keys_of(receipt.origin)
    if receipt.promise is None or not keys:
        return None
    return any(_promised(receipt, key) for key in keys)


def _signed(receipt: Receipt, key: LogKey) -> bool:
    if receipt.checkpoint is not None:
        return verify_signature(receipt.checkpoint, VerifierKey(key.name, key.ed25519))
    return _promised(receipt, key)


def _promised(receipt: Receipt, key: LogKey) -> bool:
    message = promise_bytes(log_id(receipt.origin), receipt.index, receipt.leaf)
    return receipt.promise is not None and verify_ed25519(key.ed25519, receipt.promise, message)


def _equivocation(case: Case, trust: TrustFile) -> Check | None:
    """Two signed pieces of the log that can't both be true (formats.md §4)."""
    receipt, evidence = case.receipt, case.evidence
    if evidence.equivocations:
        pair = evidence.equivocations[0]
        return _contradiction(pair.first, pair.second, "log")
    head = receipt.head
    if head is not None:
        for root in (evidence.root, evidence.newest_root):
            if isinstance(root, bytes) and root != head.root and head.origin == receipt.origin:
                return _contradiction(hexed(head.root), hexed(Digest(root)), "chain")
    seen = evidence.log
    if not isinstance(seen, LogSeen) or not signed_by_log(seen.checkpoint, receipt.origin, trust):
        return None
    served = parse_checkpoint(seen.checkpoint)
    if head is not None and head.size == served.size and head.root != served.root:
        return _contradiction(receipt.checkpoint, seen.checkpoint, "log")
    if head is None and seen.entry is not None and leaf_of(seen.entry) != receipt.leaf:
        proven = verify_inclusion(receipt.index, served.size, leaf_of(seen.entry), seen.path, served.root)
        return _contradiction(hexed(receipt.leaf), seen.entry.hex(), "log") if proven else None
    return None


def _contradiction(first: str | None, second: str | None, source: str) -> Check:
    return Check(_SIGNATURE, Outcome.FAIL, "equivocation", observed=first, expected=second, source=source)
