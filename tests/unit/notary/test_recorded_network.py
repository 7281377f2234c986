"""What a real GoQuorum network gave its verifiers, judged offline: receipts under three validator sets, and a grant."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from ledger.evidence.header import parse_header
from ledger.evm.artifacts import decode_event
from ledger.shares.grants import State
from ledger.types import Millis
from notary.event_proof import judge_event, parse_event
from notary.evidence import Evidence, Presented
from notary.receipt import QbftEvidence, Receipt, parse_receipt
from notary.report import CheckName, Outcome, TextKey
from notary.trust import read_trust
from notary.verify import verify

FOLDER = Path(__file__).resolve().parents[2] / "vectors" / "quorum"
TRUST = read_trust((FOLDER / "trust.json").read_bytes())
NOW = Millis(TRUST.issued_at + 1)
PASS, FAIL, UNKNOWN = Outcome.PASS, Outcome.FAIL, Outcome.UNKNOWN


def receipt(number: int) -> Receipt:
    return parse_receipt((FOLDER / f"{number}.receipt.json").read_bytes())


def evidence(number: int) -> QbftEvidence:
    found = receipt(number).evidence
    assert isinstance(found, QbftEvidence)
    return found


def judged(number: int, own: QbftEvidence | None = None, trust: Any = TRUST) -> tuple[Any, Any]:
    """Outcome of check 6; of check 7 with its case, or why."""
    presented = receipt(number) if own is None else replace(receipt(number), evidence=own)
    record = json.loads((FOLDER / f"{number}.record.json").read_bytes())
    report = verify(Presented(presented, record), Evidence(), trust, NOW, NOW)
    for name in (CheckName.CONTENT, CheckName.INCLUSION, CheckName.SIGNATURE):
        assert report.check(name).outcome is PASS
    final = report.check(CheckName.FINAL)
    why = final.params.get("why")
    return report.check(CheckName.ANCHORED).outcome, (
        final.outcome,
        why.code if isinstance(why, TextKey) else final.case,
    )


@pytest.mark.parametrize("number", range(4))
def test_recorded__receipt__written_the_same_and_judged_by_the_set_of_its_height(number: int) -> None:
    assert receipt(number).to_json() == (FOLDER / f"{number}.receipt.json").read_bytes()
    expected = (UNKNOWN, "small_set") if number == 1 else (PASS, "sealed")
    assert judged(number) == (PASS, expected)
    header = parse_header(evidence(number).header)
    assert len(header.validators) == (3 if number == 1 else 4)
    assert len(header.sealers()) >= (2 if number == 1 else 3)


def test_recorded__sets_of_the_trust_file__the_changes_of_the_network() -> None:
    sizes = [(len(each.validators), each.until_block is None) for each in TRUST.validators]
    assert sizes == [(4, False), (3, False), (4, True)]


def test_recorded__older_or_another_trust_file__stale_or_wrong() -> None:
    first = TRUST.validators[0]
    early = replace(TRUST, validators=(replace(first, until_block=None),), as_of_block=first.from_block)
    assert judged(1, trust=early) == (UNKNOWN, (UNKNOWN, "trust.stale"))
    assert judged(1, trust=replace(early, as_of_block=10**6)) == (UNKNOWN, (FAIL, "evidence.validators"))
    assert judged(0, trust=early)[1] == (PASS, "sealed")


def test_recorded__tampered__refused_for_its_reason() -> None:
    own = evidence(0)
    assert judged(0, replace(own, log_index=own.log_index + 1)) == (FAIL, (FAIL, "evidence.log_index"))
    assert judged(0, replace(own, tx_index=own.tx_index + 1))[1] == (FAIL, "evidence.proof")
    assert judged(0, replace(own, header=evidence(2).header)) == (UNKNOWN, (FAIL, "evidence.place"))
    assert judged(0, replace(own, receipt_proof=evidence(2).receipt_proof))[1] == (FAIL, "evidence.proof")


def test_recorded__grant__proven_and_says_granted() -> None:
    data = (FOLDER / "grant.event.json").read_bytes()
    proof = parse_event(data)
    assert proof.to_json() == data
    assert judge_event(proof, TRUST, NOW).code == "sealed"
    told = decode_event(proof.name, ["0x" + topic.hex() for topic in proof.topics], "0x" + proof.data.hex())
    assert told is not None
    assert (told[0], told[1]["to"]) == ("Moved", State.GRANTED)
    assert judge_event(replace(proof, data=proof.data[:-1] + b"\1"), TRUST, NOW).code == "evidence.data"
