"""Capturing evidence: final blocks with something of ours, whole or not at all, and again later."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy.engine import Engine

from ledger.errors import IntegrityError, NotFoundError, UnavailableError
from ledger.evidence.events import proven_event
from ledger.evidence.header import parse_header
from ledger.evidence.sealed import SealedBlock, sealed_block
from ledger.evidence.sets import listed_sets
from ledger.evm.capture import Capture, fetch_block, validator_sets
from ledger.evm.profiles import ANVIL, BESU_QBFT, GETH_CLIQUE, QUORUM_QBFT
from ledger.store.evidence import EvidenceStore
from ledger.store.index import IndexReader
from ledger.types import ChainHash
from tests.fakes.qbft import addresses, validators
from tests.fakes.qbft_node import QbftNode
from tests.unit.ledger.test_evm_indexer import ADDRESSES, KEY, LOG, NAMES, anchored, decided, opened
from tests.unit.ledger.test_evm_indexer import World as IndexWorld

BLOCKS: list[dict[str, Any]] = json.loads(
    (Path(__file__).resolve().parents[2] / "vectors" / "qbft" / "blocks.json").read_text()
)["blocks"]


class VectorNode:
    """Serves the recorded blocks; `receipts` says whether it has eth_getBlockReceipts."""

    def __init__(self, *, receipts: bool = True) -> None:
        self.receipts, self.calls = receipts, 0

    def call(self, method: str, *params: Any) -> Any:
        [answer] = self.batch([(method, params)])
        if isinstance(answer, Exception):
            raise answer
        return answer

    def batch(self, calls: Any) -> list[Any]:
        return [self._answer(method, *params) for method, params in calls]

    def _answer(self, method: str, at: str, *_: Any) -> Any:
        from ledger.evm.rpc import RpcError

        self.calls += 1
        if method == "eth_getTransactionReceipt":
            return next(r for b in BLOCKS for r in b["receipts"] if r["transactionHash"] == at)
        block = next(b for b in BLOCKS if b["header"]["number"] == at)
        if method == "eth_getBlockByNumber":
            return {**block["header"], "transactions": [r["transactionHash"] for r in block["receipts"]]}
        return block["receipts"] if self.receipts else RpcError(method, -32601, "no such method")


@pytest.mark.parametrize("receipts", [True, False])
@pytest.mark.parametrize("block", BLOCKS, ids=lambda b: str(int(b["header"]["number"], 16)))
def test_fetch__recorded_network__every_event_proven(block: dict[str, Any], receipts: bool) -> None:
    header = block["header"]
    found = fetch_block(VectorNode(receipts=receipts), int(header["number"], 16), ChainHash(header["hash"]))  # type: ignore[arg-type]
    position = 0
    for i, receipt in enumerate(block["receipts"]):
        for j, log in enumerate(receipt["logs"]):
            proof = found.prove(position)
            assert (proof.tx_index, proof.log_index, proof.event.address) == (i, j, log["address"])
            root = parse_header(proof.header).receipts_root
            assert proven_event(root, i, j, proof.receipt_proof) == proof.event
            position += 1
    with pytest.raises(NotFoundError):
        found.prove(position)


def _whole() -> tuple[dict[str, Any], list[dict[str, Any]]]:
    block = next(b for b in BLOCKS if b["receipts"])
    return dict(block["header"]), [dict(r) for r in block["receipts"]]


@pytest.mark.parametrize("field", [n for n in _whole()[0] if n != "hash"])
def test_sealed_block__header_field_left_out_or_altered__unavailable(field: str) -> None:
    for value in (None, "", "0x", "nonsense", 7, "0xfe"):
        header, receipts = _whole()
        expected = ChainHash(header["hash"])
        header[field] = value
        with pytest.raises(UnavailableError):
            sealed_block(header, receipts, expected)
    header, receipts = _whole()
    del header[field]
    with pytest.raises(UnavailableError):
        sealed_block(header, receipts, ChainHash(header["hash"]))


@pytest.mark.parametrize("field", ["status", "cumulativeGasUsed", "logsBloom", "logs"])
def test_sealed_block__receipt_field_left_out__unavailable(field: str) -> None:
    header, receipts = _whole()
    del receipts[0][field]
    with pytest.raises(UnavailableError):
        sealed_block(header, receipts, ChainHash(header["hash"]))


def test_sealed_block__seals_short_receipt_missing_or_another_block__unavailable() -> None:
    tampered = json.loads((Path(__file__).resolve().parents[2] / "vectors" / "qbft" / "tampered.json").read_text())
    for case in tampered["cases"]:
        hash_ = ChainHash(case["header"]["hash"])
        if case["expected"] == "accept":
            assert isinstance(sealed_block(case["header"], case["receipts"], hash_), SealedBlock)
            continue
        with pytest.raises(UnavailableError):
            sealed_block(case["header"], case["receipts"], hash_)
    header, receipts = _whole()
    with pytest.raises(UnavailableError):
        sealed_block(header, receipts, ChainHash("0x" + "00" * 32))


class World(IndexWorld):
    """The indexer's world on a QBFT chain, with evidence beside the index."""

    node: QbftNode

    def __init__(self, engine: Engine) -> None:
        super().__init__(engine)
        self.node = QbftNode(ADDRESSES)
        self.deployment = self.node.deployment(*NAMES)
        self.store = EvidenceStore(self.engine)
        self.time = 0.0
        self.capture = self.again()

    def again(self, **changes: Any) -> Capture:
        profile = replace(QUORUM_QBFT, **changes)
        reader = IndexReader(self.engine, profile.finality_depth)
        return Capture(self.store, reader, self.node, profile, clock=lambda: self.time)  # type: ignore[arg-type]

    def index(self) -> None:
        self.indexer().catch_up()


@pytest.fixture
def world(engine: Engine) -> World:
    world = World(engine)
    world.say(opened())
    world.say(anchored(3), decided(1))
    world.node.mine(3)
    world.say(decided(2), anchored(7))
    world.index()
    return world


def test_capture__anchors_and_decisions_alike__proven(world: World) -> None:
    assert world.store.of_anchor(world.reader.anchors_above(LOG, 0, 2)[0][0]) is None
    assert world.capture.step()
    assert not world.capture.step()
    for anchor in world.reader.anchors_above(LOG, 0, 2)[0]:
        proof = world.store.of_anchor(anchor)
        assert proof is not None
        assert proof.event.address == anchor.contract
        assert proof.event.data == anchor.size.to_bytes(32, "big") + anchor.root
        header = parse_header(proof.header)
        assert (header.hash, header.number, header.time) == (anchor.block_hash, anchor.block_number, anchor.block_time)
        assert proven_event(header.receipts_root, proof.tx_index, proof.log_index, proof.receipt_proof) == proof.event
    decisions = world.store.of_subject("CertificateStatus", KEY, 10**6)
    assert [found is not None and int.from_bytes(found.event.data[:32], "big") for _, _, found in decisions] == [1, 2]
    assert len(world.store.of_subject("CertificateStatus", KEY, decisions[0][0].number)) == 1


def test_capture__blocks_without_anything_of_ours__not_fetched(world: World) -> None:
    world.node.calls.clear()
    world.capture.step()
    assert world.node.calls.count("eth_getBlockByNumber") == 3


@pytest.mark.parametrize("profile", [ANVIL, GETH_CLIQUE])
def test_capture__engine_without_seals__nothing_asked(world: World, profile: Any) -> None:
    world.node.calls.clear()
    assert not Capture(world.store, world.reader, world.node, profile).step()  # type: ignore[arg-type]
    assert world.node.calls == []
    assert BESU_QBFT.sealed_headers


def test_capture__not_final_yet__waits(world: World) -> None:
    deep = world.again(finality_depth=3)
    assert deep.step()
    assert len(world.store.missing(-1, 10**6, 9)) == 1
    world.node.mine(3)
    world.index()
    assert deep.step()
    assert world.store.missing(-1, 10**6, 9) == []


@pytest.mark.parametrize("field", ["extraData", "receiptsRoot", "logs", "logsBloom", "transactions", "mixHash"])
def test_capture__node_cant_give_all_fields__none_and_again_later(world: World, field: str) -> None:
    world.node.leave_out = {field}
    assert not world.capture.step()
    assert len(world.store.missing(-1, 10**6, 9)) == 3
    world.node.leave_out = set()
    world.node.calls.clear()
    assert not world.capture.step()  # it isn't asked at once again
    assert world.node.calls == []
    world.time = 6
    assert world.capture.step()
    assert world.store.missing(-1, 10**6, 9) == []


def test_capture__one_block_cant_be_had__the_others_are(world: World) -> None:
    world.node.fail("eth_getBlockReceipts")
    assert world.capture.step()
    assert len(world.store.missing(-1, 10**6, 9)) == 1
    world.time = 6
    assert world.capture.step()
    assert world.store.missing(-1, 10**6, 9) == []


def test_capture__node_without_block_receipts__one_by_one(world: World) -> None:
    world.node.block_receipts = False
    assert world.capture.step()
    assert world.store.missing(-1, 10**6, 9) == []


def test_capture__headers_with_later_forks_fields__whole(world: World) -> None:
    world.node.later_fields = True
    world.say(anchored(9))
    world.index()
    world.capture.step()
    [anchor] = world.reader.anchors_above(LOG, 8)[0]
    proof = world.store.of_anchor(anchor)
    assert proof is not None
    assert len(parse_header(proof.header).items) == 16


def test_capture__chain_shortened_and_grown_anew__the_new_blocks_evidence(world: World) -> None:
    while world.capture.step():
        pass
    world.node.shorten(5)
    world.index()
    world.say(decided(1), anchored(4))
    world.node.mine(9)
    world.index()
    world.capture.step()
    assert world.store.of_anchor(world.reader.anchors_above(LOG, 0)[0][0]) is None  # below what was looked at
    world.time = 601
    world.capture.step()
    [anchor] = world.reader.anchors_above(LOG, 0)[0]
    proof = world.store.of_anchor(anchor)
    assert proof is not None
    assert proof.event.data[:32] == (4).to_bytes(32, "big")


def test_capture__twice_and_by_two__once_in_the_store(world: World) -> None:
    first, second = world.again(), world.again()
    assert first.step()
    assert not second.step()
    for number, block in enumerate(world.node.blocks[1:], 1):
        world.store.put(ChainHash(block.hash), number, fetch_block(world.node, number, ChainHash(block.hash)))  # type: ignore[arg-type]


def test_validator_sets__of_a_chain_that_changes_them__each_from_its_first_header(world: World) -> None:
    first = world.node.blocks[-1].number
    world.node.mine(250)
    world.node.signers = validators(5)
    world.node.mine(2)
    world.node.signers = validators(5)[::-1]  # the same ones, listed in another order
    world.node.mine()
    world.node.signers = validators(4)
    world.node.mine(2)
    last = world.node.blocks[-1].number
    change, back = first + 251, first + 254
    found = validator_sets(world.node, 1, last)  # type: ignore[arg-type]
    assert [(each.from_block, each.until_block, len(each.validators)) for each in found] == [
        (1, change, 4), (change, back, 5), (back, None, 4),
    ]  # fmt: skip
    assert validator_sets(world.node, change, last) == found[1:]  # type: ignore[arg-type]
    assert set(found[0].validators) == set(addresses(validators(4)))


def test_validator_sets__header_skipped_swapped_or_unsealed__noticed(world: World) -> None:
    headers = [made.header() for made in world.node.made.values()]
    assert len(listed_sets(headers)) == 1
    unsealed = next(iter(world.node.made.values())).sealed([])
    for wrong in ([headers[0], headers[2]], [headers[1], headers[0]], [headers[0], headers[0]], [unsealed.header()]):
        with pytest.raises(IntegrityError, match="chain_broken"):
            listed_sets(wrong)
