"""Checks 6 and 7, a test for each sentence of verification.md: recorded, final, waiting, contradicted."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.types import Address, ChainHash, Contract, Stage
from notary.evidence import ABSENT, Unavailable
from notary.report import Outcome, Verdict
from notary.report_json import to_json
from notary.report_text import report_text
from tests.fakes.chain import ANCHOR_LOG
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, judged, outcome
from tests.fakes.registry import DAY, World, certificate


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


def test_anchored__promised__4_6_7_skipped_and_pending(world: World) -> None:
    record = certificate()
    report = judged(world, world.register(record), record=record)
    assert (report.verdict, report.exit_code) == (Verdict.PENDING, 15)
    assert [outcome(report, n)[0] for n in (N.INCLUSION, N.ANCHORED, N.FINAL)] == [SKIPPED] * 3
    assert outcome(report, N.SIGNATURE) == (PASS, "promise")
    assert "time_is_now" in {note.code for note in report.notes}
    assert report.registered is not None
    assert report.registered.stage is Stage.PROMISED


def test_anchored__included_and_not_yet_on_the_chain__pending(world: World) -> None:
    record = certificate()
    world.register(record)
    world.seal()
    report = judged(world, world.receipt(1, stage="included"), record=record)
    assert (report.verdict, outcome(report, N.ANCHORED)) == (Verdict.PENDING, (SKIPPED, "included"))
    assert outcome(report, N.FINAL)[0] is SKIPPED


def test_anchored__without_anchor_and_the_chain_cant_be_asked__skipped(world: World) -> None:
    record = certificate()
    world.register(record)
    world.seal()
    report = judged(world, world.receipt(1, stage="included"), record=record, offline=True)
    assert outcome(report, N.ANCHORED) == (SKIPPED, "included_unasked")
    assert outcome(report, N.FINAL)[0] is SKIPPED
    assert report.verdict is Verdict.CANNOT_CHECK  # 8 and 10 couldn't be asked


def test_anchored__without_anchor_and_the_chain_has_another_root__6_and_7_fail() -> None:
    for finality in ("none", "depth:0"):
        world = World()
        world.register(certificate())
        world.seal()
        world.chain.anchor(world.log_id, world.size, bytes(32))
        report = judged(world, world.receipt(0, stage="included"), record=certificate(),
                        trust=world.make_trust(finality=finality))  # fmt: skip
        assert outcome(report, N.ANCHORED) == (FAIL, "other_root")
        assert outcome(report, N.FINAL)[0] is FAIL


def test_anchored__without_anchor_but_on_the_chain__passes(world: World) -> None:
    record = certificate()
    world.anchored_record(record)
    assert judged(world, world.receipt(1, stage="included"), record=record).verdict is Verdict.VALID


@pytest.mark.parametrize(
    ("finality", "verdict", "final"),
    [("none", Verdict.PROOF_INVALID, FAIL), ("depth:0", Verdict.NOT_REGISTERED, SKIPPED)],
)
def test_anchored__the_chain_lost_it__6_fails(finality: str, verdict: Verdict, final: Outcome) -> None:
    """With rule `none` 7 has the outcome of 6, and its line comes first."""
    world = World()
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.shorten(1)
    world.chain.mine(5)
    report = judged(world, receipt, record=record, trust=world.make_trust(finality=finality))
    assert outcome(report, N.ANCHORED) == (FAIL, "absent")
    assert outcome(report, N.FINAL)[0] is final
    assert report.verdict is verdict


def test_anchored__node_is_behind_the_receipts_block__unknown_not_fail(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.chain.shorten(1)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.ANCHORED)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "chain_behind"))
    world.chain.mine(1)  # the block is there, the anchor isn't
    assert outcome(judged(world, receipt, record=record), N.ANCHORED) == (FAIL, "absent")


def test_anchored__not_final_and_the_newest_block_couldnt_be_asked__unknown_not_fail(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    gone = {"root": ABSENT, "newest_root": Unavailable("chain.unreachable")}
    report = judged(world, receipt, record=record, evidence=gone)
    assert (report.verdict, outcome(report, N.ANCHORED)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "unasked"))
    bare = replace(receipt, anchor=None, evidence=None)
    assert outcome(judged(world, bare, record=record, evidence=gone), N.ANCHORED) == (SKIPPED, "included")


def test_anchored__promise_older_than_max_delay_and_the_log_was_asked__not_registered(world: World) -> None:
    record = certificate()
    promised = world.register(record)
    accepted = promised.entry.accepted_at
    trust = world.make_trust(max_delay={world.origin: 60_000})
    due = judged(world, promised, record=record, trust=trust, now=accepted + 60_000)
    assert due.verdict is Verdict.PENDING
    late = judged(world, promised, record=record, trust=trust, now=accepted + 60_001)
    assert (late.verdict, late.exit_code) == (Verdict.NOT_REGISTERED, 11)
    assert outcome(late, N.ANCHORED) == (FAIL, "overdue")
    world.log.fail()
    unasked = judged(world, promised, record=record, trust=trust, now=accepted + 60_001)
    assert outcome(unasked, N.ANCHORED)[0] is SKIPPED
    world.log.mend()
    default = judged(world, promised, record=record, now=accepted + DAY + 1)
    assert outcome(default, N.ANCHORED) == (FAIL, "overdue")  # 24 hours where the trust file names none


def test_anchored__old_promise_that_was_kept__pending_with_advice_to_upgrade(world: World) -> None:
    record = certificate()
    promised = world.register(record)
    world.seal()
    world.anchor()
    report = judged(world, promised, record=record, now=promised.entry.accepted_at + 2 * DAY)
    assert (report.verdict, outcome(report, N.ANCHORED)) == (Verdict.PENDING, (SKIPPED, "included_since"))


@pytest.mark.parametrize(
    ("member", "value"),
    [("chain_id", 1), ("genesis_hash", ChainHash("0x" + "00" * 32)), ("contract", "0x" + "00" * 20)],
)
def test_anchored__chain_or_contract_isnt_the_trust_files__fails(world: World, member: str, value: Any) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert receipt.anchor is not None
    altered = replace(receipt, anchor=replace(receipt.anchor, **{member: value}))
    trust = world.make_trust(as_of_block=receipt.anchor.block_number)
    for offline in (False, True):
        report = judged(world, altered, record=record, trust=trust, offline=offline)
        assert outcome(report, N.ANCHORED) == (FAIL, "another_chain")


def test_anchored__contract_may_be_newer_than_the_trust_file__unknown_unless_the_chain_says_no(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert receipt.anchor is not None
    assert receipt.inclusion is not None
    newer = replace(receipt, anchor=replace(receipt.anchor, contract=Address("0x" + "ab" * 20)))
    trust = world.make_trust(as_of_block=receipt.anchor.block_number - 1)
    for offline in (False, True):
        report = judged(world, newer, record=record, trust=trust, offline=offline)
        assert outcome(report, N.ANCHORED) == (UNKNOWN, "newer_contract")
        assert report.verdict is Verdict.CANNOT_CHECK
    # A chain that was asked, and has nothing of the kind.
    nothing = judged(World(), newer, record=record, trust=trust)
    assert outcome(nothing, N.ANCHORED) == (FAIL, "another_chain")


@pytest.mark.parametrize(
    ("member", "value"),
    [("block_number", 1), ("block_number", 10**9), ("block_hash", ChainHash("0x" + "00" * 32)), ("block_time", 7)],
)
def test_anchored__block_members_differ__reported_not_failed(world: World, member: str, value: Any) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert receipt.anchor is not None
    report = judged(world, replace(receipt, anchor=replace(receipt.anchor, **{member: value})), record=record)
    assert report.verdict is Verdict.VALID
    notes = {note.code: note.params for note in report.notes}
    assert notes["anchor_differs"] == {"members": member}


def test_anchored__transaction_hash_is_a_hint__never_shown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert receipt.anchor is not None
    report = judged(world, replace(receipt, anchor=replace(receipt.anchor, tx_hash=ChainHash("0x" + "00" * 32))),
                    record=record)  # fmt: skip
    assert report.verdict is Verdict.VALID
    assert b"tx_hash" not in to_json(report)
    assert receipt.anchor.tx_hash.encode() not in to_json(report)


def test_anchored__the_node_is_of_another_chain__its_answers_dont_count(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    others: list[dict[str, Any]] = [{"chain_id": 9}, {"genesis_hash": "0x" + "99" * 32}, {"contracts": []}]
    for changes in others:
        trust = world.make_trust(**changes)
        bare = replace(receipt, anchor=None, evidence=None)
        report = judged(world, bare, record=record, trust=trust)
        assert report.verdict is Verdict.CANNOT_CHECK
        assert outcome(report, N.ISSUER) == (UNKNOWN, "unasked")
        assert report.as_of is None


@pytest.mark.parametrize(("first", "end", "believed"), [(0, 1, True), (0, 0, False), (1, None, False), (0, None, True)])
def test_anchored__event_of_a_contract_out_of_force_at_its_block__doesnt_count(
    world: World, first: int, end: int | None, believed: bool
) -> None:
    """`first` and `end` from the event's block on: a contract is in force for from_block ≤ block < until_block."""
    record = certificate()
    receipt = world.anchored_record(record)
    block = receipt.anchor.block_number if receipt.anchor else 0
    contract = Contract("AnchorLog", Address(ANCHOR_LOG), ChainHash("0x" + "11" * 32), block + first,
                        None if end is None else block + end)  # fmt: skip
    if contract.until_block == contract.from_block:
        contract = replace(contract, from_block=block - 1)
    report = judged(world, receipt, record=record, trust=world.make_trust(contracts=[contract]))
    assert report.verdict is (Verdict.VALID if believed else Verdict.CANNOT_CHECK)
    assert outcome(report, N.ISSUER)[0] is (PASS if believed else UNKNOWN)


@pytest.mark.parametrize(("mined", "expected"), [(0, UNKNOWN), (5, UNKNOWN), (6, PASS), (9, PASS)])
def test_final__by_depth__only_below_so_many_blocks(mined: int, expected: Outcome) -> None:
    world = World()
    record = certificate()
    world.chain.mine(10)
    receipt = world.anchored_record(record)
    world.chain.mine(mined)
    report = judged(world, receipt, record=record, trust=world.make_trust(finality="depth:6"))
    assert outcome(report, N.ANCHORED) == (PASS, "anchored")
    assert outcome(report, N.FINAL)[0] is expected
    assert report.verdict is (Verdict.VALID if expected is PASS else Verdict.CANNOT_CHECK)


def test_final__rule_none__every_surface_says_test_chain(world: World) -> None:
    record = certificate()
    report = judged(world, world.anchored_record(record), record=record)
    assert report.test_chain
    assert "测试链" in report_text(report, "zh")
    assert "Test chain" in report_text(report, "en")
    assert json.loads(to_json(report))["test_chain"] is True
    other = judged(world, world.receipt(1), record=record, trust=world.make_trust(finality="depth:0"))
    assert not other.test_chain
    assert "测试链" not in report_text(other, "zh")


def test_final__qbft_without_evidence__asks_the_chain_online_and_is_unknown_offline(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    trust = world.make_trust(finality="qbft")
    assert judged(world, receipt, record=record, trust=trust).verdict is Verdict.VALID
    offline = judged(world, receipt, record=record, trust=trust, offline=True)
    assert outcome(offline, N.FINAL)[0] is UNKNOWN


def test_final__rule_is_the_trust_files__not_the_receipts(world: World) -> None:
    """`evidence: none` in a receipt doesn't make a final chain a test chain."""
    receipt = world.anchored_record(certificate())
    report = judged(world, receipt, record=certificate(), trust=world.make_trust(finality="depth:40"))
    assert outcome(report, N.FINAL)[0] is UNKNOWN


def test_anchored__log_closed_below__6_fails_and_says_where(world: World) -> None:
    records = [certificate(), certificate()]
    early = world.anchored_record(records[0])
    good = world.size
    late = world.anchored_record(records[1])
    world.chain.close_log(world.log_id, good)
    report = judged(world, late, record=records[1])
    assert outcome(report, N.ANCHORED) == (FAIL, "log_closed")
    check = next(c for c in report.checks if c.name is N.ANCHORED)
    assert check.params == {"size": good}
    assert judged(world, early, record=records[0]).verdict is Verdict.VALID
    # Not anchored yet, and never will be; an entry below may still get its receipt from the last good checkpoint.
    waiting = replace(late, anchor=None, evidence=None)
    assert outcome(judged(world, waiting, record=records[1]), N.ANCHORED) == (FAIL, "log_closed")


def test_anchored__log_closed_and_that_couldnt_be_asked__fails_as_absent(world: World) -> None:
    record = certificate()
    world.anchored_record(record)
    late = world.anchored_record(record)
    world.chain.close_log(world.log_id, late.inclusion.size - 1 if late.inclusion else 0)
    world.chain.fail("closed_at")
    assert outcome(judged(world, late, record=record), N.ANCHORED) == (FAIL, "absent")
