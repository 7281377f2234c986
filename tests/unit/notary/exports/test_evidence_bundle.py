"""Evidence bundles: one way to write each, nothing in them that isn't listed, and what their events can say."""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from api.verifications.decoding import decoded
from ledger.errors import ChuzhengError, InputError, UnreadableError
from ledger.evidence.events import Event
from ledger.types import Address, BlockTime, ChainHash, Contract, Digest, Millis
from notary.canonical import canonicalise
from notary.commitment import commit
from notary.disclosure import make_disclosure, parse_disclosure
from notary.entry import status_key
from notary.event_proof import EventProof, parse_event
from notary.evidence import Evidence, Presented
from notary.exports.bundle_facts import with_events
from notary.exports.bundle_writing import Contents as PartsOf
from notary.exports.bundle_writing import write_bundle
from notary.exports.evidence_bundle import (
    MANIFEST,
    EvidenceBundle,
    parts_of,
)
from notary.exports.evidence_bundle import read_bundle as read_opened
from notary.receipt import ReceiptAnchor, parse_receipt
from notary.report import Verdict
from notary.snapshot_facts import with_snapshot
from notary.trust import TrustFile
from notary.verify import verify
from tests.apart import traced_peak
from tests.fakes.chain import ANCHOR_LOG, GENESIS_TIME
from tests.fakes.qbft import make_block
from tests.fakes.registry import ISSUER
from tests.golden import make
from tests.unit.ledger.event_logs import all_events, arguments, log
from tests.unit.notary.sealed_receipt import RECORD, SIGNERS, Sealed, sealed
from tests.unit.notary.test_snapshot_making import KEY, snapshot_of
from tests.zips import Contents, make_bundle, read_zip, write_zip

__all__ = ["sealed"]
STATUS_CONTRACT = Address("0x" + "c5" * 20)


@pytest.fixture(scope="module")
def quorum(vectors: Path) -> Contents:
    """What a real network's verifiers held: receipts, a disclosure of one, a grant's event."""
    folder = vectors / "quorum"
    receipts = [(folder / f"{i}.receipt.json").read_bytes() for i in range(3)]
    record, receipt = json.loads((folder / "0.record.json").read_bytes()), parse_receipt(receipts[0])
    assert receipt.salt is not None
    assert commit(record, receipt.salt).sha256 == receipt.entry.sha256
    disclosure = make_disclosure(record, receipt.salt, ["name"], receipt)
    event = (folder / "grant.event.json").read_bytes()
    return Contents(parse_event(event).network, (disclosure,), tuple(receipts), (event,))


def read_bundle(data: bytes) -> EvidenceBundle:
    return read_opened(io.BytesIO(data))


def test_bundle__made_in_any_order__same_bytes_and_no_salt(quorum: Contents) -> None:
    data = make_bundle(quorum)
    again = Contents(quorum.network, quorum.disclosures, quorum.receipts[::-1], quorum.events * 2)
    assert make_bundle(again) == data
    found = read_bundle(data)
    assert (len(found.disclosures), len(found.receipts), len(found.events)) == (1, 3, 1)
    assert all(receipt.salt is None for receipt in found.receipts.values())
    assert parse_receipt(quorum.receipts[0]).salt is not None
    assert b'"salt":"' not in b"".join(read_zip(data)[name] for name in found.receipts)
    assert len(list(parts_of(found))) == 4


def test_bundle__of_a_share__names_the_grant_and_what_it_lacks(quorum: Contents) -> None:
    grant = Digest(bytes([3]) * 32)
    made = make_bundle(Contents(quorum.network, events=quorum.events, grant=grant, lacking=frozenset({"gateway_logs"})))
    found = read_bundle(made)
    assert (found.grant, set(found.lacking)) == (grant, {"gateway_logs"})


def test_make__nothing_or_of_two_networks__refused(quorum: Contents) -> None:
    with pytest.raises(InputError) as found:
        make_bundle(Contents("test"))
    assert found.value.code == "bundle.empty"
    with pytest.raises(InputError) as found:
        make_bundle(Contents(quorum.network, receipts=(*quorum.receipts, make.receipt().to_json())))
    assert found.value.code == "bundle.networks"


def changed(data: bytes, change: Any) -> bytes:
    held = read_zip(data)
    change(held)
    return write_zip(held)


def manifest(change: Any) -> Any:
    def apply(held: dict[str, bytes]) -> None:
        value = json.loads(held[MANIFEST])
        change(value)
        held[MANIFEST] = canonicalise(value)

    return apply


def first(held: dict[str, bytes], folder: str) -> str:
    return next(name for name in held if name.startswith(folder))


def exchange(held: dict[str, bytes]) -> None:
    names = [name for name in held if name.startswith("receipts/")]
    held[names[0]] = held[names[1]]


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda held: held.pop(MANIFEST), "bundle.no_manifest"),
        (lambda held: held.pop(first(held, "receipts/")), "bundle.missing"),
        (lambda held: held.update({"extra.txt": b"x"}), "bundle.extra"),
        (lambda held: held.update({"receipts/x.receipt.json": b"x"}), "bundle.extra"),
        (exchange, "bundle.exchanged"),
        (manifest(lambda m: m["members"].pop()), "bundle.extra"),
        (manifest(lambda m: m["members"].reverse()), "bundle.manifest"),
        (manifest(lambda m: m["members"].append(m["members"][0])), "bundle.manifest"),
        (manifest(lambda m: m["members"][0].update(media_type="text/html")), "bundle.manifest"),
        (manifest(lambda m: m.update(format="chuzheng-bundle/2")), "format.unknown"),
        (manifest(lambda m: m.update(more=1)), "format.member_unknown"),
        (manifest(lambda m: m.update(subject="share")), "format.member_unknown"),
        (manifest(lambda m: m.update(grant="00" * 32)), "format.member_unknown"),
        (manifest(lambda m: m.update(lacking=["anything"])), "format.list"),
        (lambda held: held.update({MANIFEST: held[MANIFEST] + b" "}), "bundle.manifest"),
    ],
)
def test_read__not_as_written__refused(quorum: Contents, change: Any, code: str) -> None:
    with pytest.raises(UnreadableError) as found:
        read_bundle(changed(make_bundle(quorum), change))
    assert found.value.code == code


def test_read__receipt_with_its_salt__refused(quorum: Contents) -> None:
    held = read_zip(make_bundle(Contents(quorum.network, receipts=quorum.receipts[:1])))
    name = first(held, "receipts/")
    held[name] = salted = quorum.receipts[0]

    def told(m: Any) -> None:
        m["members"][0].update(sha256=hashlib.sha256(salted).hexdigest(), size=len(salted))

    manifest(told)(held)
    whole = write_zip(held)
    with pytest.raises(UnreadableError) as found:
        read_bundle(whole)
    assert found.value.code == "bundle.salt"


@settings(max_examples=60, deadline=None)
@given(st.data())
def test_read__any_bit_flipped__refused(quorum: Contents, data: st.DataObject) -> None:
    whole = bytearray(make_bundle(quorum))
    at = data.draw(st.integers(0, len(whole) * 8 - 1))
    whole[at // 8] ^= 1 << at % 8
    with pytest.raises(ChuzhengError):
        read_bundle(bytes(whole))


def decided(sealed: Sealed, code: int, *, event: str = "Decided", number: int = 1, after: int = 50) -> EventProof:
    """A decision about the world's receipt in a block of our own making, as an event file's content."""
    receipt = sealed.receipt
    assert receipt.anchor is not None
    [told] = [e for contract, e in all_events() if (contract, e.name) == ("CertificateStatus", event)]
    time = BlockTime(receipt.anchor.block_time + after)
    known = {
        "key": status_key(receipt.entry.issuer, receipt.entry.sha256), "number": number, "code": code, "cause": 0,
        "department": ISSUER.encode().ljust(32, b"\0"), "effectiveFrom": time - 1, "basis": bytes(32),
        "successor": bytes(32), "until": 0, "ends": 0,
    }  # fmt: skip
    args = {name: known.get(name, value) for name, value in arguments(Random(1), told).items()}
    made = log(STATUS_CONTRACT, told, args)
    raw = Event(STATUS_CONTRACT, tuple(bytes.fromhex(t[2:]) for t in made.topics), bytes.fromhex(made.data[2:]))
    block = make_block([[raw]], SIGNERS, number=receipt.anchor.block_number + after, time=time)
    place = ReceiptAnchor(
        receipt.anchor.chain_id, receipt.anchor.genesis_hash, STATUS_CONTRACT, ChainHash("0x" + "00" * 32),
        receipt.anchor.block_number + after, ChainHash(block.hash), time,
    )  # fmt: skip
    return EventProof("test", "CertificateStatus", raw.topics, raw.data, place, block.evidence(0, 0))


def trust_of(sealed: Sealed, **changes: Any) -> TrustFile:
    code = ChainHash("0x" + "11" * 32)
    contracts = [
        Contract("AnchorLog", Address(ANCHOR_LOG), code, 0),
        Contract("CertificateStatus", STATUS_CONTRACT, code, 0),
    ]
    return sealed.trust(contracts=contracts, snapshot_key=KEY.public_key, **changes)


def judged(sealed: Sealed, events: list[EventProof], *, at: int, with_snapshot_of: bool = False) -> Verdict | None:
    """Offline by the bundle alone; `at` seconds after the receipt's block."""
    trust, presented = trust_of(sealed), Presented(sealed.with_evidence(), RECORD)
    assert sealed.receipt.anchor is not None
    now = Millis((sealed.receipt.anchor.block_time + 200) * 1000)
    moment = Millis((sealed.receipt.anchor.block_time + at) * 1000)
    evidence = Evidence()
    if with_snapshot_of:
        evidence = with_snapshot(evidence, snapshot_of(sealed.world, []), presented, trust, now)
    evidence = with_events(evidence, events, presented, trust=trust, at=moment, now=now, decode=decoded)
    return verify(presented, evidence, trust, moment, now).verdict


def test_events__revoked_and_proven__not_in_force_up_to_that_block(sealed: Sealed) -> None:
    assert judged(sealed, [], at=50) is Verdict.CANNOT_CHECK
    assert judged(sealed, [decided(sealed, 7)], at=50) is Verdict.NOT_IN_FORCE
    assert judged(sealed, [decided(sealed, 7)], at=60) is Verdict.CANNOT_CHECK  # later: it may have been annulled


def test_events__annulled_again_or_resumed__prove_nothing(sealed: Sealed) -> None:
    struck = [decided(sealed, 7), decided(sealed, 7, event="Annulled", after=55)]
    assert judged(sealed, struck, at=55) is Verdict.CANNOT_CHECK
    assert judged(sealed, [decided(sealed, 1)], at=50) is Verdict.CANNOT_CHECK


def test_events__seal_broken_or_of_another_certificate__dont_count(sealed: Sealed) -> None:
    good = decided(sealed, 7)
    broken = replace(good, data=good.data[:-1] + bytes([good.data[-1] ^ 1]))
    other = replace(good, topics=(good.topics[0], bytes(32), *good.topics[2:]))
    assert judged(sealed, [broken], at=50) is Verdict.CANNOT_CHECK
    assert judged(sealed, [other], at=50) is Verdict.CANNOT_CHECK


def test_events__a_snapshot_answers_too__the_snapshot_counts(sealed: Sealed) -> None:
    at = sealed.world.chain.head().time - GENESIS_TIME
    assert sealed.receipt.anchor is not None
    inside = at - (sealed.receipt.anchor.block_time - GENESIS_TIME)
    assert judged(sealed, [decided(sealed, 7)], at=inside, with_snapshot_of=True) is Verdict.VALID


def test_disclosure_in_it__as_given(quorum: Contents) -> None:
    found = read_bundle(make_bundle(quorum))
    [disclosure] = found.disclosures.values()
    assert disclosure == parse_disclosure(quorum.disclosures[0])


def test_bundle__large__its_parts_are_never_held_together(tmp_path: Path) -> None:
    names = [f"k{i:05}" for i in range(8)]
    record = {**make.RECORD, **dict.fromkeys(names, "x" * 100_000)}
    shown = []
    for number in range(20):
        entry = replace(make.receipt().entry, sha256=commit(record, bytes([number]) * 32).sha256)
        receipt = replace(make.receipt(), entry=entry)
        shown.append(make_disclosure(record, bytes([number]) * 32, record.keys(), receipt))
    paths = [tmp_path / f"{number}.disclosure.json" for number in range(20)]
    for path, data in zip(paths, shown, strict=True):
        path.write_bytes(data)
    assert traced_peak(_bundle_of, paths, tmp_path / "a.bundle.zip") < 12_000_000
    whole = (tmp_path / "a.bundle.zip").read_bytes()
    assert len(whole) > 16_000_000
    assert whole == make_bundle(Contents("golden", tuple(shown)))


def _bundle_of(paths: list[Path], to: Path) -> None:
    with to.open("w+b") as out:
        made = write_bundle(out, PartsOf("golden", [path.read_bytes for path in paths]))
        assert sum(1 for _ in parts_of(made)) == len(paths)


def test_make__part_that_changes_meanwhile__refused(quorum: Contents) -> None:
    turns = iter(quorum.receipts)
    with pytest.raises(InputError) as found:
        write_bundle(io.BytesIO(), PartsOf(quorum.network, receipts=[lambda: next(turns)]))
    assert found.value.code == "bundle.changed"
