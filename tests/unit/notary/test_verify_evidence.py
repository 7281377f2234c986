"""Checks 4, 6 and 7 by block evidence: a test for each sentence of formats.md §6 and §8 that is about it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ledger.errors import ChuzhengError
from ledger.evidence.events import Event
from ledger.evm.artifacts import artifact
from ledger.types import Address, ChainHash, Contract, Millis
from notary.checks.sealed import ANCHORED_TOPIC, anchored_claim
from notary.evidence import ABSENT, Unavailable
from notary.receipt import QbftEvidence, Receipt, parse_receipt
from notary.receipts import build_bundle, parse_bundle, split
from notary.report import Report, Verdict
from notary.trust import TrustFile, ValidatorSet
from tests.fakes.chain import ANCHOR_LOG
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, judged, outcome
from tests.fakes.qbft import MadeBlock, addresses, make_block, receipt_of, validators
from tests.fakes.registry import ISSUER, OTHER, World, certificate

SIGNERS = validators(4)
RECORD = certificate()
NOISE = Event(Address("0x" + "ee" * 20), (bytes([9]) * 32,), b"other")


def sets(signers: Any = SIGNERS, **changes: Any) -> list[ValidatorSet]:
    return [ValidatorSet(0, tuple(Address(a) for a in addresses(signers)), **changes)]


@dataclass
class Sealed:
    """A world whose one receipt has evidence of a block of our own making; `block` may be made anew."""

    world: World
    receipt: Receipt
    event: Event

    def make(self, **changes: Any) -> MadeBlock:
        """The block: the anchor is event 1 of transaction 2."""
        assert self.receipt.anchor is not None
        own = changes.pop("event", self.event)
        transactions = changes.pop("transactions", [[NOISE], [], [NOISE, own], [NOISE]])
        number, time = self.receipt.anchor.block_number, self.receipt.anchor.block_time
        return make_block(transactions, changes.pop("signers", SIGNERS), **{"number": number, "time": time, **changes})

    def with_evidence(self, block: MadeBlock | None = None, tx: int = 2, log: int = 1, **anchor: Any) -> Receipt:
        made = self.make() if block is None else block
        assert self.receipt.anchor is not None
        place = replace(self.receipt.anchor, **{"block_hash": ChainHash(made.hash), **anchor})
        return replace(self.receipt, anchor=place, evidence=made.evidence(tx, log))

    def trust(self, **changes: Any) -> TrustFile:
        return self.world.make_trust(**{"finality": "qbft", "validators": sets(), "as_of_block": 10**6, **changes})

    def judged(self, receipt: Receipt, *, offline: bool = True, trust: TrustFile | None = None, **more: Any) -> Report:
        believed = trust or self.trust()
        return judged(self.world, receipt, record=RECORD, trust=believed, offline=offline, **more)


@pytest.fixture(scope="module")
def sealed() -> Sealed:
    world = World()
    receipt = world.anchored_record(RECORD)
    assert receipt.head is not None
    claim = anchored_claim("AnchorLog", world.log_id, ISSUER, receipt.head)
    return Sealed(world, receipt, Event(Address(ANCHOR_LOG), claim.topics, claim.data))


def outcomes(report: Report) -> tuple[Any, Any]:
    return outcome(report, N.ANCHORED), outcome(report, N.FINAL)


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
