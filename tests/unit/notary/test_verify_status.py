"""Checks 10 and 11, a test for each sentence of verification.md: decisions, dates, the day asked about."""

from __future__ import annotations

from typing import Any

import pytest

from ledger.statuses import DecisionCode
from ledger.types import Kind
from notary.report import Verdict
from notary.report_text import verdict_word
from notary.verify import instant_of
from tests.fakes.judging import PASS, SKIPPED, UNKNOWN, N, judged, outcome
from tests.fakes.registry import DAY, ISSUER, World, certificate


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


DECIDED = [
    (DecisionCode.SUSPENDED, 0, Verdict.SUSPENDED, 17, "暂停"),
    (DecisionCode.SUSPENDED, 1, Verdict.SUSPENDED, 17, "暂扣"),
    (DecisionCode.SUSPENDED, 2, Verdict.SUSPENDED, 17, "中止"),
    (DecisionCode.RESCINDED, 0, Verdict.NOT_IN_FORCE, 12, "撤销"),
    (DecisionCode.DEREGISTERED, 0, Verdict.NOT_IN_FORCE, 12, "注销"),
    (DecisionCode.LAPSED, 0, Verdict.NOT_IN_FORCE, 12, "失效"),
    (DecisionCode.TRANSFERRED_OUT, 0, Verdict.NOT_IN_FORCE, 12, "转出"),
    (DecisionCode.REVOKED, 1, Verdict.NOT_IN_FORCE, 12, "吊销"),
    (DecisionCode.REVOKED, 0, Verdict.NOT_IN_FORCE, 12, "吊销"),
    (DecisionCode.SUPERSEDED, 0, Verdict.SUPERSEDED, 16, "取代"),
    (DecisionCode.WITHDRAWN, 0, Verdict.NOT_IN_FORCE, 12, "撤回"),
    (DecisionCode.OTHER, 0, Verdict.NOT_IN_FORCE, 12, "其他"),
]


@pytest.mark.parametrize(("code", "cause", "verdict", "exit_code", "word"), DECIDED)
def test_status__decision__its_verdict_with_its_own_word(
    world: World, code: DecisionCode, cause: int, verdict: Verdict, exit_code: int, word: str
) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    before = world.now
    key = judged(world, receipt, record=record).registered
    assert key is not None
    world.chain.mine(10)
    world.chain.decide(key.status_key, code, ISSUER, cause=cause)
    report = judged(world, receipt, record=record)
    assert (report.verdict, report.exit_code) == (verdict, exit_code)
    assert word in verdict_word(report, "zh")
    assert report.decision is not None
    assert report.decision.code is code
    assert judged(world, receipt, record=record, at=before).verdict is Verdict.VALID  # the day before it


def test_status__suspension__until_when_and_resumed(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    registered = judged(world, receipt, record=record).registered
    assert registered is not None
    key = registered.status_key
    until = world.chain.head().time + 100
    world.chain.decide(key, DecisionCode.SUSPENDED, ISSUER, cause=2, until=until)
    report = judged(world, receipt, record=record)
    assert report.verdict is Verdict.SUSPENDED
    assert report.decision is not None
    assert report.decision.until == until
    assert judged(world, receipt, record=record, at=until * 1000).verdict is Verdict.VALID
    world.chain.decide(key, DecisionCode.RESUMED, ISSUER, ends=1)
    assert judged(world, receipt, record=record).verdict is Verdict.VALID


def test_status__annulled__counts_as_never_made(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    registered = judged(world, receipt, record=record).registered
    assert registered is not None
    world.chain.decide(registered.status_key, DecisionCode.RESCINDED, ISSUER, effective_from=0)
    assert judged(world, receipt, record=record).verdict is Verdict.NOT_IN_FORCE
    world.chain.annul(registered.status_key, 1)
    assert judged(world, receipt, record=record).verdict is Verdict.VALID


def test_status__another_kind_without_one__skipped(world: World) -> None:
    record = {"schema": "x/1", "kind": "use", "issuer": ISSUER}
    receipt = world.anchored_record(record, kind=Kind.USE, accepted=1_770_000_000_000 // 3_600_000 * 3_600_000)
    report = judged(world, receipt, record=record)
    assert report.verdict is Verdict.VALID
    assert outcome(report, N.STATUS) == (SKIPPED, "no_status")
    assert outcome(report, N.PERIOD) == (SKIPPED, "no_dates")


def test_status__our_clock_behind_the_chains__what_was_just_decided_counts(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    registered = judged(world, receipt, record=record).registered
    assert registered is not None
    clock = world.now
    world.chain.decide(registered.status_key, DecisionCode.REVOKED, ISSUER)
    assert judged(world, receipt, record=record, now=clock).verdict is Verdict.NOT_IN_FORCE


def test_status__facts_older_than_the_trust_file_allows__8_and_10_unknown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, now=world.now + 8 * DAY)
    assert report.verdict is Verdict.CANNOT_CHECK
    assert outcome(report, N.ISSUER)[0] is outcome(report, N.STATUS)[0] is UNKNOWN
    assert outcome(report, N.ANCHORED)[0] is PASS


def test_status__asked_about_a_time_after_the_snapshot__unknown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    from notary.report import AsOf

    as_of = AsOf("snapshot", None, world.chain.head().time)
    report = judged(world, receipt, record=record, evidence={"as_of": as_of}, at=world.now + 1000)
    assert outcome(report, N.STATUS)[0] is UNKNOWN
    assert outcome(judged(world, receipt, record=record, evidence={"as_of": as_of}), N.STATUS)[0] is PASS


@pytest.mark.parametrize(
    ("at", "verdict", "exit_code"),
    [
        ("2026-01-04", Verdict.NOT_YET_VALID, 18),
        ("2026-01-04T23:59:59+08:00", Verdict.NOT_YET_VALID, 18),
        ("2026-01-05T00:00:00+08:00", Verdict.VALID, 0),
        ("2026-01-05", Verdict.VALID, 0),
        ("2031-01-04", Verdict.VALID, 0),
        ("2031-01-04T23:59:59.999+08:00", Verdict.VALID, 0),
        ("2031-01-05T00:00:00+08:00", Verdict.EXPIRED, 13),
        ("2031-01-04T16:00:00+00:00", Verdict.EXPIRED, 13),
    ],
)
def test_period__both_days_included_in_shanghai(world: World, at: str, verdict: Verdict, exit_code: int) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, at=instant_of(at))
    assert (report.verdict, report.exit_code) == (verdict, exit_code)


def test_period__no_end__never_expires(world: World) -> None:
    record = certificate(valid_to=None)
    assert (
        judged(world, world.anchored_record(record), record=record, at=instant_of("2999-01-01")).verdict
        is Verdict.VALID
    )


@pytest.mark.parametrize(
    "change", [{"valid_from": "2026-02-30"}, {"valid_to": 5}, {"valid_from": None}, {"valid_to": "20310104"}]
)
def test_period__dates_that_cant_be_read__cannot_check(world: World, change: dict[str, Any]) -> None:
    record = certificate(**change)
    report = judged(world, world.anchored_record(record), record=record)
    assert (report.verdict, outcome(report, N.PERIOD)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "unreadable"))


def test_at__before_registration__changes_no_verdict_and_is_said(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, at=instant_of("2026-01-20"))
    assert report.verdict is Verdict.VALID
    assert "registered_only_at" in {note.code for note in report.notes}


@pytest.mark.parametrize("text", ["", "tomorrow", "2026-13-01", "2026-11-21T09:00:00", "20261121"])
def test_instant_of__no_date__refused(text: str) -> None:
    from ledger.errors import InputError

    with pytest.raises(InputError) as caught:
        instant_of(text)
    assert caught.value.code == "at.form"
