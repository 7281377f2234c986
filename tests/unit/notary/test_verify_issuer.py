"""Checks 8 and 9, a test for each sentence of verification.md: recognised at T, signed by its key at T."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ledger.keys import KeyId, NewKey, Suite
from ledger.types import BlockTime, DepartmentCode, Digest, Kind
from notary.evidence import OFFLINE, DepartmentKey, Unavailable
from notary.receipt import IssuerSignature, Receipt, issue_bytes
from notary.report import Level, Verdict
from tests.fakes.judging import FAIL, PASS, UNKNOWN, N, judged, outcome, signed
from tests.fakes.registry import ISSUER, TYPE, World, certificate, document, signer

KEY = b"\x11" * 32
SM2_POINT = bytes.fromhex(
    "0432c4ae2c1f1981195f9904466a39c9948fe30bbff2660be1715a4589334c74c7"
    "bc3736a2f4f6779c59bdcee36b692153d0a9877cc62a474002df32e52139f0a0"
)


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


def test_issuer__suspended_or_withdrawn_later__stays_recognised(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    anchored = receipt.anchor.block_time if receipt.anchor else 0
    world.chain.suspend(ISSUER)
    world.chain.withdraw_accreditation(ISSUER, TYPE, anchored + 1)
    assert judged(world, receipt, record=record).verdict is Verdict.VALID


def test_issuer__withdrawn_from_the_start__not_recognised(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.withdraw_accreditation(ISSUER, TYPE, 0)
    report = judged(world, receipt, record=record)
    assert (report.verdict, report.exit_code) == (Verdict.ISSUER_NOT_RECOGNISED, 14)


def test_issuer__suspended_when_anchored__not_recognised() -> None:
    world = World()
    world.chain.suspend(ISSUER)
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.reinstate(ISSUER)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ISSUER)) == (Verdict.ISSUER_NOT_RECOGNISED, (FAIL, "suspended"))


def test_issuer__suspended_between_acceptance_and_anchor__unknown_while_an_earlier_anchor_may_exist() -> None:
    world = World()
    record = certificate()
    world.register(record)
    world.chain.suspend(ISSUER)
    world.seal()
    world.anchor()
    receipt = world.receipt(0)
    assert outcome(judged(world, receipt, record=record), N.ISSUER)[0] is FAIL
    cannot = {"earliest": Unavailable("chain.unreachable")}
    assert outcome(judged(world, receipt, record=record, evidence=cannot), N.ISSUER) == (UNKNOWN, "suspended")


def test_issuer__not_accredited_for_the_type__a_document_needs_admission_only() -> None:
    world = World(accredited=False)
    record = certificate()
    report = judged(world, world.anchored_record(record), record=record)
    assert outcome(report, N.ISSUER) == (FAIL, "not_accredited")
    paper = document(b"x")
    receipt = world.anchored_record(paper, kind=Kind.DOCUMENT)
    assert judged(world, receipt, record=paper).verdict is Verdict.VALID


def test_issuer__never_admitted__not_recognised(world: World) -> None:
    from notary.evidence import ABSENT

    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, evidence={"department": ABSENT})
    assert outcome(report, N.ISSUER) == (FAIL, "not_admitted")


def test_issuer_key__signature__verified_with_the_departments_key_at_t(world: World) -> None:
    record = certificate(capture="signed")
    receipt = signed(world, world.anchored_record(record))
    time = BlockTime(receipt.anchor.block_time if receipt.anchor else 0)
    later = BlockTime(time + 1)
    key = DepartmentKey("k1", "intl", signer("issuer").public_key, since=BlockTime(0))
    for keys, expected, verdict in (
        ((key,), PASS, Verdict.VALID),
        ((), FAIL, Verdict.ISSUER_NOT_RECOGNISED),
        ((replace(key, public_key=signer("x").public_key),), FAIL, Verdict.ISSUER_NOT_RECOGNISED),
        ((replace(key, until=time),), FAIL, Verdict.ISSUER_NOT_RECOGNISED),
        ((replace(key, since=later),), FAIL, Verdict.ISSUER_NOT_RECOGNISED),
        ((replace(key, compromised_since=time),), FAIL, Verdict.ISSUER_NOT_RECOGNISED),
        ((replace(key, compromised_since=later),), PASS, Verdict.VALID),
        (OFFLINE, UNKNOWN, Verdict.CANNOT_CHECK),
    ):
        report = judged(world, receipt, record=record, evidence={"keys": keys})
        assert outcome(report, N.ISSUER_KEY)[0] is expected
        assert report.verdict is verdict
        assert N.ISSUER_KEY in report.needed
        assert report.level is (Level.SIGNED if expected is PASS else Level.DATA)
    world.chain.fail("keys")
    assert judged(world, receipt, record=record).verdict is Verdict.CANNOT_CHECK


def online_key(world: World, **changes: Any) -> NewKey:
    """The issuer's Ed25519 key as it stands on the chain, by the id KEY."""
    new = replace(NewKey(DepartmentCode(ISSUER), Suite.ED25519, 1, signer("issuer").public_key), **changes)
    world.chain.add_key(KEY, new)
    return new


def issued(world: World) -> tuple[Receipt, dict[str, Any], int]:
    """A record anchored and signed with the issuer's key; (receipt, record, T)."""
    record = certificate(capture="signed")
    receipt = signed(world, world.anchored_record(record), key_id=KEY.hex())
    assert receipt.anchor is not None
    return receipt, record, receipt.anchor.block_time


def test_issuer_key__online__the_chain_s_key_at_t(world: World) -> None:
    online_key(world)
    receipt, record, _ = issued(world)
    report = judged(world, receipt, record=record)
    assert (report.verdict, report.level) == (Verdict.VALID, Level.SIGNED)
    assert outcome(report, N.ISSUER_KEY) == (PASS, "signed")
    # Rotated and ended later: what was signed before stands.
    new = NewKey(DepartmentCode(ISSUER), Suite.ED25519, 1, signer("next").public_key, replaces=KeyId(KEY))
    world.chain.add_key(b"\x22" * 32, new)
    assert judged(world, receipt, record=record).verdict is Verdict.VALID


def test_issuer_key__registered_only_after_t__not_recognised(world: World) -> None:
    receipt, record, _ = issued(world)
    assert outcome(judged(world, receipt, record=record), N.ISSUER_KEY) == (FAIL, "no_key")
    online_key(world)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ISSUER_KEY)) == (Verdict.ISSUER_NOT_RECOGNISED, (FAIL, "key_time"))


def test_issuer_key__ended_or_its_certificate_before_t__fails() -> None:
    for ended in (True, False):
        world = World()
        end = world.now // 1000 + 2
        online_key(world, **({} if ended else {"certificate": Digest(bytes(32)), "certificate_until": BlockTime(end)}))
        if ended:
            world.chain.end_key(KEY)
        world.chain.mine(at=end + 1)
        receipt, record, _ = issued(world)
        assert outcome(judged(world, receipt, record=record), N.ISSUER_KEY) == (FAIL, "key_time")


def test_issuer_key__compromise_that_only_the_department_dates_back__unknown_until_the_council_says(
    world: World,
) -> None:
    online_key(world)
    receipt, record, time = issued(world)
    world.chain.compromise_key(KEY, time)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ISSUER_KEY)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "claimed_stolen"))
    assert report.level is Level.DATA
    world.chain.compromise_key(KEY, time, by_council=True)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ISSUER_KEY)) == (Verdict.ISSUER_NOT_RECOGNISED, (FAIL, "key_time"))


def test_issuer_key__compromised_after_t__stands(world: World) -> None:
    online_key(world)
    receipt, record, time = issued(world)
    world.chain.compromise_key(KEY, time + 1)
    assert judged(world, receipt, record=record).verdict is Verdict.VALID


def test_issuer_key__a_proposal_or_a_wrap_key__is_none() -> None:
    for proposed_only, purpose in ((True, 1), (False, 2)):
        world = World()
        new = NewKey(DepartmentCode(ISSUER), Suite.ED25519, purpose, signer("issuer").public_key)
        world.chain.add_key(KEY, new, proposed_only=proposed_only)
        receipt, record, _ = issued(world)
        assert outcome(judged(world, receipt, record=record), N.ISSUER_KEY) == (FAIL, "no_key")


def test_issuer_key__p256__verified(world: World) -> None:
    private = ec.derive_private_key(12345, ec.SECP256R1())
    point = private.public_key().public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
    online_key(world, suite=Suite.P256, public_key=point)
    receipt, record, _ = issued(world)
    der = private.sign(issue_bytes(receipt.origin, receipt.entry), ec.ECDSA(hashes.SHA256()))
    raw = b"".join(part.to_bytes(32, "big") for part in decode_dss_signature(der))
    with_it = replace(receipt, issuer_signature=IssuerSignature(KEY.hex(), "intl", raw))
    assert judged(world, with_it, record=record).verdict is Verdict.VALID
    assert outcome(judged(world, receipt, record=record), N.ISSUER_KEY) == (FAIL, "wrong")  # 64 bytes of another key


def test_issuer_key__sm2_on_the_chain__unknown_while_the_suite_is_missing(world: World) -> None:
    online_key(world, suite=Suite.SM2, public_key=SM2_POINT)
    receipt, record, _ = issued(world)
    own = replace(receipt.issuer_signature, suite="guomi") if receipt.issuer_signature else None
    with_it = replace(receipt, issuer_signature=own)
    assert outcome(judged(world, with_it, record=record), N.ISSUER_KEY) == (UNKNOWN, "suite")


def test_issuer_key__unsigned_receipt__keys_are_not_asked_for(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.calls.clear()
    assert judged(world, receipt, record=record).verdict is Verdict.VALID
    assert not {"keys", "carrier"} & set(world.chain.calls)


def test_issuer_key__suite_that_this_build_lacks__unknown(world: World) -> None:
    record = certificate()
    receipt = signed(world, world.anchored_record(record), suite="guomi")
    key = DepartmentKey("k1", "guomi", bytes(65), since=BlockTime(0))
    report = judged(world, receipt, record=record, evidence={"keys": (key,)})
    assert outcome(report, N.ISSUER_KEY) == (UNKNOWN, "suite")
