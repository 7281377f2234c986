"""Snapshots: strict reading, signature, ageing, and what they answer offline (formats.md §8)."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import ChuzhengError, UnreadableError
from ledger.types import Millis
from notary.b64 import to_b64
from notary.entry import status_key
from notary.evidence import Evidence, Presented
from notary.receipt import Receipt
from notary.report import CheckName, Outcome, Report, Verdict
from notary.snapshot import Snapshot, parse_snapshot, sign_snapshot
from notary.snapshot_facts import why_not, with_snapshot
from notary.trust import TrustFile
from notary.verify import verify
from tests.fakes.chain import ANCHOR_LOG, GENESIS_TIME
from tests.fakes.judging import signed
from tests.fakes.registry import DAY, ISSUER, OTHER, TYPE, signer
from tests.unit.notary.sealed_receipt import RECORD, Sealed, sealed, sets

__all__ = ["sealed"]
KEY = signer("snapshot")


def body(s: Sealed, **changes: Any) -> dict[str, Any]:
    """A snapshot just after the receipt's block, complete for its log."""
    anchor, head = s.receipt.anchor, s.receipt.head
    assert anchor is not None
    assert head is not None
    chain = {"network": "test", "chain_id": s.world.chain.chain, "genesis_hash": s.world.chain.genesis_hash()}
    place = {"block_number": anchor.block_number, "block_hash": anchor.block_hash, "block_time": anchor.block_time}
    return {
        **chain, "sequence": 7, "expires": anchor.block_time * 1000 + 30 * DAY,
        "as_of": {"block": anchor.block_number + 9, "time": anchor.block_time + 9},
        "complete_to": {s.world.origin: head.size},
        "checkpoints": [{"origin": s.world.origin, "size": head.size, "root": head.root.hex(),
                         "contract": ANCHOR_LOG, **place}],
        "decisions": [],
        "departments": [{
            "code": ISSUER, "kind": 1, "division": 420_000, "admitted_at": GENESIS_TIME, "suspensions": [],
            "accreditations": [{"type": TYPE, "since": GENESIS_TIME}], "keys": [],
        }],
        "erasures": [], **changes,
    }  # fmt: skip


def snapshot(s: Sealed, **changes: Any) -> Snapshot:
    return parse_snapshot(sign_snapshot(body(s, **changes), KEY))


def judged(
    s: Sealed,
    found: Snapshot,
    *,
    at: int = 0,
    now: int = 0,
    seen: int | None = None,
    trust: TrustFile | None = None,
    receipt: Receipt | None = None,
) -> Report:
    """Offline with evidence and a snapshot; `at` seconds after the snapshot's block, `now` milliseconds after it."""
    time = found.time * 1000
    believed = trust or s.trust(snapshot_key=KEY.public_key)
    request = Presented(receipt or s.with_evidence(), RECORD)
    moment = Millis(time + now)
    evidence = with_snapshot(Evidence(), found, request, believed, moment, seen=seen)
    return verify(request, evidence, believed, Millis(time + at * 1000), moment)


def test_offline__erased__registered_content_erased_by_order(sealed: Sealed) -> None:
    s = sealed
    index = s.receipt.index
    found = snapshot(s, erasures=[{"origin": s.world.origin, "index": index, "order": "no. 12"}])
    assert found.erasures == {(s.world.origin, index): "no. 12"}
    believed, moment = s.trust(snapshot_key=KEY.public_key), Millis(found.time * 1000)
    request = Presented(s.with_evidence())
    report = verify(request, with_snapshot(Evidence(), found, request, believed, moment), believed, moment, moment)
    assert (report.verdict, report.check(CheckName.CONTENT).case) == (Verdict.CANNOT_CHECK, "erased")
    assert "registered_erased" in {note.code for note in report.notes}


def decision(s: Sealed, **changes: Any) -> dict[str, Any]:
    anchor = s.receipt.anchor
    assert anchor is not None
    key = status_key(s.receipt.entry.issuer, s.receipt.entry.sha256).hex()
    made = {"key": key, "number": 1, "code": 7, "cause": 0, "department": ISSUER,
            "effective_from": anchor.block_time + 2, "recorded_at": anchor.block_time + 2}  # fmt: skip
    return {**made, **changes}


def outcomes(report: Report) -> list[Outcome]:
    return [
        report.check(name).outcome for name in (CheckName.ANCHORED, CheckName.FINAL, CheckName.ISSUER, CheckName.STATUS)
    ]


def test_offline__evidence_and_snapshot__valid(sealed: Sealed) -> None:
    report = judged(sealed, snapshot(sealed))
    assert (report.verdict, outcomes(report)) == (Verdict.VALID, [Outcome.PASS] * 4)
    assert report.as_of is not None
    assert report.as_of.source == "snapshot"
    assert report.check(CheckName.ISSUER).source == "snapshot"


def test_offline__decision_in_it__counts_from_its_day(sealed: Sealed) -> None:
    found = snapshot(sealed, decisions=[decision(sealed)])
    assert judged(sealed, found).verdict is Verdict.NOT_IN_FORCE
    assert judged(sealed, found, at=-8).verdict is Verdict.VALID
    other = snapshot(sealed, decisions=[decision(sealed, key="ab" * 32)])
    assert judged(sealed, other).verdict is Verdict.VALID


def test_offline__issuer_not_in_it_or_not_accredited__not_recognised(sealed: Sealed) -> None:
    member = body(sealed)["departments"][0]
    for departments in ([], [{**member, "code": OTHER}], [{**member, "accreditations": []}]):
        assert judged(sealed, snapshot(sealed, departments=departments)).verdict is Verdict.ISSUER_NOT_RECOGNISED


def test_offline__issuers_signature__9_by_the_keys_in_it(sealed: Sealed) -> None:
    receipt = signed(sealed.world, sealed.with_evidence())
    assert receipt.anchor is not None
    member, issued = body(sealed)["departments"][0], receipt.anchor.block_time
    key = {"key_id": "k1", "suite": "intl", "key": to_b64(signer("issuer").public_key), "since": GENESIS_TIME}
    for keys, outcome in (
        ([key], Outcome.PASS),
        ([{**key, "until": issued + 1}], Outcome.PASS),
        ([{**key, "until": issued}], Outcome.FAIL),
        ([{**key, "compromised_since": issued}], Outcome.FAIL),
        ([{**key, "key": to_b64(signer("other").public_key)}], Outcome.FAIL),
        ([], Outcome.FAIL),
    ):
        found = snapshot(sealed, departments=[{**member, "keys": keys}])
        report = judged(sealed, found, receipt=receipt)
        assert report.check(CheckName.ISSUER_KEY).outcome is outcome, keys
    old = judged(sealed, snapshot(sealed, departments=[{**member, "keys": [key]}]), receipt=receipt, now=8 * DAY)
    assert old.check(CheckName.ISSUER_KEY).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("options", "unknown"),
    [
        ({"now": 7 * DAY}, False),
        ({"now": 7 * DAY + 1}, True),  # older than max_snapshot_age
        ({"at": 1}, True),  # about a time after as_of
        ({"now": 2000, "at": 2}, True),
        ({"seen": 7}, False),
        ({"seen": 8}, True),  # a lower sequence than one seen
        ({"now": 30 * DAY}, True),
    ],
)
def test_offline__too_old_rolled_back_or_asked_beyond__8_and_10_unknown(
    sealed: Sealed, options: dict[str, Any], unknown: bool
) -> None:
    report = judged(sealed, snapshot(sealed), **options)
    expected = Outcome.UNKNOWN if unknown else Outcome.PASS
    assert outcomes(report) == [Outcome.PASS, Outcome.PASS, expected, expected]
    assert report.verdict is (Verdict.CANNOT_CHECK if unknown else Verdict.VALID)


def test_offline__log_not_complete_up_to_the_entry__10_unknown(sealed: Sealed) -> None:
    for complete in ({}, {sealed.world.origin: sealed.receipt.index}):
        assert outcomes(judged(sealed, snapshot(sealed, complete_to=complete)))[3] is Outcome.UNKNOWN


def test_offline__earlier_anchor_in_it__is_t(sealed: Sealed) -> None:
    [only] = body(sealed)["checkpoints"]
    report = judged(sealed, snapshot(sealed, checkpoints=[only, {**only, "block_time": only["block_time"] - 1}]))
    assert report.issue_time is not None
    assert report.issue_time.settled


def test_compromised_set__same_checkpoint_in_a_snapshot__counts(sealed: Sealed) -> None:
    trust = sealed.trust(snapshot_key=KEY.public_key, validators=sets(compromised_since=Millis(1)))
    assert judged(sealed, snapshot(sealed), trust=trust).verdict is Verdict.VALID
    [only] = body(sealed)["checkpoints"]
    for checkpoints in ([], [{**only, "root": "00" * 32}], [{**only, "size": only["size"] + 1}]):
        report = judged(sealed, snapshot(sealed, checkpoints=checkpoints), trust=trust)
        assert outcomes(report)[:2] == [Outcome.UNKNOWN, Outcome.UNKNOWN]
    assert outcomes(judged(sealed, snapshot(sealed), trust=trust, seen=8))[1] is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("changes", "trusted", "reason"),
    [
        ({"network": "other"}, {}, "snapshot.other_chain"),
        ({"chain_id": 1}, {}, "snapshot.other_chain"),
        ({"genesis_hash": "0x" + "00" * 32}, {}, "snapshot.other_chain"),
        ({}, {"snapshot_key": None}, "snapshot.no_key"),
        ({}, {"snapshot_key": signer("other").public_key}, "snapshot.signature"),
    ],
)
def test_why_not__another_chain_or_key__says_so(
    sealed: Sealed, changes: dict[str, Any], trusted: dict[str, Any], reason: str
) -> None:
    found = snapshot(sealed, **changes)
    trust = sealed.trust(**{"snapshot_key": KEY.public_key, **trusted})
    assert why_not(found, trust, Millis(0)) == reason
    assert outcomes(judged(sealed, found, trust=trust))[2:] == [Outcome.UNKNOWN] * 2


def test_signature__any_byte_of_the_file_changed__unreadable_or_not_believed(sealed: Sealed) -> None:
    data = sign_snapshot(body(sealed, decisions=[decision(sealed)]), KEY)
    trust = sealed.trust(snapshot_key=KEY.public_key)
    for at in range(0, len(data), 3):
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            assert why_not(parse_snapshot(changed), trust, Millis(0)) is not None, at
        except ChuzhengError:
            continue


SLOPPY: dict[str, Callable[[dict[str, Any]], Any]] = {
    "member missing": lambda v: v.pop("erasures"),
    "member unknown": lambda v: v.update(more=1),
    "another format": lambda v: v.update(format="chuzheng-snapshot/2"),
    "department twice": lambda v: v["departments"].append(v["departments"][0]),
    "unknown decision": lambda v: v["decisions"].append({**v["decisions"][0], "code": 11}),
    "decision without key": lambda v: v["decisions"][0].pop("key"),
    "root in capitals": lambda v: v["checkpoints"][0].update(root="AB" * 32),
    "origin that is none": lambda v: v["complete_to"].update({"x": 1}),
    "count as text": lambda v: v.update(sequence="7"),
    "null where absent is meant": lambda v: v["decisions"][0].update(until=None),
    "signature short": lambda v: v.update(signature=to_b64(bytes(63))),
    "as_of without block": lambda v: v["as_of"].pop("block"),
}


@pytest.mark.parametrize("case", SLOPPY)
def test_parse_snapshot__sloppy__unreadable(sealed: Sealed, case: str) -> None:
    value = json.loads(sign_snapshot(body(sealed, decisions=[decision(sealed)]), KEY))
    SLOPPY[case](value)
    with pytest.raises(UnreadableError):
        parse_snapshot(json.dumps(value).encode())


def test_online__the_chain_was_asked__its_facts_stay(sealed: Sealed) -> None:
    from notary.collect import collect

    request = Presented(sealed.with_evidence(), RECORD)
    trust = sealed.trust(snapshot_key=KEY.public_key)
    found = collect(request, trust, sealed.world.chain, sealed.world.log, sealed.world.now)
    merged = with_snapshot(found, snapshot(sealed, departments=[]), request, trust, sealed.world.now)
    assert replace(merged, snapshot_root=found.snapshot_root) == found
