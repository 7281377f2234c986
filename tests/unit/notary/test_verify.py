"""Verification as a whole: every verdict's way, trust file and network, what a report says (verification.md)."""

from __future__ import annotations

import json

import pytest

from ledger.codes.certificate_ids import make_identifier
from ledger.types import Millis, Origin
from notary.evidence import (
    Evidence,
    Presented,
)
from notary.report import Level, Verdict
from notary.report_json import to_json
from notary.report_text import report_text
from notary.trust import LogKey
from notary.verify import verify
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, digests, judged, outcome, signed
from tests.fakes.registry import ISSUER, OTHER, TYPE, World, certificate, document


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


def test_verify__record_anchored_and_in_force__valid(world: World) -> None:
    record = certificate()
    report = judged(world, world.anchored_record(record), record=record)
    assert (report.verdict, report.exit_code) == (Verdict.VALID, 0)
    assert [c.name.number for c in report.checks] == list(range(1, 13))
    assert {n.number for n in report.needed} == {2, 3, 4, 5, 6, 7, 8, 10, 11}
    assert outcome(report, N.ISSUER_KEY) == (SKIPPED, "absent")
    assert outcome(report, N.SEAL) == (SKIPPED, "not_sealed")
    assert report.level is Level.DATA
    assert report.as_of is not None
    assert report.as_of.source == "chain"
    assert report.issue_time is not None
    assert report.issue_time.anchored


def test_verify__receipt_alone__at_best_cannot_check(world: World) -> None:
    report = judged(world, world.anchored_record(certificate()))
    assert (report.verdict, report.exit_code) == (Verdict.CANNOT_CHECK, 20)
    assert outcome(report, N.CONTENT) == (UNKNOWN, "nothing_shown")
    assert outcome(report, N.ANCHORED) == (PASS, "anchored")
    assert outcome(report, N.ISSUER)[0] is UNKNOWN
    assert outcome(report, N.PERIOD)[0] is UNKNOWN
    assert outcome(report, N.IDENTIFIER)[0] is UNKNOWN


def test_verify__offline__what_rests_on_the_trust_file_passes_and_the_rest_is_unknown(world: World) -> None:
    record = certificate()
    report = judged(world, world.anchored_record(record), offline=True, record=record)
    assert report.verdict is Verdict.CANNOT_CHECK
    passed = {c.name.number for c in report.checks if c.outcome is PASS}
    assert passed == {1, 2, 3, 4, 5, 11}
    assert {c.name.number for c in report.checks if c.outcome is UNKNOWN} == {6, 7, 8, 10}
    assert report.as_of is None


@pytest.mark.parametrize(
    "method",
    ["chain_id", "genesis_hash", "head", "anchored_root", "anchors", "department", "accreditations", "decisions"],
)
def test_verify__an_outage__never_a_pass_never_a_fail(world: World, method: str) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.fail(method)
    now = Millis((world.anchored.block_time if world.anchored else 0) * 1000)
    report = judged(world, receipt, now=now, record=record)
    assert report.verdict in (Verdict.CANNOT_CHECK, Verdict.VALID)
    assert not [c for c in report.checks if c.outcome is FAIL]
    if method != "anchors":  # the root itself was answered; only T isn't known
        assert report.verdict is Verdict.CANNOT_CHECK


def test_seal__sealed_file_presented__unknown_until_seals_can_be_examined(world: World) -> None:
    content = b"OFD"
    record = certificate(capture="sealed", document=document(content)["document"])
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, file=digests(content))
    assert (report.verdict, outcome(report, N.SEAL)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "not_examined"))
    alone = judged(world, receipt, record=record)
    assert alone.verdict is Verdict.VALID
    assert alone.level is Level.DATA
    assert "level_lowered" in {note.code for note in alone.notes}


def test_trust__expired__every_check_resting_on_it_is_unknown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    trust = world.make_trust(expires=Millis(world.now))
    report = judged(world, receipt, record=record, trust=trust)
    assert report.verdict is Verdict.CANNOT_CHECK
    assert {c.name.number for c in report.checks if c.outcome is UNKNOWN} == {5, 6, 7, 8, 10}


def test_trust__none__the_same(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = verify(Presented(receipt, record=record), Evidence(), None, world.now, world.now)
    assert report.verdict is Verdict.CANNOT_CHECK
    assert {c.name.number for c in report.checks if c.outcome is UNKNOWN} == {5, 6, 7, 8, 10}
    assert report_text(report, "zh").encode("gbk")


def test_network__another__4_to_10_unknown_and_named(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    key = LogKey(Origin(f"chuzheng/jiangxi/{ISSUER}"), "j", world.key.public_key, Millis(0))
    trust = world.make_trust(network="jiangxi", log_keys=[key])
    report = judged(world, receipt, record=record, trust=trust)
    assert report.verdict is Verdict.CANNOT_CHECK
    unknown = {c.name.number for c in report.checks if c.outcome is UNKNOWN}
    assert unknown == {4, 5, 6, 7, 8, 10}
    assert "“test”" in report_text(report, "en")
    own = judged(world, signed(world, receipt), record=record, trust=trust)
    assert {c.name.number for c in own.checks if c.outcome is UNKNOWN} == {4, 5, 6, 7, 8, 9, 10}


def test_report__every_verdict_but_valid__has_cause_next_step_and_quotable_code(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    value = json.loads(to_json(judged(world, receipt, record=record)))
    assert "cause_zh" not in value
    assert value["ok"] is True
    wrong = judged(world, receipt, record=certificate(name="x"), evidence={"contact": "027-1"})
    value = json.loads(to_json(wrong))
    assert value["schema"] == "chuzheng-report/1"
    assert all(value[name] for name in ("cause_zh", "cause_en", "next_zh", "next_en", "contact"))
    assert value["code"] == "CZ-10-02 content.commitment.record_differs"


def test_report__holds_no_salt_and_no_member_of_the_record(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    for shown in (record, certificate(number="other")):
        report = judged(world, receipt, record=shown)
        said = to_json(report).decode() + report_text(report, "zh")
        assert record["holders"][0]["name"] not in said
        assert record["number"] not in said
        assert (receipt.salt or b"").hex() not in said


def test_issuer__identifier_segment_neednt_be_the_issuer(world: World) -> None:
    record = certificate(identifier=make_identifier(TYPE, OTHER, "Z9", 1))
    assert judged(world, world.anchored_record(record), record=record).verdict is Verdict.VALID
