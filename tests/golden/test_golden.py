"""Files of version 1 stay readable and would be written the same: a receipt lives for decades."""

from __future__ import annotations

import io

import pytest

from ledger.crypto.suites import verify
from ledger.types import Millis
from notary.bulk.salts import read_salts
from notary.canonical import parse_record
from notary.checkpoint import parse_note, promise_bytes, verify_signature
from notary.cosignature import cosigners
from notary.disclosure import ALWAYS_SHOWN, parse_disclosure, recompute
from notary.entry import log_id
from notary.envelope import decrypt_stream
from notary.equivocation import find, parse_equivocation
from notary.erasures import parse_erasures, proves, write_erasures
from notary.event_proof import parse_event
from notary.exports.archive import read_package
from notary.exports.archive_checks import check_package
from notary.exports.credential import parse_credential
from notary.exports.evidence_bundle import read_bundle
from notary.exports.status_credential import parse_status_list
from notary.exports.status_place import place_of
from notary.exports.tlog_proof import parse_tlog_proof
from notary.network_heads import parse_heads
from notary.qr import parse_qr
from notary.receipt import inclusion_error, issue_bytes, parse_receipt
from notary.receipts import first_not_included, parse_bundle, split
from notary.report import Outcome
from notary.snapshot import parse_snapshot
from notary.snapshot_facts import why_not
from notary.snapshot_packed import open_snapshot
from notary.trust import parse_trust, signed_by_council_of
from notary.trust_file import WitnessKey
from notary.verify import check_receipt
from tests.golden import make

MADE = make.files()


def stored(name: str) -> bytes:
    return (make.FOLDER / name).read_bytes()


def test_golden__folder__holds_exactly_these_files() -> None:
    assert sorted(path.name for path in make.FOLDER.iterdir()) == sorted(MADE)


PACKED = {"suspension.status.jwt"}
"""what another version of zlib may pack otherwise: only the bits are fixed"""


@pytest.mark.parametrize("name", sorted(MADE.keys() - PACKED))
def test_golden__made_again__same_bytes(name: str) -> None:
    assert MADE[name] == stored(name)


@pytest.mark.parametrize("stage", ["promised", "included", "anchored", "evidenced"])
def test_golden_receipt__read__verifies_and_is_written_the_same(stage: str) -> None:
    data = stored(f"{stage}.receipt.json")
    receipt = parse_receipt(data)
    assert receipt.to_json() == data
    assert receipt.promise is not None
    promised = promise_bytes(log_id(receipt.origin), receipt.index, receipt.leaf)
    assert verify("intl", make.KEY.public_key, receipt.promise, promised)
    assert receipt.stage.value == ("anchored" if stage == "evidenced" else stage)
    if receipt.checkpoint is not None:
        assert inclusion_error(receipt) is None
        assert verify_signature(receipt.checkpoint, make.KEY)
    if own := receipt.issuer_signature:
        assert verify(own.suite, make.KEY.public_key, own.signature, issue_bytes(receipt.origin, receipt.entry))


def test_golden_bundles__read__split_and_included() -> None:
    bundle = parse_bundle(stored("anchored.receipts.json"))
    assert bundle.to_json() == stored("anchored.receipts.json")
    assert first_not_included(bundle) is None
    assert [receipt.index for receipt in split(bundle)] == list(range(2, 9))
    assert all(inclusion_error(receipt) is None for receipt in split(bundle))
    promised = parse_bundle(stored("promised.receipts.json"))
    assert promised.to_json() == stored("promised.receipts.json")
    assert all(receipt.stage.value == "promised" for receipt in split(promised))


def test_golden_disclosure__read__gives_the_commitment_and_no_more() -> None:
    disclosure = parse_disclosure(stored("part.disclosure.json"))
    assert recompute(disclosure) == disclosure.receipt.entry.sha256
    assert disclosure.shown.keys() == {*ALWAYS_SHOWN, "name", "holders", "extra"}
    assert make.RECORD["number"].encode() not in stored("part.disclosure.json")


def test_golden_envelope__opened__the_file() -> None:
    plain = io.BytesIO()
    decrypt_stream(io.BytesIO(stored("document.envelope")), plain, key=make.ENVELOPE_KEY)
    assert plain.getvalue() == make.PLAIN


def test_golden_code__read_with_the_checkpoint__proves_what_it_shows() -> None:
    proof = parse_qr(stored("part.qr.txt").decode())
    assert proof.to_text().encode() == stored("part.qr.txt")
    receipt = proof.receipt(stored("checkpoint").decode())
    assert inclusion_error(receipt) is None
    disclosure = proof.disclosure(receipt)
    assert disclosure is not None
    assert recompute(disclosure) == receipt.entry.sha256
    assert disclosure.shown == {name: make.RECORD[name] for name in ("name", "valid_to")}


def test_golden_tlog_proof__read__proves_the_entry() -> None:
    proof = parse_tlog_proof(stored("anchored.tlog-proof"))
    assert proof.to_bytes() == stored("anchored.tlog-proof")
    assert proof.extra is not None
    assert proof.proves(proof.extra)


def test_golden_erasures__read__each_proves_itself_by_its_entry() -> None:
    origin, listed = parse_erasures(stored("erasures.json"))
    assert write_erasures(origin, listed) == stored("erasures.json")
    assert [item.index for item in listed if proves(item, origin, stored("erasure.entry"))] == [make.INDEX]
    assert [item.order for item in listed] == [make.ORDER] * 2


def test_golden_exports__read__as_they_were_made() -> None:
    credential = parse_credential(stored("copy.vc.jwt"))
    assert credential.jws.verifies(make.SIGNER.public_key)
    assert recompute(credential.disclosure) == credential.disclosure.receipt.entry.sha256
    marked = parse_status_list(stored("suspension.status.jwt"))
    assert marked.jws.verifies(make.SIGNER.public_key)
    assert [marked.marks(place_of(make.ORIGIN, index)[1]) for index in (2, 3, 9)] == [True, False, True]
    bundle = read_bundle(io.BytesIO(stored("evidence.bundle.zip")))
    assert (len(bundle.disclosures), len(bundle.receipts), len(bundle.events)) == (1, 1, 0)
    snapshot = parse_snapshot(stored("snapshot.json"))
    assert bundle.snapshot == snapshot
    assert verify("intl", make.SIGNER.public_key, snapshot.signature, snapshot.signed_bytes)
    assert (snapshot.sequence, dict(snapshot.complete_to)) == (7, {make.ORIGIN: make.SIZE})


def test_golden_archive__read__only_what_nobody_can_check_without_a_trust_file_is_open() -> None:
    package = read_package(io.BytesIO(stored("items.archive.zip")))
    found = {finding.code: finding.outcome for finding in check_package(package, None, make.START)}
    assert {code for code, outcome in found.items() if outcome is not Outcome.PASS} == {
        "log_signature", "opens", "format_unknown", "virus",
    }  # fmt: skip
    assert (package.fonds, package.year, package.retention.value) == ("J012", 2026, "D30")


def test_golden_trust__read__signed_and_each_key_in_its_time() -> None:
    trust = parse_trust(stored("trust.json"))
    signed_by_council_of(trust, trust)
    old, new = trust.keys_of(make.ORIGIN)
    assert (old.ed25519, new.ed25519) == (make.SIGNER.public_key, make.SECOND.public_key)
    assert [key.valid_at(make.START + late) for late in (-1, 0, 10**9) for key in (old, new)] == [
        True, False, True, True, False, True,
    ]  # fmt: skip


def test_golden_receipts__by_the_golden_trust_file__in_the_log_and_signed() -> None:
    """Receipts of every stage, by a trust file in which the log's key has a successor since."""
    trust = parse_trust(stored("trust.json"))
    now = Millis(make.START + 60_000)
    for stage in ("promised", "included", "anchored", "evidenced"):
        inclusion, signature = check_receipt(parse_receipt(stored(f"{stage}.receipt.json")), trust, now)
        assert inclusion.outcome is (Outcome.SKIPPED if stage == "promised" else Outcome.PASS)
        assert (signature.outcome, signature.case) == (Outcome.PASS, "promise" if stage == "promised" else "checkpoint")


def test_golden_snapshot__read__signed_by_the_trust_files_key() -> None:
    found, trust = parse_snapshot(stored("full.snapshot.json")), parse_trust(stored("trust.json"))
    assert why_not(found, trust, Millis(found.time * 1000)) is None
    assert found.erasures == {(make.ORIGIN, 2): make.ORDER}
    assert found.complete_to == {make.ORIGIN: make.SIZE}


def test_golden_packed_snapshot__read__the_same_facts_as_the_other_form() -> None:
    plain, packed = parse_snapshot(stored("snapshot.json")), open_snapshot(io.BytesIO(stored("snapshot.packed")))
    packed.check_all()
    assert verify("intl", make.SIGNER.public_key, packed.signature, packed.signed_bytes)
    assert packed.counted == plain.counted == (1, 1)
    assert packed.checkpoint_at(make.ORIGIN, make.SIZE) == plain.checkpoint_at(make.ORIGIN, make.SIZE)
    [key] = plain.decisions
    assert packed.decisions_about(key) == plain.decisions_about(key)
    assert (packed.departments, packed.complete_to) == (plain.departments, plain.complete_to)


def test_golden_equivocation_and_event__read__written_the_same() -> None:
    assert parse_equivocation(stored("two-roots.equivocation.json")).to_json() == stored("two-roots.equivocation.json")
    assert parse_event(stored("grant.event.json")).to_json() == stored("grant.event.json")


def test_golden_cosigned_checkpoint_and_heads__read__hold() -> None:
    note = parse_note(stored("cosigned.checkpoint").decode())
    witness = WitnessKey("witness.example/w1", make.SECOND.public_key)
    assert cosigners(note, [witness]) == [witness]
    heads = parse_heads(parse_record(stored("heads.record.json")))
    assert [(h.origin, h.size) for h in heads.heads] == [(make.ORIGIN, make.SIZE)]
    found = parse_equivocation(stored("two-roots.equivocation.json"))
    again = find(found.origin, found.second, found.first)
    assert again is not None
    assert again.what is found.what


def test_golden_salts__read__each_receipts_own() -> None:
    found = read_salts(stored("backfill.salts.json"))
    assert (found.origin, found.first, found.salts) == (make.ORIGIN, 4, make.SALT * 2)
