"""Checks 6 and 7 by block evidence: who had to seal that block, by the trust file (formats.md §8)."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.types import Address, Millis
from notary.report import Verdict
from notary.trust import ValidatorSet
from tests.fakes.judging import FAIL, PASS, UNKNOWN, N, outcome
from tests.fakes.qbft import addresses, validators
from tests.unit.notary.sealed_receipt import SIGNERS, Sealed, outcomes, sealed, sets

__all__ = ["sealed"]


@pytest.mark.parametrize("count", [1, 2, 3])
def test_small_set__under_4__7_unknown_offline_and_asks_the_chain_online(sealed: Sealed, count: int) -> None:
    trust = sealed.trust(validators=sets(SIGNERS[:count]))
    receipt = sealed.with_evidence(sealed.make(signers=SIGNERS[:count]))
    assert outcomes(sealed.judged(receipt, trust=trust)) == ((PASS, "evidenced"), (UNKNOWN, "small_set"))
    assert sealed.judged(receipt, trust=trust, offline=False).verdict is Verdict.VALID


def test_small_set__of_nobody__is_no_quorum(sealed: Sealed) -> None:
    receipt = sealed.with_evidence(sealed.make(signers=[], sealers=[]))
    assert outcome(sealed.judged(receipt, trust=sealed.trust(validators=sets([]))), N.FINAL) == (FAIL, "evidence_wrong")


@pytest.mark.parametrize(("as_of", "expected"), [(-1, (UNKNOWN, "trust.stale")), (0, (FAIL, "evidence_wrong"))])
def test_stale__list_differs_above_as_of_block__unknown_at_or_below_fail(
    sealed: Sealed, as_of: int, expected: Any
) -> None:
    assert sealed.receipt.anchor is not None
    trust = sealed.trust(as_of_block=sealed.receipt.anchor.block_number + as_of)
    receipt = sealed.with_evidence(sealed.make(signers=validators(5, "new")))
    report = sealed.judged(receipt, trust=trust)
    assert outcome(report, N.FINAL) == expected
    assert outcome(report, N.ANCHORED) == (UNKNOWN, "evidence_unproven")
    online = sealed.judged(receipt, trust=trust, offline=False)
    assert online.verdict is (Verdict.VALID if as_of else Verdict.PROOF_INVALID)


def test_sets__several__the_one_of_that_height_counts(sealed: Sealed) -> None:
    assert sealed.receipt.anchor is not None
    block = sealed.receipt.anchor.block_number
    ours, others = tuple(map(Address, addresses(SIGNERS))), tuple(map(Address, addresses(validators(4, "other"))))
    for listed, expected in (
        ([ValidatorSet(0, others, block), ValidatorSet(block, ours)], (PASS, "sealed")),
        ([ValidatorSet(0, others), ValidatorSet(block, ours)], (PASS, "sealed")),
        ([ValidatorSet(0, ours, block + 1), ValidatorSet(block + 1, others)], (PASS, "sealed")),
        ([ValidatorSet(0, ours, block), ValidatorSet(block, others)], (FAIL, "evidence_wrong")),
        ([ValidatorSet(0, ours, block)], (UNKNOWN, "trust.no_set")),
        ([ValidatorSet(block + 1, ours)], (UNKNOWN, "trust.no_set")),
        ([], (UNKNOWN, "trust.no_set")),
    ):
        report = sealed.judged(sealed.with_evidence(), trust=sealed.trust(validators=listed))
        assert outcome(report, N.FINAL) == expected


def test_compromised__only_with_the_same_root_in_a_snapshot(sealed: Sealed) -> None:
    """Stolen keys seal any time that they like: `compromised_since` says when it was known, not which blocks stand."""
    trust = sealed.trust(validators=sets(compromised_since=Millis(10**14)))
    receipt = sealed.with_evidence()
    alone = sealed.judged(receipt, trust=trust)
    assert outcomes(alone) == ((UNKNOWN, "evidence_unproven"), (UNKNOWN, "trust.compromised"))
    assert receipt.head is not None
    same = sealed.judged(receipt, trust=trust, evidence={"snapshot_root": receipt.head.root})
    assert outcomes(same) == ((PASS, "evidenced"), (PASS, "sealed"))
    other = sealed.judged(receipt, trust=trust, evidence={"snapshot_root": bytes(32)})
    assert outcomes(other) == ((UNKNOWN, "evidence_unproven"), (UNKNOWN, "trust.other_snapshot"))
    assert sealed.judged(receipt, trust=trust, offline=False).verdict is Verdict.VALID


def test_expired__trust_file__every_check_resting_on_it_unknown(sealed: Sealed) -> None:
    trust = sealed.trust()
    report = sealed.judged(sealed.with_evidence(), trust=trust, now=trust.expires)
    assert outcomes(report) == ((UNKNOWN, "trust_expired"), (UNKNOWN, "trust_expired"))
