"""`chuzheng-event/1`: from a node's blocks through capture to a file that the trust file alone judges."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest

from ledger.errors import ChuzhengError, UnreadableError
from ledger.types import Address, ChainHash, Contract, Millis
from notary.event_proof import EventProof, evidence_of, judge_event, parse_event, proof_of_event
from notary.receipt import NoEvidence, QbftEvidence
from notary.report import Outcome
from notary.trust import TrustFile, ValidatorSet, make_trust, parse_trust
from tests.databases import sqlite_in
from tests.fakes.qbft import addresses, validators
from tests.fakes.registry import signer
from tests.unit.ledger.test_evm_capture import World
from tests.unit.ledger.test_evm_indexer import ADDRESSES, KEY, NAMES, decided

NOW = Millis(2_000)


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    made = World(sqlite_in(tmp_path_factory.mktemp("events")))
    made.say(decided(1), decided(2))
    made.index()
    made.capture.step()
    yield made
    made.engine.dispose()


@pytest.fixture(scope="module")
def proof(world: World) -> EventProof:
    """The second decision about KEY."""
    block, tx_hash, captured = world.store.of_subject("CertificateStatus", KEY, 99)[1]
    assert captured is not None
    chain = {"chain_id": world.deployment.chain_id, "genesis": world.deployment.genesis_hash}
    return proof_of_event(captured, block, tx_hash, network="test", name="CertificateStatus", **chain)  # type: ignore[arg-type]


def trust(proof: EventProof, **changes: Any) -> TrustFile:
    contracts = [Contract(n, Address(a), ChainHash("0x" + "11" * 32), 0) for n, a in zip(NAMES, ADDRESSES, strict=True)]
    listed = ValidatorSet(0, tuple(Address(a) for a in addresses(validators(4))))
    return parse_trust(make_trust(**{
        "network": "test", "chain_id": proof.place.chain_id, "genesis_hash": proof.place.genesis_hash,
        "finality": "qbft", "council": [("owner", signer("owner"))], "contracts": contracts, "log_keys": [],
        "validators": [listed], "issued_at": Millis(1_000), "as_of_block": 99, **changes,
    }))  # fmt: skip


def test_event__captured_and_written__passes_by_the_trust_file_alone(proof: EventProof) -> None:
    again = parse_event(proof.to_json())
    assert again == proof
    assert again.to_json() == proof.to_json()
    judged = judge_event(again, trust(proof), NOW)
    assert (judged.outcome, judged.code) == (Outcome.PASS, "sealed")


def test_evidence_of__nothing_captured__none() -> None:
    assert evidence_of(None) == NoEvidence()


def place(proof: EventProof, **changes: Any) -> EventProof:
    return replace(proof, place=replace(proof.place, **changes))


def first_log(proof: EventProof) -> EventProof:
    assert isinstance(proof.evidence, QbftEvidence)
    return replace(proof, evidence=replace(proof.evidence, log_index=0))


WRONG: dict[str, tuple[Callable[[EventProof], EventProof], str]] = {
    "another topic": (lambda p: replace(p, topics=(*p.topics[:1], bytes(32), *p.topics[2:])), "evidence.topics"),
    "a topic less": (lambda p: replace(p, topics=p.topics[:-1]), "evidence.topics"),
    "other data": (lambda p: replace(p, data=p.data[:-1] + b"\1"), "evidence.data"),
    "another contract's name": (lambda p: replace(p, name="AnchorLog"), "evidence.contract"),
    "another contract": (lambda p: place(p, contract=ADDRESSES[0]), "evidence.contract"),
    "another block": (lambda p: place(p, block_number=7), "evidence.place"),
    "another time": (lambda p: place(p, block_time=7), "evidence.place"),
    "another chain": (lambda p: place(p, chain_id=7), "evidence.chain"),
    "the first decision": (first_log, "evidence.data"),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_event__not_what_was_emitted__fails(proof: EventProof, case: str) -> None:
    change, code = WRONG[case]
    judged = judge_event(change(proof), trust(proof), NOW)
    assert (judged.outcome, judged.code) == (Outcome.FAIL, code)


def sets(count: int = 4, **changes: Any) -> list[ValidatorSet]:
    return [ValidatorSet(0, tuple(Address(a) for a in addresses(validators(count))), **changes)]


@pytest.mark.parametrize(
    ("changes", "outcome", "code"),
    [
        ({"finality": "none"}, Outcome.UNKNOWN, "other_rule"),
        ({"network": "other"}, Outcome.UNKNOWN, "other_network"),
        ({"validators": []}, Outcome.UNKNOWN, "trust.no_set"),
        ({"validators": sets(5)}, Outcome.FAIL, "evidence.validators"),
        ({"validators": sets(5), "as_of_block": 0}, Outcome.UNKNOWN, "trust.stale"),
        ({"validators": sets(compromised_since=Millis(5))}, Outcome.UNKNOWN, "trust.compromised"),
        ({"contracts": []}, Outcome.FAIL, "evidence.contract"),
        ({"expires": Millis(1_001)}, Outcome.UNKNOWN, "trust_expired"),
    ],
)
def test_event__trust_file_says_otherwise__judged_as_checkpoints_are(
    proof: EventProof, changes: dict[str, Any], outcome: Outcome, code: str
) -> None:
    judged = judge_event(proof, trust(proof, **changes), NOW)
    assert (judged.outcome, judged.code) == (outcome, code)


def test_event__no_evidence_or_no_trust_file__unknown(proof: EventProof) -> None:
    assert judge_event(replace(proof, evidence=NoEvidence()), trust(proof), NOW).code == "no_evidence"
    assert judge_event(proof, None, NOW).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    "change",
    [
        lambda v: v.pop("data"),
        lambda v: v.update(extra=1),
        lambda v: v.update(format="chuzheng-event/2"),
        lambda v: v.update(topics=[]),
        lambda v: v.update(topics=v["topics"] * 2),
        lambda v: v.update(topics=[v["topics"][0].upper()]),
        lambda v: v.update(data=v["data"] + "\n"),
        lambda v: v["place"].pop("tx_hash"),
        lambda v: v["evidence"].update(kind="other"),
    ],
)
def test_parse_event__sloppy__unreadable(proof: EventProof, change: Any) -> None:
    value = json.loads(proof.to_json())
    change(value)
    with pytest.raises(UnreadableError):
        parse_event(json.dumps(value).encode())


def test_event__any_byte_changed__never_passes(proof: EventProof) -> None:
    data, believed = proof.to_json(), trust(proof)
    hint = data.index(b'"tx_hash"')
    for at in range(0, len(data), 29):
        if hint <= at < hint + 80:
            continue
        changed = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        try:
            judged = judge_event(parse_event(changed), believed, NOW)
        except ChuzhengError:
            continue
        assert judged.outcome is not Outcome.PASS, at
    assert isinstance(proof.evidence, QbftEvidence)
