"""From a notary's log over a QBFT node's blocks to a receipt that verifies offline, and what it says before that."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from ledger.types import Address, ChainHash, Contract, DepartmentCode, Millis
from notary.checkpoint import parse_checkpoint
from notary.entry import log_id, parse_origin
from notary.event_proof import evidence_of
from notary.evidence import Evidence, Presented
from notary.receipt import NoEvidence, QbftEvidence, parse_receipt
from notary.receipts import parse_bundle, split
from notary.report import CheckName, Outcome
from notary.service import Notary
from notary.stores.records import CheckpointRow
from notary.trust import LogKey, TrustFile, ValidatorSet, make_trust, parse_trust
from notary.verify import verify
from tests.databases import sqlite_in
from tests.fakes.notary import ORIGIN, STORAGE_KEY, Rig
from tests.fakes.qbft import addresses, validators
from tests.fakes.registry import certificate, signer
from tests.unit.ledger.test_evm_capture import World
from tests.unit.ledger.test_evm_indexer import ADDRESSES, emitted

ISSUER = parse_origin(ORIGIN).issuer


class Place:
    """A notary whose anchors are those of a QBFT node's index."""

    def __init__(self, folder: Path) -> None:
        self.rig = Rig(folder / "notary")
        (folder / "chain").mkdir()
        self.world = World(sqlite_in(folder / "chain"))
        self.notary = Notary(
            self.rig.notary.store.engine,
            folder / "logs",
            self.rig.notary.signers,
            storage_key=STORAGE_KEY,
            clock=self.rig.clock,
            anchors=self.world.reader,
            evidence=lambda anchor: evidence_of(self.world.store.of_anchor(anchor)),
        )
        department = ISSUER.encode().ljust(32, b"\0")
        self.world.say(
            emitted(
                "AnchorLog",
                "LogOpened",
                logId=log_id(ORIGIN),
                department=department,
                origin=ORIGIN,
                operator="0x" + "0a" * 20,
            )
        )

    def anchor(self) -> None:
        """Seal the log, put its head on the chain, and index that."""
        self.notary.seal(ORIGIN)
        note = self.notary.logs[ORIGIN].checkpoint_note()
        assert note is not None
        head = parse_checkpoint(note)
        row = self.notary.log(ORIGIN)
        with self.notary.store.transaction() as connection:
            self.notary.store.put_checkpoint(connection, CheckpointRow(row.id, head.size, head.root, note, 0, "key"))
        department = ISSUER.encode().ljust(32, b"\0")
        event = {"logId": log_id(ORIGIN), "department": department, "size": head.size, "root": head.root}
        self.world.say(emitted("AnchorLog", "Anchored", **event))
        self.world.index()

    def trust(self) -> TrustFile:
        chain = self.world.deployment
        listed = ValidatorSet(0, tuple(Address(a) for a in addresses(validators(4))))
        key = LogKey(ORIGIN, ORIGIN, self.notary.signers[ORIGIN].public_key, Millis(0))
        return parse_trust(make_trust(
            network=parse_origin(ORIGIN).network, chain_id=chain.chain_id, genesis_hash=chain.genesis_hash,
            finality="qbft", council=[("owner", signer("owner"))], issued_at=Millis(0), expires=Millis(10**15),
            contracts=[Contract("AnchorLog", Address(ADDRESSES[0]), ChainHash("0x" + "11" * 32), 0)],
            log_keys=[key], validators=[listed], as_of_block=99,
        ))  # fmt: skip


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.notary.close()
    made.rig.notary.close()
    made.world.engine.dispose()


def test_receipt__before_and_after_capture__none_then_qbft_that_verifies_offline(place: Place) -> None:
    record = certificate(issuer=ISSUER)
    [accepted] = place.notary.accept_records(DepartmentCode(ISSUER), ORIGIN, [record])
    index = accepted.receipt.index
    place.anchor()
    early = place.notary.receipt(ORIGIN, index, salted=True)
    assert early.anchor is not None
    assert early.evidence == NoEvidence()
    place.world.node.leave_out = {"extraData"}
    assert not place.world.capture.step()
    assert place.notary.receipt(ORIGIN, index, salted=True).evidence == NoEvidence()
    place.world.node.leave_out = set()
    place.world.time = 6
    assert place.world.capture.step()
    receipt = parse_receipt(place.notary.receipt(ORIGIN, index, salted=True).to_json())
    assert isinstance(receipt.evidence, QbftEvidence)
    [single] = split(parse_bundle(place.notary.receipts(ORIGIN, index, 1).to_json()))
    assert single.evidence == receipt.evidence
    now = Millis(10**14)
    report = verify(Presented(receipt, record), Evidence(), place.trust(), now, now)
    for name in (CheckName.CONTENT, CheckName.INCLUSION, CheckName.SIGNATURE, CheckName.ANCHORED, CheckName.FINAL):
        assert report.check(name).outcome is Outcome.PASS, report.check(name)


def test_receipt__anchor_vanished_from_the_chain__takes_its_evidence_along(place: Place) -> None:
    [accepted] = place.notary.accept_records(DepartmentCode(ISSUER), ORIGIN, [certificate(issuer=ISSUER)])
    place.anchor()
    place.world.capture.step()
    place.world.node.shorten(1)
    place.world.node.mine()
    place.world.index()
    receipt = place.notary.receipt(ORIGIN, accepted.receipt.index, salted=False)
    assert (receipt.anchor, receipt.evidence) == (None, None)
