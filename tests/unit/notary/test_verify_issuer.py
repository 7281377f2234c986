"""Checks 8 and 9, a test for each sentence of verification.md: recognised at T, signed by its key at T."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ledger.types import BlockTime, Kind
from notary.evidence import (
    OFFLINE,
    DepartmentKey,
    Unavailable,
)
from notary.report import Level, Verdict
from tests.fakes.judging import FAIL, PASS, UNKNOWN, N, judged, outcome, signed
from tests.fakes.registry import ISSUER, TYPE, World, certificate, document, signer


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
    assert judged(world, receipt, record=record).verdict is Verdict.CANNOT_CHECK  # keys aren't on the chain yet


def test_issuer_key__suite_that_this_build_lacks__unknown(world: World) -> None:
    record = certificate()
    receipt = signed(world, world.anchored_record(record), suite="guomi")
    key = DepartmentKey("k1", "guomi", bytes(65), since=BlockTime(0))
    report = judged(world, receipt, record=record, evidence={"keys": (key,)})
    assert outcome(report, N.ISSUER_KEY) == (UNKNOWN, "suite")
