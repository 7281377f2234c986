"""Checks 2 and 3, a test for each sentence of verification.md: content, file, disclosure, identifier."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from ledger.statuses import DecisionCode
from ledger.types import Digest, Kind, Millis
from notary.b64 import to_b64
from notary.disclosure import ALWAYS_SHOWN, make_disclosure, parse_disclosure
from notary.entry import status_key
from notary.evidence import ErasedBy
from notary.report import Verdict
from notary.report_text import report_text
from tests.fakes.judging import FAIL, PASS, SKIPPED, UNKNOWN, N, digests, judged, outcome
from tests.fakes.registry import ISSUER, OTHER, TYPE, World, certificate, document


@pytest.fixture
def world() -> World:
    """A world with one anchored entry before the one that a test makes."""
    made = World()
    made.anchored_record(certificate("A0"))
    return made


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


def test_content__erased_by_order__said_where_nothing_can_be_compared(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    world.erased[receipt.index] = ErasedBy("鄂法令〔2026〕12号", Millis(1_795_190_400_000))
    for found in (judged(world, receipt.without_salt()), judged(world, receipt.without_salt(), record=record)):
        assert (found.verdict, outcome(found, N.CONTENT)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "erased"))
        assert "registered_erased" in {note.code for note in found.notes}
        assert found.exit_code == 20
        said = report_text(found, "zh").splitlines()
        assert said[0] == "已登记，内容已依令删除"
        assert said[1].startswith("凭证所证的登记成立。内容按文书 鄂法令〔2026〕12号 删除，")
        assert "删除于 2026-11-21" in said[1]
        assert "暂时无法核验" not in report_text(found, "zh")
        assert report_text(found, "en").startswith("Registered, content erased by order\n")
        assert "this is no outage, and trying again later changes nothing." in report_text(found, "en")
        assert "Registered, content erased by order (鄂法令〔2026〕12号)." in report_text(found, "en")
        assert "entered in the log at 2026-11-21" in report_text(found, "en")
        assert "删除于 2026-11-21" in report_text(found, "zh")
    # Who still has both can show them: what was handed out can't be recalled, and it is what was registered.
    assert judged(world, receipt, record=record).verdict is Verdict.VALID
    assert judged(world, receipt, record=certificate(name="x")).verdict is Verdict.MISMATCH


def test_content__whether_erased_cant_be_asked__an_outage_and_no_erasure(world: World) -> None:
    receipt = world.anchored_record(certificate()).without_salt()
    world.erased[receipt.index] = ErasedBy("x", Millis(1))
    world.log.fail()
    found = judged(world, receipt)
    assert (found.verdict, outcome(found, N.CONTENT)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "nothing_shown"))
    assert "erasure_unasked" in {note.code for note in found.notes}
    assert report_text(found, "zh").startswith("暂时无法核验\n")
    assert "couldn't be asked now" in report_text(found, "en")
    world.log.mend()
    del world.erased[receipt.index]
    assert "erasure_unasked" not in {note.code for note in judged(world, receipt).notes}


def test_content__erased_and_the_chain_away__both_said_apart(world: World) -> None:
    receipt = world.anchored_record(certificate()).without_salt()
    world.erased[receipt.index] = ErasedBy("鄂法令〔2026〕12号", Millis(1_795_190_400_000))
    world.chain.fail()
    found = judged(world, receipt)
    assert (found.verdict, outcome(found, N.CONTENT)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "erased"))
    said = report_text(found, "zh").splitlines()
    assert said[0] == "暂时无法核验"
    assert said[1].startswith("内容已依令删除（鄂法令〔2026〕12号），无从比对。此外，“")
    assert "那与删除无关，请稍后再核" in said[1]
    assert "registered_erased" not in {note.code for note in found.notes}


def test_content__erased_and_no_longer_in_force__the_decision_is_the_verdict(world: World) -> None:
    receipt = world.anchored_record(certificate()).without_salt()
    world.erased[receipt.index] = ErasedBy("x")
    entry = receipt.entry
    world.chain.mine(10)
    world.chain.decide(status_key(entry.issuer, entry.sha256), DecisionCode.REVOKED, ISSUER)
    found = judged(world, receipt)
    assert found.verdict is Verdict.NOT_IN_FORCE
    assert "registered_erased" in {note.code for note in found.notes}


def test_content__erased_and_the_proof_doesnt_hold__nothing_said_about_registration(world: World) -> None:
    receipt = world.anchored_record(certificate()).without_salt()
    world.erased[receipt.index] = ErasedBy("x")
    broken = replace(receipt, entry=replace(receipt.entry, sm3=Digest(bytes(32))))
    assert "registered_erased" not in {note.code for note in judged(world, broken).notes}


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


@pytest.mark.parametrize("hidden", ALWAYS_SHOWN)
def test_content__disclosure_stripped_by_its_holder_beside_the_real_receipt__never_valid(
    world: World, hidden: str
) -> None:
    """A disclosure that claims to be a document's may hide what a certificate's can't, `capture` too; the receipt that
    is given beside it says which of them it is."""
    record = certificate()
    receipt = world.anchored_record(record)
    value = json.loads(make_disclosure(record, receipt.salt or b"", ["name"], receipt))
    value["members"] = [m for m in value["members"] if m["name"] != hidden]
    value["receipt"]["entry"] = to_b64(replace(receipt.entry, kind=Kind.DOCUMENT).to_bytes())
    stripped = parse_disclosure(json.dumps(value).encode())
    report = judged(world, receipt.without_salt(), disclosure=stripped)
    assert (report.verdict, outcome(report, N.CONTENT)) == (Verdict.CANNOT_CHECK, (UNKNOWN, "not_shown"))


def test_content__size_that_is_no_number__mismatch(world: World) -> None:
    record = document(b"x")
    record["document"]["size"] = True
    report = judged(world, world.anchored_record(record, kind=Kind.DOCUMENT), record=record, file=digests(b"x"))
    assert (report.verdict, outcome(report, N.CONTENT)[1]) == (Verdict.MISMATCH, "file_differs")


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


def test_identifier__shown_without_its_form__unknown(world: World) -> None:
    """What may have been taken over as received isn't judged by the rule for what is issued."""
    record = document(b"x", identifier="OLD-77", identifier_form="as_received")
    receipt = world.anchored_record(record, kind=Kind.DOCUMENT)
    data = make_disclosure(record, receipt.salt or b"", ["identifier"], receipt)
    disclosure = parse_disclosure(data)
    report = judged(world, disclosure.receipt, disclosure=disclosure)
    assert outcome(report, N.IDENTIFIER) == (UNKNOWN, "not_shown")
    assert report.verdict is Verdict.CANNOT_CHECK
    assert outcome(judged(world, receipt, record=record), N.IDENTIFIER) == (SKIPPED, "as_received")
