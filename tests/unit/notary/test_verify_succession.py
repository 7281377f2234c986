"""Check 8 where departments were succeeded: what stands, and who carries it now."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.types import Kind
from notary.report import Report, Verdict
from notary.report_text import report_text
from tests.fakes.judging import FAIL, N, judged, outcome
from tests.fakes.registry import ISSUER, OTHER, TYPE, World, certificate, document

THIRD = "11420000011043080X"


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


def notes(report: Report) -> dict[str, Any]:
    return {note.code: dict(note.params) for note in report.notes}


def test_issuer__succeeded_later__stands_and_the_report_says_who_carries_it(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert notes(judged(world, receipt, record=record)) == {}
    world.chain.admit(OTHER)
    world.chain.succeed(ISSUER, OTHER)
    report = judged(world, receipt, record=record)
    assert report.verdict is Verdict.VALID
    said = notes(report)["carried_by"]
    assert (said["issuer"], said["carrier"]) == (ISSUER, OTHER)
    assert "现由 " + OTHER in report_text(report, "zh")


def test_issuer__split__who_carries_the_type_is_named(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.admit(OTHER)
    world.chain.admit(THIRD)
    world.chain.succeed(ISSUER, OTHER, types={TYPE: THIRD})
    assert notes(judged(world, receipt, record=record))["carried_by"]["carrier"] == THIRD
    # A document has no type: what no part names went to the successor.
    paper = document(b"x")
    world = World()
    receipt = world.anchored_record(paper, kind=Kind.DOCUMENT)
    world.chain.admit(OTHER)
    world.chain.admit(THIRD)
    world.chain.succeed(ISSUER, OTHER, types={TYPE: THIRD})
    assert notes(judged(world, receipt, record=paper))["carried_by"]["carrier"] == OTHER


def test_issuer__succession_still_to_come__not_said(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.admit(OTHER)
    world.chain.succeed(ISSUER, OTHER, since=world.now // 1000 + 1000)
    assert notes(judged(world, receipt, record=record)) == {}


def test_issuer__carrier_that_could_not_be_asked__said_so(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.admit(OTHER)
    world.chain.succeed(ISSUER, OTHER)
    world.chain.fail("carrier")
    report = judged(world, receipt, record=record)
    assert report.verdict is Verdict.VALID
    assert set(notes(report)) == {"carrier_unasked"}


def test_issuer__anchored_after_the_succession__not_recognised(world: World) -> None:
    world.chain.admit(OTHER)
    world.chain.succeed(ISSUER, OTHER)
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ISSUER)) == (Verdict.ISSUER_NOT_RECOGNISED, (FAIL, "succeeded"))
