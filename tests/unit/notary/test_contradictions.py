"""What verification meets becomes a proof that lasts, and kept proofs reach the receipts that they speak against."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from ledger.types import Digest
from notary.checkpoint import Checkpoint, sign_checkpoint
from notary.collect import Collector
from notary.contradictions import known_against, met
from notary.equivocation import SignedHead, What, find, judge, parse_equivocation
from notary.evidence import Evidence, LogSeen, Presented
from notary.report import CheckName, Outcome, Verdict
from notary.stores.equivocations import Equivocations
from notary.verify import verify
from tests.fakes.registry import World, certificate, signer


@pytest.fixture
def world() -> World:
    return World()


def evidence_of(world: World, presented: Presented) -> Evidence:
    return Collector(world.chain, world.log).collect(presented, world.make_trust(), world.now)


def test_met__another_leaf_than_promised__proof_that_anybody_judges(world: World, tmp_path: Path) -> None:
    record = certificate()
    promised = world.register(record)
    world.entries[promised.index] = replace(promised.entry, sm3=Digest(bytes(32))).to_bytes()
    world.seal()
    trust = world.make_trust()
    found = met(promised, evidence_of(world, Presented(promised, record)), trust)
    assert found is not None
    assert found.what is What.OTHER_LEAF
    kept = Equivocations(tmp_path / "equivocations")
    path = kept.keep(found)
    assert judge(parse_equivocation(path.read_bytes()), trust, world.now).outcome is Outcome.PASS
    # Offline, later, without any log: the kept proof alone fails check 5 of the receipt that it contradicts.
    told = known_against(promised, kept.all(), trust, world.now)
    report = verify(Presented(promised, record), Evidence(equivocations=told), trust, world.now, world.now)
    assert report.check(CheckName.SIGNATURE).outcome is Outcome.FAIL
    assert report.verdict is Verdict.PROOF_INVALID


@pytest.mark.parametrize("stage", ["promised", "included"])
def test_met__receipt_that_somebody_edited__accuses_nobody(world: World, stage: str) -> None:
    record = certificate()
    receipt = world.register(record)
    world.seal()
    if stage == "included":
        receipt = world.receipt(0, stage="included")
        assert receipt.checkpoint is not None
        note = sign_checkpoint(Checkpoint(world.origin, world.size, Digest(bytes(32))), world.origin, signer("x"))
        receipt = replace(receipt, checkpoint=note)
    else:
        receipt = replace(receipt, entry=replace(receipt.entry, sm3=Digest(bytes(32))))
    assert met(receipt, evidence_of(world, Presented(receipt, record)), world.make_trust()) is None


def test_met__another_root_of_the_log__two_roots(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    other = sign_checkpoint(Checkpoint(world.origin, world.size, Digest(bytes(32))), world.origin, signer("log"))
    trust = world.make_trust()
    evidence = replace(evidence_of(world, Presented(receipt, record)), log=LogSeen(other))
    found = met(receipt, evidence, trust)
    assert found is not None
    assert found.what is What.TWO_ROOTS
    strange = sign_checkpoint(Checkpoint(world.origin, world.size, Digest(bytes(32))), world.origin, signer("x"))
    assert met(receipt, replace(evidence, log=LogSeen(strange)), trust) is None


def test_met__chain_holds_another_root__anchor_differs(world: World) -> None:
    record = certificate()
    world.register(record)
    world.seal()
    receipt = world.receipt(0, stage="included")
    world.chain.anchor(world.log_id, world.size, Digest(bytes(32)))
    world.chain.mine(20)
    found = met(receipt, evidence_of(world, Presented(receipt, record)), world.make_trust())
    assert found is not None
    assert found.what is What.ANCHOR_DIFFERS


def test_met__one_history__none(world: World) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    assert met(receipt, evidence_of(world, Presented(receipt, record)), world.make_trust()) is None


def test_known__proof_about_other_entries__does_not_touch_this_receipt(world: World, tmp_path: Path) -> None:
    record = certificate()
    receipt = world.anchored_record(record)
    trust, size = world.make_trust(), world.size + 5
    notes = [
        sign_checkpoint(Checkpoint(world.origin, size, Digest(bytes([n]) * 32)), world.origin, signer("log"))
        for n in range(2)
    ]
    proof = find(world.origin, SignedHead(notes[0]), SignedHead(notes[1]))
    assert proof is not None
    assert known_against(receipt, [proof], trust, world.now) == ()
