"""Checks 4, 6 and 7 by block evidence: a test for each sentence of formats.md §6 and §8 that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError
from ledger.evm.artifacts import artifact
from ledger.types import Address, ChainHash, Contract
from notary.checks.sealed import ANCHORED_TOPIC
from notary.evidence import ABSENT, Unavailable
from notary.receipt import QbftEvidence, Receipt, parse_receipt
from notary.receipts import build_bundle, parse_bundle, split
from notary.report import Verdict
from tests.fakes.chain import ANCHOR_LOG
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, outcome
from tests.fakes.qbft import MadeBlock, receipt_of, validators
from tests.fakes.registry import ISSUER, OTHER
from tests.unit.notary.sealed_receipt import NOISE, SIGNERS, Sealed, outcomes, sealed, sets

__all__ = ["sealed"]


def test_topic__anchored__is_the_contracts() -> None:
    assert artifact("AnchorLog").events["0x" + ANCHORED_TOPIC.hex()].name == "Anchored"


def test_offline__good_evidence__6_and_7_pass_and_t_is_the_blocks(sealed: Sealed) -> None:
    receipt = sealed.with_evidence()
    report = sealed.judged(receipt)
    assert outcomes(report) == ((PASS, "evidenced"), (PASS, "sealed"))
    assert (outcome(report, N.INCLUSION)[0], outcome(report, N.SIGNATURE)[0]) == (PASS, PASS)
    assert report.issue_time is not None
    assert receipt.anchor is not None
    assert (report.issue_time.time, report.issue_time.anchored) == (receipt.anchor.block_time, True)
    assert report.verdict is Verdict.CANNOT_CHECK  # 8 and 10 need a snapshot
    assert outcome(report, N.ISSUER)[0] is UNKNOWN


def test_offline__receipt_and_bundle_as_bytes__carry_the_evidence(sealed: Sealed) -> None:
    receipt = sealed.with_evidence()
    assert parse_receipt(receipt.to_json()) == receipt
    assert receipt.inclusion is not None
    bundle = build_bundle(receipt.origin, receipt.index, [receipt.entry.to_bytes()], checkpoint=receipt.checkpoint,
                          paths=[receipt.inclusion.path], anchor=receipt.anchor, evidence=receipt.evidence)  # fmt: skip
    [single] = split(parse_bundle(bundle.to_json()))
    assert outcomes(sealed.judged(replace(single, salt=receipt.salt))) == ((PASS, "evidenced"), (PASS, "sealed"))


def test_offline__no_evidence__7_unknown(sealed: Sealed) -> None:
    assert outcomes(sealed.judged(sealed.receipt)) == ((UNKNOWN, "unasked"), (UNKNOWN, "as_recorded"))


def test_online__no_evidence__asks_the_chain(sealed: Sealed) -> None:
    assert sealed.judged(sealed.receipt, offline=False).verdict is Verdict.VALID


def test_online__good_evidence__valid(sealed: Sealed) -> None:
    assert sealed.judged(sealed.with_evidence(), offline=False).verdict is Verdict.VALID


def test_chain_cant_be_reached__good_evidence__as_offline(sealed: Sealed) -> None:
    down = Unavailable("chain.unreachable")
    gone = {"root": down, "newest_root": down, "anchor": down, "earliest": down}
    report = sealed.judged(sealed.with_evidence(), offline=False, evidence=gone)
    assert outcomes(report) == ((PASS, "evidenced"), (PASS, "sealed"))


def test_online__good_evidence_and_the_chain_hasnt_it__6_fails(sealed: Sealed) -> None:
    """Online, 6 asks for (log, size, root) only."""
    gone = {"root": ABSENT, "newest_root": ABSENT}
    assert outcome(sealed.judged(sealed.with_evidence(), offline=False, evidence=gone), N.ANCHORED) == (FAIL, "absent")


@pytest.mark.parametrize("rule", ["none", "depth:0", "depth:6"])
def test_finality__another_rule__evidence_is_nobodys_business(sealed: Sealed, rule: str) -> None:
    """The rule is read from the trust file, never from a receipt."""
    wrong = replace(sealed.receipt, evidence=QbftEvidence(b"\xc0", 0, 0, (b"\xc0",)))
    assert outcome(sealed.judged(wrong, trust=sealed.trust(finality=rule)), N.ANCHORED) == (UNKNOWN, "unasked")
    good = sealed.judged(sealed.with_evidence(), trust=sealed.trust(finality=rule))
    assert outcome(good, N.ANCHORED) == (UNKNOWN, "unasked")


HEADERS: dict[str, Callable[[Sealed], Receipt]] = {
    "one seal short": lambda s: s.with_evidence(s.make(sealers=SIGNERS[:2])),
    "no seals": lambda s: s.with_evidence(s.make(sealers=[])),
    "one validator's seal twice": lambda s: s.with_evidence(s.make(sealers=[*SIGNERS[:2], SIGNERS[0]])),
    "seals of strangers": lambda s: s.with_evidence(s.make(sealers=validators(4, "stranger"))),
    "other validators": lambda s: s.with_evidence(s.make(signers=validators(4, "stranger"))),
    "a validator more": lambda s: s.with_evidence(s.make(signers=[*SIGNERS, *validators(1, "stranger")])),
    "a validator less": lambda s: s.with_evidence(s.make(signers=SIGNERS[:3])),
    "a wrong round": lambda s: replace(
        s.with_evidence(s.make(round_=1)), evidence=replace(s.make(round_=1).evidence(2, 1),
                                                            header=s.make(round_=1).header(round_=0)),
    ),
    "another hash": lambda s: s.with_evidence(block_hash=ChainHash("0x" + "00" * 32)),
    "another number": lambda s: s.with_evidence(s.make(number=77)),
    "another time": lambda s: s.with_evidence(s.make(time=1)),
    "a byte behind the header": lambda s: _changed(s, header=s.make().header() + b"\0"),
    "a header of nothing": lambda s: _changed(s, header=b"\xc0"),
}  # fmt: skip


def _changed(sealed: Sealed, **changes: Any) -> Receipt:
    receipt = sealed.with_evidence()
    assert isinstance(receipt.evidence, QbftEvidence)
    return replace(receipt, evidence=replace(receipt.evidence, **changes))


@pytest.mark.parametrize("case", HEADERS)
def test_header__not_what_a_quorum_sealed__7_fails_and_6_knows_nothing(sealed: Sealed, case: str) -> None:
    report = sealed.judged(HEADERS[case](sealed))
    assert outcomes(report) == ((UNKNOWN, "evidence_unproven"), (FAIL, "evidence_wrong"))
    assert (report.verdict, report.exit_code) == (Verdict.PROOF_INVALID, 21)
    assert report.issue_time is not None
    assert not report.issue_time.anchored
    online = sealed.judged(HEADERS[case](sealed), offline=False)
    assert (online.verdict, outcome(online, N.ANCHORED)[0]) == (Verdict.PROOF_INVALID, PASS)


def test_header__more_seals_than_needed_and_some_of_strangers__counts_validators(sealed: Sealed) -> None:
    for sealers in (SIGNERS, [*validators(2, "stranger"), *SIGNERS[1:]], [*SIGNERS[::-1], SIGNERS[0]]):
        report = sealed.judged(sealed.with_evidence(sealed.make(sealers=sealers)))
        assert outcome(report, N.FINAL) == (PASS, "sealed")


def test_header__validators_in_another_order__equal_as_a_set(sealed: Sealed) -> None:
    report = sealed.judged(sealed.with_evidence(), trust=sealed.trust(validators=sets(SIGNERS[::-1])))
    assert outcome(report, N.FINAL) == (PASS, "sealed")


EVENTS: dict[str, Callable[[Sealed], Receipt]] = {
    "of another contract": lambda s: s.with_evidence(s.make(event=replace(s.event, address=Address("0x" + "ab" * 20)))),
    "another event": lambda s: s.with_evidence(_topics(s, 0, bytes(32))),
    "another log": lambda s: s.with_evidence(_topics(s, 1, bytes(32))),
    "issuer aligned right": lambda s: s.with_evidence(_topics(s, 2, ISSUER.encode().rjust(32, b"\0"))),
    "two topics": lambda s: s.with_evidence(s.make(event=replace(s.event, topics=s.event.topics[:2]))),
    "four topics": lambda s: s.with_evidence(s.make(event=replace(s.event, topics=(*s.event.topics, bytes(32))))),
    "another size": lambda s: s.with_evidence(
        s.make(event=replace(s.event, data=(2).to_bytes(32, "big") + s.event.data[32:]))
    ),
    "another root": lambda s: s.with_evidence(s.make(event=replace(s.event, data=s.event.data[:32] + bytes(32)))),
    "63 bytes": lambda s: s.with_evidence(s.make(event=replace(s.event, data=s.event.data[:-1]))),
    "96 bytes": lambda s: s.with_evidence(s.make(event=replace(s.event, data=s.event.data + bytes(32)))),
    "a failed transaction": lambda s: s.with_evidence(
        s.make(transactions=[[], [], receipt_of([NOISE, s.event], status=0)])
    ),
    "another event of the transaction": lambda s: s.with_evidence(log=0),
    "no such event": lambda s: s.with_evidence(log=2),
    "counted within the block": lambda s: s.with_evidence(log=2, tx=2),
    "another transaction's proof": lambda s: _changed(s, receipt_proof=s.make().proof(1)),
    "another transaction's place": lambda s: _changed(s, tx_index=1),
    "a node too many": lambda s: _changed(s, receipt_proof=(*s.make().proof(2), b"\xc0")),
    "no nodes": lambda s: _changed(s, receipt_proof=()),
}


def _topics(sealed: Sealed, at: int, topic: bytes) -> MadeBlock:
    topics = (*sealed.event.topics[:at], topic, *sealed.event.topics[at + 1 :])
    return sealed.make(event=replace(sealed.event, topics=topics))


@pytest.mark.parametrize("case", EVENTS)
def test_event__not_the_checkpoints__6_and_7_fail(sealed: Sealed, case: str) -> None:
    report = sealed.judged(EVENTS[case](sealed))
    assert outcomes(report) == ((FAIL, "evidence_wrong"), (FAIL, "evidence_wrong"))
    assert report.verdict is Verdict.PROOF_INVALID
    assert sealed.judged(EVENTS[case](sealed), offline=False).verdict is Verdict.PROOF_INVALID


@pytest.mark.parametrize("kind", [0, 2, 0x7E])
def test_event__legacy_or_typed_receipt__read(sealed: Sealed, kind: int) -> None:
    block = sealed.make(transactions=[receipt_of([NOISE], kind=1), [], receipt_of([NOISE, sealed.event], kind=kind)])
    assert outcome(sealed.judged(sealed.with_evidence(block)), N.FINAL) == (PASS, "sealed")


def test_event__of_another_department__4_fails(sealed: Sealed) -> None:
    report = sealed.judged(sealed.with_evidence(_topics(sealed, 2, OTHER.encode().ljust(32, b"\0"))))
    assert outcome(report, N.INCLUSION) == (FAIL, "department")
    assert report.check(N.INCLUSION).observed == OTHER
    assert report.verdict is Verdict.PROOF_INVALID


@pytest.mark.parametrize(("first", "end", "good"), [(0, 1, True), (-1, 0, False), (1, None, False), (-5, None, True)])
def test_event__contract_in_force_at_that_block__only_then(
    sealed: Sealed, first: int, end: int | None, good: bool
) -> None:
    assert sealed.receipt.anchor is not None
    block = sealed.receipt.anchor.block_number
    contract = Contract("AnchorLog", Address(ANCHOR_LOG), ChainHash("0x" + "11" * 32), max(0, block + first),
                        None if end is None else block + end)  # fmt: skip
    report = sealed.judged(sealed.with_evidence(), trust=sealed.trust(contracts=[contract]))
    assert outcome(report, N.ANCHORED)[0] is (PASS if good else FAIL)


def test_event__anchor_names_the_other_anchor_log__fails(sealed: Sealed) -> None:
    other = Contract("AnchorLog", Address("0x" + "ab" * 20), ChainHash("0x" + "11" * 32), 0)
    both = [other, replace(other, address=Address(ANCHOR_LOG))]
    report = sealed.judged(sealed.with_evidence(contract=other.address), trust=sealed.trust(contracts=both))
    assert outcome(report, N.ANCHORED) == (FAIL, "evidence_wrong")


@pytest.mark.parametrize("changes", [{"chain_id": 9}, {"genesis_hash": ChainHash("0x" + "99" * 32)}, {"contracts": []}])
def test_chain__not_the_trust_files__6_fails(sealed: Sealed, changes: dict[str, Any]) -> None:
    report = sealed.judged(sealed.with_evidence(), trust=sealed.trust(**changes))
    assert outcomes(report) == ((FAIL, "another_chain"), (SKIPPED, "nothing_recorded"))
    assert report.verdict is Verdict.NOT_REGISTERED
    assert report.issue_time is not None
    assert not report.issue_time.anchored


@given(st.data())
@settings(max_examples=150, deadline=None)
def test_flip__any_bit_of_header_proof_or_place__never_passes(sealed: Sealed, data: st.DataObject) -> None:
    """The block has exactly the quorum of seals, so that each seal counts."""
    receipt = sealed.with_evidence()
    evidence = receipt.evidence
    assert isinstance(evidence, QbftEvidence)
    which = data.draw(st.integers(-1, len(evidence.receipt_proof) - 1))
    part = bytearray(evidence.header if which < 0 else evidence.receipt_proof[which])
    bit = data.draw(st.integers(0, len(part) * 8 - 1))
    part[bit // 8] ^= 1 << bit % 8
    if which < 0:
        altered = replace(evidence, header=bytes(part))
    else:
        nodes = list(evidence.receipt_proof)
        nodes[which] = bytes(part)
        altered = replace(evidence, receipt_proof=tuple(nodes))
    report = sealed.judged(replace(receipt, evidence=altered))
    assert outcome(report, N.FINAL) == (FAIL, "evidence_wrong")


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_flip__any_bit_of_the_receipts_evidence_or_anchor_as_written__refused(
    sealed: Sealed, data: st.DataObject
) -> None:
    receipt = sealed.with_evidence()
    written = bytearray(receipt.to_json())
    start = written.index(b'"anchor"')
    hint = written.index(b'"tx_hash"')
    bit = data.draw(st.integers(start * 8, len(written) * 8 - 1))
    if hint * 8 <= bit < written.index(b'"block_number"') * 8:
        return  # tx_hash is a hint and never shown as verified
    written[bit // 8] ^= 1 << bit % 8
    try:
        altered = parse_receipt(bytes(written))
    except ChuzhengError:
        return
    report = sealed.judged(altered)
    assert outcome(report, N.ANCHORED)[0] is not PASS or outcome(report, N.FINAL)[0] is not PASS
