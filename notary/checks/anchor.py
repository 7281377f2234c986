"""Checks 6 and 7: does the chain hold the checkpoint, and for good? Verification.md, the rows and the paragraph below.

Pure. Online the chain is asked for (log, size, root) only; offline, block evidence answers (notary.checks.sealed). A
receipt that isn't anchored yet is judged by waiting: `skipped` as long as nothing contradicts it, `fail` when the log's
time is over or the chain holds another root.
"""

from __future__ import annotations

from ledger.types import Digest
from notary.checkpoint import parse_checkpoint
from notary.checks.case import ANCHOR_LOG, Case, barred, hexed, moment, unasked
from notary.checks.log import signed_by_log
from notary.checks.sealed import Examined
from notary.evidence import ABSENT, LogSeen, Unavailable
from notary.report import Check, CheckName, Outcome, TextKey
from notary.trust_file import TrustFile

_ANCHORED = CheckName.ANCHORED
_FINAL = CheckName.FINAL
OTHER_ROOT, ANOTHER_CHAIN, NEWER_CONTRACT = "other_root", "another_chain", "newer_contract"


def check_anchored(case: Case) -> Check:
    """Check 6: (log, size, root) is anchored; chain id, genesis and contract are the trust file's."""
    trust = case.trust
    if case.untrusted or trust is None:
        return barred(_ANCHORED, case.untrusted)
    if contradiction := _another_chain(case, trust):
        return contradiction
    if case.receipt.inclusion is None:
        return _promised(case, trust)
    head, evidence = case.receipt.head, case.evidence
    if isinstance(evidence.root, Unavailable):
        if case.receipt.anchor is None:
            return Check(_ANCHORED, Outcome.SKIPPED, "included_unasked", source="receipt")
        if case.examined is not None:
            return _evidenced(case.examined, None if head is None else head.root)
        return unasked(_ANCHORED, evidence.root)
    found = evidence.root if isinstance(evidence.root, bytes) else evidence.newest_root
    if isinstance(found, bytes):
        return _compare(found, None if head is None else head.root)
    if struck := _struck_out(case):
        return struck
    if case.receipt.anchor is None:
        return Check(_ANCHORED, Outcome.SKIPPED, "included", source="chain")
    if isinstance(found, Unavailable):
        return unasked(_ANCHORED, found)
    if evidence.head is not None and case.receipt.anchor.block_number > evidence.head:
        params = {"block": case.receipt.anchor.block_number, "head": evidence.head}
        return Check(_ANCHORED, Outcome.UNKNOWN, "chain_behind", params, source="chain")
    return Check(_ANCHORED, Outcome.FAIL, "absent", expected=hexed(head.root) if head else None, source="chain")


def _struck_out(case: Case) -> Check | None:
    """The log was closed at a smaller size (a stolen key): what was anchored above it counts as not recorded. A receipt
    that isn't anchored waits in vain only if its entry isn't among the good ones."""
    last, head, anchored = case.evidence.closed_at, case.receipt.head, case.receipt.anchor is not None
    if not isinstance(last, int) or head is None or head.size <= last or not (anchored or case.receipt.index >= last):
        return None
    params = {"size": last}
    return Check(_ANCHORED, Outcome.FAIL, "log_closed", params, expected=hexed(head.root), source="chain")


def _compare(found: Digest, expected: Digest | None) -> Check:
    if found == expected:
        return Check(_ANCHORED, Outcome.PASS, "anchored", observed=hexed(found), source="chain")
    return Check(_ANCHORED, Outcome.FAIL, OTHER_ROOT, observed=hexed(found), expected=hexed(expected), source="chain")


def _evidenced(examined: Examined, root: Digest | None) -> Check:
    """Offline, by evidence. A block that wasn't properly sealed says nothing: neither that it is nor that it isn't."""
    if examined.proves:
        return Check(_ANCHORED, Outcome.PASS, "evidenced", observed=hexed(root), source="receipt")
    if examined.flaw is None and examined.event_flaw is not None:
        why = TextKey(f"reason.{examined.event_flaw}", examined.event_flaw)
        return Check(_ANCHORED, Outcome.FAIL, "evidence_wrong", {"why": why}, source="receipt")
    code = examined.flaw or examined.doubt or ""
    return Check(
        _ANCHORED, Outcome.UNKNOWN, "evidence_unproven", {"why": TextKey(f"reason.{code}", code)}, source="receipt"
    )


def _another_chain(case: Case, trust: TrustFile) -> Check | None:
    """A receipt of our network whose anchor names another chain or contract contradicts the trust file, unless that is
    older than the contract may be."""
    anchor = case.receipt.anchor
    if anchor is None:
        return None
    known = trust.addresses_of(ANCHOR_LOG)
    if (anchor.chain_id, anchor.genesis_hash) == (trust.chain_id, trust.genesis_hash) and anchor.contract in known:
        return None
    pairs: tuple[tuple[str, object, object, bool], ...] = (
        ("chain_id", anchor.chain_id, trust.chain_id, anchor.chain_id == trust.chain_id),
        ("genesis_hash", anchor.genesis_hash, trust.genesis_hash, anchor.genesis_hash == trust.genesis_hash),
        ("contract", anchor.contract, " ".join(sorted(known)), anchor.contract in known),
    )
    for member, observed, expected, same in pairs:
        if member == "contract" and not same and _may_be_newer(case, trust):
            params = {"block": anchor.block_number, "as_of": trust.as_of_block}
            return Check(_ANCHORED, Outcome.UNKNOWN, NEWER_CONTRACT, params, observed=str(observed), source="trust")
        if not same:
            return Check(
                _ANCHORED, Outcome.FAIL, ANOTHER_CHAIN, {"member": member},
                observed=str(observed), expected=str(expected), source="trust",
            )  # fmt: skip
    return None


def _may_be_newer(case: Case, trust: TrustFile) -> bool:
    """Whether a contract that the trust file doesn't name may have been named since: its block is above `as_of_block`,
    and nobody says otherwise. A chain that has no such root, or another one, does."""
    anchor, head, root = case.receipt.anchor, case.receipt.head, case.evidence.root
    if anchor is None or anchor.block_number <= trust.as_of_block:
        return False
    return isinstance(root, Unavailable) or (head is not None and root == head.root)


def _promised(case: Case, trust: TrustFile) -> Check:
    """Nothing to ask the chain for yet. Past the log's `max_delay`, and the log asked in vain: the promise failed."""
    receipt, seen = case.receipt, case.evidence.log
    until = receipt.entry.accepted_at + trust.delay_of(receipt.origin)
    params = {"until": moment(until)}
    size: int | None = 0 if seen is ABSENT else None
    if isinstance(seen, LogSeen) and signed_by_log(seen.checkpoint, receipt.origin, trust):
        size = parse_checkpoint(seen.checkpoint).size
    if size is not None and size > receipt.index:
        return Check(_ANCHORED, Outcome.SKIPPED, "included_since", params, source="log")
    if size is not None and case.now > until:
        return Check(_ANCHORED, Outcome.FAIL, "overdue", params, source="log")
    return Check(_ANCHORED, Outcome.SKIPPED, "promised", params, source="receipt")


def check_final(case: Case, anchored: Check) -> Check:
    """Check 7, by the trust file's finality rule; with rule `none` it has the outcome of check 6."""
    trust = case.trust
    if case.untrusted or trust is None:
        return barred(_FINAL, case.untrusted)
    if anchored.outcome is Outcome.SKIPPED:
        return Check(_FINAL, Outcome.SKIPPED, "waiting", source=anchored.source)
    if case.examined is not None and anchored.case != ANOTHER_CHAIN and (judged := _sealed(case.examined, case)):
        return judged
    if anchored.outcome is Outcome.UNKNOWN:
        return Check(_FINAL, Outcome.UNKNOWN, "as_recorded", source=anchored.source)
    overdue = anchored.outcome is Outcome.FAIL and case.receipt.anchor is None and anchored.case != OTHER_ROOT
    if trust.finality == "none" and not overdue:
        case_word = "test_chain" if anchored.outcome is Outcome.PASS else "test_chain_failed"
        return Check(_FINAL, anchored.outcome, case_word, source="trust")
    if anchored.outcome is Outcome.FAIL:
        if anchored.case == OTHER_ROOT:
            return Check(_FINAL, Outcome.FAIL, OTHER_ROOT, source="chain")
        return Check(_FINAL, Outcome.SKIPPED, "nothing_recorded", source=anchored.source)
    if not isinstance(case.evidence.root, bytes):
        return Check(_FINAL, Outcome.UNKNOWN, "not_yet", {"rule": trust.finality}, source="chain")
    return Check(_FINAL, Outcome.PASS, "final", {"rule": trust.finality}, source="chain")


def _sealed(examined: Examined, case: Case) -> Check | None:
    """What the evidence alone says of finality; None where the chain, which was asked, has to say it."""
    if examined.wrong is not None:
        why = TextKey(f"reason.{examined.wrong}", examined.wrong)
        return Check(_FINAL, Outcome.FAIL, "evidence_wrong", {"why": why}, source="receipt")
    if not isinstance(case.evidence.root, Unavailable):
        return None
    if examined.doubt is not None:
        return Check(_FINAL, Outcome.UNKNOWN, examined.doubt, examined.params, source="trust")
    if not examined.final:
        return Check(_FINAL, Outcome.UNKNOWN, "small_set", examined.params, source="trust")
    return Check(_FINAL, Outcome.PASS, "sealed", examined.params, source="receipt")
