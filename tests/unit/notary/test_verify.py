"""Verification, a test for each sentence of verification.md: what each check needs, and which verdict follows."""

from __future__ import annotations

import hashlib
import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.codes.certificate_ids import make_identifier
from ledger.statuses import DecisionCode
from ledger.types import BlockTime, ChainHash, DepartmentCode, Digest, Kind, Millis, Origin, Stage
from notary.checkpoint import Checkpoint, NoteSignature, format_note, key_id, parse_note, sign_checkpoint
from notary.disclosure import make_disclosure, parse_disclosure
from notary.evidence import (
    OFFLINE,
    DepartmentKey,
    Equivocation,
    Evidence,
    FileDigests,
    Presented,
    Unavailable,
)
from notary.receipt import IssuerSignature, Receipt, issue_bytes
from notary.report import CheckName, Level, Outcome, Report, Verdict
from notary.report_json import to_json
from notary.report_text import report_text, verdict_word
from notary.trust import LogKey, TrustFile, WitnessKey
from notary.verify import instant_of, verify
from tests.fakes.registry import DAY, ISSUER, OTHER, TYPE, World, certificate, document, signer

PASS, FAIL, UNKNOWN, SKIPPED = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN, Outcome.SKIPPED
N = CheckName


def judged(
    world: World,
    receipt: Receipt,
    *,
    trust: TrustFile | None = None,
    at: int | None = None,
    now: int | None = None,
    offline: bool = False,
    evidence: dict[str, Any] | None = None,
    **shown: Any,
) -> Report:
    """Collect from the world and verify; `evidence` replaces items of what was collected."""
    from notary.collect import collect

    time = world.now if now is None else Millis(now)
    believed = trust or world.trust
    presented = Presented(receipt, **shown)
    found = collect(presented, believed, None if offline else world.chain, None if offline else world.log, time)
    found = replace(found, **(evidence or {}))
    report = verify(presented, found, believed, time if at is None else Millis(at), time)
    for language in ("zh", "en"):  # every report of these tests can be said
        assert report_text(report, language).encode("gbk")
    assert json.loads(to_json(report))["exit_code"] == report.exit_code
    return report


def outcome(report: Report, name: CheckName) -> tuple[Outcome, str]:
    check = report.check(name)
    return check.outcome, check.case


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


# -- the whole way ---------------------------------------------------------------------------------------------------


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


# -- check 2 ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "change", [{"valid_to": "2036-01-04"}, {"name": "食品经营许可证 "}, {"extra": {}}, {"number": 1}]
)
def test_content__record_changed__mismatch(world: World, change: dict[str, Any]) -> None:
    report = judged(world, world.anchored_record(certificate()), record=certificate(**change))
    assert (report.verdict, report.exit_code) == (Verdict.MISMATCH, 10)
    assert outcome(report, N.CONTENT) == (FAIL, "record_differs")
    assert "聊天软件" in report_text(report, "zh")


@pytest.mark.parametrize("half", ["sha256", "sm3"])
def test_content__one_of_the_two_digests_differs__mismatch(world: World, half: str) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    nothing: dict[str, Any] = {half: bytes(32)}
    receipt = replace(receipt, entry=replace(receipt.entry, **nothing))
    assert judged(world, receipt, record=record).verdict is Verdict.MISMATCH


def test_content__salt_elsewhere_or_nowhere(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    bare = receipt.without_salt()
    assert outcome(judged(world, bare, record=record), N.CONTENT) == (UNKNOWN, "no_salt")
    assert judged(world, bare, record=record, salt=receipt.salt).verdict is Verdict.VALID


@pytest.mark.parametrize(("member", "value"), [("issuer", OTHER), ("kind", "document")])
def test_content__issuer_or_kind_isnt_the_entrys__mismatch(world: World, member: str, value: str) -> None:
    record = certificate(**{member: value})
    report = judged(world, world.anchored_record(record), record=record)
    assert report.verdict is Verdict.MISMATCH
    assert outcome(report, N.CONTENT) == (FAIL, "member_differs")


def test_content__disclosure__sha256_passes_and_the_report_says_that_sm3_cant(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    disclosure = parse_disclosure(make_disclosure(record, receipt.salt or b"", ["name"], receipt))
    report = judged(world, disclosure.receipt, disclosure=disclosure)
    assert report.verdict is Verdict.VALID
    assert "SM3" in report_text(report, "en")
    assert "disclosure" in {note.code for note in report.notes}  # whom to compare
    sm3_wrong = replace(disclosure.receipt, entry=replace(disclosure.receipt.entry, sm3=Digest(bytes(32))))
    assert outcome(judged(world, sm3_wrong, disclosure=disclosure), N.CONTENT)[0] is PASS


def test_content__disclosed_value_changed__mismatch(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    data = make_disclosure(record, receipt.salt or b"", ["name"], receipt).replace("许可证".encode(), "许可书".encode())
    disclosure = parse_disclosure(data)
    report = judged(world, disclosure.receipt, disclosure=disclosure)
    assert (report.verdict, outcome(report, N.CONTENT)[1]) == (Verdict.MISMATCH, "disclosure_differs")


def digests(content: bytes) -> FileDigests:
    return FileDigests(len(content), hashlib.sha256(content).digest(), hashlib.new("sm3", content).digest())


def test_content__file__size_and_both_digests(world: World) -> None:
    content = b"%PDF sample"
    record = document(content)
    receipt = world.anchored_record(record, kind=Kind.DOCUMENT)
    assert judged(world, receipt, record=record, file=digests(content)).verdict is Verdict.VALID
    file = digests(content)
    for wrong in (replace(file, size=1), replace(file, sha256=bytes(32)), replace(file, sm3=bytes(32))):
        report = judged(world, receipt, record=record, file=wrong)
        assert (report.verdict, outcome(report, N.CONTENT)[1]) == (Verdict.MISMATCH, "file_differs")
    assert {n.number for n in judged(world, receipt, record=record).needed} == {2, 4, 5, 6, 7, 8, 10}


def test_content__file_whose_document_isnt_shown__unknown(world: World) -> None:
    record = document(b"x", title="t", number="n")
    receipt = world.anchored_record(record, kind=Kind.DOCUMENT)
    whole = parse_disclosure(make_disclosure(record, receipt.salt or b"", list(record), receipt))
    assert judged(world, whole.receipt, disclosure=whole, file=digests(b"x")).verdict is Verdict.VALID
    for hidden in ("document", "issuer", "kind"):
        some = replace(whole, members=tuple(m for m in whole.members if m.name != hidden))
        report = judged(world, some.receipt, disclosure=some, file=digests(b"x"))
        assert (report.verdict, outcome(report, N.CONTENT)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "not_shown"))
    certified = certificate()
    without = world.anchored_record(certified)
    report = judged(world, without, record=certified, file=digests(b"x"))
    assert (report.verdict, outcome(report, N.CONTENT)[1]) == (Verdict.MISMATCH, "no_document")
    assert outcome(judged(world, receipt, file=digests(b"x")), N.CONTENT)[0] is UNKNOWN


# -- check 3 ---------------------------------------------------------------------------------------------------------


def test_identifier__malformed_as_issued__proof_invalid(world: World) -> None:
    record = certificate(identifier=certificate()["identifier"][:-1] + "!")
    report = judged(world, world.anchored_record(record), record=record)
    assert (report.verdict, outcome(report, N.IDENTIFIER)) == (Verdict.PROOF_INVALID, (FAIL, "malformed"))


def test_identifier__as_received__skipped_with_a_warning_and_not_needed(world: World) -> None:
    record = certificate(identifier="OLD-77", identifier_form="as_received")
    report = judged(world, world.anchored_record(record), record=record)
    assert report.verdict is Verdict.VALID
    assert outcome(report, N.IDENTIFIER) == (SKIPPED, "as_received")
    assert N.IDENTIFIER not in report.needed
    assert "as_received" in {note.code for note in report.notes}


@pytest.mark.parametrize("change", [{"version": 2}, {"version": True}, {"type": TYPE[:-1] + "2"}])
def test_identifier__segments_arent_the_records__proof_invalid(world: World, change: dict[str, Any]) -> None:
    record = certificate(**change)
    report = judged(world, world.anchored_record(record), record=record)
    assert outcome(report, N.IDENTIFIER) == (FAIL, "segment_differs")


def test_identifier__document_without_one__skipped(world: World) -> None:
    record = document(b"x")
    report = judged(world, world.anchored_record(record, kind=Kind.DOCUMENT), record=record)
    assert outcome(report, N.IDENTIFIER) == (SKIPPED, "none")
    numbered = document(b"x", identifier=5)
    report = judged(world, world.anchored_record(numbered, kind=Kind.DOCUMENT), record=numbered)
    assert outcome(report, N.IDENTIFIER) == (FAIL, "malformed")


# -- check 4 ---------------------------------------------------------------------------------------------------------


def test_inclusion__another_departments_entry_in_ones_own_log__proof_invalid(world: World) -> None:
    record = certificate(issuer=OTHER)
    receipt = world.anchored_record(record, issuer=OTHER)
    report = judged(world, receipt, record=record)
    assert (report.verdict, outcome(report, N.INCLUSION)) == (Verdict.PROOF_INVALID, (FAIL, "issuer"))
    promised = world.receipt(receipt.index, stage="promised")
    assert outcome(judged(world, promised, record=record), N.INCLUSION) == (FAIL, "issuer")


def test_inclusion__path_of_another_entry__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    other = world.receipt(0)
    report = judged(world, replace(receipt, inclusion=other.inclusion, checkpoint=receipt.checkpoint), record=record)
    assert (report.verdict, outcome(report, N.INCLUSION)[0]) == (Verdict.PROOF_INVALID, FAIL)


def test_inclusion__checkpoint_of_another_log__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    elsewhere = Checkpoint(Origin(f"chuzheng/test/{OTHER}"), world.size, Digest(world.root()))
    note = sign_checkpoint(elsewhere, world.origin, world.key)
    assert outcome(judged(world, replace(receipt, checkpoint=note), record=record), N.INCLUSION) == (FAIL, "origin")


@pytest.mark.parametrize(("seconds", "expected"), [(300, PASS), (301, FAIL)])
def test_inclusion__accepted_later_than_anchored_by_over_five_minutes__fails(seconds: int, expected: Outcome) -> None:
    world = World()
    record = certificate()
    anchor_time = world.chain.head().time + 1
    receipt = world.anchored_record(record, accepted=(anchor_time + seconds) * 1000)
    report = judged(world, receipt, record=record, now=(anchor_time + 10_000) * 1000)
    assert outcome(report, N.INCLUSION)[0] is expected
    assert report.verdict is (Verdict.VALID if expected is PASS else Verdict.PROOF_INVALID)


def test_inclusion__the_events_department_isnt_the_issuer__fails(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert world.anchored is not None
    event = replace(world.anchored, department=DepartmentCode(OTHER))
    assert outcome(judged(world, receipt, record=record, evidence={"anchor": event}), N.INCLUSION) == (
        FAIL,
        "department",
    )
    event = replace(world.anchored, department=DepartmentCode(ISSUER))
    assert outcome(judged(world, receipt, record=record, evidence={"anchor": event}), N.INCLUSION)[0] is PASS


# -- check 5 ---------------------------------------------------------------------------------------------------------


def with_keys(world: World, *keys: LogKey, **changes: Any) -> TrustFile:
    return world.make_trust(log_keys=list(keys), **changes)


def own_key(world: World, since: int, until: int | None = None) -> LogKey:
    """The world's log key, valid for since ≤ time < until (seconds)."""
    end = None if until is None else Millis(until * 1000)
    return LogKey(world.origin, world.origin, world.key.public_key, Millis(since * 1000), end)


def test_signature__no_key_for_that_origin__unknown(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    report = judged(world, receipt, record=record, trust=with_keys(world))
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "no_key"))


def test_signature__by_another_key__proof_invalid(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    stranger = LogKey(world.origin, world.origin, signer("stranger").public_key, Millis(0))
    report = judged(world, receipt, record=record, trust=with_keys(world, stranger))
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.PROOF_INVALID, (FAIL, "unsigned"))


def test_signature__key_valid_at_the_time_of_anchoring__counts_and_not_accepted_at_or_today(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    anchored = receipt.anchor.block_time if receipt.anchor else 0
    for since, until, expected in (
        (anchored, anchored + 1, PASS),
        (anchored + 1, None, FAIL),
        (
            0,
            anchored,
            FAIL,
        ),  # it held when accepted, no longer when anchored, and the chain said that it is the earliest
    ):
        report = judged(world, receipt, record=record, trust=with_keys(world, own_key(world, since, until)),
                        now=(anchored + 5000) * 1000)  # fmt: skip
        assert outcome(report, N.SIGNATURE)[0] is expected


def test_signature__passes_at_acceptance_fails_at_t_and_an_earlier_anchor_couldnt_be_asked_for__unknown(
    world: World,
) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    anchored = receipt.anchor.block_time if receipt.anchor else 0
    trust = with_keys(world, own_key(world, 0, anchored))
    cannot = {"earliest": Unavailable("chain.unreachable")}
    report = judged(world, receipt, record=record, trust=trust, evidence=cannot)
    assert (report.verdict, outcome(report, N.SIGNATURE)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "key_time"))
    offline = judged(world, receipt, record=record, trust=trust, offline=True)
    assert outcome(offline, N.SIGNATURE) == (UNKNOWN, "key_time")
    never = with_keys(world, own_key(world, 0, 5))
    assert outcome(judged(world, receipt, record=record, trust=never, evidence=cannot), N.SIGNATURE)[0] is FAIL


def test_signature__earliest_anchor_above_the_index__is_t(world: World) -> None:
    """A newer checkpoint in the receipt doesn't make it younger."""
    record = certificate()
    first = world.anchored_record(record)
    world.chain.mine(50)
    world.anchored_record(certificate("A9"))
    newest = world.receipt(first.index)
    assert newest.anchor != first.anchor
    report = judged(world, newest, record=record)
    assert report.issue_time is not None
    assert report.issue_time.time == (first.anchor.block_time if first.anchor else 0)


def cosigned(note: str, witness: str, time: int = 1_770_000_001) -> str:
    """C2SP cosignature/v1 by a witness key."""
    key = signer(witness)
    parsed = parse_note(note)
    message = f"cosignature/v1\ntime {time}\n{parsed.text}".encode()
    line = NoteSignature(witness, key_id(witness, key.public_key, b"\x04"), time.to_bytes(8, "big") + key.sign(message))
    return format_note(parsed.text, [*parsed.signatures, line])


def test_signature__needed_witnesses__distinct_and_trusted(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    witnesses = [WitnessKey(w, signer(w).public_key) for w in ("w1", "w2", "w3")]
    trust = world.make_trust(witnesses_needed=2, witnesses=witnesses)
    note = receipt.checkpoint or ""
    for names, expected in (
        ((), FAIL),
        (("w1",), FAIL),
        (("w1", "w1"), FAIL),
        (("w1", "stranger"), FAIL),
        (("w1", "w3"), PASS),
    ):
        signed = note
        for name in names:
            signed = cosigned(signed, name)
        report = judged(world, replace(receipt, checkpoint=signed), record=record, trust=trust)
        assert outcome(report, N.SIGNATURE)[0] is expected, names
    broken = cosigned(note, "w1").replace("— w1 ", "— w2 ")
    assert (
        outcome(judged(world, replace(receipt, checkpoint=broken), record=record, trust=trust), N.SIGNATURE)[0] is FAIL
    )


def test_signature__checkpoint_isnt_the_anchored_one__equivocation(world: World) -> None:
    """The log signed one root, the chain holds another: 5, 6 and 7 fail, and both pieces are shown."""
    record = certificate()
    world.register(record)
    world.seal()
    signed = world.receipt(1, stage="included")
    world.chain.anchor(world.log_id, world.size, bytes(32))
    report = judged(world, signed, record=record)
    assert report.verdict is Verdict.PROOF_INVALID
    assert outcome(report, N.SIGNATURE) == (FAIL, "equivocation")
    assert report.check(N.SIGNATURE).observed
    assert report.check(N.SIGNATURE).expected


def test_signature__another_leaf_at_a_promised_index__equivocation(world: World) -> None:
    record = certificate()
    promised = world.register(record)
    world.entries[promised.index] = replace(promised.entry, sm3=Digest(bytes(32))).to_bytes()
    world.seal()
    report = judged(world, promised, record=record)
    assert outcome(report, N.SIGNATURE) == (FAIL, "equivocation")


def test_signature__log_serves_nonsense__no_equivocation(world: World) -> None:
    """What isn't signed by the log, or isn't under its signed root, proves nothing against it."""
    record = certificate()
    promised = world.register(record)
    world.seal()
    world.entries[promised.index] = bytes(92)
    assert outcome(judged(world, promised, record=record), N.SIGNATURE) == (PASS, "promise")
    world.note = (world.note or "").replace(world.origin, f"chuzheng/test/{OTHER}")
    assert outcome(judged(world, promised, record=record), N.SIGNATURE) == (PASS, "promise")


def test_signature__equivocation_that_a_monitor_found__fails(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    pair = (Equivocation("one", "other"),)
    report = judged(world, receipt, record=record, evidence={"equivocations": pair})
    assert (report.verdict, outcome(report, N.SIGNATURE)[1]) == (Verdict.PROOF_INVALID, "equivocation")


# -- checks 6 and 7 --------------------------------------------------------------------------------------------------


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
    for offline in (False, True):
        report = judged(world, altered, record=record, offline=offline)
        assert outcome(report, N.ANCHORED) == (FAIL, "another_chain")


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


def test_final__qbft_evidence_that_cant_be_examined_yet__unknown_never_a_pass(world: World) -> None:
    from notary.receipt import QbftEvidence

    record = certificate()
    receipt = replace(world.anchored_record(record), evidence=QbftEvidence(b"\xc0", 0, 0, (b"\xc0",)))
    trust = world.make_trust(finality="qbft")
    for offline in (False, True):
        report = judged(world, receipt, record=record, trust=trust, offline=offline)
        assert outcome(report, N.FINAL)[0] is UNKNOWN
        assert report.verdict is Verdict.CANNOT_CHECK


def test_final__rule_is_the_trust_files__not_the_receipts(world: World) -> None:
    """`evidence: none` in a receipt doesn't make a final chain a test chain."""
    receipt = world.anchored_record(certificate())
    report = judged(world, receipt, record=certificate(), trust=world.make_trust(finality="depth:40"))
    assert outcome(report, N.FINAL)[0] is UNKNOWN


# -- checks 8 and 9 --------------------------------------------------------------------------------------------------


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


def signed(world: World, receipt: Receipt, *, suite: str = "intl", seed: str = "issuer") -> Receipt:
    signature = signer(seed).sign(issue_bytes(receipt.origin, receipt.entry))
    return replace(receipt, issuer_signature=IssuerSignature("k1", suite, signature))


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


# -- checks 10 and 11 ------------------------------------------------------------------------------------------------

DECIDED = [
    (DecisionCode.SUSPENDED, 1, Verdict.SUSPENDED, 17, "暂扣"),
    (DecisionCode.SUSPENDED, 2, Verdict.SUSPENDED, 17, "中止"),
    (DecisionCode.RESCINDED, 0, Verdict.NOT_IN_FORCE, 12, "撤销"),
    (DecisionCode.DEREGISTERED, 0, Verdict.NOT_IN_FORCE, 12, "注销"),
    (DecisionCode.LAPSED, 0, Verdict.NOT_IN_FORCE, 12, "失效"),
    (DecisionCode.TRANSFERRED_OUT, 0, Verdict.NOT_IN_FORCE, 12, "转出"),
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


# -- check 12, trust file, network -----------------------------------------------------------------------------------


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
